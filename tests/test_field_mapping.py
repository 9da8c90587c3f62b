"""Flywheel fields for DICOM elements: an absent value never writes."""

from __future__ import annotations

from typing import Any

import flywheel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session import field_mapping as mapping
from export_session.field_mapping import FieldMapping

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


def test_a_time_is_written_as_dicom_writes_it() -> None:
    session = {"timestamp": "2024-01-31T23:30:00.000+00:00", "timezone": "Europe/Berlin"}
    rows = {"StudyDate": "session.timestamp", "StudyTime": "session.timestamp"}
    overrides = FieldMapping(rows).overrides({"session": session})
    assert overrides == {"StudyDate": "20240201", "StudyTime": "003000"}


@pytest.mark.parametrize(
    ("said", "written"),
    [
        *(("34Y", "034Y"), ("34 years", "034Y"), ("1 year", "001Y"), ("18 Months", "018M"), ("6w", "006W")),
        *(("010D", "010D"), ("3 days", "003D"), (34, "34"), (34.5, "34.5"), ("about 30", "about 30")),
    ],
)
def test_an_age_of_another_field_means_what_its_unit_says(said: Any, written: str) -> None:
    rows = {"PatientAge": "session.info.age"}
    assert FieldMapping(rows).overrides({"session": {"info": {"age": said}}}) == {"PatientAge": written}


def test_the_age_of_a_session_is_in_seconds() -> None:
    rows = {"PatientAge": "session.age"}
    assert FieldMapping(rows).overrides({"session": {"age": 86400}}) == {"PatientAge": 86400}


def test_a_constant_stands_for_itself() -> None:
    rows = {"InstitutionName": "=Our Hospital", "StudyDate": "=2020-01-31", "PatientComments": "= a.b "}
    assert FieldMapping(rows).overrides({}) == {
        "InstitutionName": "Our Hospital",
        "StudyDate": "20200131",
        "PatientComments": "a.b",
    }


def test_a_row_that_found_no_value_in_any_file_is_named() -> None:
    rows = {"StudyDescription": "session.info.titel", "PatientName": "subject.info.name", "PatientAge": "session.age"}
    given = FieldMapping(rows, frozenset({"StudyDescription", "PatientName"}))
    [remark] = given.unused([{"PatientName"}, frozenset()])
    assert "session.info.titel" in remark
    assert "StudyDescription" in remark


def test_the_fields_are_those_of_the_sdk() -> None:
    for level, fields in mapping.FIELDS.items():
        model = getattr(flywheel, "FileEntry" if level == "file" else level.title())
        assert not set(fields) - set(model.attribute_map.values()), level


@pytest.mark.parametrize(
    ("keyword", "text", "written"),
    [
        ("StudyTime", "2020-01-31", "2020-01-31"),  # holds no time: the element's own rules refuse it
        ("StudyTime", "20200131", "20200131"),
        ("StudyDate", "2020-W05", "2020-W05"),
        ("StudyTime", "2020-01-31T12:30:15.500000", "123015.5"),
        ("AcquisitionDateTime", "2020-01-31", "20200131"),
        ("AcquisitionDateTime", "2020-01-31T12:30:15.25+02:00", "20200131123015.25+0200"),
        ("StudyDate", "2020-01-31T23:59:00Z", "20200131"),
    ],
)
def test_a_time_gains_and_loses_nothing(keyword: str, text: str, written: str) -> None:
    rows = {keyword: "session.info.when"}
    assert FieldMapping(rows).overrides({"session": {"info": {"when": text}}}) == {keyword: written}


def test_true_is_no_age() -> None:
    rows = {"PatientAge": "session.info.age"}
    assert FieldMapping(rows).overrides({"session": {"info": {"age": True}}}) == {"PatientAge": True}
