"""``info.header`` of the copy describes the bytes that were stored."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from export_session.dicom import rewrite
from export_session.dicom.binary.instance import Instance
from export_session.dicom.edits.find import find_edits
from export_session.dicom.edits.stored_header import agreed_header
from export_session.dicom.files.file import read_instances
from export_session.dicom.vocabulary import Options
from tests.corpus.samples import FMI, GRP3, samples
from tests.support import build
from tests.support.instances import UID, Items, file_bytes, instance, series

MARK = {"TransferSyntaxUID": "1.2.840.10008.1.2.1"}


def agree(
    members: list[Instance],
    header: dict[str, Any],
    overrides: dict[str, Any] | None = None,
    *,
    all_refused: bool = False,
    **options: Any,
) -> dict[str, Any]:
    before = copy.deepcopy(header)
    decision = find_edits(members, header, overrides, Options(**options))
    refused = range(len(decision.assignments)) if all_refused else ()
    agreed = agreed_header(header, decision, refused)
    assert header == before, "the header given is left as it is"
    return agreed


def dicom(elements: Items, metadata: dict[str, Any], **how: Any) -> dict[str, Any]:
    found: dict[str, Any] = agree([instance(elements)], {"dicom": {**MARK, **metadata}}, **how)["dicom"]
    return {key: value for key, value in found.items() if key not in MARK}


def test_a_written_edit_stays_as_the_curator_wrote_it() -> None:
    assert dicom({"StudyDescription": "brain"}, {"StudyDescription": "head"}) == {"StudyDescription": "head"}


def test_a_refused_edit_goes_back_to_what_the_importer_made_of_the_file() -> None:
    assert dicom({"Rows": 4}, {"Rows": 8}) == {"Rows": 4}
    assert dicom({"SliceThickness": "5.00"}, {"SliceThickness": "abc"}, all_refused=True) == {"SliceThickness": 5.0}
    assert dicom({}, {"PatientComments": "x" * 99999}, all_refused=True) == {}
    grp3 = {"ScanningSequence": ["SE"], "Rows": 8, "ImageType": ["A"]}
    agreed = agree([instance({"ScanningSequence": "SE", "Rows": 4, "ImageType": "A"})], {"dicom": grp3})
    assert agreed["dicom"] == {**grp3, "Rows": 4}


def test_a_refused_leaf_goes_back_inside_its_item() -> None:
    file: Items = {"AnatomicRegionSequence": [{"CodeValue": "1", "CodeMeaning": "Head"}]}
    edited = {"AnatomicRegionSequence": [{"CodeValue": "1", "CodeMeaning": "Toe", "MappingResource": "X"}]}
    assert dicom(file, edited) == edited
    agreed = dicom(file, edited, all_refused=True)
    assert agreed == {"AnatomicRegionSequence": [{"CodeValue": "1", "CodeMeaning": "Head"}]}


def test_a_sequence_with_other_items_goes_back_as_a_whole() -> None:
    file: Items = {"AnatomicRegionSequence": [{"CodeValue": "1"}, {"CodeValue": "2"}]}
    agreed = dicom(file, {"AnatomicRegionSequence": [{"CodeValue": "9"}]}, all_refused=True)
    assert agreed == {"AnatomicRegionSequence": [{"CodeValue": "1"}, {"CodeValue": "2"}]}


def test_a_mapped_value_is_entered_wherever_the_metadata_shows_the_element() -> None:
    members = series(2, {"PatientID": "P1"})
    header = {"dicom": {**MARK, "PatientID": "P1"}, "dicom_array": {"PatientID": ["P1", "P1"]}}
    agreed = agree(members, header, {"PatientID": "P2", "PatientSex": "F"})
    assert agreed["dicom"] == {**MARK, "PatientID": "P2", "PatientSex": "F"}
    assert agreed["dicom_array"] == {"PatientID": ["P2", "P2"]}


def test_without_metadata_there_is_nothing_to_agree() -> None:
    assert agree([instance({"PatientID": "P1"})], {}, {"PatientID": "P2"}) == {}


def test_an_edit_of_all_instances_is_entered_for_each_of_them() -> None:
    members = series(3, {"EchoTime": "14.3"})
    header = {"dicom": {**MARK, "EchoTime": 15.0}, "dicom_array": {"EchoTime": [14.3] * 3}}
    assert agree(members, header)["dicom_array"] == {"EchoTime": [15.0] * 3}
    back = agree(members, header, all_refused=True)
    assert (back["dicom"]["EchoTime"], back["dicom_array"]["EchoTime"]) == (14.3, [14.3] * 3)


def test_a_per_slice_edit_of_the_reference_is_entered_in_both_places() -> None:
    members = series(2, {}, SliceLocation=["1", "2"])
    header = {"dicom": {**MARK, "SliceLocation": 1.0}, "dicom_array": {"SliceLocation": [9.0, 2.0]}}
    agreed = agree(members, header)
    assert (agreed["dicom"]["SliceLocation"], agreed["dicom_array"]["SliceLocation"]) == (9.0, [9.0, 2.0])
    back = agree(members, header, all_refused=True)
    assert (back["dicom"]["SliceLocation"], back["dicom_array"]["SliceLocation"]) == (1.0, [1.0, 2.0])
    other = {"dicom": {**MARK, "SliceLocation": 1.0}, "dicom_array": {"SliceLocation": [1.0, 9.0]}}
    assert agree(members, other) == other


@pytest.mark.parametrize("meta", ["1.2.3.4", "9.9"], ids=["left", "edited along"])
def test_a_new_uid_is_entered_where_the_file_refers_to_the_old_one(tmp_path: Path, meta: str) -> None:
    file: Items = {
        **UID,
        "SOPInstanceUID": "1.2.3.4",
        "FrameOfReferenceUID": "1.2.9",
        "ReferencedImageSequence": [{"ReferencedSOPInstanceUID": "1.2.3.4"}],
    }
    source = tmp_path / "source.dcm"
    source.write_bytes(file_bytes(file))
    shown = {**file, "MediaStorageSOPInstanceUID": meta, "SOPInstanceUID": "9.9"}
    follow = {"1.2.9": "9.1"}
    result = rewrite(source, tmp_path / "target", {"dicom": {**MARK, **shown}}, follow=follow, edit_uids=True)
    assert not result.refused
    assert result.header["dicom"] == {
        **MARK,
        **shown,
        "MediaStorageSOPInstanceUID": "9.9",
        "FrameOfReferenceUID": "9.1",
        "ReferencedImageSequence": [{"ReferencedSOPInstanceUID": "9.9"}],
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"SpecificCharacterSet": "ISO_IR 100"}, "ISO_IR 192"),
        ({}, "ISO_IR 192"),
        ({"SpecificCharacterSet": ["ISO_IR 100"], "ImageType": ["A", "B"]}, ["ISO_IR 192"]),  # GRP3's shape
    ],
)
def test_a_re_declared_character_set_is_entered_in_the_shape_it_had(
    tmp_path: Path, before: dict[str, Any], after: Any
) -> None:
    file: Items = {"ImageType": "A\\B", "PatientName": "A^B"}
    (tmp_path / "in.dcm").write_bytes(file_bytes({"SpecificCharacterSet": "ISO_IR 100", **file} if before else file))
    header = {"dicom": {**before, "PatientName": "山田"}}
    agreed = rewrite(tmp_path / "in.dcm", tmp_path / "out.dcm", header).header["dicom"]
    assert agreed["SpecificCharacterSet"] == after


def test_refusing_every_edit_gives_the_metadata_as_imported() -> None:
    """Over real files: edit every value, refuse all, and the record must read as before."""
    for importer in (FMI, GRP3):
        for sample in samples():
            if importer not in sample.importers or sample.is_zip:
                continue
            header = sample.header(importer)
            members = list(read_instances(sample.path))
            edited = copy.deepcopy(header)
            for key in edited["dicom"]:
                if isinstance(edited["dicom"][key], str) and "UID" not in key:
                    edited["dicom"][key] += "X"
            decision = find_edits(members, edited)
            agreed = agreed_header(edited, decision, range(len(decision.assignments)))
            again = find_edits(members, json.loads(json.dumps(agreed)))
            assert not again.edits, sample.name


def test_new_instance_numbers_sort_the_arrays_as_the_importer_will(tmp_path: Path) -> None:
    members = {
        f"{n}.dcm": file_bytes(
            {**UID, "SOPInstanceUID": f"1.2.3.{n}", "InstanceNumber": str(n), "SliceLocation": str(n)}
        )
        for n in (1, 2, 3)
    }
    source, target = build.archive(tmp_path / "source.zip", members), tmp_path / "target.zip"
    header = {
        "dicom": {**MARK, "SOPInstanceUID": "1.2.3.1"},
        "dicom_array": {"InstanceNumber": [500, 2, 3], "SliceLocation": [1.0, 2.0, 3.0]},
    }
    result = rewrite(source, target, header)
    assert result.header["dicom_array"] == {"InstanceNumber": [2, 3, 500], "SliceLocation": [2.0, 3.0, 1.0]}
    again = rewrite(target, tmp_path / "again.zip", result.header)
    assert (again.modified, again.refused) == (False, ())
    edited = copy.deepcopy(dict(result.header))
    edited["dicom_array"]["SliceLocation"][0] = 9.0
    third = rewrite(target, tmp_path / "third.zip", edited)
    assert [(change.member, change.path) for change in third.changes] == [("2.dcm", "SliceLocation")]
