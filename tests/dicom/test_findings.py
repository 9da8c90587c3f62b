"""A file that is rewritten says what its changes broke of the rules for its kind of object, if that is asked for."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from export_session.dicom import Options, Result, rewrite
from export_session.dicom.edits.importers.reading.rereading import Rereading
from tests.support.instances import UID, Items, file_bytes

MR = "1.2.840.10008.5.1.4.1.1.4"
CODE: Items = {"CodeValue": "T-A0100", "CodingSchemeDesignator": "SRT", "CodeMeaning": "Brain"}
WHOLE: Items = {
    **UID, "SOPClassUID": MR, "Modality": "MR", "PatientID": "1", "PatientSex": "F", "ScanningSequence": "SE",
    "ImageType": "ORIGINAL\\PRIMARY\\M", "AnatomicRegionSequence": [CODE],
}  # fmt: skip
TAIL = ", which the change brought in"


def run(folder: Path, edits: dict[str, Any], elements: Items = WHOLE, **options: Any) -> Result:
    data = file_bytes(elements)
    source = folder / "source.dcm"
    source.write_bytes(data)
    header = {"dicom": {**Rereading(io.BytesIO(data)).header, **edits}}
    return rewrite(source, folder / "target.dcm", header, **{"check_conformance": True, **options})


@pytest.mark.parametrize(
    ("edits", "path"),
    [
        ({"Modality": ""}, "Modality"),
        ({"Modality": None}, "Modality"),
        ({"PatientSex": "X"}, "PatientSex"),
        ({"ScanningSequence": ["SE", "XX"]}, "ScanningSequence"),
        ({"AnatomicRegionSequence": [{**CODE, "CodeMeaning": ""}]}, "AnatomicRegionSequence[0].CodeMeaning"),
        (
            {"AnatomicRegionSequence": [CODE, {"CodeValue": "1", "CodeMeaning": "Skull"}]},
            "AnatomicRegionSequence[1].CodingSchemeDesignator",
        ),
    ],
)
def test_what_an_edit_broke_is_noted_where_it_is_asked_for(tmp_path: Path, edits: dict[str, Any], path: str) -> None:
    (note,) = run(tmp_path, edits).notes
    assert note.startswith(path)
    assert note.endswith(TAIL)
    assert run(tmp_path, edits, check_conformance=False).notes == ()


@pytest.mark.parametrize("edits", [{}, {"PatientID": "2"}, {"PatientSex": "O"}, {"PatientSex": ""}])
def test_what_broke_nothing_has_no_note(tmp_path: Path, edits: dict[str, Any]) -> None:
    assert run(tmp_path, edits, {**WHOLE, "ImageType": "MADE\\UP"}).notes == ()


def test_a_value_that_is_not_enumerated_is_told_once(tmp_path: Path) -> None:
    result = run(tmp_path, {"PatientSex": "diverse"})
    assert result.notes == (f"PatientSex: DIVERSE is not one of M, F, O (PS3.3 §C.7.1.1){TAIL}",)
    assert [change.reason for change in result.changes] == ["typed diverse, written DIVERSE"]
    without = run(tmp_path, {"PatientSex": "diverse"}, check_conformance=False)
    assert without.changes[0].reason.startswith("PS3.3 §C.7.1.1 defines M, F and O for PatientSex")


def test_where_the_standard_does_not_know_the_object_the_warning_stays(tmp_path: Path) -> None:
    result = run(tmp_path, {"PatientSex": "X"}, {**WHOLE, "SOPClassUID": "1.2.3"})
    assert result.notes == ()
    assert "defines M, F and O for PatientSex" in result.changes[0].reason


def test_a_mapped_value_is_checked_too(tmp_path: Path) -> None:
    source = tmp_path / "source.dcm"
    source.write_bytes(file_bytes(WHOLE))
    result = rewrite(source, tmp_path / "target.dcm", {}, {"PatientSex": "X"}, check_conformance=True)
    assert [note.partition(":")[0] for note in result.notes] == ["PatientSex"]
    assert not result.changes[0].reason


def archive(folder: Path, *slices: Items) -> tuple[Path, Mapping[str, Any]]:
    """A zip of instances that differ in these elements, and the metadata of the first."""
    files = [
        file_bytes({**WHOLE, "SOPInstanceUID": f"1.2.3.4.{number}", "InstanceNumber": str(number), **elements})
        for number, elements in enumerate(slices, 1)
    ]
    with zipfile.ZipFile(folder / "source.zip", "w") as written:
        for number, data in enumerate(files, 1):
            written.writestr(f"{number}.dcm", data)
    return folder / "source.zip", Rereading(io.BytesIO(files[0])).header


def test_a_finding_that_all_slices_share_is_told_once(tmp_path: Path) -> None:
    source, dicom = archive(tmp_path, {}, {}, {})
    result = rewrite(source, tmp_path / "target", {"dicom": {**dicom, "PatientSex": "X"}}, check_conformance=True)
    assert result.changes[0].instances == 3
    assert [note.partition(":")[0] for note in result.notes] == ["PatientSex"]


def test_a_finding_in_a_single_slice_is_told(tmp_path: Path) -> None:
    source, dicom = archive(tmp_path, {}, {}, {})
    types = [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "M"], ["MADE", "PRIMARY", "M"]]
    header = {"dicom": dicom, "dicom_array": {"InstanceNumber": [1, 2, 3], "ImageType": types}}
    result = rewrite(source, tmp_path / "target", header, check_conformance=True)
    assert [note.partition(" is not")[0] for note in result.notes] == ["ImageType: MADE"]


@pytest.mark.parametrize("first", [{"SOPClassUID": "1.2.3"}, {"ScanningSequence": "YY\\XX"}])
def test_a_slice_that_it_breaks_is_found_behind_one_that_it_does_not(tmp_path: Path, first: Items) -> None:
    source, dicom = archive(tmp_path, first, {})
    mapped = {"ScanningSequence": "XX"}
    result = rewrite(source, tmp_path / "target", {"dicom": dicom}, mapped, check_conformance=True)
    assert [note.partition(" is not")[0] for note in result.notes] == ["ScanningSequence: XX"]


def test_it_decides_on_no_byte(tmp_path: Path) -> None:
    assert not Options().check_conformance
    written = []
    for check in (False, True):
        run(tmp_path, {"PatientSex": "X"}, check_conformance=check)
        written.append((tmp_path / "target.dcm").read_bytes())
    assert written[0] == written[1]
