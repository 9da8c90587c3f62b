"""What a run says beyond its changes: old values that remain, and corrections that were forgotten."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pydicom
import pytest

from tests.support.gear import Run
from tests.support.world import World, image, slices

EDITS = {"PatientName": "Nova^Vera", "PatientBirthDate": "19810203"}


def series(**elements: Any) -> bytes:
    """Three slices with other values of some elements."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(slices())) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            dataset = pydicom.dcmread(io.BytesIO(source.read(name)))
            for keyword, value in {
                "PatientName": "Petersen^Johanna",
                "PatientBirthDate": "19800203",
                **elements,
            }.items():
                setattr(dataset, keyword, value)
            buffer = io.BytesIO()
            dataset.save_as(buffer)
            archive.writestr(name, buffer.getvalue())
    return target.getvalue()


def messages(run: Run) -> dict[str, str]:
    return {row["Name"]: row["Message"] for row in run.log}


def described(world: World) -> Any:
    """A session in which old values stand in as many places as there are."""
    session = world.session(label="Petersen Visit 1")
    session.subject.update(firstname="Johanna")
    session.subject.update_info({"mother": {"born": "1980-02-03", "name": "Petersen, Johanna"}})
    acquisition = session.add_acquisition(label="T1 johanna petersen")
    content = series(PatientComments="called Johanna Petersen", PatientAddress="Petersen, 1 Road")
    world.file(acquisition, "petersen_t1.dicom.zip", content, EDITS, type="dicom", modality="MR")
    world.file(acquisition, "T1_Petersen.nii.gz", b"nifti", type="nifti")
    world.stored(acquisition, "T1_Petersen.nii.gz").update_info({"header": {"dicom": {"PatientName": "PETERSEN^J"}}})
    world.file(acquisition, "clean.txt", b"text")
    return session.reload()


@pytest.mark.parametrize("dry_run", [False, True])
def test_old_values_are_told_wherever_they_still_stand(world: World, dry_run: bool) -> None:
    run = world.run(described(world), dry_run=dry_run)
    assert run.code == 0, run.printed
    told = messages(run)
    name = "PatientName: its old value is still in"
    labels = "StudyID, SeriesDescription"  # to which the mapping wrote them
    places = f"PatientAddress, PatientComments, {labels}, the file name"
    assert told["petersen_t1.dicom.zip"] == f"{name} 5 places: {places}"
    assert told["T1_Petersen.nii.gz"] == f"{name} 2 places: the file name, info.header.dicom.PatientName"
    assert told["clean.txt"] == ""
    assert f"{name} 2 places: subject.firstname, info.mother.name" in told["sub-001"]
    assert "PatientBirthDate: its old value is still in 1 place: info.mother.born" in told["sub-001"]
    assert f"{name} 1 place: the label" in told["Petersen Visit 1"]
    assert f"{name} 1 place: the label" in told["T1 johanna petersen"]
    assert "Johanna" not in run.printed
    assert "remarks on old values and forgotten corrections" in run.printed


def shown(path: Path) -> str:
    """All text of an output, that of the parts of a workbook or an evidence package included."""
    return text_of(path.read_bytes())


def text_of(content: bytes) -> str:
    if not content.startswith(b"PK"):
        return content.decode()
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        return "".join(text_of(parts.read(name)) for name in parts.namelist())


@pytest.mark.parametrize("log_values", ["hash", "none"])
def test_only_the_places_are_named_where_values_are_not_logged(world: World, log_values: str) -> None:
    session = world.session()
    content = series(PatientComments="called Johanna Petersen")
    world.file(session.add_acquisition(label="T1"), "t1.dicom.zip", content, EDITS, type="dicom", modality="MR")
    run = world.run(session, log_values=log_values)
    assert messages(run)["t1.dicom.zip"] == "PatientName: its old value is still in 1 place: PatientComments"
    for path in run.output.iterdir():
        text = shown(path).casefold()
        assert "johanna" not in text
        assert "petersen" not in text


def test_the_series_that_lacks_a_correction_is_named(world: World) -> None:
    session = world.session(subject="P7")
    for number, label in enumerate(["1 - T1", "2 - T2", "3 - DWI", "4 - FLAIR", "5 - SURVEY"]):
        edits = EDITS if number < 4 else {}
        content = series(SeriesInstanceUID=f"1.2.{number}", SOPInstanceUID=f"1.2.{number}.1")
        world.file(session.add_acquisition(label=label), "x.zip", content, edits, type="dicom", modality="MR")
    run = world.run(session)
    assert run.code == 0, run.printed
    told = messages(run)["Visit 1"]
    assert 'PatientName is "Nova^Vera" in 4 of 5 DICOM files; 5 - SURVEY/x.zip still has "Petersen^Johanna"' in told
    assert 'PatientBirthDate is "19810203" in 4 of 5 DICOM files; 5 - SURVEY/x.zip still has "19800203"' in told
    assert "Petersen" not in run.printed
    masked = world.run(session, force_export=True, log_values="none")
    assert "PatientName is (value) in 4 of 5 DICOM files" in messages(masked)["Visit 1"]


def test_what_was_not_transferred_is_judged_by_its_metadata_and_nothing_is_downloaded_for_it(world: World) -> None:
    session = world.session(subject="P7")
    for label in ("1 - T1", "2 - T2"):
        uid = f"1.2.{label[0]}"
        content = series(SeriesInstanceUID=uid, SOPInstanceUID=f"{uid}.1")
        world.file(session.add_acquisition(label=label), "x.zip", content, type="dicom", modality="MR")
    assert "Petersen" not in messages(world.run(session))["Visit 1"]
    world.edit(session.acquisitions()[0], "x.zip", **EDITS)
    edited = session.acquisitions()[0].label
    other = session.acquisitions()[1].label
    world.site.clear_requests()
    run = world.run(session, force_export=True)
    expected = f'PatientName is "Nova^Vera" in 1 of 2 DICOM files; {other}/x.zip still has "Petersen^Johanna"'
    assert expected in messages(run)["Visit 1"], edited
    again = world.run(session, force_export=True)
    assert "PatientName is" in messages(again)["Visit 1"]


def test_a_session_without_anything_forgotten_gets_no_remark(world: World) -> None:
    session = world.session(subject="P7")
    world.file(session.add_acquisition(label="A"), "a.dcm", image(), EDITS, type="dicom", modality="MR")
    told = messages(world.run(session))
    assert told["Visit 1"] == told["P7"] == told["A"] == ""
