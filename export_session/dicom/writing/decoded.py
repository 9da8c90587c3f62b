"""What a written value means to pydicom, which had no part in encoding it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from struct import pack, unpack
from typing import Any

from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.tag import Tag

from export_session.dicom.binary.code_extensions import without_escapes
from export_session.dicom.binary.dataset import Value
from export_session.dicom.binary.values import is_blank, is_same
from export_session.dicom.dictionary import CHARSET_VRS, STRING_VRS, UNSPLIT_VRS


def holds(value: Value | None, wanted: Any) -> bool:
    """Whether an element reads as what was asked for."""
    if value is None or is_blank(wanted):
        return value is not None and not value.raw
    asked = wanted if isinstance(wanted, list) else [wanted]
    if len(asked) == 1 and isinstance(asked[0], str) and value.vr not in UNSPLIT_VRS:
        asked = asked[0].split("\\")
    codecs = value.data_set.codecs
    found = _found(value)
    texts = [without_escapes(text, codecs) for text in value.texts(value.vr)] if value.vr in STRING_VRS else found
    return len(found) == len(texts) == len(asked) and all(
        # A component that stays is its own text, though no such number or the like
        (isinstance(one, str) and isinstance(text, str) and is_same(one, text, value.vr)) or _same(part, one, value.vr)
        for part, text, one in zip(found, texts, asked, strict=True)
    )


def read_alike(one: Value, other: Value) -> bool:
    """Whether two elements read the same."""
    return one.vr == other.vr and (one.raw == other.raw or (one.vr in CHARSET_VRS and _found(one) == _found(other)))


def _found(value: Value) -> list[Any]:
    codecs = value.data_set.codecs
    return [without_escapes(str(one), codecs) if value.vr in CHARSET_VRS else one for one in _converted(value)]


def _converted(value: Value) -> list[Any]:
    """Return the components as pydicom reads them; their text where one is nothing that it can convert."""
    implicit, little = value.syntax
    element = RawDataElement(Tag(value.tag), value.vr, len(value.raw), value.raw, 0, implicit, little)
    try:
        found = convert_raw_data_element(element, encoding=list(value.data_set.codecs)).value
    except (ValueError, OverflowError):
        return list(value.texts(value.vr)) if value.vr in STRING_VRS else []
    return list(found) if isinstance(found, Sequence) and not isinstance(found, str | bytes) else [found]


def _same(found: Any, wanted: Any, vr: str) -> bool:
    if vr == "AT":
        return bool(int(found) == _tag(wanted))
    if found is None or found == "":
        return wanted is None or not str(wanted).strip(" \0")
    if vr in ("SV", "UV") or isinstance(found, int):
        return int(found) == int(wanted)
    if vr == "FL":
        return bool(found == unpack("<f", pack("<f", float(wanted)))[0])
    if isinstance(found, float):
        return math.isclose(found, float(wanted), rel_tol=1e-15, abs_tol=0.0)
    ends = "=^ \0" if vr == "PN" else " \0"
    return _normal(str(found), ends) == _normal(str(wanted), ends)


def _normal(text: str, ends: str) -> str:
    return unicodedata.normalize("NFC", text.rstrip(ends))


def _tag(value: Any) -> int:
    return value if isinstance(value, int) else int("".join(c for c in value if c.isalnum()), 16)
