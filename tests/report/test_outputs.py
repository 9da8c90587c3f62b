"""The rows of a session are on the disk before the next step is taken, whatever becomes of the disk or the run."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from export_session.errors import OutputError
from export_session.record import Status
from export_session.report import Outputs, write_reports
from export_session.report.outputs import GrowingTable

Make = Callable[..., Any]


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(tmp_path, "run", "full", "export")


def rows(folder: Path, ending: str = "export_log.csv") -> list[dict[str, str]]:
    with (folder / f"run_{ending}").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def content(path: Path) -> Any:
    """What a file says; a workbook has the hour in it, too."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    return {sheet.title: list(sheet.values) for sheet in openpyxl.load_workbook(path)}


def test_the_files_that_grow_are_there_before_the_first_session(outputs: Outputs, tmp_path: Path) -> None:
    assert {path.name for path in tmp_path.iterdir()} == {
        "run_report.html",
        "run_export_log.csv",
        "run_dicom_changes.csv",
    }
    assert rows(tmp_path) == []
    assert "not ended" in (tmp_path / "run_report.html").read_text()


def test_what_was_kept_is_on_the_disk_and_gives_way_to_what_is_settled(
    outputs: Outputs, tmp_path: Path, session: Make
) -> None:
    done = session()
    outputs.keep(done)
    assert [row["Status"] for row in rows(tmp_path)] == ["created"] * 4
    assert len(rows(tmp_path, "dicom_changes.csv")) == 1
    outputs.settle(replace(done, error="the tag was refused", files=()))
    assert [row["Message"] for row in rows(tmp_path) if row["Container"] == "session"] == ["the tag was refused"]
    assert len(rows(tmp_path)) == 3
    assert rows(tmp_path, "dicom_changes.csv") == []
    outputs.settle(session("sub-02"))
    assert len(rows(tmp_path)) == 7


def test_written_as_it_goes_or_at_once_the_files_are_the_same(tmp_path: Path, rich_run: Make) -> None:
    record = replace(rich_run(), stem="run")
    at_once = [content(path) for path in write_reports(record, tmp_path)]
    outputs = Outputs(tmp_path, "run", "full", "export")
    for session in record.sessions:
        outputs.keep(replace(session, status=Status.FAILED, error="for now"))
        outputs.settle(session)
    assert [content(path) for path in outputs.close(record)] == at_once


def test_equal_values_of_two_sessions_have_equal_hashes(tmp_path: Path, session: Make) -> None:
    outputs = Outputs(tmp_path, "run", "hash", "export")
    for subject in ("sub-01", "sub-02"):
        outputs.settle(session(subject))
    first, second = rows(tmp_path, "dicom_changes.csv")
    assert first["New"] == second["New"]
    assert first["New"].startswith("#")


@pytest.mark.parametrize("made", [lambda _: None, lambda path: path.write_text("")], ids=["absent", "a file"])
def test_a_folder_that_cannot_be_written_to_is_said_before_anything_else(
    tmp_path: Path, made: Callable[[Path], Any]
) -> None:
    made(tmp_path / "output")
    with pytest.raises(OutputError, match="output/ cannot be written"):
        Outputs(tmp_path / "output", "run", "full", "export")


def test_a_disk_that_fills_up_leaves_the_rows_that_were_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = GrowingTable(tmp_path / "t.csv", ("a", "b"))
    table.keep([("1", "2")])
    table.settle()
    table.keep([("3", "4")])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        table.keep([("5", "6" * 100)])
    assert (tmp_path / "t.csv").read_text() == 'a,b\n"1","2"\n"3","4"\n'


def test_a_workbook_that_finds_no_room_leaves_all_else(
    outputs: Outputs, tmp_path: Path, run: Make, session: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs.settle(session())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("openpyxl.Workbook.save", full)
    with pytest.raises(OutputError, match="No space left"):
        outputs.close(run(stem="run"))
    assert {path.name for path in tmp_path.iterdir()} == {
        "run_report.html",
        "run_export_log.csv",
        "run_dicom_changes.csv",
    }
    assert "Exported and verified" in (tmp_path / "run_report.html").read_text()
    assert len(rows(tmp_path)) == 4
