"""What spreadsheets destroy is found, in every kind of file, and what a person typed is not taken for it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from export_session.sheet.read import Sheet, read_sheet
from export_session.sheet.workbooks import BEFORE
from export_session.sheet.write import write_rows

# The element, what the site says, and what a spreadsheet made of it
DESTROYED = [
    ("PatientID", "007", "7"),
    ("PatientID", "0012.50", "12.5"),
    ("AccessionNumber", "12345678901234567", "12345678901234500"),
    ("AccessionNumber", "12345678901234567", "1.23457E+16"),
    ("PatientID", "1E5", "100000"),
    ("PatientID", "1E5", "1.00E+05"),
    ("SoftwareVersions", "1.10", "1.1"),
    ("StudyTime", "093000", "93000"),
    ("StudyTime", "000130", "130"),
    ("StudyInstanceUID", "1.20", "1.2"),
    ("StudyInstanceUID", "12345678901234567890", "1.2E+19"),
    ("StudyID", "3-4", "04. Mrz"),
    ("StudyID", "3-4", "4-Mar"),
    ("StudyID", "3-4", "03.04.2026"),
    ("StudyDescription", "2020-01-31", "31.01.2020"),
    ("StudyDescription", "2020-01-31", "1/31/2020"),
    ("session.label", "2020-01-31", "1/31/20"),
    ("session.label", "09:30", "09:30:00"),
    ("PatientID", "TRUE", "WAHR"),
    ("PatientName", "張^小東", "?^??"),
    ("PatientName", "Müller^Jörg", "MÃ¼ller^JÃ¶rg"),
    ("PatientWeight", "1234567.5", "1.23457E+06"),
    ("subject.label", "0815", "815"),
    ("ACME 1.1, 0019xx0C", "0100", "100"),
    ("ReferencedStudySequence[0].ReferencedSOPInstanceUID", "1.2", "1.2E+00"),
]
# The same without a word of what was there
DOUBTFUL = ["1.2E+30", "1,2E+30", "#N/A", "#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "Err:502", "####", "TRUE", "FALSE"]
DOUBTFUL += ["3-Jan", "Jan-80", "MÃ¼ller", "M\ufffdller"]
# The element, what is there and what a person makes of it
MEANT = [
    ("PatientID", "007", "008"),
    ("PatientID", "007", "70"),
    ("PatientWeight", "75.0", "75"),
    ("PatientWeight", "75.5", "76"),
    ("PatientWeight", "0.0000120001", "1.2E-05"),
    ("EchoTime", "4.60", "4.6"),
    ("StudyDate", "20200131", "31.01.2020"),
    ("StudyDate", "2020-01-31", "20200131"),
    ("StudyTime", "093000", "0930"),
    ("PatientName", "Müller^Jörg", "Mueller^Joerg"),
    ("PatientName", "Mller", "Müller"),
    ("PatientName", "Doe?", "Doe^Jane"),
    ("StudyDescription", "MR 2020-01-31", "MR 31.01.2020"),
    ("StudyDescription", "2020-01-31", "2020-02-28"),
    ("StudyDescription", "Market 5-Mar", "May be"),
    ("SeriesDescription", "T1", "True T1"),
    ("PatientAge", "034Y", "34Y"),
]

Read = Callable[[str, str, str], Sheet]


def long_csv(path: Path, target: str, current: str, new: str) -> Sheet:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["element", "current", "new"], [target, current, new]])
    return read_sheet(path)


def long_book(path: Path, target: str, current: str, new: str) -> Sheet:
    write_rows([["element", "current", "new"], [target, current, new]], path.with_suffix(".xlsx"))
    return read_sheet(path.with_suffix(".xlsx"))


def template(path: Path, target: str, current: str, new: str) -> Sheet:
    path, rows = path.with_suffix(".xlsx"), [["id", target], ["a1", current]]
    write_rows(rows, path, {BEFORE: rows})
    book = openpyxl.load_workbook(path)
    book["Corrections"]["B2"] = new
    book["Corrections"]["B2"].data_type = "s"
    book.save(path)
    return read_sheet(path)


@pytest.fixture(params=[long_csv, long_book, template], ids=lambda read: read.__name__)
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Read:
    return lambda *said: request.param(tmp_path / "sheet.csv", *said)


@pytest.mark.parametrize(("target", "current", "new"), DESTROYED)
def test_what_was_destroyed_is_named_by_its_cell(read: Read, target: str, current: str, new: str) -> None:
    sheet = read(target, current, new)
    (problem,) = sheet.problems
    assert problem.split(":")[0] in {"sheet.csv!C2", "Corrections!C2", "Corrections!B2"}
    assert sheet.corrections == ()


@pytest.mark.parametrize("text", DOUBTFUL)
def test_what_looks_destroyed_is_refused_though_nobody_knows_what_was_there(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sheet.csv"
    for target in ("PatientID", "PatientName", "SOPInstanceUID", "subject.label"):
        path.write_text(f"element;new\n{target};{text}\n", encoding="utf-8")
        assert [problem.split(":")[0] for problem in read_sheet(path).problems] == ["sheet.csv!B2"], target


@pytest.mark.parametrize(("target", "current", "new"), MEANT)
def test_what_a_person_typed_is_a_correction(read: Read, target: str, current: str, new: str) -> None:
    sheet = read(target, current, new)
    assert sheet.problems == ()
    assert [(one.new, one.current) for one in sheet.corrections] == [(new, current)]


@pytest.mark.parametrize(("target", "current", "new"), DESTROYED)
def test_it_can_be_meant_all_the_same(read: Read, target: str, current: str, new: str) -> None:
    sheet = read(target, current, f'<json> "{new}"')
    assert sheet.problems == ()
    assert [one.new for one in sheet.corrections] == [new]


CELLS: dict[str, tuple[str, Any, str]] = {  # the element, what the cell holds, and its format
    "formula": ("PatientID", "=1+1", "General"),
    "logical value": ("PatientID", True, "General"),
    "error": ("PatientID", "#N/A", "General"),
    "date": ("StudyDate", date(2020, 1, 31), "dd.mm.yyyy"),
    "date and time": ("AcquisitionDateTime", datetime(2020, 1, 31, 12, 30), "dd.mm.yyyy hh:mm"),  # noqa: DTZ001
    "time": ("StudyTime", time(9, 30), "hh:mm"),
    "long number": ("PatientID", 1234567890123456789, "General"),
    "short time": ("StudyTime", 93000, "General"),
    "UID": ("StudyInstanceUID", 1.2, "General"),
    "percentage": ("PatientWeight", 0.75, "0%"),
    "date in a selector": ("subject", date(2020, 1, 31), "yyyy-mm-dd"),
    "formula as a heading": ("heading", "=1+1", "General"),
}


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_that_is_no_text_is_refused_where_it_cannot_be_told_what_was_typed(tmp_path: Path, kind: str) -> None:
    target, value, form = CELLS[kind]
    book = openpyxl.Workbook()
    book.active.append(["subject", "PatientName" if target in ("subject", "heading") else target])
    book.active.append(["sub-1", "Doe"])
    cell = book.active[{"subject": "A2", "heading": "B1"}.get(target, "B2")]
    cell.value, cell.number_format = value, form
    book.save(tmp_path / "a.xlsx")
    sheet = read_sheet(tmp_path / "a.xlsx")
    assert [problem.split(":")[0] for problem in sheet.problems] == [f"Sheet!{cell.coordinate}"]
    assert sheet.corrections == ()


@pytest.mark.parametrize(
    ("target", "value", "form", "read"),
    [
        ("PatientID", 1234, "General", "1234"),
        ("PatientID", 7, "000", "007"),
        ("PatientWeight", 75.5, "General", "75.5"),
        ("PatientWeight", 75.099999999999994, "0.00", "75.1"),
        ("PatientWeight", 0.00001, "0.00E+00", "0.00001"),
        ("PatientWeight", 5.0, "General", "5"),
        ("StudyDate", 20200131, "General", "20200131"),
        ("StudyTime", 123000, "General", "123000"),
        ("StudyTime", 123000.5, "General", "123000.5"),
    ],
)
def test_a_number_is_read_as_it_is_shown(tmp_path: Path, target: str, value: float, form: str, read: str) -> None:
    book = openpyxl.Workbook()
    book.active.append([target])
    book.active.append([value])
    book.active["A2"].number_format = form
    book.save(tmp_path / "a.xlsx")
    sheet = read_sheet(tmp_path / "a.xlsx")
    assert sheet.problems == ()
    assert [one.new for one in sheet.corrections] == [read]


def test_merged_cells_are_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["subject", "PatientName"], ["a", "Doe"], ["b", None]):
        book.active.append(row)
    book.active.merge_cells("B2:B3")
    book.save(tmp_path / "a.xlsx")
    (problem,) = read_sheet(tmp_path / "a.xlsx").problems
    assert problem.startswith("Sheet!B2:B3: these cells are merged")


def test_all_problems_are_told_at_once_in_the_order_of_the_cells_and_quote_no_value(tmp_path: Path) -> None:
    rows = ["subject,PatientName,Secret,PatientID,", "a,MÃ¼ller,x,1.2E+30,stray", "b,<doe>,y,#N/A", "c,Doe,z,7"]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    sheet = read_sheet(tmp_path / "a.csv")
    cells = [problem.split(":")[0].removeprefix("a.csv!") for problem in sheet.problems]
    assert cells == ["C1", "B2", "D2", "E2", "B3", "D3"]
    for value in ("ller", "1.2E", "stray", "doe", "#N/A"):
        assert value not in "".join(sheet.problems)
