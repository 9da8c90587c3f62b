"""What a header shows at a place, and whether that is all of what the metadata has there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from export_session.dicom.dictionary import key_of
from export_session.dicom.edits.equality import ABSENT, is_empty


def value_at(header: Mapping[str, Any], path: Sequence[str | int]) -> Any:
    """Return the value at a place in a header, ABSENT where there is none."""
    node: Any = header
    for step in path:
        found = [node[step]] if isinstance(node, Mapping) and step in node else []
        if isinstance(node, list) and isinstance(step, int):
            found = node[step : step + 1]
        if not found:
            return ABSENT
        node = found[0]
    return node


def can_be_part_of(dicom: Mapping[str, Any], header: Mapping[str, Any]) -> bool:
    """Whether the metadata can have been made of an importer's header: it says nothing else of which file it is."""
    return all(dicom.get(text) == value for text, value in header.items() if _names_file(text))


def is_part_of(dicom: Mapping[str, Any], header: Mapping[str, Any]) -> bool:
    """Whether the metadata have all of an importer's header, by what names the file or else by all its keys."""
    named = any(map(_names_file, header))
    return bool(header) and (can_be_part_of(dicom, header) if named else header.keys() <= dicom.keys())


def _names_file(text: str) -> bool:
    key = key_of(text)
    return text == "SOPInstanceUID" or (key is not None and key.tag >> 16 == 0x0002)  # file meta


def shows(made: Any, value: Any) -> bool:
    """Whether an importer's value has all of what the metadata has; keys that are gone from these are no edit."""
    if made is ABSENT or (is_empty(value) and made != value):
        return False
    return _holds(made, value)


def _holds(made: Any, value: Any) -> bool:
    if isinstance(made, Mapping) and isinstance(value, Mapping):
        return all(key in made and _holds(made[key], part) for key, part in value.items())
    if isinstance(made, list) and isinstance(value, list):
        return len(made) == len(value) and all(map(_holds, made, value))
    return bool(made == value)
