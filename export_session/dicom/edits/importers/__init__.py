"""What each known importer makes of the bytes of an element.

Three families of gears write ``info.header.dicom``: file-metadata-importer (FMI), metadata-import-dicom
(GRP3) and dicom-mr-classifier (MRC). Each is a function here: from an element that is no sequence to the
JSON value it stores, or ABSENT where it stores none.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from export_session.dicom.binary.dataset import Value
from export_session.dicom.dictionary import (
    BINARY_VRS,
    NUMBER_VRS,
    TEXT_VRS,
    UNSPLIT_VRS,
    Key,
    key_of,
    single_valued,
    vr_in_dictionary,
)


class _Absent(Enum):
    ABSENT = "the importer stores nothing"


ABSENT: Any = _Absent.ABSENT  # an enum member stays itself when it is copied

Importer = Callable[[Value], Any]

_ASCII = frozenset(string.printable)
_LONG_TEXT = 10240
_FMI_DENIED = frozenset(
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
_FMI_DENIED_VRS = frozenset(["OB", "OW", "UN", "UT"])
_NO_BACKSLASH = TEXT_VRS - UNSPLIT_VRS | {"UR", "OD", "OL", "OV", "SV", "UV"}  # FMI replaces the byte


def fmi(stored: Value) -> Any:
    """Return what file-metadata-importer stores: dictionary VR, faults repaired, everything else faithful."""
    if not stored.raw:
        return ABSENT
    vr = stored.dictionary_vr or stored.vr
    if stored.tag >> 16 & 1 and stored.element.vr not in ("", "UN"):
        vr = stored.element.vr  # the private dictionary only helps out
    if vr in _NO_BACKSLASH and single_valued(stored.tag):
        stored = stored.with_value(stored.raw.replace(b"\\", b"_"))
    if vr in ("DS", "IS"):
        numbers = _fmi_numbers(stored.decoded(vr).split("\\"), vr)
        return _fmi_bytes(stored) if numbers is None else _unwrapped(numbers)
    if vr in TEXT_VRS:
        return _unwrapped([text.strip() if vr in ("AE", "UI") else text for text in stored.texts(vr)])
    try:
        return _unwrapped(stored.tags() if vr == "AT" else [_finite(number) for number in stored.numbers(vr)])
    except (KeyError, ValueError):  # no number, or not as many bytes as numbers take
        return _fmi_bytes(stored)


def _fmi_bytes(stored: Value) -> Any:
    try:
        text = stored.raw.decode()
    except UnicodeDecodeError:
        shown = stored.raw.hex()
        return shown if stored.element.held and len(stored.raw) < 10 else shown[:10] + " ... truncated byte value."
    return _unwrapped(text.strip(" \0").split("\\"))


def _fmi_numbers(texts: list[str], vr: str) -> list[Any] | None:
    """Read DS or IS components; if one is no number, drop what does not belong there from all of them."""
    try:
        numbers = [float(text) if text.strip(" \0") else None for text in texts]
        if vr == "DS" or all(number is None or math.isfinite(number) for number in numbers):
            return ["" if number is None else _finite(number) for number in numbers]
    except ValueError:
        pass
    try:
        return [_finite(float(re.sub(r"[^0-9Ee.+ -]", "", text))) for text in texts]
    except ValueError:
        return None


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _unwrapped(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def grp3(stored: Value) -> Any:
    """Return what metadata-import-dicom stores: ASCII only, whatever looks numeric as a number."""
    if stored.vr == "AE" or (stored.vr in TEXT_VRS and single_valued(stored.tag)):
        return plain_text(stored.decoded(stored.vr))
    return _typed(stored)


def mrc(stored: Value) -> Any:
    """Return what dicom-mr-classifier stores: as GRP3, single UIDs read as numbers where they can be."""
    value = _typed(stored)
    if stored.vr == "UI" and isinstance(value, str):
        return _number_or_text(value)
    return value


def mrc_before_1_2(stored: Value) -> Any:
    """Return what dicom-mr-classifier up to 1.1 stores: the numbers of a list cut down to integers."""
    value = mrc(stored)
    if stored.vr in NUMBER_VRS and isinstance(value, list):
        return [int(number) if isinstance(number, float) and math.isfinite(number) else number for number in value]
    return value


def _typed(stored: Value) -> Any:
    vr = stored.vr
    if stored.empty and vr not in BINARY_VRS:
        return ABSENT
    if vr in TEXT_VRS or vr in ("DS", "IS"):
        return _typed_texts(stored.texts(vr), vr)
    try:
        if vr == "AT":
            tags = [f"({tag >> 16:04x}, {tag & 0xFFFF:04x})" for tag in stored.tags()]
            return _unwrapped(tags)
        return _unwrapped([_finite(number) for number in stored.numbers(vr)])
    except (KeyError, ValueError):
        return repr(stored.raw)


def _typed_texts(texts: list[str], vr: str) -> Any:
    if len(texts) == 1:
        return _number_or_text(texts[0]) if vr in ("DS", "IS") else plain_text(texts[0])
    if vr == "PN" or (vr in ("DS", "IS") and not all(texts)):
        return ABSENT  # the conversion fails and the element is left out
    try:
        return [_finite(float(text)) for text in texts]
    except ValueError:
        return "\\".join(texts) if vr in ("DS", "IS") else [plain_text(text) for text in texts if text]


def _number_or_text(text: str) -> Any:
    number = _number(text)
    return plain_text(text) if number is None else _finite(number)


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def plain_text(text: str) -> Any:
    """Return a text as GRP3 and MRC store it: without what is not printable ASCII."""
    if len(text) >= _LONG_TEXT:
        number = _number(text)
        return text if number is None else _finite(number)
    plain = "".join(char for char in text if char in _ASCII)
    return None if plain == "?" else plain


def loses_text(stored: Value) -> bool:
    """Whether GRP3 and MRC would drop characters of this element."""
    return stored.vr in TEXT_VRS and not all(char in _ASCII for char in stored.decoded(stored.vr))


@dataclass(frozen=True)
class Marks:
    """Which importers can have made a header, told from its marks."""

    fmi: bool
    grp3: bool
    mrc: bool
    truncating: bool  # whether an MRC that cut lists down to integers is possible

    @property
    def likeliest(self) -> Importer:
        """The importer in whose way a value is shown that is put back."""
        if self.mrc and not self.fmi and not self.grp3:
            return mrc
        return grp3 if self.grp3 and not self.fmi else fmi

    @property
    def is_known(self) -> bool:
        """Whether any mark was found."""
        return self.fmi or self.grp3 or self.mrc

    @property
    def only_fmi(self) -> bool:
        """Whether FMI alone left its marks; it overwrites what others wrote, where it stores anything."""
        return self.fmi and not self.grp3 and not self.mrc

    def importers(self, stored: Value | None, key: Key) -> tuple[Importer, ...]:
        """Return the importers that can have made the value of a key.

        FMI is always among them: it shows the bytes as they are, and a value the file holds already is no
        edit. Where FMI alone left its marks, only keys that it does not store can be left from another
        importer.
        """
        if self.only_fmi and fmi_stores(stored, key):
            return (fmi,)
        return (fmi, grp3, mrc, mrc_before_1_2) if self.truncating else (fmi, grp3, mrc)


def fmi_stores(stored: Value | None, key: Key) -> bool:
    """Whether file-metadata-importer has a place for an element in ``header.dicom``."""
    if stored is None or key.creator:
        return stored is not None
    return key.name not in _FMI_DENIED and vr_in_dictionary(key.tag) not in _FMI_DENIED_VRS


def marks_of(header: Mapping[str, Any]) -> Marks:
    """Tell from the marks in ``info.header`` which importers can have made it."""
    dicom = header.get("dicom")
    dicom = dicom if isinstance(dicom, Mapping) else {}
    keys = {text: key for text in dicom if (key := key_of(text))}
    by_fmi = (
        any(key.tag >> 16 == 2 for key in keys.values())
        or isinstance(header.get("dicom_array"), Mapping)
        or "csa" in header
    )
    by_grp3 = any(_is_grp3_value(key, dicom[text]) for text, key in keys.items())
    by_mrc = any(
        isinstance(dicom[text], Mapping)
        for text, key in keys.items()
        if vr_in_dictionary(key.tag) == "SQ" and text != "PerFrameFunctionalGroupsSequence"
    )
    fractions = any(
        isinstance(number, float) and not number.is_integer()
        for value in dicom.values()
        if isinstance(value, list)
        for number in value
    )
    return Marks(by_fmi, by_grp3, by_mrc, truncating=not (by_fmi or by_grp3 or fractions))


def _is_grp3_value(key: Key, value: Any) -> bool:
    if key.text in ("SpecificCharacterSet", "ImageType", "ScanningSequence"):
        return isinstance(value, list) and len(value) == 1
    text = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(text, str):
        return False
    vr = vr_in_dictionary(key.tag)
    # PS3.6 VR: MRC writes these two forms as well, but never in a list
    return isinstance(value, list) and vr == "AT" and text.startswith("(")
