"""Instances by keyword: explicit VR little endian, with values of any kind, invalid ones included."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence

from pydicom.datadict import dictionary_VR, tag_for_keyword

from export_session.dicom.binary.instance import Instance
from export_session.dicom.binary.parser import Parser
from tests.support import build

Value = str | bytes | int | float | Sequence["Items"]
Items = Mapping[str, "Value"]

_NUMBERS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
UID = {"SOPInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3", "StudyInstanceUID": "1.2"}


def element(key: str, value: Value, codec: str = "latin-1") -> bytes:
    """One element; ``key`` is a keyword, or ``ggggeeee VR``; bytes are taken as they are."""
    tag, vr = _tag_and_vr(key)
    if isinstance(value, bytes):
        return build.element(tag, vr, value, length=len(value))
    if isinstance(value, str):
        return build.element(tag, vr, value.encode(codec))
    if isinstance(value, (int, float)):
        return build.element(tag, vr, struct.pack("<" + _NUMBERS[vr], value))
    return build.sequence(tag, [build.item(data_set(item, codec)) for item in value], vr=vr)


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
    return build.instance(data_set(elements, codec), uid=str(elements.get("SOPInstanceUID", "1.2.3.4")))


def parse(data: bytes, size: int | None = None) -> Instance:
    """Read an instance."""
    return Parser().parse(io.BytesIO(data).read, "one.dcm", size)


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
