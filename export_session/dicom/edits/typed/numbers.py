"""Numbers as people and programs write them: decimal commas, grouped thousands, fractions, units (PS3.5 §6.2)."""

from __future__ import annotations

import re
import sys
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

from export_session.dicom.binary.decimals import nearest_decimal
from export_session.dicom.binary.refusal import Unwritable, named
from export_session.dicom.dictionary import MAX_CHARACTERS
from export_session.dicom.edits.typed.spelling import either
from export_session.dicom.edits.typed.units import in_unit_of, is_readable

_LONGEST = 64  # characters of a number that a person types
_FRACTION = re.compile(r"([-+]?[0-9]{1,15}) ?/ ?([0-9]{1,15})")
_MEASURE = re.compile(
    r"(?P<number>[-+]?[0-9.,;' ]*[0-9][.,]?(?:[eE][-+]?[0-9]{1,3}(?![0-9]))?)(?: ?(?P<unit>[^-+/()0-9\s.,;'].*))?"
)
_NUMBER = re.compile(r"(?P<sign>[-+]?)(?P<body>[0-9.,' ]+)(?P<exponent>(?:[eE][-+]?[0-9]+)?)")
_UNGROUPED = re.compile(r"[0-9]+\.?|[0-9]*[.,][0-9]+")
# The mark of the thousands, unless it is a single point: that is DICOM's own decimal point
_GROUPED = re.compile(
    r"(?![0-9]+\.[0-9]+$)[1-9][0-9]{0,2}(?P<mark>[.,' ])[0-9]{3}(?:(?P=mark)[0-9]{3})*(?:(?!(?P=mark))[.,][0-9]+)?"
)
_GROUPED_BY_POINT = re.compile(r"([-+]?[1-9][0-9]{0,2})\.([0-9]{3})")  # which an integer has no use for
_MEANT = "write the one that is meant"
_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")
_POINTED = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")


def decimal(part: Any, keyword: str, *, alone: bool) -> Any:
    """Return the value of a DS: of those that 16 characters can say the closest."""
    number = _number(part, keyword, alone=alone)
    if number is None:
        return part
    text = str(number)
    if isinstance(part, str):
        return text if len(text) <= MAX_CHARACTERS["DS"] else nearest_decimal(number)
    return type(part)(Decimal(nearest_decimal(number)))  # a JSON number stays one


def real(part: Any, keyword: str, *, alone: bool) -> Any:
    """Return the value of an FL or FD."""
    number = _number(part, keyword, alone=alone)
    return part if number is None else min(str(number), repr(float(number)), key=len)


def integer(part: Any, keyword: str, *, alone: bool) -> Any:
    """Return the value of an IS or of a binary integer.

    Raises
    ------
    Unwritable
        The number is not a whole one.
    """
    number = _number(part, keyword, alone=alone)
    if number is None or abs(number) >= 1 << 64:
        return part
    if isinstance(part, str) and (grouped := _GROUPED_BY_POINT.fullmatch(part)):
        whole = [grouped[1]] if number == int(number) else []
        raise Unwritable(f"{named(part)} can be read as {either([*whole, grouped[1] + grouped[2]])}; {_MEANT}")
    low, high = (int(number.to_integral_value(rounding)) for rounding in (ROUND_FLOOR, ROUND_CEILING))
    if low != high:
        raise Unwritable(f"{named(part)} is not an integer; {either([str(low), str(high)])} would do")
    return str(low)


def _number(part: Any, keyword: str, *, alone: bool) -> Decimal | None:
    """Return the number that was typed, None for what is none here.

    Parameters
    ----------
    alone
        Whether a text stands for all values of an element that can have several: a comma or space in it can then
        stand between two of them.
    """
    if isinstance(part, str):
        return _typed(part, keyword, alone=alone) if len(part) <= _LONGEST else None
    if isinstance(part, bool) or not isinstance(part, int | float) or not abs(part) <= sys.float_info.max:
        return None
    return Decimal(part)


def _typed(text: str, keyword: str, *, alone: bool) -> Decimal | None:
    if fraction := _FRACTION.fullmatch(text):
        return Context(prec=60).divide(Decimal(fraction[1]), Decimal(fraction[2])) if int(fraction[2]) else None
    found = _MEASURE.fullmatch(text)
    if not found or not is_readable(found["unit"] or ""):
        return None
    numbers = _readings(found["number"])
    readings = [*numbers, *(_as_several(found["number"]) if alone else [])]
    if not readings:
        return None
    if len(readings) > 1:
        raise Unwritable(f"{named(text)} can be read as {either(readings)}; {_MEANT}")
    if not numbers:
        raise Unwritable(f"{named(text)} is not one number; {either(readings)} would do if several values are meant")
    number = Decimal(numbers[0])
    return in_unit_of(keyword, number, found["unit"], text) if found["unit"] else number


def _readings(text: str) -> list[str]:
    """Return the numbers that a text can mean."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return []
    body, bodies = found["body"], []
    if _UNGROUPED.fullmatch(body):
        bodies.append(body.replace(",", "."))
    if grouped := _GROUPED.fullmatch(body):
        bodies.append(body.replace(grouped["mark"], "").replace(",", "."))
    return [found["sign"].replace("+", "") + each + found["exponent"] for each in bodies]


def _as_several(text: str) -> list[str]:
    r"""Return the values that a text can list, joined by ``\``, as a list of one; none where it lists none."""
    commas = re.split(" *; *| +", text)
    if len(commas) > 1 and all(map(_COMMA.fullmatch, commas)):  # which are decimal ones then
        return ["\\".join(commas).replace(",", ".")]
    values = re.split(" *[,;] *| +", text)
    return ["\\".join(values)] if len(values) > 1 and all(map(_POINTED.fullmatch, values)) else []
