"""What a header shows at a place, and whether that is all of what the metadata has there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from export_session.dicom.edits.equality import ABSENT, is_empty


def value_at(header: Mapping[str, Any], path: Sequence[str | int]) -> Any:
    """Return the value at a place in a header, ABSENT where there is none."""
    node: Any = header
    for step in path:
        if (isinstance(node, Mapping) and step in node) or (isinstance(node, list) and step in range(len(node))):
            node = node[step]
        else:
            return ABSENT
    return node


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
