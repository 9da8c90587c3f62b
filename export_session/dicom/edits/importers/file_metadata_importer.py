"""file-metadata-importer (FMI): the current importer, faithful but for the faults that it repairs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from export_session.dicom.binary.dataset import Value
from export_session.dicom.binary.instance import Instance
from export_session.dicom.dictionary import TEXT_VRS, UNSPLIT_VRS, Key, single_valued, vr_in_dictionary
from export_session.dicom.edits.equality import ABSENT
from export_session.dicom.edits.importers.importer import Importer, by_path

PER_FRAME_GROUPS = 0x52009230

_DENIED = frozenset(
    [
        "PixelData",
        "ContourData",
        "EncryptedAttributesSequence",
        "OriginalAttributesSequence",
        "SpectroscopyData",
        "EncapsulatedDocument",
        "FileMetaInformationVersion",
    ]
)
_DENIED_VRS = frozenset(["OB", "OW", "UN", "UT"])
_NO_BACKSLASH = TEXT_VRS - UNSPLIT_VRS | {"UR", "OD", "OL", "OV", "SV", "UV"}  # the byte is replaced in these


class FileMetadataImporter(Importer):
    """Dictionary VR, faults repaired, everything else as it is."""

    faithful = True
    replaces_others = True

    def of_value(self, value: Value) -> Any:
        if not value.raw:
            return ABSENT
        vr = value.dictionary_vr or value.vr
        if value.tag >> 16 & 1 and value.element.vr not in ("", "UN"):
            vr = value.element.vr  # the private dictionary only helps out
        if vr in _NO_BACKSLASH and single_valued(value.tag):
            value = value.with_value(value.raw.replace(b"\\", b"_"))
        if vr in ("DS", "IS"):
            numbers = _numbers(value.decoded(vr).split("\\"), vr)
            return _bytes(value) if numbers is None else unwrapped(numbers)
        if vr in TEXT_VRS:
            return unwrapped([text.strip() if vr in ("AE", "UI") else text for text in value.texts(vr)])
        try:
            return unwrapped(value.tags() if vr == "AT" else [finite(number) for number in value.numbers(vr)])
        except (KeyError, ValueError):  # no number, or not as many bytes as numbers take
            return _bytes(value)

    def of_items(self, value: Value, items: Iterator[Mapping[str, Any]]) -> Any:
        """Return a list of the items; of the frames only the first, and that alone."""
        if value.tag == PER_FRAME_GROUPS:
            return next(items, ABSENT)
        return super().of_items(value, items)

    def stores(self, value: Value | None, key: Key) -> bool:
        if value is None or key.creator:
            return value is not None
        return key.name not in _DENIED and vr_in_dictionary(key.tag) not in _DENIED_VRS

    def left_marks(self, header: Mapping[str, Any], dicom: Mapping[Key, Any]) -> bool:
        return (
            any(key.tag >> 16 == 2 for key in dicom)
            or isinstance(header.get("dicom_array"), Mapping)
            or "csa" in header
        )

    def order(self, members: Sequence[Instance], numbers: Mapping[int, tuple[int, float]]) -> Sequence[int]:
        """Sort by path, then by Instance Number; what has none comes first."""
        return sorted(by_path(members), key=lambda i: numbers.get(i, (0, 0.0)))


def _bytes(value: Value) -> Any:
    try:
        text = value.raw.decode()
    except UnicodeDecodeError:
        shown = value.raw.hex()
        return shown if value.element.held and len(value.raw) < 10 else shown[:10] + " ... truncated byte value."
    return unwrapped(text.strip(" \0").split("\\"))


def _numbers(texts: list[str], vr: str) -> list[Any] | None:
    """Read DS or IS components; if one is no number, drop what does not belong there from all of them."""
    try:
        numbers = [float(text) if text.strip(" \0") else None for text in texts]
        if vr == "DS" or all(number is None or math.isfinite(number) for number in numbers):
            return ["" if number is None else finite(number) for number in numbers]
    except ValueError:
        pass
    try:
        return [finite(float(re.sub(r"[^0-9Ee.+ -]", "", text))) for text in texts]
    except ValueError:
        return None


def finite(number: float) -> float | None:
    """Return a number as the site stores it: NaN and infinities become null."""
    return number if math.isfinite(number) else None


def unwrapped(values: list[Any]) -> Any:
    """Return a list of one as its component."""
    return values[0] if len(values) == 1 else values
