"""What goes through the DICOM engine is of type dicom, or of no type and DICOM by its name or content."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from demo.importer import read_header
from tests.support.world import World, image, instances


def edited(**values: Any) -> dict[str, Any]:
    """Return the header of a DICOM file with a correction in it."""
    header = read_header(image())
    return {**header, "dicom": {**header["dicom"], **values}}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bold.nii.gz", "nifti"),
        ("dwi.bval", "bval"),
        ("dwi.bvec", "bvec"),
        ("bold.json", "source code"),
        ("pet.ptd", "ptd"),
        ("odd.dcm", "text"),
    ],
)
def test_what_was_made_from_dicom_goes_out_as_it_is(world: World, name: str, kind: str) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="A")
    header = edited(PatientName="Doe^Jane")
    world.file(acquisition, name, b"anything but DICOM", type=kind, modality="MR", info={"header": header})
    run = world.run(session)
    assert run.code == 0, run.printed
    (copied,) = world.copy_of(session).acquisitions()
    file = world.stored(copied, name)
    assert (file.type, file.info["header"]) == (kind, header)
    assert copied.read_file(name) == b"anything but DICOM"
    (row,) = [row for row in run.log if row["Name"] == name]
    assert row["Changes"] == "0"


@pytest.mark.parametrize("kind", ["archive", None])
def test_without_a_type_the_content_decides(world: World, kind: str | None) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="A")
    inside, packed = image(), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("1", inside)
    for name, content in (("series.zip", packed.getvalue()), ("other.zip", b"PK is all it has")):
        metadata: dict[str, Any] = {"type": kind} if kind else {}
        world.file(acquisition, name, content, info={"header": edited(PatientName="Doe^Jane")}, **metadata)
    run = world.run(session)
    assert run.code == 0, run.printed
    (copied,) = world.copy_of(session).acquisitions()
    assert str(instances(copied.read_file("series.zip"))[0].PatientName) == "Doe^Jane"
    assert copied.read_file("other.zip") == b"PK is all it has"
    (row,) = [row for row in run.log if row["Name"] == "other.zip"]
    assert "goes out as it is" in row["Message"]


def test_metadata_that_lies_flat_in_info_is_said_not_to_be_exported(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="A")
    flat = {"PatientName": "Doe^Jane", "SeriesDescription": "T1", "Rows": 64}
    acquisition_file = world.file(acquisition, "a.dcm", image(), type="dicom", modality="MR")
    acquisition_file.update_info(flat)
    choices: list[dict[str, Any]] = [{}, {"force_export": True}]
    for options in choices:
        run = world.run(session, **options)
        assert run.code == 0, run.printed
        (row,) = [row for row in run.log if row["Name"] == "a.dcm"]
        assert row["Message"].count("corrections made there are not exported") == 1
        assert "PatientName, SeriesDescription and others" in row["Message"]
    (copied,) = world.copy_of(session).acquisitions()
    assert world.stored(copied, "a.dcm").info["PatientName"] == "Doe^Jane"
