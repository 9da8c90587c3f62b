"""What a whole rewrite does with edits that cannot be written, character sets, UIDs and previous values."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pydicom
import pytest

from export_session.dicom import Cause, rewrite
from export_session.errors import InvalidEdit, NotDicom
from tests.support import build
from tests.support.dicom_bytes import Form, differences


def one(folder: Path, data: bytes) -> Path:
    source = folder / "source.dcm"
    source.write_bytes(data)
    return source


def series(folder: Path, count: int = 3, **given: Any) -> Path:
    return build.archive(
        folder / "source.zip", {f"{n}.dcm": build.plain(number=n, **given) for n in range(1, count + 1)}
    )


def datasets(target: Path) -> list[pydicom.Dataset]:
    if not zipfile.is_zipfile(target):
        return [pydicom.dcmread(target)]
    with zipfile.ZipFile(target) as file:
        return [pydicom.dcmread(io.BytesIO(file.read(name))) for name in file.namelist()]


def test_invalid_edits_fail_the_file_all_at_once(tmp_path: Path) -> None:
    header = {"dicom": {"PatientName": "x" * 70, "PatientID": "a\nb", "Modality": "CT"}}
    with pytest.raises(InvalidEdit) as failure:
        rewrite(one(tmp_path, build.plain()), tmp_path / "target", header)
    assert "PatientName" in str(failure.value)
    assert "PatientID" in str(failure.value)
    assert "Modality" not in str(failure.value)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("key", ["PatientName", "ImageComments"])
def test_an_edit_of_a_file_that_is_cut_off_fails_it_and_is_named(tmp_path: Path, key: str) -> None:
    source = one(tmp_path, build.plain()[:250])
    with pytest.raises(NotDicom, match=key):
        rewrite(source, tmp_path / "target", {"dicom": {key: "New^Name"}})
    assert not (tmp_path / "target").exists()


def test_invalid_edits_are_skipped_aloud_if_so_asked(tmp_path: Path) -> None:
    header = {"dicom": {"PatientName": "x" * 70, "Modality": "CT"}}
    source = one(tmp_path, build.plain())
    result = rewrite(source, tmp_path / "target", header, on_invalid_edit="skip")
    assert [(change.keyword, change.old, change.new) for change in result.changes] == [("Modality", "MR", "CT")]
    assert [change.keyword for change in result.refused] == ["PatientName"]
    assert result.header["dicom"] == {"PatientName": "Old^Name", "Modality": "CT"}
    assert differences(source.read_bytes(), (tmp_path / "target").read_bytes(), {(0x00080060,)}) == []


def test_a_mapped_value_that_does_not_fit_is_refused_and_the_file_goes_out(tmp_path: Path) -> None:
    result = rewrite(one(tmp_path, build.plain()), tmp_path / "target", {}, {"StudyID": "x" * 17, "PatientID": "new"})
    assert [(change.keyword, change.cause) for change in result.refused] == [("StudyID", Cause.MAPPING)]
    assert [change.keyword for change in result.changes] == ["PatientID"]


def test_a_value_that_one_instance_cannot_take_is_written_to_none(tmp_path: Path) -> None:
    good = build.plain(number=1, charset="ISO_IR 100")
    undecodable = build.plain(number=8, extra=build.element(0x00104000, "LT", b"\xff\xfe"))
    source = build.archive(tmp_path / "source.zip", {"1.dcm": good, "8.dcm": undecodable})
    result = rewrite(source, tmp_path / "target", {}, {"PatientID": "山田"}, on_invalid_edit="skip")
    assert not result.modified
    assert [(change.keyword, change.instances, change.total) for change in result.refused] == [("PatientID", 1, 2)]


def test_a_new_repertoire_is_declared_and_all_text_re_encoded(tmp_path: Path) -> None:
    nested = build.item(build.element(0x00100010, "PN", b"Gr\xfcn"))
    own = build.item(build.element(0x00080005, "CS", b"ISO_IR 144") + build.element(0x00100010, "PN", b"\xb6\xe3\xda"))
    extra = build.element(0x00104000, "LT", b"caf\xe9") + build.sequence(0x00101002, [nested, own], undefined=True)
    source = one(tmp_path, build.plain(extra, charset="ISO_IR 100", name=b"M\xfcller"))
    result = rewrite(source, tmp_path / "target", {"dicom": {"PatientID": "山田"}})
    read = datasets(tmp_path / "target")[0]
    assert (read.SpecificCharacterSet, read.PatientID, read.PatientName) == ("ISO_IR 192", "山田", "Müller")
    assert read.PatientComments == "café"
    assert [str(item.PatientName) for item in read.OtherPatientIDsSequence] == ["Grün", "Жук"]
    assert [change.keyword for change in result.changes] == ["SpecificCharacterSet", "PatientID"]
    assert "PatientID" in result.changes[0].reason


def test_text_that_does_not_decode_forbids_another_repertoire(tmp_path: Path) -> None:
    source = one(tmp_path, build.plain(name=b"M\xfcller"))
    result = rewrite(source, tmp_path / "target", {"dicom": {"PatientID": "山田"}}, on_invalid_edit="skip")
    assert not result.modified
    assert "re-encoded" in result.refused[0].reason


def test_file_meta_and_references_follow_an_edited_uid(tmp_path: Path) -> None:
    reference = build.item(build.element(0x00081155, "UI", b"1.2.3.4.5.1"))
    source = series(tmp_path, extra=build.sequence(0x00081140, [reference]))
    uids = ["9.8.1", "1.2.3.4.5.2", "1.2.3.4.5.3"]
    header = {"dicom": {"StudyInstanceUID": "1.2.3.4"}, "dicom_array": {"SOPInstanceUID": uids}}
    result = rewrite(source, tmp_path / "target", header, edit_uids=True)
    read = datasets(tmp_path / "target")
    assert [(str(d.SOPInstanceUID), str(d.file_meta.MediaStorageSOPInstanceUID)) for d in read] == [
        (u, u) for u in uids
    ]
    assert {str(d.ReferencedImageSequence[0].ReferencedSOPInstanceUID) for d in read} == {"9.8.1"}
    assert [(change.path, change.instances) for change in result.changes] == [
        ("SOPInstanceUID", 1),
        ("MediaStorageSOPInstanceUID", 1),
        ("ReferencedImageSequence[0].ReferencedSOPInstanceUID", 3),
    ]


def test_a_uid_that_other_instances_keep_is_still_referred_to(tmp_path: Path) -> None:
    reference = build.item(build.element(0x0020000D, "UI", b"1.2.3.4"))
    source = series(tmp_path, extra=build.sequence(0x00081110, [reference]))
    header = {"dicom": {}, "dicom_array": {"StudyInstanceUID": ["7.7", "1.2.3.4", "1.2.3.4"]}}
    rewrite(source, tmp_path / "target", header, edit_uids=True)
    read = datasets(tmp_path / "target")
    assert [str(d.StudyInstanceUID) for d in read] == ["7.7", "1.2.3.4", "1.2.3.4"]
    assert {str(d.ReferencedStudySequence[0].StudyInstanceUID) for d in read} == {"1.2.3.4"}


def test_another_identity_of_the_same_uid_stays(tmp_path: Path) -> None:
    number = build.element(0x00200013, "IS", b"1")
    data = build.plain().replace(number, build.element(0x00200052, "UI", b"1.2.3.4") + number)
    source = one(tmp_path, data)
    header = {"dicom": {"StudyInstanceUID": "7.7", "SeriesInstanceUID": "1.2.3.4.5", "FrameOfReferenceUID": "1.2.3.4"}}
    result = rewrite(source, tmp_path / "target", header, edit_uids=True)
    read = datasets(tmp_path / "target")[0]
    assert result.header == header
    assert (str(read.StudyInstanceUID), str(read.FrameOfReferenceUID)) == ("7.7", "1.2.3.4")


def test_two_instances_never_get_the_same_uid(tmp_path: Path) -> None:
    header = {"dicom": {}, "dicom_array": {"SOPInstanceUID": ["1.2.3.4.5.2", "1.2.3.4.5.2", "1.2.3.4.5.3"]}}
    result = rewrite(series(tmp_path), tmp_path / "target", header, edit_uids=True, on_invalid_edit="skip")
    assert not result.modified
    assert "same SOPInstanceUID" in result.refused[0].reason


@pytest.mark.parametrize("form", [build.EXPLICIT, build.IMPLICIT, build.BIG])
def test_previous_values_are_kept_on_request(tmp_path: Path, form: Form) -> None:
    source = one(tmp_path, build.plain(build.element(0x00101010, "AS", b"034Y", form), form))
    rewrite(
        source,
        tmp_path / "target",
        {"dicom": {"PatientName": "New^Name", "PatientComments": "added"}},
        {"PatientID": "mapped"},
        record_original_attributes=True,
        modified_at="20240102030405",
    )
    corrected, coerced = datasets(tmp_path / "target")[0].OriginalAttributesSequence
    assert [item.ReasonForTheAttributeModification for item in (corrected, coerced)] == ["CORRECT", "COERCE"]
    assert {item.AttributeModificationDateTime for item in (corrected, coerced)} == {"20240102030405"}
    assert corrected.ModifyingSystem == "session-export"
    assert corrected.SourceOfPreviousValues == ""
    previous = corrected.ModifiedAttributesSequence[0]
    assert (previous.PatientName, previous.PatientComments) == ("Old^Name", "")
    assert coerced.ModifiedAttributesSequence[0].PatientID == "ID-1"


@pytest.mark.parametrize("undefined", [True, False])
def test_previous_values_join_those_of_earlier_systems(tmp_path: Path, undefined: bool) -> None:
    earlier = build.item(build.element(0x04000563, "LO", b"earlier"), undefined=undefined)
    tail = build.sequence(0x04000561, [earlier], undefined=undefined)
    data = build.plain().replace(build.element(0x7FE00010, "OW", b"\1\2\3\4" * 8), tail)
    source = one(tmp_path, data)
    header = {"dicom": {"PatientName": "New^Name"}}
    rewrite(source, tmp_path / "target", header, record_original_attributes=True)
    found = datasets(tmp_path / "target")[0].OriginalAttributesSequence
    assert [item.ModifyingSystem for item in found] == ["earlier", "session-export"]


def test_an_edited_file_that_is_not_readable_to_its_end_is_refused(tmp_path: Path) -> None:
    source = one(tmp_path, build.plain(pixels=b"")[:-30])
    with pytest.raises(NotDicom, match="source"):
        rewrite(source, tmp_path / "target", {"dicom": {"PatientName": "New^Name"}})
    assert not rewrite(source, tmp_path / "target", {"dicom": {"PatientName": "Old^Name"}}).modified


def test_metadata_without_an_instance_is_a_failure(tmp_path: Path) -> None:
    source = one(tmp_path, b"no DICOM")
    assert not rewrite(source, tmp_path / "target", {}).modified
    with pytest.raises(NotDicom):
        rewrite(source, tmp_path / "target", {"dicom": {"PatientName": "New^Name"}})


def test_edits_of_a_dicomdir_are_refused_aloud(tmp_path: Path) -> None:
    source = Path(pydicom.__file__).parent / "data/test_files/dicomdirtests/DICOMDIR"
    header = {"dicom": {"FileSetID": "EDITED"}}
    with pytest.raises(InvalidEdit, match="FileSetID"):
        rewrite(source, tmp_path / "target", header)
    result = rewrite(source, tmp_path / "target", header, on_refused_edit="export")
    assert not result.modified
    assert [change.keyword for change in result.refused] == ["FileSetID"]
    assert not rewrite(source, tmp_path / "target", {}, {"PatientID": "new"}).modified  # a mapping is but a remark


@pytest.mark.parametrize("age", [-5, 1e12, float("inf"), float("nan")])
def test_an_age_that_no_age_string_says_is_refused(tmp_path: Path, age: float) -> None:
    result = rewrite(one(tmp_path, build.plain()), tmp_path / "target", {}, {"PatientAge": age, "PatientID": "new"})
    assert [change.keyword for change in result.refused] == ["PatientAge"]
    assert [change.keyword for change in result.changes] == ["PatientID"]


@pytest.mark.parametrize("value", [10**400, -(10**400), "1E400", "9" * 500])
@pytest.mark.parametrize("key", ["PatientWeight", "InstanceNumber", "PixelAspectRatio", "EventTimeOffset"])
def test_a_number_beyond_what_programs_read_is_refused_in_few_words(tmp_path: Path, key: str, value: Any) -> None:
    header = {"dicom": {key: [value, 1] if key == "PixelAspectRatio" else value}}
    result = rewrite(one(tmp_path, build.plain()), tmp_path / "target", header, on_invalid_edit="skip")
    assert not result.changes
    assert len(result.refused[0].reason) < 150


@pytest.mark.parametrize("key", ["PatientName", "RequestAttributesSequence", "NoKeyword"])
def test_metadata_nested_without_end_is_refused(tmp_path: Path, key: str) -> None:
    value: Any = 1
    for _ in range(2000):
        value = [{"ScheduledProcedureStepID": value}]
    with pytest.raises(InvalidEdit, match="nested"):
        rewrite(one(tmp_path, build.plain()), tmp_path / "target", {"dicom": {key: value}})


@pytest.mark.parametrize(
    ("vr", "held", "asked", "old", "new"),
    [
        ("DS", b"40", 41.0, "40", "41"),
        ("DS", b" +40.0", "1E5", "+40.0", "1E5"),
        ("DS", b"007.50 ", 1e-07, "007.50", "1e-07"),
        ("IS", b"0012", 13, "0012", "13"),
        ("DS", b"1\\0\\0.50", [1.0, 7.5, 0.5], ["1", "0", "0.50"], ["1", "7.5", "0.50"]),
        ("DS", b"4,5\\1", ["4,5", 2], ["4,5", "1"], ["4,5", "2"]),
    ],
)
def test_numbers_in_text_are_logged_by_their_characters_in_the_file(
    tmp_path: Path, vr: str, held: bytes, asked: Any, old: Any, new: Any
) -> None:
    tag, keyword = (0x00200032, "ImagePositionPatient") if vr == "DS" else (0x00200012, "AcquisitionNumber")
    source = one(tmp_path, build.plain(build.element(tag, vr, held)))
    result = rewrite(source, tmp_path / "target", {"dicom": {keyword: asked}})
    (change,) = result.changes
    assert (change.old, change.new) == (old, new)
    spelled = "\\".join(new) if isinstance(new, list) else new
    assert spelled.encode() in (tmp_path / "target").read_bytes()


def test_a_refused_number_is_logged_as_it_was_asked_for_beside_the_characters_in_the_file(tmp_path: Path) -> None:
    source = one(tmp_path, build.plain(build.element(0x00101030, "DS", b"40.0")))
    result = rewrite(source, tmp_path / "target", {"dicom": {"PatientWeight": "heavy"}}, on_invalid_edit="skip")
    (change,) = result.refused
    assert (change.old, change.new) == ("40.0", "heavy")


def test_the_empty_key_is_no_element(tmp_path: Path) -> None:
    result = rewrite(one(tmp_path, build.plain()), tmp_path / "target", {"dicom": {"": "x"}})
    assert not result.modified
    assert not result.refused
    assert result.notes
