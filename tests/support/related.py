"""A study whose objects refer to one another: a CT series and what was derived from it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.10.1561"
STUDY, SERIES, FRAME = f"{ROOT}.1", f"{ROOT}.2", f"{ROOT}.3"
SLICES = tuple(f"{ROOT}.4.{number}" for number in range(1, 4))
CT, RTSTRUCT, SEG, SR, REG, KO, PR = (
    f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "481.3", "66.4", "88.33", "66.1", "88.59", "11.1")
)


def items(**elements: Any) -> Dataset:
    """An item with these elements."""
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def saved(
    data_set: Dataset, sop_class: str, uid: str, *, series: str, implicit: bool = False, study: str = STUDY
) -> bytes:
    """The bytes of an instance of the study."""
    data_set.SOPClassUID, data_set.SOPInstanceUID = sop_class, uid
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = study, series
    data_set.PatientName, data_set.PatientID = "Doe^Jane", "P-48213"
    data_set.StudyDate, data_set.StudyTime = "20240311", "091523"
    data_set.SeriesDate, data_set.SeriesTime = "20240311", "092744"
    data_set.AccessionNumber = "A2024-77123"
    data_set.file_meta = FileMetaDataset()
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    data_set.file_meta.TransferSyntaxUID = syntax
    data_set.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    data_set.file_meta.MediaStorageSOPInstanceUID = UID(uid)
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, data_set, enforce_file_format=True)
    return stream.getvalue()


def ct_slices(uids: Sequence[str] = SLICES, series: str = SERIES, **given: Any) -> list[bytes]:
    """The instances of a CT series."""
    return [
        saved(
            items(
                Modality="CT",
                FrameOfReferenceUID=FRAME,
                InstanceNumber=number,
                ImagePositionPatient=[-120.5, -98.25, 2.5 * number],
                ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                PixelSpacing=[0.7421, 0.7421],
                SeriesNumber=2,
                AcquisitionTime=f"0930{number:02}",
            ),
            CT,
            uid,
            series=series,
            **given,
        )
        for number, uid in enumerate(uids, 1)
    ]


def zipped(members: Sequence[bytes]) -> bytes:
    """A zip of instances."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number, data in enumerate(members, 1):
            archive.writestr(f"{number}.dcm", data)
    return target.getvalue()


def _images(name: str = "") -> dict[str, list[Dataset]]:
    return {name: [items(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=uid) for uid in SLICES]}


def rtstruct(uid: str = f"{ROOT}.50", **given: Any) -> bytes:
    """A structure set: it refers to study, series, frame of reference and instances."""
    study = items(
        ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
        ReferencedSOPInstanceUID=STUDY,
        RTReferencedSeriesSequence=[items(SeriesInstanceUID=SERIES, **_images("ContourImageSequence"))],
    )
    frame = items(FrameOfReferenceUID=FRAME, RTReferencedStudySequence=[study])
    contours = [items(ContourImageSequence=[image], NumberOfContourPoints=1) for image in _images()[""]]
    data_set = items(
        Modality="RTSTRUCT",
        ReferencedFrameOfReferenceSequence=[frame],
        StructureSetROISequence=[items(ROINumber=1, ReferencedFrameOfReferenceUID=FRAME)],
        ROIContourSequence=[items(ReferencedROINumber=1, ContourSequence=contours)],
    )
    block = data_set.private_block(0x3007, "SITE TOOLS", create=True)
    block.add_new(0x01, "UI", SLICES[1])
    block.add_new(0x02, "UI", [SLICES[0], f"{ROOT}.99", SLICES[2]])
    return saved(data_set, RTSTRUCT, uid, series=f"{uid}.1", **given)


def seg(uid: str = f"{ROOT}.60", **given: Any) -> bytes:
    """A segmentation: its frames say which image each is derived from."""
    frames = [
        items(DerivationImageSequence=[items(SourceImageSequence=[image], DerivationDescription="traced")])
        for image in _images()[""]
    ]
    data_set = items(
        Modality="SEG",
        FrameOfReferenceUID=FRAME,
        NumberOfFrames=len(frames),
        ReferencedSeriesSequence=[items(SeriesInstanceUID=SERIES, **_images("ReferencedInstanceSequence"))],
        PerFrameFunctionalGroupsSequence=frames,
    )
    return saved(data_set, SEG, uid, series=f"{uid}.1", **given)


def sr(uid: str = f"{ROOT}.70", sop_class: str = SR, **given: Any) -> bytes:
    """A report, or key object selection: its evidence names study, series and instances."""
    series = items(SeriesInstanceUID=SERIES, **_images("ReferencedSOPSequence"))
    data_set = items(
        Modality="SR",
        ValueType="CONTAINER",
        CurrentRequestedProcedureEvidenceSequence=[items(StudyInstanceUID=STUDY, ReferencedSeriesSequence=[series])],
        ContentSequence=[items(ValueType="IMAGE", ReferencedSOPSequence=_images()[""][:1])],
    )
    return saved(data_set, sop_class, uid, series=f"{uid}.1", **given)


def registration(uid: str = f"{ROOT}.80", **given: Any) -> bytes:
    """A spatial registration of the CT's frame of reference to another one."""
    data_set = items(
        Modality="REG",
        FrameOfReferenceUID=f"{ROOT}.81",
        RegistrationSequence=[items(FrameOfReferenceUID=FRAME, **_images("ReferencedImageSequence"))],
        StudiesContainingOtherReferencedInstancesSequence=[
            items(StudyInstanceUID=STUDY, ReferencedSeriesSequence=[items(SeriesInstanceUID=SERIES)])
        ],
    )
    return saved(data_set, REG, uid, series=f"{uid}.1", **given)


def presentation(uid: str = f"{ROOT}.90", **given: Any) -> bytes:
    """A presentation state of the CT's images."""
    data_set = items(
        Modality="PR",
        ReferencedSeriesSequence=[items(SeriesInstanceUID=SERIES, **_images("ReferencedImageSequence"))],
        DisplayedAreaSelectionSequence=[items(**_images("ReferencedImageSequence"))],
    )
    return saved(data_set, PR, uid, series=f"{uid}.1", **given)


def derived(**given: Any) -> dict[str, bytes]:
    """All objects that refer to the CT series, by file name."""
    return {
        "rtstruct.dcm": rtstruct(**given),
        "seg.dcm": seg(**given),
        "sr.dcm": sr(**given),
        "ko.dcm": sr(f"{ROOT}.75", KO, **given),
        "reg.dcm": registration(**given),
        "pr.dcm": presentation(**given),
    }


def uids(data_set: Dataset) -> Iterator[tuple[str, str]]:
    """Every UID of an instance with the way to it, file meta included."""
    for element in data_set.file_meta if hasattr(data_set, "file_meta") else ():
        if element.VR == "UI":
            yield f"meta.{element.keyword}", str(element.value)
    yield from _uids(data_set, "")


def _uids(data_set: Dataset, above: str) -> Iterator[tuple[str, str]]:
    for element in data_set:
        place = above + (element.keyword or f"{element.tag}")
        if element.VR == "UI":
            for value in (
                element.value if isinstance(element.value, (list, pydicom.multival.MultiValue)) else [element.value]
            ):
                yield place, str(value)
        elif element.VR == "SQ":
            for item in element.value:
                yield from _uids(item, f"{place}.")
