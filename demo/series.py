"""Real DICOM for the demo: the files that pydicom ships, packed as scanners' series arrive on Flywheel."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedMRImageStorage, generate_uid


@dataclass(frozen=True)
class Series:
    """One acquisition of the demo: its label, and the one DICOM file in it."""

    label: str
    name: str
    content: bytes
    modality: str
    classification: dict[str, list[str]]


def series() -> Iterator[Series]:
    """Give an MR and a CT series, an enhanced multi-frame, a compressed and a single uncompressed image."""
    folder = Path(str(get_testdata_file("DICOMDIR"))).parent / "98892003" / "MR700"
    yield Series("T1 axial", "t1.dicom.zip", _zip(folder), "MR", {"Intent": ["Structural"], "Measurement": ["T1"]})
    folder = folder.parents[1] / "98892001" / "CT5N"
    yield Series("CT thorax", "ct.dicom.zip", _zip(folder), "CT", {"Custom": ["low dose"]})
    yield Series("Enhanced MR", "enhanced.dicom.zip", _zipped("IM0001.dcm", _enhanced()), "MR", {})
    yield Series("Compressed", "jpeg2000.dcm", _file("JPEG2000.dcm"), "NM", {})
    yield Series("Localizer", "localizer.dcm", _file("MR_small.dcm"), "MR", {"Intent": ["Localizer"]})


def _file(name: str) -> bytes:
    return Path(str(get_testdata_file(name))).read_bytes()


def _zip(folder: Path) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(f"{folder.name}/{path.name}.dcm"), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _zipped(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _enhanced(frames: int = 8) -> bytes:
    """Turn pydicom's small MR image into an enhanced multi-frame one (PS3.3 §A.36), since pydicom ships none."""
    image = pydicom.dcmread(str(get_testdata_file("MR_small.dcm")))
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "SliceLocation", "PixelSpacing"):
        if keyword in image:
            del image[keyword]
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["enhanced"])
    image.NumberOfFrames = frames
    image.SeriesDescription = "Enhanced perfusion"
    image.PixelData = image.PixelData * frames
    image.PerFrameFunctionalGroupsSequence = Sequence([_frame(index) for index in range(frames)])
    target = io.BytesIO()
    image.save_as(target)
    return target.getvalue()


def _frame(index: int) -> Dataset:
    content, position, item = Dataset(), Dataset(), Dataset()
    content.FrameAcquisitionNumber = index + 1
    content.FrameComments = f"phase {index + 1}"
    position.ImagePositionPatient = [0.0, 0.0, float(index)]
    item.FrameContentSequence = Sequence([content])
    item.PlanePositionSequence = Sequence([position])
    return item
