"""When a value of the metadata and one read from the file count as the same."""

from __future__ import annotations

import math
import re
import struct
import unicodedata
from collections.abc import Mapping
from enum import Enum
from typing import Any

from export_session.dicom.binary.dataset import PADDING
from export_session.dicom.dictionary import NUMBER_VRS


class _Absent(Enum):
    ABSENT = "the importer stores nothing"


ABSENT: Any = _Absent.ABSENT  # an enum member stays itself when it is copied

_EXACT_MAX = 1 << 53  # up to here every integer is a float
_TAG = re.compile(r"\(?\s*([0-9A-Fa-f]{4})\s*,?\s*([0-9A-Fa-f]{4})\s*\)?")


def components(value: Any) -> list[Any]:
    """Return a value as the list of its components; a scalar is a list of one, every empty form none."""
    values = value if isinstance(value, list) else [value]
    return [] if all(is_empty(part) for part in values) else values


def is_empty(value: Any) -> bool:
    """Whether a value is one of the forms in which JSON says "nothing"."""
    if isinstance(value, list):
        return all(is_empty(part) and not isinstance(part, (list, dict)) for part in value)
    if isinstance(value, str):
        return not value.strip(PADDING)
    return value is None or value is ABSENT or value == {}


def is_plain(value: Any) -> bool:
    """Whether a value is a scalar or a list of those; no object, nor a list with lists or objects in it."""
    return not any(isinstance(part, (list, Mapping)) for part in (value if isinstance(value, list) else [value]))


def same(one: Any, other: Any, vr: str, *, any_sign: bool = False) -> bool:
    """Whether two JSON values say the same for a VR.

    Parameters
    ----------
    one, other
        Scalars or lists.
    vr
        Numbers are compared by value, text without padding and in Unicode NFC, AT in all its spellings.
    any_sign
        The VR in the dictionary is "US or SS": integers are equal modulo 2¹⁶.
    """
    left, right = components(one), components(other)
    return len(left) == len(right) and all(
        same_component(a, b, vr, any_sign=any_sign) for a, b in zip(left, right, strict=True)
    )


def same_component(one: Any, other: Any, vr: str, *, any_sign: bool = False) -> bool:
    """Whether two components say the same."""
    if is_empty(one) or is_empty(other):
        return is_empty(one) and is_empty(other)
    if isinstance(one, str) and one == other:
        return True
    if vr == "AT":
        return bool(_tag(one) == _tag(other))
    if vr in NUMBER_VRS or not (isinstance(one, str) or isinstance(other, str)):
        left, right = as_number(one), as_number(other)
        if left is not None and right is not None:
            return _same_number(left, right, vr, any_sign=any_sign)
    return _text(one, vr) == _text(other, vr)


def as_number(value: Any) -> int | float | None:
    """Return a number or the number that a text spells, None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    if not isinstance(value, str) or "_" in value:
        return None
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return None


def _same_number(one: float, other: float, vr: str, *, any_sign: bool) -> bool:
    if isinstance(one, int) and isinstance(other, int):
        return one == other or (any_sign and (one - other) % 0x10000 == 0)
    if _is_exact(one) and _is_exact(other):
        return one == other
    if vr == "FL" and _as_float32(one) == _as_float32(other):
        return True
    try:
        return math.isclose(one, other, rel_tol=1e-9)
    except OverflowError:  # an integer beyond the range of a float
        return False


def _is_exact(number: float) -> bool:
    """Whether a number is a whole one that a float holds exactly."""
    return abs(number) <= _EXACT_MAX and number == int(number)


def _as_float32(number: float) -> float:
    try:
        return struct.unpack("<f", struct.pack("<f", number))[0]  # type: ignore[no-any-return] # one float by its format
    except (OverflowError, struct.error):
        return number


def _tag(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        match = _TAG.fullmatch(value.strip())
        return int(match[1] + match[2], 16) if match else value
    return value


def _text(value: Any, vr: str) -> str:
    text = unicodedata.normalize("NFC", str(value)).rstrip(PADDING)
    if vr == "PN":
        groups = [re.sub(r" *\^ *", "^", group).rstrip("^ ") for group in text.split("=")]
        return "=".join(groups).rstrip("=")
    return text
