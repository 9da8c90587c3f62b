"""What both old importers do to values."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

from pydicom.multival import MultiValue

LONGEST_TEXT = 10240
_PRINTABLE = frozenset(string.printable)
_NOT_SHOWN = frozenset({"[Unknown]", "PixelData", "Pixel Data", "[User defined data]", "[Unique image iden]"})
NOT_SHOWN = _NOT_SHOWN | {"[Protocol Data Block (compressed)]", "[Histogram tables]"}


def ascii_text(value: Any) -> str | None:
    """Text without all that is not printable ASCII; nothing, where a question mark is all that is left."""
    kept = "".join(character for character in str(value) if character in _PRINTABLE)
    return None if kept == "?" else kept


def number_or_text(value: Any) -> Any:
    """A scalar as an integer, else as a float, else as text."""
    if type(value) in (int, float):
        return value
    text = str(value)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return ascii_text(text)


def is_list(value: Any) -> bool:
    """Whether an element holds several values, as these importers tell."""
    return type(value) is list or type(value) is MultiValue


def texts(values: Sequence[Any]) -> list[Any]:
    """The components that are not empty, as ASCII."""
    return [ascii_text(value) for value in values if len(value) > 0]


def as_stored(value: Any) -> Any:
    """A value as JSON holds it; NaN and infinity are null there."""
    if isinstance(value, dict):
        return {str(key): as_stored(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_stored(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
