from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from export_session.dicom.vocabulary import Cause, Outcome
from export_session.record import RunRecord, Status, Verification
from export_session.report import change_log, export_log, fan_out, summary, write_reports
from export_session.report.cells import CELL_LIMIT
from export_session.report.disclosure import HIDDEN
from export_session.report.run_book import ATTENTION
from export_session.report.workbook import MOST_ROWS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> list[str]:
    """The code words in the first column of the first table under a heading."""
    section = re.split(r"^#+ ", DOCUMENT.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "columns"),
    [
        ("Export log", export_log.COLUMNS),
        ("DICOM change log", change_log.COLUMNS),
        ("Jobs of a fan-out", fan_out.COLUMNS),
        ("Summary of sessions", summary.COLUMNS),
    ],
)
def test_every_column_is_explained_in_its_order(heading: str, columns: tuple[str, ...]) -> None:
    assert tuple(first_cells(heading)) == columns


def test_the_sheets_of_the_workbook_and_their_columns_are_explained(
    run: Callable[..., RunRecord], tmp_path: Path
) -> None:
    book = openpyxl.load_workbook(write_reports(run(), tmp_path)[3], read_only=True)
    assert first_cells("Workbook") == book.sheetnames
    section = DOCUMENT.split("# Workbook\n", 1)[1].split("\n## ")[0]
    assert [column for column in ATTENTION if f"`{column}`" not in section] == []
    assert f"{MOST_ROWS:,}" in section


def test_every_status_is_explained() -> None:
    assert first_cells("Status words") == [status.value for status in Status]


def test_every_word_of_a_cell_is_explained() -> None:
    words = [*Verification, *Cause, *Outcome, "added", "changed", "blanked", "preview", HIDDEN]
    assert [word for word in words if word and f"`{word}`" not in DOCUMENT] == []
    assert f"{CELL_LIMIT:,}" in DOCUMENT
