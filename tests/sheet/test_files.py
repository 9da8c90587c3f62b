"""Sheets are read from whatever they were saved in; what cannot be read says how to save it."""

from __future__ import annotations

import re
import time
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from export_session.sheet import workbooks, write
from export_session.sheet.model import UNSAID, Correction, Place, Selector
from export_session.sheet.read import Sheet, read_sheet
from export_session.sheet.write import write_rows, write_sheet

HEAD, ROW = (
    ["subject", "file", "PatientName", "StudyDescription", "reason"],
    ["007", "ä.dcm", "Müller^張", "one", "typo"],
)
LINES = "subject,file,PatientName,StudyDescription,reason\r\n007,ä.dcm,Müller^張,one,typo\r\n"


def says_the_same(sheet: Sheet) -> bool:
    said = {(one.target, one.new, one.reason, one.selector) for one in sheet.corrections}
    where = Selector(subject="007", file="ä.dcm")
    return not sheet.problems and said == {
        ("PatientName", "Müller^張", "typo", where),
        ("StudyDescription", "one", "typo", where),
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("first", ["", "sep={}\r\n"])
def test_text_in_utf_8_or_16_with_any_separator(tmp_path: Path, encoding: str, separator: str, first: str) -> None:
    text = first.format(separator) + LINES.replace(",", separator)
    mark = "\ufeff" if encoding.endswith("e") else ""
    (tmp_path / "any name").write_bytes((mark + text).encode(encoding))
    assert says_the_same(read_sheet(tmp_path / "any name"))


def test_quoted_line_feeds_separators_and_quotation_marks_are_part_of_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'\r\nid;PatientComments;PatientName\r\nx;"one\r\ntwo; ""three""";Doe\r\n;;\r\ny;Four;\r\n')
    sheet = read_sheet(path)
    assert [(str(one.place), one.new) for one in sheet.corrections] == [
        ("a.csv!B3", 'one\r\ntwo; "three"'),
        ("a.csv!C3", "Doe"),
        ("a.csv!B5", "Four"),
    ]


def test_workbooks_of_openpyxl_and_pandas(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEAD)
    book.active.append(ROW)
    book.save(tmp_path / "a.xlsx")
    pd.DataFrame([ROW], columns=HEAD).to_excel(tmp_path / "b.xlsx", index=False)
    assert says_the_same(read_sheet(tmp_path / "a.xlsx"))
    assert says_the_same(read_sheet(tmp_path / "b.xlsx"))


def test_what_the_document_does_with_pandas_changes_what_it_says_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["subject", "id", "PatientID", "StudyTime", "PatientSex"], ["007", "a", "NA", "093000", "X"]]
    monkeypatch.chdir(tmp_path)
    write_rows(rows, Path("S1_corrections.xlsx"), {workbooks.BEFORE: rows})
    document = Path(__file__).resolve().parents[2] / "docs" / "corrections.md"
    (code,) = re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    exec(code, {"pandas": pd})
    sheet = read_sheet(Path("corrected.xlsx"))
    assert sheet.problems == ()
    assert {one.target: one.new for one in sheet.corrections} == {
        "PatientID": "NA",
        "StudyTime": "093000",
        "PatientSex": "O",
    }


def test_a_cell_far_away_that_is_only_formatted_takes_no_time(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    for row in (["id", "PatientSex"], ["1", "F"]):
        book.active.append(row)
    book.active["XFD1048576"].number_format = "@"
    book.save(path)
    started = time.monotonic()
    (correction,) = read_sheet(path).corrections
    assert (correction.new, str(correction.place)) == ("F", "Sheet!B2")
    assert time.monotonic() - started < 5


def test_the_sheet_named_corrections_is_read_and_else_the_only_one(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["my own notes"])
    path = tmp_path / "a.xlsx"
    named = book.create_sheet("Sheet2")
    named.append(HEAD)
    named.append(ROW)
    book.save(path)
    assert read_sheet(path).problems == (
        "a.xlsx: it has several sheets (Sheet, Sheet2); name the one to be read Corrections.",
    )
    named.title = "Corrections"
    book.save(path)
    assert says_the_same(read_sheet(path))


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "it is empty"),
        (b"\r\n,,\r\n", "it is empty"),
        ("subject,PatientName\n1,Müller".encode("cp1252"), "line 2 is not in UTF-8; save it as xlsx, or as CSV UTF-8"),
        (b"a\0b", "no text"),
        (b'id,PatientName\n1,"Doe', "quotation marks"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old xls format, or has a password"),
        (b"PK\x03\x04" + bytes(100), "no workbook that can be read"),
        (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "ods document"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(tmp_path: Path, content: bytes, advice: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    sheet = read_sheet(tmp_path / "a.csv")
    assert sheet.corrections == ()
    (problem,) = sheet.problems
    assert problem.startswith("a.csv: ")
    assert advice in problem


def test_a_workbook_that_unpacks_to_far_more_than_a_sheet_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "LARGEST", 2**20)
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/a.xml", bytes(2**20 + 1))
    assert "too large" in read_sheet(tmp_path / "a.xlsx").problems[0]


def test_the_long_form_says_what_the_wide_one_says_and_has_conditions(tmp_path: Path) -> None:
    lines = [
        "New,Element,current,Subject,Reason,#mine",
        "Doe,PatientName,Roe,s1,typo,x",
        "<blank>,StudyID,,,,",
        ",PatientID,,,,",
    ]
    (tmp_path / "a.csv").write_text("\n".join([*lines, "1,PatientWeight,<blank>,,,"]), encoding="utf-8")
    sheet = read_sheet(tmp_path / "a.csv")
    assert sheet.problems == ()
    assert [(one.selector.subject, one.target, one.new, one.current, one.reason) for one in sheet.corrections] == [
        ("s1", "PatientName", "Doe", "Roe", "typo"),
        ("", "StudyID", None, UNSAID, ""),
        ("", "PatientWeight", "1", None, ""),
    ]


def test_a_sheet_without_headings_tells_no_value(tmp_path: Path) -> None:
    for lines in ("Doe^Jane,19700131,Secret\nRoe^Jane,19700131,Secret", "element,new,Doe\nDoe^Jane,x,\nJane,Doe,"):
        (tmp_path / "a.csv").write_text(lines, encoding="utf-8")
        problems = read_sheet(tmp_path / "a.csv").problems
        assert len(problems) >= 2
        assert not any(value in "".join(problems) for value in ("Doe", "Jane", "1970", "Secret"))


def test_whatever_cell_of_a_row_is_no_text_is_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["subject", "session", "element", "current", "new", "reason"])
    book.active.append([True, "=1", "=2", "=3", "=4", False])
    book.active.append(["s", "s", "PatientName", True, "Doe", "typo"])
    book.save(tmp_path / "a.xlsx")
    cells = [problem.partition(":")[0].removeprefix("Sheet!") for problem in read_sheet(tmp_path / "a.xlsx").problems]
    assert cells == ["A2", "B2", "C2", "D2", "E2", "F2", "D3"]


def test_what_no_cell_can_hold_is_in_the_csv_file_and_never_taken_for_something_else(tmp_path: Path) -> None:
    long = "x" * 40_000
    for name in ("a.xlsx", "a.csv"):
        write_sheet([Correction(Selector(id="a"), "PatientComments", long, Place(1, 1), exact=True)], tmp_path / name)
    assert [one.new for one in read_sheet(tmp_path / "a.csv").corrections] == [long]
    (problem,) = read_sheet(tmp_path / "a.xlsx").problems
    assert problem.startswith("Corrections!G2: ")


def test_what_has_more_rows_than_a_workbook_is_in_the_csv_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "MOST_ROWS", 3)
    for name, number in (("a.xlsx", 0), ("a.csv", 3)):
        write_rows([["PatientName"], ["a"], ["b"], ["c"]], tmp_path / name)
        sheet = read_sheet(tmp_path / name)
        assert (len(sheet.corrections), bool(sheet.problems)) == (number, not number)


def test_what_is_typed_in_new_cells_of_a_workbook_stays_text(tmp_path: Path) -> None:
    write_rows([["subject", "PatientID"], ["a", ""]], tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["Corrections"]
    assert {cell.number_format for row in sheet.iter_rows() for cell in row} == {"@"}
    assert {each.number_format for each in sheet.column_dimensions.values()} == {"@"}


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        (["subject,PatientNaem", "a,b"], ["B1: it is neither"]),
        (["PatientName,patientName,PatientName", "a,b,c"], ["B1: it is neither", "C1: there is a column"]),
        (["subject,SUBJECT,PatientName", "a,b,c"], ["B1: there is a column of this name already"]),
        (["subject,PatientName,", "a,b,c"], ["C2: its column has no heading"]),
        (["subject,current,PatientName", "a,b,c"], ["B1: a column current needs"]),
        (["subject,element", "a,b"], ["A1: a sheet with a column element or new needs both; new is missing"]),
        (
            ["subject,new", "a,b"],
            ["A1: a sheet with a column element or new needs both; element is missing", "B2: its row"],
        ),
        (["element,new,PatientName", "PatientID,b,c"], ["C1: it is no column"]),
        (["element,new", ",b"], ["B2: its row does not say which element"]),
        (["element,new", "PatientNaem,b"], ["A2: it is neither"]),
        (["PatientName", "<blnak>", "<json> Doe"], ["A2: it is no marker", "A3: what follows <json>"]),
    ],
)
def test_what_is_wrong_with_columns_is_told_by_the_cell(tmp_path: Path, lines: list[str], problems: list[str]) -> None:
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    found = [problem.removeprefix("a.csv!") for problem in read_sheet(tmp_path / "a.csv").problems]
    assert len(found) == len(problems), found
    assert all(one.startswith(wanted) for one, wanted in zip(found, problems, strict=True)), found


def test_ten_thousand_rows_are_read_in_seconds(tmp_path: Path) -> None:
    import time

    head = ["subject", "id", "StudyDate", "PatientName", "PatientID"]
    rows = [["sub-1", f"{number}", "20200131", "Doe^Jane", f"{number:06}"] for number in range(10_000)]
    for name in ("a.xlsx", "a.csv"):
        write_rows([head, *rows], tmp_path / name)
        begin = time.process_time()
        assert len(read_sheet(tmp_path / name).corrections) == 30_000
        assert time.process_time() - begin < 20
