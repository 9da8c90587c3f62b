"""What is written as a sheet reads as the same, whatever the file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.sheet.model import UNSAID, Correction, Place, Selector
from export_session.sheet.read import read_sheet
from export_session.sheet.spelling import shown
from export_session.sheet.write import write_sheet

TARGETS = ["PatientName", "PatientWeight", "StudyDate", "StudyTime", "SOPInstanceUID", "subject.label", "session.age"]
TARGETS += ["subject.info.consent", "SIEMENS MR HEADER, 0019xx0C", "RequestAttributesSequence[0].StudyID"]
TEMPTING = ["007", "1.2E+30", "=1+1", "-5", "'007", "TRUE", "#N/A", "3-4", "4-Mar", "MÃ¼ller", "Müller", "張^小東", ""]
TEMPTING += ["<blank>", "<json> 1", "_x0041_", " padded ", "a\nb", "a\r\nb", "A\\B", "\x00", "\ud800", "1.50", "0930"]
text = st.sampled_from(TEMPTING) | st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
labels = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=8)


@st.composite
def corrections(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Correction:
    return Correction(
        Selector(draw(labels), draw(labels), draw(labels), draw(labels), draw(st.uuids()).hex),
        draw(st.sampled_from(TARGETS)),
        draw(values),
        Place(1, 1),
        draw(st.just(UNSAID) | values),
        draw(labels),
        exact=True,
    )


@pytest.mark.parametrize("name", ["sheet.xlsx", "sheet.csv"])
@given(st.lists(corrections(json_values | st.just(UNSAID)), min_size=1, max_size=5))
@settings(max_examples=60)
def test_exact_values_come_back_as_they_are_with_all_that_is_said_of_them(name: str, given: list[Correction]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write_sheet(given, path)
        sheet = read_sheet(path)
    assert sheet.problems == ()
    for read, one in zip(sheet.corrections, given, strict=True):
        assert (read.new, type(read.new)) == (one.new, type(one.new))
        assert shown(read.current) == shown(one.current)
        assert (read.current is UNSAID) == (one.current is UNSAID)
        assert (read.selector, read.target, read.reason) == (one.selector, one.target, one.reason)


def test_plain_text_is_plain_and_what_a_spreadsheet_would_change_is_not(tmp_path: Path) -> None:
    new = {"PatientName": "Müller^Jörg", "StudyDate": "20200131", "StudyInstanceUID": "1.2.840.1", "PatientID": "007"}
    path = tmp_path / "a.csv"
    write_sheet([Correction(Selector(), key, text, Place(1, 1), exact=True) for key, text in new.items()], path)
    rows = path.read_text("utf-8-sig").splitlines()
    assert rows[0] == '"subject","session","acquisition","file","element","current","new","reason","id"'
    plain = [f'"{text}"' for text in new.values()]
    assert [row.split(",")[6] for row in rows[1:]] == [*plain[:3], '"<json> ""007"""']
