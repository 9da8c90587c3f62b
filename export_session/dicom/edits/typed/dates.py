"""Dates as people write them (PS3.5 §6.2, DA: YYYYMMDD)."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable

from export_session.dicom.binary.refusal import Unwritable, named
from export_session.dicom.edits.typed.spelling import either

_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = {form: number for number, name in enumerate(_MONTH_NAMES, 1) for form in (name, name[:3])} | {"sept": 9}
_NAME = "(?P<name>[a-z]{3,9})"
_DAY = "(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = "(?P<year>[0-9]{4}|[0-9]{2})"
_GAP = "[-/., ]*"
_NAMED = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_DAY}{_GAP}{_NAME}{_GAP}{_YEAR}",
        rf"{_NAME}{_GAP}{_DAY}[-/., ]+{_YEAR}",
        rf"(?P<year>[0-9]{{4}}){_GAP}{_NAME}{_GAP}{_DAY}",
    )
]
_NUMBERS = re.compile(r"([0-9]{1,4})(\. ?|[-/ ])([0-9]{1,2})\2([0-9]{1,4})")
_DIGITS = re.compile(r"([0-9]{2})([0-9]{2})((?:1[89]|2[01])[0-9]{2}|[0-9]{2})")
_YEAR_DIGITS = 4
_PIVOT = 69  # two digits from here on are of the last century (POSIX strptime)
_NO_DATE = "there is no such date"


def date(text: str) -> str | None:
    """Return a date as YYYYMMDD, None for what is no date here.

    Raises
    ------
    Unwritable
        The text can mean several dates, or one that a person should spell out.
    """
    if found := next(filter(None, (pattern.fullmatch(text) for pattern in _NAMED)), None):
        month = _MONTHS.get(found["name"].lower(), 0)
        return _only(text, found["year"], [(month, int(found["day"]))]) if month else None
    found = _NUMBERS.fullmatch(text)
    if not found and (digits := _DIGITS.fullmatch(text)):
        return _refuse_digits(text, *digits.groups())
    if not found:
        return None
    first, _, second, last = found.groups()
    if len(first) == _YEAR_DIGITS:
        return _year_first(text, first, int(second), last)
    if len(last) == _YEAR_DIGITS:
        return _only(text, last, [(int(second), int(first)), (int(first), int(second))])
    return _short_year(text, first, second, last) if len(last) == 2 or len(first) == 2 else None


def _year_first(text: str, year: str, second: int, last: str) -> str:
    if made := _dates(year, [(second, int(last))]):
        return made[0]
    turned = _dates(year, [(int(last), second)])
    raise Unwritable(f"{named(text)}: {_NO_DATE}" + (f"; {either(turned)} would do if that is meant" if turned else ""))


def _only(text: str, year: str, days: list[tuple[int, int]]) -> str:
    """Return the one date of a year that can be meant."""
    if len(year) < _YEAR_DIGITS:
        _refuse_short_year(text, [made for month, day in days for made in _in_centuries(year, month, day)])
    made = _dates(year, days)
    if not made:
        raise Unwritable(f"{named(text)}: {_NO_DATE}")
    if len(made) > 1:
        raise Unwritable(f"{named(text)} can be read as {either(made)}; write the one that is meant")
    return made[0]


def _refuse_digits(text: str, first: str, second: str, last: str) -> str | None:
    """Refuse digits that are no YYYYMMDD, of which nobody can tell whether one is wrong."""
    if len(last) < _YEAR_DIGITS:
        return _short_year(text, first, second, last)
    made = _dates(last, [(int(second), int(first)), (int(first), int(second))])
    hint = f"; {either(made)} would do if that is meant" if made else ""
    raise Unwritable(f"{named(text)}: {_NO_DATE}{hint}")


def _short_year(text: str, first: str, second: str, last: str) -> str | None:
    """Refuse a date with a year of two digits, naming what it can mean."""
    orders = [(last, second, first), (last, first, second), (first, second, last)]
    readings = [(year, int(month), int(day)) for year, month, day in orders if len(year) == 2]
    likely = [made for year, month, day in readings for made in _in_centuries(year, month, day)[:1]]
    if not likely:
        return None
    every = [made for year, month, day in readings for made in _in_centuries(year, month, day)]
    return _refuse_short_year(text, likely if len(set(likely)) > 1 else every)


def _refuse_short_year(text: str, readings: Iterable[str]) -> str:
    if not any(readings := list(readings)):
        raise Unwritable(f"{named(text)}: {_NO_DATE}")
    raise Unwritable(f"{named(text)} has a year of two digits; write the date that is meant, {either(readings)}")


def _in_centuries(year: str, month: int, day: int) -> list[str]:
    """Return the dates that a year of two digits can mean, the likelier first."""
    centuries = ("19", "20") if int(year) >= _PIVOT else ("20", "19")
    return [made for century in centuries for made in _dates(century + year, [(month, day)])]


def _dates(year: str, days: Iterable[tuple[int, int]]) -> list[str]:
    """Return the different dates that there are among months and days of a year."""
    there = [
        f"{year}{month:02}{day:02}"
        for month, day in days
        if int(year) and 1 <= month <= 12 and 1 <= day <= monthrange(int(year), month)[1]
    ]
    return list(dict.fromkeys(there))
