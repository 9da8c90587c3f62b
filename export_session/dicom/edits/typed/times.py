"""Times, and dates with times, as people and programs write them (PS3.5 §6.2, DA, TM and DT)."""

from __future__ import annotations

import re

from export_session.dicom.binary.refusal import Unwritable, named
from export_session.dicom.edits.typed.dates import date
from export_session.dicom.edits.typed.spelling import either

_FRACTION_MAX = 6  # digits
_CLOCK = re.compile(
    r"(?P<h>[0-9]{1,2})(?::(?P<m>[0-9]{2})(?::(?P<s>[0-9]{2})(?:[.,](?P<f>[0-9]+))?)?)? ?(?P<half>[ap]\.?m\.?)?",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"(?P<h>[0-9]{2})(?P<m>[0-9]{2})(?:(?P<s>[0-9]{2})(?:[.,](?P<f>[0-9]+))?)?(?P<half>)")
_ZONE = re.compile(r"(?P<before>.*[0-9m.]) ?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)", re.IGNORECASE)
_OFFSET = re.compile("Z|UTC|GMT|(?:UTC|GMT)?(?P<sign>[+-])(?P<h>[0-9]{1,2})(?::?(?P<m>[0-9]{2}))?", re.IGNORECASE)
_PARTS = re.compile(
    r"(?P<date>.*[0-9a-z])(?:T|,? +)(?P<time>[0-9]{1,6}(?:[:.,][0-9]+)*(?: ?[ap]\.?m\.?)?)", re.IGNORECASE
)
_MONTH = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})")
_LOST_ZERO = re.compile(r"[0-9]{3}|[0-9]{5}(?:[.,][0-9]+)?")
_STAMP = re.compile(r"([0-9]{8})([0-9]{4,6}(?:[.,][0-9]+)?)")
_MIDNIGHT = re.compile("[0.]+")
_WEST, _EAST = -12 * 60, 14 * 60  # minutes; the range of offsets


def da(text: str) -> str | None:
    """Return the value of a DA; None for what is no date here."""
    if made := date(text):
        return made
    day, time, _ = _parted(text)
    if not day or not time:
        return None
    if not _MIDNIGHT.fullmatch(time):
        raise Unwritable(f"{named(text)} holds a time, and a DA does not; {either([day])} would do")
    return day


def tm(text: str) -> str | None:
    """Return the value of a TM; None for what is no time here."""
    if time := clock(text):
        return time
    if _LOST_ZERO.fullmatch(text):
        return _with_zero(text)
    day, time, zone = _parted(text)
    if not time:
        return None
    surplus = "a date" if day else f"the offset {zone}"
    raise Unwritable(f"{named(text)} holds {surplus}, and a TM does not; {either([time])} would do")


def dt(text: str) -> str | None:
    """Return the value of a DT; None for what is neither a date nor a date with a time here."""
    if made := date(text):
        return made
    if (month := _MONTH.fullmatch(text)) and 1 <= int(month[2]) <= 12:
        return f"{month[1]}{int(month[2]):02}"
    day, time, zone = _parted(text)
    return f"{day}{time}{zone}" if day and time else None


def clock(text: str) -> str | None:
    """Return a time of day as HHMMSS.FFFFFF, as much of it as was given; None for what is none."""
    found = _CLOCK.fullmatch(text)
    if not found or not (found["m"] or found["half"]):  # a number alone is no time
        found = _COMPACT.fullmatch(text)
    if not found:
        return None
    hour = int(found["h"])
    if half := found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    if hour > 23 or int(found["m"] or 0) > 59 or int(found["s"] or 0) > 60:
        return None
    return _with_fraction(text, f"{hour:02}{found['m'] or ''}{found['s'] or ''}", found["f"] or "")


def _with_zero(text: str) -> str | None:
    """Return a time whose leading zeros are missing, as numbers have none."""
    readings = list(filter(None, (clock("0" * zeros + text) for zeros in (1, 3))))
    if len(readings) > 1:
        raise Unwritable(f"{named(text)} can be read as {either(readings)}; write the one that is meant")
    return readings[0] if readings else None


def _with_fraction(text: str, time: str, digits: str) -> str:
    kept, rest = digits[:_FRACTION_MAX], digits[_FRACTION_MAX:].strip("0")
    whole = f"{time}.{kept}" if kept else time
    if rest:
        raise Unwritable(
            f"{named(text)} has {len(digits)} digits after the point, a time holds six; {either([whole])} would do"
        )
    return whole


def _parted(text: str) -> tuple[str, str, str]:
    """Part a text into date, time and offset, each in DICOM's form and "" where there is none."""
    zone = ""
    zoned = _ZONE.fullmatch(text)
    if zoned and (
        (":" in (before := zoned["before"]) and clock(before)) or _STAMP.fullmatch(before) or _PARTS.fullmatch(before)
    ):
        text, zone = before, _offset(zoned["zone"])
    if time := clock(text):
        return "", time, zone
    found = _STAMP.fullmatch(text) or _PARTS.fullmatch(text)
    if not found:
        return "", "", zone
    day = found[1] if re.fullmatch("[0-9]{8}", found[1]) else date(found[1])
    return day or "", clock(found[2]) or "", zone


def zone(text: str) -> str | None:
    """Return the value of Timezone Offset From UTC, +ZZXX (PS3.3 §C.12.1.1.8); None for what is no offset here."""
    found = _OFFSET.fullmatch(text)
    if not found:
        return None
    return _offset(text if found["sign"] is None else f"{found['sign']}{int(found['h']):02}{found['m'] or '00'}")


def _offset(zone: str) -> str:
    """Return an offset from UTC as +ZZXX; -0000 is not used."""
    if zone[0] not in "+-":
        return "+0000"
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(f"{zone[0]}1") * (int(digits[:2]) * 60 + int(digits[2:]))
    if int(digits[2:]) > 59 or not _WEST <= minutes <= _EAST:
        raise Unwritable(f'"{zone}" is no offset from UTC; those go from -1200 to +1400')
    return f"{zone[0] if minutes else '+'}{digits}"
