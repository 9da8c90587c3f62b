"""The form that a text VR asks of its value (PS3.5 §6.2)."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable

from export_session.dicom.binary.refusal import Unwritable
from export_session.dicom.dictionary import CHARSET_VRS, MAX_CHARACTERS, MULTI_LINE_VRS, UNSPLIT_VRS

_NAMED_MAX = 64  # characters of a value in a reason
_TM = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(\.\d{1,6})?)?)?")
_DT = re.compile(r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?")
_UI = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))*")
_UR = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*")


def check_form(text: str, vr: str) -> None:
    """Check one value, or component of a value, of a text VR.

    Raises
    ------
    Unwritable
        It breaks a rule of its VR.
    """
    _check_characters(text, vr)
    if text and vr in _FORMS:
        _FORMS[vr](text)


def _check_characters(text: str, vr: str) -> None:
    allowed = "\t\n\f\r" if vr in MULTI_LINE_VRS else ""
    controls = [one for one in text if (one < " " or "\x7f" <= one <= "\x9f") and one not in allowed]
    if controls:
        bare = text.translate(dict.fromkeys(map(ord, controls), " "))
        raise Unwritable(f"it holds the control character U+{ord(controls[0]):04X}{_without(bare, vr)}")
    for character in text:
        if "\ud800" <= character <= "\udfff" or character == "\ufffd":
            raise Unwritable(f"it holds U+{ord(character):04X}, which stands for a lost character")
    if vr not in CHARSET_VRS and not text.isascii():
        raise Unwritable(f"{vr} holds plain ASCII only")
    if "\\" in text and vr not in UNSPLIT_VRS:
        raise Unwritable("a backslash separates values and cannot be part of one")
    longest = MAX_CHARACTERS.get(vr)
    if longest and vr != "PN" and len(text) > longest:
        raise Unwritable(f"it has {len(text)} characters, {vr} holds {longest}{_shorter(text, longest)}")


def _without(bare: str, vr: str) -> str:
    """Name what would do in place of a text with control characters; nothing where it would fill the page."""
    text = re.sub(" {2,}", " ", bare).strip(" ")
    try:
        check_form(text, vr)
    except Unwritable:
        return ""
    return f'; "{text}" would do' if 0 < len(text) <= _NAMED_MAX else ""


def _shorter(text: str, longest: int) -> str:
    """Name the longest value that would do, without the half of a word; nothing where it would fill the page."""
    whole = re.match(rf".{{0,{longest}}}(?!\S)", text, re.DOTALL)
    kept = (whole[0].strip() if whole else "") or text[:longest].rstrip()
    return f'; "{kept}" would do' if longest <= _NAMED_MAX else ""


def _title(text: str) -> None:
    if text.startswith(" "):
        raise Unwritable("spaces before an AE title are not part of it; leave them out")


def _age(text: str) -> None:
    if not re.fullmatch(r"\d{3}[DWMY]", text):
        raise Unwritable(f'"{text}" is not a valid age; the form is three digits and D, W, M or Y, such as 034Y')


def _code(text: str) -> None:
    if not re.fullmatch(r"[A-Z0-9_ ]*", text):
        hint = f', such as "{text.upper()}"' if re.fullmatch(r"[A-Z0-9_ ]*", text.upper()) else ""
        raise Unwritable(f'"{text}" is not a valid code; CS holds capitals, digits, space and underscore{hint}')


def _date(text: str) -> None:
    if not re.fullmatch(r"\d{8}", text) or not _is_date(text[:4], text[4:6], text[6:]):
        raise Unwritable(f'"{text}" is not a valid date; the form is YYYYMMDD, such as 20200131')


def _is_date(year: str, month: str | None, day: str | None) -> bool:
    if year == "0000" or not 1 <= int(month or 1) <= 12:
        return False
    return 1 <= int(day or 1) <= monthrange(int(year), int(month or 1))[1]


def _is_time(hour: str | None, minute: str | None, second: str | None) -> bool:
    return int(hour or 0) < 24 and int(minute or 0) < 60 and int(second or 0) <= 60  # 60: a leap second


def _time(text: str) -> None:
    found = _TM.fullmatch(text)
    if not found or not _is_time(*found.groups()[:3]):
        raise Unwritable(f'"{text}" is not a valid time; the form is HHMMSS.FFFFFF, such as 134501.25 or 1345')


def _date_time(text: str) -> None:
    found = _DT.fullmatch(text)
    if not found or not _is_date(*found.groups()[:3]) or not _is_time(*found.groups()[3:6]):
        raise Unwritable(
            f'"{text}" is not a valid date and time; the form is YYYYMMDDHHMMSS.FFFFFF+ZZXX, such as 20200131134501'
        )


def _person_name(text: str) -> None:
    if not text.strip("= "):
        raise Unwritable('a name of delimiters alone names no one; "" empties the element')
    groups = text.split("=")
    if len(groups) > 3:
        raise Unwritable('a name has at most three representations, separated by "="')
    for group in groups:
        if len(group) > MAX_CHARACTERS["PN"]:
            longest = MAX_CHARACTERS["PN"]
            raise Unwritable(f"it has {len(group)} characters, a name holds {longest}{_shorter(group, longest)}")
        if group.count("^") > 4:
            raise Unwritable("a name has at most five components: family^given^middle^prefix^suffix")


def _uid(text: str) -> None:
    if len(text) > 64 or not _UI.fullmatch(text):
        raise Unwritable(
            f'"{text}" is not a valid UID; it takes up to 64 digits and dots, and no component starts with 0'
        )


def _uri(text: str) -> None:
    if not _UR.fullmatch(text):
        raise Unwritable("it is not a valid URI; escape special characters as %XX")


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
