"""Ages as people write them (PS3.5 §6.2, AS: nnnD, nnnW, nnnM, nnnY)."""

from __future__ import annotations

import re
from decimal import Decimal

from export_session.dicom.binary.refusal import Unwritable, named
from export_session.dicom.edits.derived_labels import unit_of
from export_session.dicom.edits.typed.spelling import either

_WORDS = {
    "D": ("d", "day", "days"),
    "W": ("w", "wk", "wks", "week", "weeks"),
    "M": ("m", "mo", "mos", "mth", "mths", "month", "months"),
    "Y": ("y", "yr", "yrs", "year", "years", "yo"),
}
_UNITS = {word: unit for unit, words in _WORDS.items() for word in words}
_AGE = re.compile(r"([0-9]{1,6})((?:\.[0-9]{1,6})?)(?: ?([a-z]+)\.?)?(?:[ -]?old)?", re.IGNORECASE)
_MOST = 999  # of a unit


def age(text: str, own: str) -> str | None:
    """Return the value of an AS, None for what is no age here.

    Parameters
    ----------
    text
        A number alone is in the unit of the file's own value.
    own
        What the file holds.

    Raises
    ------
    Unwritable
        The unit is missing and cannot be told, or three digits do not hold the number.
    """
    found = _AGE.fullmatch(text)
    unit = _UNITS.get((found[3] or "").lower(), "") if found else ""
    if not found or (found[3] and not unit):
        return None
    if found[2].strip(".0"):
        return _refuse_part(text, Decimal(found[1] + found[2]), unit)
    count = int(found[1])
    unit = unit or unit_of(own)
    if len(found[1]) > len(str(_MOST)):
        hint = f"{either([f'{count:03}{unit}'])} would do" if count <= _MOST and unit else "say it in a longer unit"
        raise Unwritable(f"{named(text)}: an age has three digits and D, W, M or Y; {hint}")
    if not unit:
        readings = either(f"{count:03}{each}" for each in "YMWD")
        raise Unwritable(f"{named(text)} has no unit, and the file's own value does not tell it; {readings} would do")
    return f"{count:03}{unit}"


def _refuse_part(text: str, count: Decimal, unit: str) -> str:
    """Refuse a part of a unit, naming the whole number of a smaller one if it is that."""
    months = count * 12
    whole = unit == "Y" and months == int(months) <= _MOST
    hint = f"; {either([f'{int(months):03}M'])} would do" if whole else ""
    raise Unwritable(f"{named(text)}: an age is a whole number of days, weeks, months or years{hint}")
