"""Flywheel fields for DICOM elements: an absent value never writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session import field_mapping as mapping
from export_session.errors import ConfigError

SOURCES: dict[str, dict[str, Any]] = {
    "subject": {"label": "S1", "sex": "female"},
    "session": {"label": "V1", "age": 1_000_000_000, "weight": 61.5, "info": {"title": "Baseline", "n": 3}},
    "acquisition": {"label": "T1"},
    "file": {"name": "a.dcm"},
}


def test_the_built_in_mapping() -> None:
    assert mapping.built_in(True).overrides(SOURCES) == {
        "PatientID": "S1",
        "PatientSex": "F",
        "PatientAge": 1_000_000_000,
        "PatientWeight": 61.5,
        "StudyID": "V1",
        "SeriesDescription": "T1",
    }
    assert mapping.built_in(False).overrides(SOURCES) == {}


@given(st.sampled_from([None, "", "unknown", "UNKNOWN", " Unknown ", [], {}]), st.sampled_from(list(mapping.BUILT_IN)))
def test_what_says_nothing_writes_nothing(value: Any, keyword: str) -> None:
    level, _, field = mapping.BUILT_IN[keyword].partition(".")
    sources = {**SOURCES, level: {**SOURCES[level], field: value}}
    assert keyword not in mapping.built_in(True).overrides(sources)


@pytest.mark.parametrize(
    ("sex", "written"), [("male", "M"), ("female", "F"), ("other", "O"), ("unknown", None), ("x", None)]
)
def test_sex(sex: str, written: str | None) -> None:
    overrides = mapping.built_in(True).overrides({**SOURCES, "subject": {"sex": sex}})
    assert overrides.get("PatientSex") == written


def test_rows_are_added_replaced_and_disabled(tmp_path: Path) -> None:
    rows = tmp_path / "map.yaml"
    rows.write_text("StudyDescription: session.info.title\nPatientID: session.label\nStudyID: null\n")
    overrides = mapping.with_file(mapping.built_in(True), rows).overrides(SOURCES)
    assert (overrides["StudyDescription"], overrides["PatientID"]) == ("Baseline", "V1")
    assert "StudyID" not in overrides


def test_a_time_is_written_as_dicom_writes_it(tmp_path: Path) -> None:
    rows = tmp_path / "map.json"
    rows.write_text('{"StudyDate": "session.timestamp", "StudyTime": "session.timestamp"}')
    session = {"timestamp": "2024-01-31T23:30:00.000+00:00", "timezone": "Europe/Berlin"}
    overrides = mapping.with_file(mapping.built_in(False), rows).overrides({"session": session})
    assert overrides == {"StudyDate": "20240201", "StudyTime": "003000"}


@pytest.mark.parametrize(
    "text", ["- a list", "PatientID: [", "Patient: subject.label", "PatientID: label", "PatientID: 5"]
)
def test_rows_that_cannot_be_used_are_refused(tmp_path: Path, text: str) -> None:
    rows = tmp_path / "map.yaml"
    rows.write_text(text)
    with pytest.raises(ConfigError):
        mapping.with_file(mapping.built_in(True), rows)
