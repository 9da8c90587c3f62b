"""Characters that people and programs put where DICOM has another one, and how reasons name values."""

from __future__ import annotations

from collections.abc import Iterable

_SPACES = "\t\n\r\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_DASHES = "\u2010\u2011\u2012\u2013\u2212"
_PLAIN = str.maketrans(
    {
        **dict.fromkeys(_SPACES, " "),
        **dict.fromkeys(_DASHES, "-"),
        **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff", ""),  # take no room: joiners, marks of direction
        **{chr(wide): chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)},  # the full-width forms of ASCII
        "\u2019": "'",
        "\u2044": "/",
    }
)


def plain(text: str) -> str:
    """Return a text with ordinary spaces, minus signs and digits, and without what surrounds it."""
    return text.translate(_PLAIN).strip(" \0")


def either(values: Iterable[str]) -> str:
    """Name the values of which one would do, in one pair of quotation marks."""
    *others, last = dict.fromkeys(values)
    return f'"{", ".join(others)} or {last}"' if others else f'"{last}"'
