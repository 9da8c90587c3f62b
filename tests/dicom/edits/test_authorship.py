"""Who wrote a value settles what the bytes do not tell: a person's correction is an edit, a gear's value is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from export_session.dicom import Attribution, Cause, Outcome, rewrite
from export_session.dicom.edits.edit import Decision
from export_session.dicom.edits.find import find_edits
from export_session.dicom.vocabulary import HeaderPath, Options, Writing, Written
from tests.support.instances import UID, Items, file_bytes, instance, series

ADA = Attribution("ada@example.org", "2024-01-01T12:00:00+00:00", "misspelt", "audit trail")
JOB = Attribution("job 7", "2024-01-02T12:00:00+00:00", "", "audit trail")
PERSON, IMPORT, MACHINE = (
    Writing(ADA, by_person=True),
    Writing(ADA, by_person=True, corrects=False),
    Writing(JOB, by_person=False),
)
FMI_MARK = {"TransferSyntaxUID": "1.2.840.10008.1.2.1"}
DOUBTS: list[tuple[str, Items, dict[str, Any]]] = [
    ("lost characters", {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller"}, {"PatientName": "M?ller"}),
    ("stripped name", {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller"}, {"PatientName": "Mller"}),
    ("cut off", {"StudyDescription": "y" * 80}, {"StudyDescription": "y" * 64}),
    ("null", {"PatientComments": "text"}, {"PatientComments": None}),
]
EACH_DOUBT = pytest.mark.parametrize(
    ("elements", "metadata"), [one[1:] for one in DOUBTS], ids=[one[0] for one in DOUBTS]
)


def all_by(writing: Writing | None) -> Written:
    return lambda _place: writing


def decide(elements: Items, metadata: dict[str, Any], written: Written, mark: dict[str, Any] | None = None) -> Decision:
    header = {"dicom": {**(mark or {}), **metadata}}
    return find_edits([instance(elements)], header, None, Options(), written=written)


@EACH_DOUBT
@pytest.mark.parametrize("writing", [None, IMPORT], ids=["nobody knows", "with the whole header"])
def test_a_doubt_stays_where_nothing_settles_it(
    elements: Items, metadata: dict[str, Any], writing: Writing | None
) -> None:
    decision = decide(elements, metadata, all_by(writing))
    assert not decision.edits
    assert "cannot be told" in " ".join(decision.notes)


@EACH_DOUBT
def test_what_a_person_corrected_is_an_edit_though_an_importer_could_have_made_it(
    elements: Items, metadata: dict[str, Any]
) -> None:
    decision = decide(elements, metadata, all_by(PERSON))
    assert [edit.path[0].key.name for edit in decision.edits] == list(metadata)
    assert [edit.attribution for edit in decision.edits] == [ADA]
    assert "cannot be told" not in " ".join(decision.notes)


@EACH_DOUBT
def test_what_a_gear_wrote_is_no_doubt(elements: Items, metadata: dict[str, Any]) -> None:
    decision = decide(elements, metadata, all_by(MACHINE))
    assert not decision.edits
    (note,) = decision.notes
    assert note.startswith(f"{next(iter(metadata))}: last written by job 7")


def test_nothing_is_asked_of_values_that_the_file_explains() -> None:
    asked: list[HeaderPath] = []

    def written(place: HeaderPath) -> None:
        asked.append(place)

    elements: Items = {"PatientName": "Doe", "PatientID": "1"}
    decide(elements, {"PatientName": "Doe", "PatientID": "1"}, written, FMI_MARK)
    assert asked == []
    decide(elements, {"PatientName": "Doe", "PatientID": "2"}, written, FMI_MARK)
    assert set(asked) == {("dicom", "PatientID")}


def write(folder: Path, elements: Items, header: dict[str, Any], written: Written, **options: Any) -> Any:
    source = folder / "a.dcm"
    source.write_bytes(file_bytes(elements))
    return rewrite(source, folder / "target.dcm", header, written=written, **options)


def test_applied_and_refused_edits_name_their_author(tmp_path: Path) -> None:
    header = {"dicom": {**FMI_MARK, "PatientName": "Roe", "PatientBirthDate": "never"}}
    result = write(tmp_path, {"PatientName": "Doe"}, header, all_by(PERSON), on_refused_edit="export")
    assert {one.path: one.attribution for one in (*result.changes, *result.refused)} == {
        "PatientName": ADA,
        "PatientBirthDate": ADA,
    }
    assert [one.outcome for one in result.refused] == [Outcome.REFUSED]


def test_the_header_shows_the_files_value_in_place_of_a_gears(tmp_path: Path) -> None:
    header = {"dicom": {**FMI_MARK, "PatientName": "Roe", "PatientComments": "segmented"}}
    result = write(tmp_path, {"PatientName": "Doe"}, header, all_by(MACHINE))
    assert (result.modified, result.changes, result.refused) == (False, (), ())
    assert result.header["dicom"] == {**FMI_MARK, "PatientName": "Doe"}
    assert [note.partition(":")[0] for note in result.notes] == ["PatientName", "PatientComments"]


def test_a_value_that_could_not_be_written_holds_no_file_back_if_a_gear_wrote_it(tmp_path: Path) -> None:
    header = {"dicom": {**FMI_MARK, "PatientBirthDate": "never", "Rows": 9}}
    assert write(tmp_path, {"PatientName": "Doe", "Rows": 4}, header, all_by(MACHINE)).refused == ()


def test_each_entry_of_an_array_is_its_own_writers() -> None:
    members = series(3, {"SeriesInstanceUID": f"{UID}.1"}, EchoTime=["1", "2", "3"])
    header = {"dicom": dict(FMI_MARK), "dicom_array": {"EchoTime": [7.0, 8.0, 3.0]}}

    def written(place: HeaderPath) -> Writing:
        return PERSON if place == ("dicom_array", "EchoTime", 1) else MACHINE

    decision = find_edits(members, header, written=written)
    ((edit, place),) = [(edit, edit.places[0]) for edit in decision.edits]
    assert (place, edit.attribution) == (("dicom_array", "EchoTime", 1), ADA)
    assert [(one.place, one.value) for one in decision.shown] == [(("dicom_array", "EchoTime", 0), 1.0)]


def test_items_that_a_person_added_are_that_persons(tmp_path: Path) -> None:
    header = {"dicom": {**FMI_MARK, "RequestAttributesSequence": [{"StudyID": "1"}, {"StudyID": "2"}]}}
    elements: Items = {"RequestAttributesSequence": [{"StudyID": "1"}]}
    assert {one.attribution for one in write(tmp_path, elements, header, all_by(PERSON)).changes} == {ADA}
    assert write(tmp_path, elements, header, all_by(MACHINE)).changes == ()


def test_a_mapped_value_that_a_person_asked_for_too_is_that_persons(tmp_path: Path) -> None:
    header = {"dicom": {**FMI_MARK, "PatientID": "P2"}}
    source = tmp_path / "a.dcm"
    source.write_bytes(file_bytes({"PatientID": "P1"}))
    for value, author in (("P2", ADA), ("P3", None)):
        options: dict[str, Any] = {"written": all_by(PERSON), "on_refused_edit": "export"}
        (change,) = rewrite(source, tmp_path / "target", header, {"PatientID": value}, **options).changes
        assert (change.cause, change.new, change.attribution) == (Cause.MAPPING, value, author)
