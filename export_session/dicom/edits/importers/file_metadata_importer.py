"""file-metadata-importer (FMI): the current importer, faithful but for the faults that it repairs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from export_session.dicom.binary.dataset import Value
from export_session.dicom.binary.instance import Instance
from export_session.dicom.dictionary import LUT_DESCRIPTORS, TEXT_VRS, UNSPLIT_VRS, Key, single_valued, vr_in_dictionary
from export_session.dicom.edits.equality import ABSENT
from export_session.dicom.edits.importers.importer import Importer, by_path
from export_session.dicom.edits.importers.reading.left_out import is_shown

if TYPE_CHECKING:
    from export_session.dicom.edits.importers.reading.rereading import Rereading

PER_FRAME_GROUPS = 0x52009230

# A backslash is left to these. "US or SS" is not among them, where the file leaves it open which of the two it is.
_BACKSLASH_VRS = UNSPLIT_VRS - {"UR"} | {
    "AT",
    "DS",
    "FD",
    "FL",
    "IS",
    "OB",
    "OF",
    "OW",
    "SL",
    "SQ",
    "SS",
    "UL",
    "UN",
    "US",
}


class FileMetadataImporter(Importer):
    """Dictionary VR, faults repaired, everything else as it is.

    Parameters
    ----------
    repairing
        False for what the bytes say without the repairs.
    """

    faithful = True
    replaces_others = True

    def __init__(self, *, repairing: bool = True) -> None:
        self._repairing = repairing

    def of_value(self, value: Value) -> Any:
        if not value.raw:
            return ABSENT
        vr = value.dictionary_vr or value.vr
        if value.tag >> 16 & 1 and value.element.vr not in ("", "UN"):
            vr = value.element.vr  # the private dictionary only helps out
        if self._repairing and _loses_backslash(value, vr):
            value = value.with_value(value.raw.replace(b"\\", b"_"))
        if vr in ("DS", "IS"):
            numbers = _numbers(value.decoded(vr).split("\\"), vr)
            return _bytes(value) if numbers is None else unwrapped(numbers)
        if vr in TEXT_VRS:
            return unwrapped([_stripped(text, vr) for text in value.texts(vr)])
        try:
            numbers = value.tags() if vr == "AT" else [finite(number) for number in value.numbers(vr)]
        except (KeyError, ValueError):  # no number, or not as many bytes as numbers take
            return _bytes(value)
        if self._repairing and value.tag in LUT_DESCRIPTORS and len(numbers) > 1 and numbers[0] < 0:
            numbers[0] += 1 << 15
        return unwrapped(numbers)

    def of_items(self, value: Value, items: Iterator[Mapping[str, Any]]) -> Any:
        """Return a list of the items; of the frames only the first, and that alone."""
        if value.tag == PER_FRAME_GROUPS:
            return next(items, ABSENT)
        return super().of_items(value, items)

    def header_in(self, opinion: Rereading) -> Mapping[str, Any]:
        return opinion.header

    def stores(self, value: Value | None, key: Key) -> bool:
        if value is None or key.creator:
            return value is not None
        return is_shown(key.name)

    def left_marks(self, header: Mapping[str, Any], dicom: Mapping[Key, Any]) -> bool:
        return (
            any(key.tag >> 16 == 2 for key in dicom)
            or isinstance(header.get("dicom_array"), Mapping)
            or "csa" in header
        )

    def order(self, members: Sequence[Instance], numbers: Mapping[int, tuple[int, float]]) -> Sequence[int]:
        """Sort by path, then by Instance Number; what has none comes first."""
        return sorted(by_path(members), key=lambda i: numbers.get(i, (0, 0.0)))


def _loses_backslash(value: Value, vr: str) -> bool:
    """Whether byte 5C becomes 5F: in elements of VM 1 but for some VRs, of which an undecided one is none."""
    undecided = " or " in vr_in_dictionary(value.tag) and value.element.vr != vr
    return single_valued(value.tag) and (vr not in _BACKSLASH_VRS or (undecided and vr in ("US", "SS")))


def _stripped(text: str, vr: str) -> str:
    if vr == "UR":
        return text.rstrip()
    return text.strip() if vr in ("AE", "UI") else text


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
        repaired = [float(re.sub(r"[^0-9Ee.+ -]", "", text)) for text in texts]
        return [int(number) for number in repaired] if vr == "IS" else [finite(number) for number in repaired]
    except (ValueError, OverflowError):
        return None


def finite(number: float) -> float | None:
    """Return a number as the site stores it: NaN and infinities become null."""
    return number if math.isfinite(number) else None


def unwrapped(values: list[Any]) -> Any:
    """Return a list of one as its component."""
    return values[0] if len(values) == 1 else values
