"""Decimal strings that say a number, or come closest to it (PS3.5 §6.2, DS: at most 16 characters)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

from export_session.dicom.dictionary import MAX_CHARACTERS

_LONGEST = MAX_CHARACTERS["DS"]
_EXACT = Context(prec=2000, Emax=MAX_EMAX, Emin=MIN_EMIN)  # holds the difference of any two floats
_SPELLED_OUT = 40  # places before or behind the point


def nearest_decimal(number: Decimal) -> str:
    """Return the decimal string that is closest to a number, of equally close ones the most natural."""
    rounded = (Context(prec=digits, Emax=MAX_EMAX, Emin=MIN_EMIN).plus(number) for digits in range(_LONGEST, 0, -1))
    candidates = dict.fromkeys(filter(None, map(exact_decimal, rounded)))
    return min(candidates, key=lambda text: abs(_EXACT.subtract(Decimal(text), number)))


def exact_decimal(number: Decimal) -> str:
    """Return the most natural decimal string that is exactly a number, "" where 16 characters do not hold it."""
    return next((text for text in _spellings(number) if len(text) <= _LONGEST), "")


def _spellings(number: Decimal) -> Iterator[str]:
    """Yield the spellings of a number, the most natural first."""
    sign = "-" if number.is_signed() else ""
    digits = "".join(map(str, number.as_tuple().digits))
    significant = digits.rstrip("0") or "0"
    if len(significant) > _LONGEST:
        return
    exponent = number.adjusted() - len(significant) + 1  # of the last significant digit
    if abs(number.adjusted()) < _SPELLED_OUT:
        plain = f"{abs(number):f}"
        plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
        yield sign + plain
        yield sign + plain.removeprefix("0")
    for point in range(1, len(significant)):
        yield f"{sign}{significant[:point]}.{significant[point:]}E{exponent + len(significant) - point}"
    yield f"{sign}{significant}E{exponent}"
