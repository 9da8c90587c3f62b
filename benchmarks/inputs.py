"""DICOM to measure with: made here, the same every time, and as hard to compress as scanners' images."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, CTImageStorage, EnhancedMRImageStorage, ExplicitVRLittleEndian, generate_uid

from demo.importer import read_header

# Three corrections as a curator makes them: one longer, one shorter, one of another kind of text
EDITS: dict[str, Any] = {
    "PatientName": "Corrected^Name^After^Review",
    "StudyDescription": "Thorax",
    "ReferringPhysicianName": "Who^Knows",
}


@dataclass(frozen=True)
class Input:
    """A DICOM file of a session, and the metadata that a curator corrected."""

    source: Path
    header: dict[str, Any]


def packed_series(folder: Path, slices: int, size: int, method: int = zipfile.ZIP_DEFLATED) -> Input:
    """Make a CT series in a zip; 16 bits a pixel, of which noise fills eleven."""
    source = folder / f"{slices}x{size}-{method}.dicom.zip"
    template = _image(CTImageStorage, size)
    pixels = _noise(size)
    with zipfile.ZipFile(source, "w", method, compresslevel=1) as archive:
        for index in range(slices):
            template.SOPInstanceUID = template.file_meta.MediaStorageSOPInstanceUID = _uid("slice", index)
            template.InstanceNumber = index + 1
            template.SliceLocation = 1.5 * index
            template.ImagePositionPatient = [-120.0, -120.0, 1.5 * index]
            template.PixelData = next(pixels)
            archive.writestr(f"series/{index + 1:05}.dcm", _bytes(template))
    return Input(source, _corrected(template))


def enhanced(folder: Path, frames: int, size: int) -> Input:
    """Make an enhanced multi-frame MR object in a zip, with an item of nested sequences for each frame."""
    source = folder / f"enhanced-{frames}x{size}.dicom.zip"
    image = _image(EnhancedMRImageStorage, size)
    image.NumberOfFrames = frames
    image.PerFrameFunctionalGroupsSequence = Sequence([_frame(index) for index in range(frames)])
    pixels = _noise(size)
    image.PixelData = b"".join(next(pixels) for _ in range(frames))
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("enhanced.dcm", _bytes(image))
    return Input(source, _corrected(image))


def large_multiframe(folder: Path, length: int) -> Input:
    """Make a single multi-frame file whose pixel data have the given length; on disk they are a hole."""
    source = folder / f"multiframe-{length}.dcm"
    image = _image(EnhancedMRImageStorage, 1024)
    image.NumberOfFrames = length // (1024 * 1024 * 2)
    image.PixelData = b""
    content = bytearray(_bytes(image))
    content[-4:] = length.to_bytes(4, "little")  # the length of an empty value, the last of the file
    source.write_bytes(content)
    with source.open("r+b") as file:
        file.truncate(len(content) + length)
    return Input(source, _corrected(image))


def _image(sop_class: UID, size: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = _uid("image", 0)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    image.SOPClassUID, image.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    image.StudyInstanceUID, image.SeriesInstanceUID = _uid("study", 0), _uid("series", 0)
    image.FrameOfReferenceUID = _uid("frame of reference", 0)
    image.SpecificCharacterSet = "ISO_IR 100"
    image.Modality = "CT" if sop_class == CTImageStorage else "MR"
    image.PatientName, image.PatientID, image.PatientBirthDate = "Phantom^Bench", "BENCH-1", "19700101"
    image.StudyDate, image.StudyTime, image.StudyID = "20240102", "101500", "1"
    image.StudyDescription, image.SeriesDescription = "Thorax with contrast", "Noise"
    image.ReferringPhysicianName, image.InstitutionName = "Somebody^Else", "Hospital"
    image.Manufacturer, image.AccessionNumber = "Bench", "A1"
    image.SeriesNumber, image.InstanceNumber = 3, 1
    image.ImageOrientationPatient, image.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.5, 0.5]
    image.add_new(0x00290010, "LO", "BENCH PRIVATE")
    image.add_new(0x00291001, "OB", bytes(4096))  # as scanners' own headers: opaque, and there
    image.Rows = image.Columns = size
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    return image


def _frame(index: int) -> Dataset:
    def item(**values: Any) -> Sequence:
        content = Dataset()
        for keyword, value in values.items():
            setattr(content, keyword, value)
        return Sequence([content])

    frame = Dataset()
    frame.FrameContentSequence = item(FrameAcquisitionNumber=index + 1, StackID="1", InStackPositionNumber=index + 1)
    frame.PlanePositionSequence = item(ImagePositionPatient=[0.0, 0.0, 1.5 * index])
    frame.PlaneOrientationSequence = item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    frame.PixelMeasuresSequence = item(PixelSpacing=[0.5, 0.5], SliceThickness=1.5)
    return frame


def _noise(size: int) -> Iterator[bytes]:
    generator: Callable[..., Any] = np.random.default_rng(0).integers
    while True:
        yield generator(0, 2048, size * size, dtype=np.uint16).tobytes()


def _corrected(image: FileDataset) -> dict[str, Any]:
    pixels, image.PixelData = image.PixelData, b""
    header = read_header(_bytes(image))
    image.PixelData = pixels
    for keyword in ("InstanceNumber", "SliceLocation", "ImagePositionPatient", "SOPInstanceUID"):
        header["dicom"].pop(keyword, None)  # they vary in a series; here they are not what is corrected
    header["dicom"].pop("MediaStorageSOPInstanceUID", None)
    return {"dicom": {**header["dicom"], **EDITS}}


def _bytes(image: pydicom.Dataset) -> bytes:
    target = io.BytesIO()
    image.save_as(target, enforce_file_format=True)
    return target.getvalue()


def _uid(kind: str, index: int) -> UID:
    return generate_uid(entropy_srcs=["benchmark", kind, str(index)])
