"""Numbers and attribute tags from JSON values: decimal and integer strings, binary numbers (PS3.5 §6.2).

Everything here raises :class:`~export_session.dicom.binary.refusal.Unwritable` for what its VR cannot hold.
"""

from __future__ import annotations

import math
import re
import sys
from decimal import Decimal, InvalidOperation
from typing import Any

from export_session.dicom.binary.decimals import exact_decimal, nearest_decimal
from export_session.dicom.binary.refusal import Unwritable, named
from export_session.dicom.dictionary import INTEGER_RANGES, MAX_CHARACTERS

_DS = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_IS = re.compile(r"[+-]?\d+", re.ASCII)
_AT = re.compile(r"\(?([0-9A-Fa-f]{4}),? ?([0-9A-Fa-f]{4})\)?")


def decimal_string(value: Any) -> str:
    """Spell a decimal in at most 16 characters; a longer one only if a shorter spelling is the same number."""
    if isinstance(value, str):
        text = value.strip(" ")
        if not text or (_DS.fullmatch(text) and len(text) <= MAX_CHARACTERS["DS"]):
            _exact(value, text or "0")
            return text
        if not _DS.fullmatch(text):
            raise Unwritable(f"{named(value)} is not a valid decimal number")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        text = repr(value)
    else:
        raise Unwritable(f"{named(value)} is not a number")
    exact = _exact(value, text)
    plain = text.removesuffix(".0")
    spelling = plain if len(plain) <= MAX_CHARACTERS["DS"] else exact_decimal(exact)
    if spelling:
        return spelling
    raise Unwritable(
        f"{named(text)} needs more than the {MAX_CHARACTERS['DS']} characters of a decimal string; "
        f'"{nearest_decimal(exact)}" would do'
    )


def _exact(value: Any, text: str) -> Decimal:
    if isinstance(value, float) and not math.isfinite(value):
        raise Unwritable(f"{named(value)} is not a number that DICOM text can hold")
    try:
        exact = Decimal(text)
    except InvalidOperation:  # more digits than any number has
        raise Unwritable("it has too many digits") from None
    if exact.copy_abs() > Decimal(sys.float_info.max):
        raise Unwritable(f"{named(text)} is beyond the range of numbers that programs read")
    return exact


def integer_string(value: Any) -> str:
    """Spell an integer of 32 bits."""
    if isinstance(value, str):
        text = value.strip(" ")
        if not text:
            return text
        if not _IS.fullmatch(text):
            raise Unwritable(f"{named(value)} is not an integer")
        number = int(text) if len(text) < 40 else 2**63
        text = text if len(text) <= MAX_CHARACTERS["IS"] else str(number)
    else:
        number = _whole(value)
        text = str(number)
    if not -(2**31) <= number < 2**31:
        raise Unwritable(f"{named(text)} is beyond the range of an integer string, -2147483648 to 2147483647")
    return text


def _whole(value: Any) -> int:
    if isinstance(value, str) and _IS.fullmatch(value.strip()) and len(value) < 40:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Unwritable(f"{named(value)} is not an integer")


def integer(value: Any, vr: str) -> int:
    """Return an integer that a binary VR can hold."""
    number = _whole(value)
    low, high = INTEGER_RANGES[vr]
    if not low <= number <= high:
        raise Unwritable(f"{named(number)} is beyond the range of {vr}, {low} to {high}")
    return number


def real(value: Any, vr: str) -> float:
    """Return a number that FL or FD can hold."""
    if isinstance(value, str) and _DS.fullmatch(value.strip()):
        number = float(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if not abs(value) > sys.float_info.max else math.inf
    else:
        raise Unwritable(f"{named(value)} is not a number that {vr} can hold")
    if not math.isfinite(number) or (vr == "FL" and abs(number) >= 3.4028235677973366e38):
        raise Unwritable(f"{named(number)} is beyond the range of {vr}")
    return number


def attribute_tag(value: Any) -> tuple[int, int]:
    """Return group and element of an attribute tag."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32:
        return value >> 16, value & 0xFFFF
    found = _AT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise Unwritable(f"{named(value)} is not a valid attribute tag; the form is (gggg,eeee), such as (0018,1063)")
    return int(found[1], 16), int(found[2], 16)
