"""From a JSON value to the text or bytes of a DICOM value, or a reason why not (DICOM PS3.5 §6.2).

The reasons are read by curators: they name what is wrong and the form that is right.
"""

from __future__ import annotations

import math
import re
import sys
from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from struct import Struct
from typing import Any

from export_session.dicom.dictionary import (
    CHARSET_VRS,
    INTEGER_RANGES,
    MAX_CHARACTERS,
    MULTI_LINE_VRS,
    NUMBER_FORMATS,
    UNSPLIT_VRS,
)

_NAMED_MAX = 40  # characters of a value in a reason

_DS = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_IS = re.compile(r"[+-]?\d+", re.ASCII)
_TM = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(\.\d{1,6})?)?)?")
_DT = re.compile(r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?")
_UI = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))*")
_UR = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*")
_AT = re.compile(r"\(?([0-9A-Fa-f]{4}),? ?([0-9A-Fa-f]{4})\)?")


class Unwritable(Exception):
    """The value cannot be written; the text says why."""


def is_blank(value: Any) -> bool:
    """Tell whether a JSON value asks for a zero-length element."""
    return value is None or value in ("", [])


def to_text(value: Any, vr: str, vm: str, count: int = 0) -> str:
    r"""Return the text of a string value, its components joined by ``\``.

    Parameters
    ----------
    value
        The JSON value: text, number or a list of those.
    vr, vm
        As the data dictionary gives them.
    count
        How many values the file holds now; this many are allowed, whatever the VM says.

    Raises
    ------
    Unwritable
        The value breaks a rule of its VR or VM.
    """
    if vr in UNSPLIT_VRS:
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, list):
            raise Unwritable(f"{vr} holds one value, not a list")
        return _spell(value, vr)
    if isinstance(value, str) and vm != "1":
        value = value.split("\\")
    values = value if isinstance(value, list) else [value]
    _check_count(len(values), vm, count)
    return "\\".join("" if item is None else _spell(item, vr) for item in values)


def to_bytes(value: Any, vr: str, vm: str, order: str, count: int = 0) -> bytes:
    """Return the bytes of a numeric value or attribute tag in byte order ``<`` or ``>``.

    Raises
    ------
    Unwritable
        The value is no such number, or its count breaks the VM.
    """
    if isinstance(value, str) and "\\" in value:
        value = value.split("\\")
    values = value if isinstance(value, list) else [value]
    _check_count(len(values), vm, count)
    if vr == "AT":
        return b"".join(Struct(order + "HH").pack(*_attribute_tag(item)) for item in values)
    number = _integer if vr in INTEGER_RANGES else _float
    pack = Struct(order + NUMBER_FORMATS[vr]).pack
    return b"".join(pack(number(item, vr)) for item in values)


def fits_multiplicity(count: int, vm: str) -> bool:
    """Tell whether ``count`` values are allowed by a VM such as ``1``, ``3``, ``1-2``, ``1-n`` or ``2-2n``."""
    low, _, high = vm.replace(" or 1", "").partition("-")
    if not high:
        return not low.isdigit() or count == int(low)
    if not high.endswith("n"):
        return int(low) <= count <= int(high)
    step = int(high[:-1] or 1)
    return count >= int(low) and (count - int(low)) % step == 0


def _check_count(given: int, vm: str, count: int) -> None:
    if given != count and not fits_multiplicity(given, vm):
        wanted = "one value" if vm == "1" else f"{vm} values"
        raise Unwritable(f"it takes {wanted}, not {given}")


def _spell(value: Any, vr: str) -> str:
    if vr == "DS":
        return _decimal_string(value)
    if vr == "IS":
        return _integer_string(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Unwritable(f"{_name(value)} is no text; write it as text")
    text = value.rstrip(" \0")  # trailing padding is no part of a value (PS3.5 §6.2)
    _check_characters(text, vr)
    if text:
        _FORMS.get(vr, _any_form)(text)
    return text


def _check_characters(text: str, vr: str) -> None:
    allowed = "\t\n\f\r" if vr in MULTI_LINE_VRS else ""
    for character in text:
        if (character < " " or "\x7f" <= character <= "\x9f") and character not in allowed:
            raise Unwritable(f"it holds the control character U+{ord(character):04X}")
        if "\ud800" <= character <= "\udfff" or character == "\ufffd":
            raise Unwritable(f"it holds U+{ord(character):04X}, which stands for a lost character")
    if vr not in CHARSET_VRS and not text.isascii():
        raise Unwritable(f"{vr} holds plain ASCII only")
    if "\\" in text and vr not in UNSPLIT_VRS:
        raise Unwritable("a backslash separates values and can be no part of one")
    longest = MAX_CHARACTERS.get(vr)
    if longest and vr != "PN" and len(text) > longest:
        raise Unwritable(f"it has {len(text)} characters, {vr} holds {longest}")


def _any_form(_text: str) -> None:
    """Accept: VRs without a form of their own."""


def _title(text: str) -> None:
    if text.startswith(" "):
        raise Unwritable("spaces before an AE title are no part of it; leave them out")


def _age(text: str) -> None:
    if not re.fullmatch(r"\d{3}[DWMY]", text):
        raise Unwritable(f'"{text}" is no age; the form is three digits and D, W, M or Y, such as 034Y')


def _code(text: str) -> None:
    if not re.fullmatch(r"[A-Z0-9_ ]*", text):
        hint = f', such as "{text.upper()}"' if re.fullmatch(r"[A-Z0-9_ ]*", text.upper()) else ""
        raise Unwritable(f'"{text}" is no code; CS holds capitals, digits, space and underscore{hint}')


def _date(text: str) -> None:
    if not re.fullmatch(r"\d{8}", text) or not _is_date(text[:4], text[4:6], text[6:]):
        raise Unwritable(f'"{text}" is no date; the form is YYYYMMDD, such as 20200131')


def _is_date(year: str, month: str | None, day: str | None) -> bool:
    if year == "0000" or not 1 <= int(month or 1) <= 12:
        return False
    return 1 <= int(day or 1) <= monthrange(int(year), int(month or 1))[1]


def _is_time(hour: str | None, minute: str | None, second: str | None) -> bool:
    return int(hour or 0) < 24 and int(minute or 0) < 60 and int(second or 0) <= 60  # 60: a leap second


def _time(text: str) -> None:
    found = _TM.fullmatch(text)
    if not found or not _is_time(*found.groups()[:3]):
        raise Unwritable(f'"{text}" is no time; the form is HHMMSS.FFFFFF, such as 134501.25 or 1345')


def _date_time(text: str) -> None:
    found = _DT.fullmatch(text)
    if not found or not _is_date(*found.groups()[:3]) or not _is_time(*found.groups()[3:6]):
        raise Unwritable(
            f'"{text}" is no date and time; the form is YYYYMMDDHHMMSS.FFFFFF+ZZXX, such as 20200131134501'
        )


def _person_name(text: str) -> None:
    if not text.strip("= "):
        raise Unwritable('a name of delimiters alone names no one; "" empties the element')
    groups = text.split("=")
    if len(groups) > 3:
        raise Unwritable('a name has at most three representations, separated by "="')
    for group in groups:
        if len(group) > MAX_CHARACTERS["PN"]:
            raise Unwritable(f"it has {len(group)} characters, a name holds {MAX_CHARACTERS['PN']}")
        if group.count("^") > 4:
            raise Unwritable("a name has at most five components: family^given^middle^prefix^suffix")


def _uid(text: str) -> None:
    if len(text) > 64 or not _UI.fullmatch(text):
        raise Unwritable(f'"{text}" is no UID; it takes up to 64 digits and dots, and no component starts with 0')


def _uri(text: str) -> None:
    if not _UR.fullmatch(text):
        raise Unwritable("it is no URI; escape special characters as %XX")


_FORMS: dict[str, Callable[[str], None]] = {
    "AE": _title,
    "AS": _age,
    "CS": _code,
    "DA": _date,
    "DT": _date_time,
    "PN": _person_name,
    "TM": _time,
    "UI": _uid,
    "UR": _uri,
}


def _decimal_string(value: Any) -> str:
    """Spell a decimal in at most 16 characters; a longer one only if a shorter spelling is the same number."""
    if isinstance(value, str):
        text = value.strip(" ")
        if not text or (_DS.fullmatch(text) and len(text) <= MAX_CHARACTERS["DS"]):
            _exact(value, text or "0")
            return text
        if not _DS.fullmatch(text):
            raise Unwritable(f"{_name(value)} is no decimal number")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        text = repr(value)
    else:
        raise Unwritable(f"{_name(value)} is no number")
    exact = _exact(value, text)
    for spelling in _spellings(text, exact):
        if len(spelling) <= MAX_CHARACTERS["DS"] and Decimal(spelling) == exact:
            return spelling
    nearest = max((s for s in _spellings(text, exact) if len(s) <= MAX_CHARACTERS["DS"]), key=len, default="")
    hint = f'; "{nearest}" would fit' if nearest else ""
    raise Unwritable(f"{_name(text)} needs more than the {MAX_CHARACTERS['DS']} characters of a decimal string{hint}")


def _exact(value: Any, text: str) -> Decimal:
    if isinstance(value, float) and not math.isfinite(value):
        raise Unwritable(f"{_name(value)} is no number that DICOM text can hold")
    try:
        exact = Decimal(text)
    except InvalidOperation:  # more digits than any number has
        raise Unwritable("it has too many digits") from None
    if abs(exact) > Decimal(sys.float_info.max):
        raise Unwritable(f"{_name(text)} is beyond the range of numbers that programs read")
    return exact


def _spellings(text: str, exact: Decimal) -> list[str]:
    """List ways to write a number, the most natural first, then ever fewer digits."""
    plain = re.sub(r"\.0$", "", text)
    spellings = [plain, re.sub(r"^(-?)0\.", r"\1.", plain)]
    spellings += [_short_exponent(f"{exact:.{digits}G}") for digits in range(17, 0, -1)]
    return spellings


def _short_exponent(text: str) -> str:
    mantissa, separator, exponent = text.partition("E")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}{separator}{int(exponent)}" if separator else mantissa


def _integer_string(value: Any) -> str:
    if isinstance(value, str):
        text = value.strip(" ")
        if not text:
            return text
        if not _IS.fullmatch(text):
            raise Unwritable(f"{_name(value)} is no integer")
        number = int(text) if len(text) < 40 else 2**63
        text = text if len(text) <= MAX_CHARACTERS["IS"] else str(number)
    else:
        number = _whole(value)
        text = str(number)
    if not -(2**31) <= number < 2**31:
        raise Unwritable(f"{_name(text)} is beyond the range of an integer string, -2147483648 to 2147483647")
    return text


def _whole(value: Any) -> int:
    if isinstance(value, str) and _IS.fullmatch(value.strip()) and len(value) < 40:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Unwritable(f"{_name(value)} is no integer")


def _integer(value: Any, vr: str) -> int:
    number = _whole(value)
    low, high = INTEGER_RANGES[vr]
    if not low <= number <= high:
        raise Unwritable(f"{_name(number)} is beyond the range of {vr}, {low} to {high}")
    return number


def _float(value: Any, vr: str) -> float:
    if isinstance(value, str) and _DS.fullmatch(value.strip()):
        number = float(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if not abs(value) > sys.float_info.max else math.inf
    else:
        raise Unwritable(f"{_name(value)} is no number that {vr} can hold")
    if not math.isfinite(number) or (vr == "FL" and abs(number) > 3.4028235677973366e38):
        raise Unwritable(f"{_name(number)} is beyond the range of {vr}")
    return number


def _attribute_tag(value: Any) -> tuple[int, int]:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32:
        return value >> 16, value & 0xFFFF
    found = _AT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise Unwritable(f"{_name(value)} is no attribute tag; the form is (gggg,eeee), such as (0018,1063)")
    return int(found[1], 16), int(found[2], 16)


def _name(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = value if isinstance(value, str) else repr(value)
    return f'"{text}"' if len(text) <= _NAMED_MAX else f'"{text[:_NAMED_MAX]}…"'
