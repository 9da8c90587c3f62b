"""The dicom-map input: what it may say, and what is said of what it may not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from export_session import field_mapping
from export_session.dicom_map import with_dicom_map
from export_session.errors import ConfigError
from export_session.field_mapping import FieldMapping


def read(folder: Path, text: str, *, built_in: bool = False) -> FieldMapping:
    path = folder / "map.yaml"
    path.write_text(text)
    return with_dicom_map(field_mapping.built_in(built_in), path)


def problems(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        read(folder, text)
    return error.value.problems


def test_rows_are_added_replaced_and_disabled(tmp_path: Path) -> None:
    rows = "StudyDescription: session.info.title\nPatientID: session.label\nStudyID: null\n"
    mapping = read(tmp_path, rows, built_in=True)
    assert mapping.rows == {
        **{key: source for key, source in field_mapping.BUILT_IN.items() if key != "StudyID"},
        "StudyDescription": "session.info.title",
        "PatientID": "session.label",
    }
    assert mapping.given == {"StudyDescription", "PatientID"}


def test_without_the_built_in_rows_its_own_are_all(tmp_path: Path) -> None:
    assert read(tmp_path, "PatientID: session.label").rows == {"PatientID": "session.label"}


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_is_read_however_it_is_indented(tmp_path: Path, indent: int | str | None) -> None:
    rows = {"PatientID": "subject.code", "InstitutionName": "=Klinik für Ä"}
    assert read(tmp_path, json.dumps(rows, indent=indent)).rows == rows


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("PatientID: [", 1, "expected"),
        ("StudyID: null\nPatientName: 'x", 2, "end of stream"),
        ("Patient: subject.label", 1, "not a DICOM keyword"),
        ("StudyID: null\n\npatientid: subject.label", 3, "did you mean PatientID?"),
        ("Patient Nam: subject.label", 1, "did you mean PatientName?"),
        ("PatientID: label", 1, "label is not a Flywheel field"),
        ("# rows\nPatientID: subject.lable", 2, "did you mean subject.label?"),
        ("PatientID: sesion.label", 1, "did you mean session.label?"),
        ("PatientID: subjekt.info.mrn", 1, "did you mean subject.info.mrn?"),
        ("PatientID: subject.info", 1, "subject.info.title"),
        ("PatientID: subject.info.", 1, "subject.info.title"),
        ("PatientID: subject.info..a", 1, "subject.info..a"),
        ("PatientID: 5", 1, '"=5"'),
        ("StudyDate: 2020-01-31", 1, '"=2020-01-31"'),
        ("PatientID: =", 1, "says nothing"),
        ("PatientID: =unknown", 1, "says nothing"),
        ("PatientID: [subject.label]", 1, "one Flywheel field"),
        ("PatientID: {a: subject.label}", 1, "one Flywheel field"),
        ("ReferencedStudySequence: subject.label", 1, "sequence"),
        ("PatientID: subject.label\nStudyID: null\nPatientID: subject.code", 3, "two rows"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    [problem] = problems(tmp_path, text)
    assert f"map.yaml, line {line}, column " in problem
    assert said in problem


def test_all_rows_that_cannot_be_used_are_named_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, "Patient: subject.label\nStudyID: subject.id\nPatientName: subject.label\n")
    assert ["line 1" in found[0], "line 2" in found[1], len(found)] == [True, True, 2]


@pytest.mark.parametrize("text", ["- a list", "", "just text"])
def test_what_holds_no_rows_is_refused(tmp_path: Path, text: str) -> None:
    [problem] = problems(tmp_path, text)
    assert "must hold rows" in problem


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_bytes(b"PatientID: \xff\xfe")
    with pytest.raises(ConfigError, match="not readable"):
        with_dicom_map(field_mapping.built_in(False), path)
