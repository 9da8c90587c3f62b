"""Why a value cannot be written, as curators read it: what is wrong and the form that is right."""

from __future__ import annotations

from typing import Any

_NAMED_MAX = 40  # characters of a value in a reason


class Unwritable(Exception):
    """The value cannot be written; the text says why."""


def named(value: Any) -> str:
    """Return a JSON value as a reason quotes it."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = value if isinstance(value, str) else repr(value)
    return f'"{text}"' if len(text) <= _NAMED_MAX else f'"{text[:_NAMED_MAX]}…"'
