"""An edited value as it is to be written: components nobody changed keep the file's own text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from export_session.dicom.binary.code_extensions import without_escapes
from export_session.dicom.binary.dataset import Value
from export_session.dicom.dictionary import NUMBER_FORMATS, TEXT_VRS, UNSPLIT_VRS
from export_session.dicom.edits.equality import components, is_empty, same_component
from export_session.dicom.edits.importers import FAITHFUL, Marks
from export_session.dicom.edits.importers.metadata_import_dicom import is_number

_AS_NUMBER = "give it as text, since a number does not say how it is spelled (leading zeros, decimals)"


def own_components(in_file: Value) -> list[Any]:
    """Return the components of a value as the file spells them: text, or numbers of a binary VR."""
    vr = in_file.vr
    try:
        if vr in NUMBER_FORMATS:
            return list(in_file.numbers(vr))
        if vr == "AT":
            return list(in_file.tags())
    except ValueError:
        return []
    if vr in ("DS", "IS"):
        return [text.strip() for text in in_file.decoded(vr).split("\\")]
    return list(in_file.texts(vr)) if vr in TEXT_VRS else []


def value_to_write(value: Any, in_file: Value, marks: Marks) -> tuple[Any, str]:
    """Put the file's own text where the metadata did not change a component.

    Importers turn "001" in a list into 1.0 and drop empty components; written back as they stand, such
    lists would damage what nobody edited.

    Returns
    -------
    tuple
        The value, and why it cannot be written ("" when it can).
    """
    value = _without_escapes(value, in_file)
    if not isinstance(value, list) or in_file.vr in UNSPLIT_VRS:
        return value, ""
    own = own_components(in_file)
    places = _places(value, own, marks)
    kept = kept_components(value, in_file, marks)
    if places is None:
        unclear = any(is_number(part) for part in value) and in_file.vr in TEXT_VRS
        merged = [own[number] if number in kept else part for number, part in enumerate(value)]
        return (_unwrapped(value), _AS_NUMBER) if unclear else (_unwrapped(merged), "")
    merged = list(own)
    for number, (part, place) in enumerate(zip(value, places, strict=True)):
        if number in kept:
            continue
        if is_number(part) and in_file.vr in TEXT_VRS:
            return value, f"component {place + 1}: {_AS_NUMBER}"
        merged[place] = part
    return _unwrapped(merged), ""


def kept_components(value: list[Any], in_file: Value, marks: Marks) -> frozenset[int]:
    """Return which components of the metadata, by number, are what the file holds already."""
    own = own_components(in_file)
    places, shown = _places(value, own, marks), components(FAITHFUL.of_value(in_file))
    if places is None:  # some were added or removed; those that stand where they stood are not among them
        places, marks = range(len(own)), replace(marks, marked=(), possible=())
    return frozenset(
        number
        for number, (part, place) in enumerate(zip(value, places, strict=False))
        if (len(shown) == len(own) and same_component(part, shown[place], in_file.vr))
        or _unchanged(part, own[place], in_file.vr, marks)
    )


def _without_escapes(value: Any, in_file: Value) -> Any:
    """Return a value without the escape sequences that importers leave in the text of some character sets."""
    if isinstance(value, list):
        return [_without_escapes(part, in_file) for part in value]
    return without_escapes(value, in_file.data_set.codecs) if isinstance(value, str) else value


def _places(value: list[Any], own: list[Any], marks: Marks) -> Sequence[int] | None:
    """Return which component of the file each component of the metadata stands for, None when unclear."""
    if len(value) == len(own):
        return list(range(len(own)))
    filled = [place for place, part in enumerate(own) if not is_empty(part)]
    if len(value) == len(filled) < len(own) and any(one.drops_empty_components for one in marks.makers):
        return filled
    return None


def _unchanged(part: Any, own: Any, vr: str, marks: Marks) -> bool:
    return same_component(part, own, vr) or any(one.may_show(part, own, vr) for one in marks.makers)


def _unwrapped(values: list[Any]) -> Any:
    """Return a list of one as its component, unless a backslash would make it read as several."""
    return values if len(values) != 1 or "\\" in str(values[0]) else values[0]
