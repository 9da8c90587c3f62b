"""Brings what was typed into DICOM's form, component by component."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from export_session.dicom.binary.numbers import decimal_string
from export_session.dicom.binary.refusal import Unwritable
from export_session.dicom.binary.values import why_unwritable
from export_session.dicom.dictionary import INTEGER_RANGES, NUMBER_FORMATS, NUMBER_VRS
from export_session.dicom.edits.typed.ages import age
from export_session.dicom.edits.typed.codes import code
from export_session.dicom.edits.typed.numbers import decimal, integer, real
from export_session.dicom.edits.typed.spelling import plain
from export_session.dicom.edits.typed.times import da, dt, tm, zone

_UUID = re.compile(r"(?:urn:uuid:)?\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)
_ZONE = "TimezoneOffsetFromUTC"  # an SH with a form of its own
_TEXT_MAX = 64  # characters; nobody types a longer date or age


@dataclass(frozen=True)
class Target:
    """The element that a value was typed for."""

    vr: str
    keyword: str = ""
    vm: str = "1"
    own: str = ""  # the text that the file holds


@dataclass(frozen=True)
class Typed:
    """What was typed, as DICOM has it."""

    value: Any
    remark: str = ""  # what was changed about it; "" where nothing was
    refusal: str = ""  # why it cannot be told what is meant


def in_dicom_form(value: Any, target: Target, kept: Collection[int] = ()) -> Typed:
    r"""Return a value of the metadata in the form that its VR asks for.

    Parameters
    ----------
    value
        A scalar, or a list of components; a text may hold several, too, between backslashes.
    target
        Where it is to be written.
    kept
        The components, by number, that are what the file holds already: they stay, whatever they look like.
    """
    if target.vr not in _VRS and target.keyword != _ZONE:
        return Typed(value)
    parts = value if isinstance(value, list) else value.split("\\") if isinstance(value, str) else [value]
    alone = isinstance(value, str) and len(parts) == 1 and target.vm != "1"
    written, remarks = list(parts), []
    for number, part in enumerate(parts):
        which = f"component {number + 1}: " if len(parts) > 1 else ""
        try:
            written[number] = part if number in kept else _written(part, target, alone=alone)
        except Unwritable as refusal:
            return Typed(value, refusal=f"{which}{refusal}")
        if written[number] is not part and written[number] != part:
            remarks.append(f"{which}typed {_shown(part)}, written {_spelled(written[number], target.vr)}")
    if not remarks:
        return Typed(value)
    return Typed(written if isinstance(value, list) or len(written) > 1 else written[0], "; ".join(remarks))


def _shown(part: Any) -> str:
    text = str(part).lower() if isinstance(part, bool) else str(part)
    return f'"{text}"' if text != text.strip() else text


def _spelled(part: Any, vr: str) -> str:
    """Return a component as the file will hold it."""
    return decimal_string(part) if vr == "DS" else str(part)


def _written(part: Any, target: Target, *, alone: bool) -> Any:
    """Return one component in DICOM's form; what has it, or has none, as it is."""
    if target.vr == "CS":
        return code(part, target.keyword)
    if target.keyword == _ZONE and isinstance(part, str) and part.strip():
        return zone(part.strip()) or part  # its VR takes any text
    if part is None or part == "" or _fits(part, target.vr):
        return part
    text: Any
    if isinstance(part, str):
        text = plain(part)
    elif isinstance(part, int | float) and not isinstance(part, bool):
        text = part if target.vr in NUMBER_VRS else _digits(part)
    else:
        return part
    if text == "" or _fits(text, target.vr):
        return text or part
    if target.vr in NUMBER_VRS:
        made = _NUMBERS[target.vr](text, target.keyword, alone=alone)
    else:
        made = _TEXTS[target.vr](text, target) if len(text) <= _TEXT_MAX else None
    return part if made is None or not _fits(made, target.vr) else made


def _fits(part: Any, vr: str) -> bool:
    """Whether a component is one of the VR as it stands."""
    return not why_unwritable(part, vr, "1")


def _digits(number: float) -> str:
    """Return the digits of a number that stands for a text."""
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def _uid(text: str) -> str:
    """Return a UID; that of a UUID is its number below 2.25 (PS3.5 §B.2)."""
    found = _UUID.fullmatch(text)
    return f"2.25.{int(found[1].replace('-', ''), 16)}" if found else text.removeprefix("urn:oid:")


_NUMBERS: dict[str, Callable[..., Any]] = {
    "DS": decimal,
    **{vr: integer if vr in INTEGER_RANGES else real for vr in NUMBER_FORMATS},
    "IS": integer,
}
_TEXTS: dict[str, Callable[[str, Target], str | None]] = {
    "AS": lambda text, target: age(text, target.own),
    "DA": lambda text, _: da(text),
    "DT": lambda text, _: dt(text),
    "TM": lambda text, _: tm(text),
    "UI": lambda text, _: _uid(text),
}
_VRS = {"CS", *_NUMBERS, *_TEXTS}
