"""What an importer does: read one instance of a file and keep a part of its header as JSON.

A small program of its own, in the manner of Flywheel's file-metadata-importer, so that the demo's metadata is
not made by the gear that later compares it.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import IS, VR, DSfloat, PersonName

LEFT_OUT = {VR.OB, VR.OW, VR.UN, VR.UT, VR.OB_OW}
PER_SLICE = ("AcquisitionNumber", "AcquisitionTime", "EchoTime", "ImageType", "InstanceNumber", "SliceLocation")


def read_header(content: bytes) -> dict[str, Any]:
    """Return ``info.header`` for a DICOM file or a zip of them."""
    instances = _instances(content)
    header: dict[str, Any] = {"dicom": {**_elements(instances[0].file_meta), **_elements(instances[0])}}
    if zipfile.is_zipfile(io.BytesIO(content)):
        columns = {tag: [_json(instance.get(tag)) for instance in instances] for tag in PER_SLICE}
        header["dicom_array"] = {tag: values for tag, values in columns.items() if any(values)}
    return header


def _instances(content: bytes) -> list[pydicom.FileDataset]:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return [pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        read = [
            pydicom.dcmread(io.BytesIO(archive.read(name)), stop_before_pixels=True)
            for name in sorted(archive.namelist())
        ]
    return sorted(read, key=lambda instance: int(instance.get("InstanceNumber") or 0))


def _elements(dataset: Dataset) -> dict[str, Any]:
    kept = {}
    for element in dataset:
        value = None if element.VR in LEFT_OUT or element.tag.is_private else _json(element.value)
        if element.keyword and value not in (None, "", [], {}) and element.keyword != "FileMetaInformationVersion":
            first_only = element.keyword == "PerFrameFunctionalGroupsSequence" and isinstance(value, list)
            kept[element.keyword] = value[0] if first_only else value
    return kept


def _json(value: Any) -> Any:
    match value:
        case Sequence():
            return [_elements(item) for item in value]
        case MultiValue():
            return [_json(item) for item in value]
        case PersonName():
            return str(value)
        case DSfloat():
            return float(value)
        case IS():
            return int(value)
        case bytes():
            return None
        case _:
            return str(value) if isinstance(value, str) else value
