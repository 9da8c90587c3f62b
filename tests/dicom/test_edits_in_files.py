"""What curators do to metadata, and what must become of it in the file: written where it belongs, or refused aloud."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydicom
import pytest

from export_session.dicom import Result, rewrite
from export_session.dicom.edits.importers.reading.rereading import Rereading
from tests.support import build
from tests.support.instances import UID, Items, file_bytes

SPATIAL: Items = {"ImageOrientationPatient": "1\\0\\0\\0\\1\\0", "PixelSpacing": "1\\1"}


def imported(*files: bytes) -> dict[str, Any]:
    """The metadata that the importer makes of files, of the first as reference."""
    read = [Rereading(io.BytesIO(data)) for data in files]
    arrays = {key: [one.array_entry(key) for one in read] for key in ("InstanceNumber", "SliceLocation")}
    return {"dicom": dict(read[0].header), "dicom_array": arrays} if len(files) > 1 else {"dicom": dict(read[0].header)}


def run(folder: Path, files: Mapping[str, bytes], header: dict[str, Any], **options: Any) -> tuple[Result, list[Any]]:
    """Rewrite one file, or an archive of several; return the result and the data sets as pydicom reads them."""
    source, target = folder / "source", folder / "target"
    if len(files) == 1:
        source.write_bytes(*files.values())
    else:
        build.archive(source, files)
    result = rewrite(source, target, header, **options)
    read = target if result.modified else source
    if len(files) == 1:
        return result, [pydicom.dcmread(read, force=True)]
    with zipfile.ZipFile(read) as archive:
        content = [archive.read(name) for name in files if name.endswith(".dcm")]
    return result, [pydicom.dcmread(io.BytesIO(data)) for data in content]


def slices(count: int, **varying: list[str]) -> dict[str, bytes]:
    return {
        f"{i}.dcm": file_bytes(
            {
                **UID,
                "SOPInstanceUID": f"1.2.3.4.{i}",
                "InstanceNumber": str(i),
                "SliceLocation": f"{i}.0",
                **{keyword: values[i - 1] for keyword, values in varying.items()},
            }
        )
        for i in range(1, count + 1)
    }


def test_a_value_that_the_other_slices_hold_already_is_written_to_the_one_that_lacks_it(tmp_path: Path) -> None:
    files = slices(4, PatientID=["WRONG1", "RIGHT1", "RIGHT1", "RIGHT1"])
    header = imported(*files.values())
    header["dicom"]["PatientID"] = "RIGHT1"
    result, read = run(tmp_path, files, header)
    assert [one.PatientID for one in read] == ["RIGHT1"] * 4
    assert [(change.old, change.new, change.instances) for change in result.changes] == [("WRONG1", "RIGHT1", 1)]


def test_the_value_of_one_other_slice_is_an_edit_too_and_refused_where_the_rest_differ(tmp_path: Path) -> None:
    files = slices(3, ImageComments=["A", "B", "C"])
    header = imported(*files.values())
    header["dicom"]["ImageComments"] = "B"
    result, read = run(tmp_path, files, header, on_invalid_edit="skip")
    assert [one.ImageComments for one in read] == ["A", "B", "C"]
    assert [change.path for change in result.refused] == ["ImageComments"]
    assert result.header["dicom"]["ImageComments"] == "A"


def test_a_value_left_by_an_earlier_import_of_another_slice_is_noted_not_written(tmp_path: Path) -> None:
    files = slices(2, PatientComments=["", "from the second"])
    header = imported(*files.values())
    assert "PatientComments" not in header["dicom"]
    header["dicom"]["PatientComments"] = "from the second"
    result, _ = run(tmp_path, files, header)
    assert not result.modified
    assert any("PatientComments" in note for note in result.notes)


CODES: Items = {
    "PurposeOfReferenceCodeSequence": [{"CodeValue": "1", "CodeMeaning": "one"}],
    "ReferencedImageSequence": [
        {"ReferencedFrameNumber": "1", "PurposeOfReferenceCodeSequence": [{"CodeValue": value}]} for value in "123"
    ],
}


@pytest.mark.parametrize("order", [[1, 0, 2], [2, 0, 1], [0, 2, 1]])
def test_items_in_another_order_are_refused(tmp_path: Path, order: list[int]) -> None:
    data = file_bytes({**UID, **CODES})
    header = imported(data)
    items = header["dicom"]["ReferencedImageSequence"]
    header["dicom"]["ReferencedImageSequence"] = [items[i] for i in order]
    result, read = run(tmp_path, {"1.dcm": data}, header, on_invalid_edit="skip")
    assert not result.modified
    assert [change.path for change in result.refused] == ["ReferencedImageSequence"]
    assert "order" in result.refused[0].reason
    assert [each.PurposeOfReferenceCodeSequence[0].CodeValue for each in read[0].ReferencedImageSequence] == [*"123"]


def test_items_in_another_order_with_an_edit_in_one_of_them_are_refused(tmp_path: Path) -> None:
    persons = [{"CodeValue": v, "CodeMeaning": m, "CodingSchemeDesignator": "99X"} for v, m in (("1", "a"), ("2", "b"))]
    data = file_bytes({**UID, "AnatomicRegionSequence": persons})
    header = imported(data)
    first, second = header["dicom"]["AnatomicRegionSequence"]
    header["dicom"]["AnatomicRegionSequence"] = [{**second, "CodingSchemeDesignator": "SCT"}, first]
    result, _ = run(tmp_path, {"1.dcm": data}, header, on_invalid_edit="skip")
    assert not result.modified
    assert [change.path for change in result.refused] == ["AnatomicRegionSequence"]


def test_every_value_of_every_item_may_be_edited(tmp_path: Path) -> None:
    data = file_bytes({**UID, **CODES})
    header = imported(data)
    for number, item in enumerate(header["dicom"]["ReferencedImageSequence"]):
        item["PurposeOfReferenceCodeSequence"][0]["CodeValue"] = f"new {number}"
    result, read = run(tmp_path, {"1.dcm": data}, header)
    codes = [each.PurposeOfReferenceCodeSequence[0].CodeValue for each in read[0].ReferencedImageSequence]
    assert codes == ["new 0", "new 1", "new 2"]
    assert not result.refused


@pytest.mark.parametrize("value", [None, ""])
def test_a_sequence_is_not_emptied_by_null_or_an_empty_text(tmp_path: Path, value: Any) -> None:
    data = file_bytes({**UID, **CODES})
    header = imported(data)
    header["dicom"]["ReferencedImageSequence"] = value
    result, read = run(tmp_path, {"1.dcm": data}, header, on_invalid_edit="skip")
    assert not result.modified
    assert len(read[0].ReferencedImageSequence) == 3
    assert "[]" in result.refused[0].reason
    assert result.refused[0].old


def test_a_sequence_is_emptied_by_an_empty_list_and_the_log_says_what_went(tmp_path: Path) -> None:
    data = file_bytes({**UID, **CODES})
    header = imported(data)
    header["dicom"]["ReferencedImageSequence"] = []
    result, read = run(tmp_path, {"1.dcm": data}, header)
    assert len(read[0].ReferencedImageSequence) == 0
    (change,) = result.changes
    assert "3 items" in change.reason
    assert change.path == "ReferencedImageSequence"


def _frames(*thickness: str) -> bytes:
    groups = [
        {
            "FrameContentSequence": [{"FrameComments": "same"}],
            "PixelMeasuresSequence": [{"SliceThickness": value}],
        }
        for value in thickness
    ]
    items: Items = {**UID, "NumberOfFrames": str(len(groups)), "PerFrameFunctionalGroupsSequence": groups}
    return file_bytes(items)


def test_an_edit_of_the_first_frame_goes_to_all_frames_that_agree(tmp_path: Path) -> None:
    data = _frames("1", "1", "1")
    header = imported(data)
    header["dicom"]["PerFrameFunctionalGroupsSequence"]["PixelMeasuresSequence"][0]["SliceThickness"] = 2.5
    result, read = run(tmp_path, {"1.dcm": data}, header)
    groups = read[0].PerFrameFunctionalGroupsSequence
    assert [float(group.PixelMeasuresSequence[0].SliceThickness) for group in groups] == [2.5, 2.5, 2.5]
    assert len(result.changes) == 3


def test_an_edit_of_a_frame_that_differs_from_others_stays_there_and_says_so(tmp_path: Path) -> None:
    data = _frames("1", "1", "7")
    header = imported(data)
    header["dicom"]["PerFrameFunctionalGroupsSequence"]["PixelMeasuresSequence"][0]["SliceThickness"] = 2.5
    result, read = run(tmp_path, {"1.dcm": data}, header)
    groups = read[0].PerFrameFunctionalGroupsSequence
    assert [float(group.PixelMeasuresSequence[0].SliceThickness) for group in groups] == [2.5, 1, 7]
    assert "first frame alone" in result.changes[0].reason


def test_arrays_in_another_order_and_spelling_are_refused(tmp_path: Path) -> None:
    files = slices(3)
    header = imported(*files.values())
    header["dicom_array"]["SliceLocation"] = ["2", 1, 3.0]
    result, _ = run(tmp_path, files, header, on_invalid_edit="skip")
    assert not result.modified
    assert all("another order" in change.reason for change in result.refused)
    assert len(result.refused) == 2


def test_null_in_an_array_empties_nothing_and_is_noted(tmp_path: Path) -> None:
    files = slices(3)
    header = imported(*files.values())
    header["dicom_array"]["SliceLocation"][1] = None
    result, read = run(tmp_path, files, header)
    assert not result.modified
    assert float(read[1].SliceLocation) == 2
    assert any("SliceLocation[1]" in note for note in result.notes)


@pytest.mark.parametrize("clutter", [".DS_Store", "DICOMDIR"])
def test_an_archive_whose_clutter_was_read_takes_real_edits_beside_it(tmp_path: Path, clutter: str) -> None:
    case = "06_ds_store_in_zip" if clutter == ".DS_Store" else "08_dicomdir_in_zip"
    folder = zipfile.Path(Path(__file__).parents[1] / "data" / "cases.zip") / case
    header = json.loads((folder / "header.json").read_text())
    header["dicom"]["StudyDescription"] = "new study"
    (tmp_path / "in.zip").write_bytes((folder / "in.zip").read_bytes())
    result = rewrite(tmp_path / "in.zip", tmp_path / "target.zip", header)
    assert {change.path for change in result.changes} == {"StudyDescription"}
    with zipfile.ZipFile(tmp_path / "target.zip") as archive:
        for name in archive.namelist():
            if name.endswith(".dcm"):
                assert pydicom.dcmread(io.BytesIO(archive.read(name))).StudyDescription == "new study"


def test_a_key_that_nobody_can_have_read_from_a_data_set_is_refused(tmp_path: Path) -> None:
    data = file_bytes(UID)
    header = imported(data)
    header["dicom"]["FileSetID"] = "X"
    result, _ = run(tmp_path, {"1.dcm": data}, header, on_invalid_edit="skip")
    assert [change.path for change in result.refused] == ["FileSetID"]


# --- record and file agree


def test_a_number_typed_as_text_stands_in_the_record_as_the_importer_shows_it(tmp_path: Path) -> None:
    data = file_bytes({**UID, "SliceThickness": "5", "SeriesNumber": "7", "PatientID": "1"})
    header = imported(data)
    header["dicom"] |= {"SliceThickness": "2.50", "SeriesNumber": "8", "PatientID": 17}
    result, _ = run(tmp_path, {"1.dcm": data}, header)
    shown = Rereading(io.BytesIO((tmp_path / "target").read_bytes())).header
    assert result.header["dicom"] == shown
    assert (shown["SliceThickness"], shown["SeriesNumber"], shown["PatientID"]) == (2.5, 8, "17")


def test_a_blanked_element_leaves_the_record_as_the_importer_leaves_it_out(tmp_path: Path) -> None:
    data = file_bytes({**UID, "PatientComments": "away with it"})
    header = imported(data)
    header["dicom"]["PatientComments"] = ""
    result, read = run(tmp_path, {"1.dcm": data}, header)
    assert read[0].PatientComments == ""
    assert "PatientComments" not in result.header["dicom"]


def test_derived_values_go_when_what_they_are_made_of_changes(tmp_path: Path) -> None:
    data = file_bytes({**UID, **SPATIAL, "PatientID": "1"})
    header = {**imported(data), "derived": {"SliceAxis": [0, 0, 1]}}
    header["dicom"]["PatientID"] = "2"
    assert "derived" in run(tmp_path, {"1.dcm": data}, header)[0].header
    header["dicom"]["PixelSpacing"] = [2, 2]
    assert "derived" not in run(tmp_path, {"1.dcm": data}, header)[0].header


def test_items_are_declared_anew_with_their_instance(tmp_path: Path) -> None:
    data = file_bytes(
        {
            **UID,
            "SpecificCharacterSet": "ISO_IR 100",
            "PatientName": "Müller",
            "ReferencedStudySequence": [{"SpecificCharacterSet": "ISO_IR 100", "StudyDescription": "Schädel"}],
        }
    )
    header = imported(data)
    header["dicom"]["PatientName"] = "山田^太郎"
    result, read = run(tmp_path, {"1.dcm": data}, header)
    assert str(read[0].PatientName) == "山田^太郎"
    assert read[0].ReferencedStudySequence[0].StudyDescription == "Schädel"
    assert result.header["dicom"] == Rereading(io.BytesIO((tmp_path / "target").read_bytes())).header


def test_a_signature_that_may_not_verify_any_more_is_noted(tmp_path: Path) -> None:
    signed: Items = {**UID, "PatientID": "1", "DigitalSignaturesSequence": [{"MACIDNumber": 1}]}
    data = file_bytes(signed)
    header = imported(data)
    assert not run(tmp_path, {"1.dcm": data}, header)[0].notes
    header["dicom"]["PatientID"] = "2"
    result, _ = run(tmp_path, {"1.dcm": data}, header)
    assert any("signature" in note for note in result.notes)


def test_a_directory_beside_rewritten_instances_is_noted(tmp_path: Path) -> None:
    directory = file_bytes({**UID, "SOPInstanceUID": "9.9"}).replace(
        b"1.2.840.10008.5.1.4.1.1.4\0", b"1.2.840.10008.1.3.10\0\0\0\0\0\0", 1
    )
    files = {"1.dcm": file_bytes({**UID, "InstanceNumber": "1", "PatientID": "1"}), "DICOMDIR": directory}
    header = {"dicom": {**imported(files["1.dcm"])["dicom"], "PatientID": "2"}}
    result, read = run(tmp_path, files, header)
    assert read[0].PatientID == "2"
    assert any("DICOMDIR" in note for note in result.notes)
