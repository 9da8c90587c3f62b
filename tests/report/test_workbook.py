from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from export_session.report import change_log, export_log, workbook, write_reports
from export_session.report.run_book import ATTENTION
from export_session.report.workbook import Sheet, write_workbook
from tests.report.big import FAILED, FILES, a_big_run

Make = Callable[..., Any]
TYPED = [
    ("LO", "007"),
    ("LO", "1E5"),
    ("LO", "2020-01-02"),
    ("LO", "1/2"),
    ("LO", "#N/A"),
    ("LO", "TRUE"),
    ("LO", "張^小東"),
    ("LO", "_x0041_"),
    ("LO", "12345678901234567890"),
    ("LO", "  padded "),
    ("DA", "20200101"),
    ("UI", "1.2.840.10008.5.1.4.1.1.4"),
    ("IS", "0012"),
]


def cells_of(path: Path, sheet: str = "DICOM changes", column: str = "New") -> list[Any]:
    rows = openpyxl.load_workbook(path)[sheet].iter_rows()
    place = [cell.value for cell in next(rows)].index(column)
    return [row[place] for row in rows]


@pytest.fixture
def written(run: Make, session: Make, file: Make, change: Make, tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    def write(values: list[tuple[str, Any]]) -> tuple[Path, Path]:
        changes = tuple(change(f"E{n}", None, value, vr=vr) for n, (vr, value) in enumerate(values))
        paths = write_reports(run(sessions=(session(files=(file(changes=changes),)),)), tmp_path)
        return paths[1], paths[3]

    return write


def test_text_is_text_as_it_was_typed(written: Callable[..., tuple[Path, Path]]) -> None:
    cells = cells_of(written(TYPED)[1])
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.number_format for cell in cells} == {"@"}
    assert [cell.value.replace("_x005F_", "_") for cell in cells] == [value for _, value in TYPED]


def test_numbers_are_numbers_that_look_as_in_the_file(written: Callable[..., tuple[Path, Path]]) -> None:
    cells = cells_of(written([("DS", "-1024.0"), ("DS", "40"), ("DS", "40.50"), ("US", 7), ("FD", -0.1)])[1])
    assert [(cell.value, cell.number_format) for cell in cells] == [
        (-1024, "0.0"),
        (40, "0"),
        (40.5, "0.00"),
        (7, "General"),
        (-0.1, "General"),
    ]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "\uff1d1"]
)
def test_nothing_is_run_as_a_formula(written: Callable[..., tuple[Path, Path]], text: str) -> None:
    log, book = written([("LO", text)])
    (cell,) = cells_of(book)
    with log.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert cell.data_type == "s"
    assert cell.value == row["New"]
    assert cell.value.startswith("'")


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_reports(a_big_run(), tmp_path_factory.mktemp("big"))[3]


@pytest.fixture(scope="module")
def sheets(big: Path) -> dict[str, Worksheet]:
    return {sheet.title: sheet for sheet in openpyxl.load_workbook(big)}


def test_a_run_is_summed_up_and_told_in_full(sheets: dict[str, Worksheet]) -> None:
    assert list(sheets) == ["Summary", "Attention", "Export log", "DICOM changes"]
    heads = {title: next(sheet.values) for title, sheet in sheets.items()}
    assert heads["Attention"] == ATTENTION
    assert heads["Export log"] == export_log.COLUMNS
    assert heads["DICOM changes"] == change_log.COLUMNS
    sums = {what: value for what, value, _ in sheets["Summary"].values}
    assert sums["Changes"] == (FILES - len(FAILED)) * 40
    assert sheets["DICOM changes"].max_row - 1 == sums["Changes"] + sums["Refused edits"]
    assert "1 of 1 session failed" in sums["Verdict"]


def test_every_sheet_can_be_filtered_and_keeps_its_head_in_view(sheets: dict[str, Worksheet]) -> None:
    for sheet in sheets.values():
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
        widths = [each.width for each in sheet.column_dimensions.values()]
        assert len(widths) == sheet.max_column
        assert all(4 < width <= workbook.WIDEST for width in widths)


def test_one_cause_is_one_row_with_its_remedy_and_all_places(sheets: dict[str, Worksheet]) -> None:
    rows = [dict(zip(ATTENTION, row, strict=True)) for row in list(sheets["Attention"].values)[1:]]
    (overruled,) = [row for row in rows if row["About"] == "PatientID"]
    assert overruled["Places"] == FILES
    assert "PatientID: null" in overruled["What To Do"]
    assert overruled["Where"].count("series-") == FILES
    assert [row["Places"] for row in rows] == [1, FILES, 10, len(FAILED), 10]


def test_what_is_beyond_a_sheet_goes_on_in_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    numbers = [(n,) for n in range(7)]
    write_workbook(tmp_path / "b.xlsx", {"Rows": Sheet(("n",), iter(numbers), 7), "None": Sheet(("n",), [], 0)})
    found = {sheet.title: list(sheet.values) for sheet in openpyxl.load_workbook(tmp_path / "b.xlsx")}
    assert found == {
        "Rows": [("n",), *numbers[:3]],
        "Rows (2)": [("n",), *numbers[3:6]],
        "Rows (3)": [("n",), *numbers[6:]],
        "None": [("n",)],
    }
