"""Instances crafted byte by byte: explicit VR little endian, so that also invalid values can be made."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence

from pydicom.datadict import dictionary_VR, tag_for_keyword

from export_session.dicom.binary.instance import Instance
from export_session.dicom.binary.parser import Parser

Value = str | bytes | int | float | Sequence["Items"]
Items = Mapping[str, "Value"]

_LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
_NUMBERS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
UID = {"SOPInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3", "StudyInstanceUID": "1.2"}


def element(key: str, value: Value, codec: str = "latin-1") -> bytes:
    """One element; ``key`` is a keyword, or ``ggggeeee VR``; bytes are taken as they are."""
    tag, vr = _tag_and_vr(key)
    if isinstance(value, str):
        raw = value.encode(codec)
        raw += (b"\0" if vr == "UI" else b" ") * (len(raw) % 2)
    elif isinstance(value, bytes):
        raw = value
    elif isinstance(value, (int, float)):
        raw = struct.pack("<" + _NUMBERS[vr], value)
    else:
        raw = b"".join(_item(item, codec) for item in value)
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    return head + (struct.pack("<xxL", len(raw)) if vr in _LONG else struct.pack("<H", len(raw))) + raw


def _item(item: Items, codec: str) -> bytes:
    content = data_set(item, codec)
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content


def data_set(elements: Items, codec: str = "latin-1") -> bytes:
    """Elements in the order of their tags."""
    return b"".join(element(key, elements[key], codec) for key in sorted(elements, key=_tag_and_vr))


def _tag_and_vr(key: str) -> tuple[int, str]:
    if " " in key:
        digits, vr = key.split()
        return int(digits, 16), vr
    tag = tag_for_keyword(key)
    assert tag is not None, key
    return tag, dictionary_VR(tag).split(" or ")[0]


def file_bytes(elements: Items, codec: str = "latin-1") -> bytes:
    """A whole file with preamble and file meta."""
    meta = {
        "MediaStorageSOPClassUID": "1.2.840.10008.5.1.4.1.1.4",
        "MediaStorageSOPInstanceUID": str(elements.get("SOPInstanceUID", "1.2.3.4")),
        "TransferSyntaxUID": "1.2.840.10008.1.2.1",
    }
    encoded = data_set(meta)
    length = element("FileMetaInformationGroupLength", len(encoded))
    return b"\0" * 128 + b"DICM" + length + encoded + data_set(elements, codec)


def instance(elements: Items, name: str = "1.dcm", codec: str = "latin-1") -> Instance:
    """A parsed instance."""
    data = file_bytes({**UID, **elements}, codec)
    read = Parser().parse(io.BytesIO(data).read, name, len(data))
    assert not read.problem, read.problem
    return read


def series(count: int, common: Items, **varying: Sequence[Value]) -> list[Instance]:
    """Instances numbered from 1 that differ in some elements."""
    return [
        instance(
            {
                **common,
                "SOPInstanceUID": f"1.2.3.4.{i + 1}",
                "InstanceNumber": str(i + 1),
                **{keyword: values[i] for keyword, values in varying.items()},
            },
            f"{i + 1}.dcm",
        )
        for i in range(count)
    ]


def not_dicom(name: str = "README", data: bytes = b"read me") -> Instance:
    """A member that is no DICOM."""
    return Parser().parse(io.BytesIO(data).read, name, len(data))
