"""An edited value as it is to be written: components nobody changed keep the file's own text."""

from __future__ import annotations

import math
from typing import Any

from export_session.dicom.binary.dataset import Value
from export_session.dicom.dictionary import NUMBER_FORMATS, TEXT_VRS, UNSPLIT_VRS
from export_session.dicom.edits.equality import as_number, components, is_empty, same_component
from export_session.dicom.edits.importers import Marks, fmi, plain_text

_AS_NUMBER = "give it as text, since a number does not say how it is spelled (leading zeros, decimals)"


def own_components(stored: Value) -> list[Any]:
    """Return the components of a value as the file spells them: text, or numbers of a binary VR."""
    vr = stored.vr
    try:
        if vr in NUMBER_FORMATS:
            return list(stored.numbers(vr))
        if vr == "AT":
            return list(stored.tags())
    except ValueError:
        return []
    if vr in ("DS", "IS"):
        return [text.strip() for text in stored.decoded(vr).split("\\")]
    return list(stored.texts(vr)) if vr in TEXT_VRS else []


def value_to_write(value: Any, stored: Value, marks: Marks) -> tuple[Any, str]:
    """Put the file's own text where the metadata did not change a component.

    Importers turn "001" in a list into 1.0 and drop empty components; written back as they stand, such
    lists would damage what nobody edited.

    Returns
    -------
    tuple
        The value, and why it cannot be written ("" when it can).
    """
    if not isinstance(value, list) or stored.vr in UNSPLIT_VRS:
        return value, ""
    own = own_components(stored)
    places = _places(value, own, marks)
    if places is None:
        unclear = any(_is_number(part) for part in value) and stored.vr in TEXT_VRS
        return _unwrapped(value), _AS_NUMBER if unclear else ""
    merged, shown = list(own), components(fmi(stored))
    for part, place in zip(value, places, strict=True):
        as_shown = len(shown) == len(own) and same_component(part, shown[place], stored.vr)
        if as_shown or _unchanged(part, own[place], stored.vr, marks):
            continue
        if _is_number(part) and stored.vr in TEXT_VRS:
            return value, f"component {place + 1}: {_AS_NUMBER}"
        merged[place] = part
    return _unwrapped(merged), ""


def _places(value: list[Any], own: list[Any], marks: Marks) -> list[int] | None:
    """Return which component of the file each component of the metadata stands for, None when unclear."""
    if len(value) == len(own):
        return list(range(len(own)))
    filled = [place for place, part in enumerate(own) if not is_empty(part)]
    if len(value) == len(filled) < len(own) and not marks.only_fmi:
        return filled  # GRP3 and MRC drop empty components
    return None


def _unchanged(part: Any, own: Any, vr: str, marks: Marks) -> bool:
    if same_component(part, own, vr):
        return True
    if not isinstance(own, str):
        return marks.truncating and isinstance(own, float) and math.isfinite(own) and part == int(own)
    if marks.only_fmi:
        return False
    number = as_number(own)
    if _is_number(part):
        return number is not None and (float(part) == number or (marks.truncating and part == int(number)))
    return isinstance(part, str) and same_component(part, plain_text(own), vr)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _unwrapped(values: list[Any]) -> Any:
    """Return a list of one as its component, unless a backslash would make it read as several."""
    return values if len(values) != 1 or "\\" in str(values[0]) else values[0]
