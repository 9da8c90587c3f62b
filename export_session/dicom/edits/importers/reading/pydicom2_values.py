"""How pydicom 2 makes values of bytes, on which the older importers were built: 2.0 and, where it differs, 2.1."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.charset import decode_bytes, default_encoding
from pydicom.valuerep import TEXT_VR_DELIMS

from export_session.dicom.dictionary import NUMBER_FORMATS

_PN_DELIMITERS = {0xE5}  # meant for "^", which they are not: behind that, an escape sequence goes on to count
_BYTES = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "UN"])
_RETRIED = ("SH", "UL", "SL", "US", "SS", "FL", "FD", "OF", "OB", "UI", "DA", "TM", "PN", "IS", "DS", "LT", "SQ", "UN")
_TEXT = frozenset(["AE", "AS", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"])


@dataclass(frozen=True)
class Number:
    """A number of DS or IS, which keeps the text it was read from."""

    number: float
    text: str


@dataclass(frozen=True)
class Name:
    """A person name. It counts as empty where it has no bytes, whatever they say."""

    raw: bytes
    text: str


class Uid(str):
    """A UID, which is not quite a text."""

    __slots__ = ()


class TagValue(int):
    """A value of AT."""

    def __str__(self) -> str:
        return f"({self >> 16:04x}, {self & 0xFFFF:04x})"


class Unknown(Exception):
    """pydicom knows no such VR."""


@dataclass(frozen=True)
class Values:
    """Makes the values of one data set.

    Parameters
    ----------
    encodings
        Python's names of the character sets.
    order
        "<" or ">".
    since_2_1
        Whether it does as 2.1 does.
    items
        Reads the items of a sequence.
    """

    encodings: Sequence[str]
    order: str
    since_2_1: bool
    items: Callable[[bytes], Any]

    def convert(self, vr: str, raw: bytes, length: int) -> Any:
        """Return the value of an element; where its VR does not fit, that of the first one that does.

        Raises
        ------
        Exception
            Whatever pydicom raises; many of its exceptions end the way of a value into the metadata.
        """
        if vr not in _CONVERTERS and vr not in _BYTES and vr not in NUMBER_FORMATS and vr != "SQ" and " or " not in vr:
            raise Unknown(vr)
        if not length:
            return empty(vr)
        try:
            return self._by(vr, raw)
        except ValueError:
            pass
        for other in _RETRIED:
            try:
                return self.convert(other, raw, length)
            except Exception:  # noqa: BLE001, S112 - as pydicom does
                continue
        return raw

    def _by(self, vr: str, raw: bytes) -> Any:
        if vr == "SQ":
            return self.items(raw)
        if vr in NUMBER_FORMATS:
            return self.numbers(vr, raw)
        return _CONVERTERS[vr](self, raw) if vr in _CONVERTERS else raw

    def numbers(self, vr: str, raw: bytes) -> Any:
        """Return one number or several."""
        code = NUMBER_FORMATS[vr]
        found = list(struct.unpack(f"{self.order}{len(raw) // struct.calcsize('=' + code)}{code}", raw))
        return "" if not found else found[0] if len(found) == 1 else found

    def _entities(self, raw: bytes) -> Any:
        parts = _plain(raw).split("\\")
        if not self.since_2_1:
            return _plain(raw).strip()
        return _one_or_all([part.strip() for part in parts])

    def _tags(self, raw: bytes) -> Any:
        halves = [struct.unpack(self.order + "HH", raw[at : at + 4]) for at in range(0, len(raw), 4)]
        tags = [TagValue(group << 16 | element) for group, element in halves]
        return tags[0] if len(raw) == 4 else tags  # bytes of a tag

    def _plain_texts(self, raw: bytes) -> Any:
        return _split(_plain(raw), str)

    def _uids(self, raw: bytes) -> Any:
        return _split(_plain(raw), lambda text: Uid(text.strip()))

    def _decimals(self, raw: bytes) -> Any:
        return _split(_plain(raw).strip(), lambda text: Number(float(text), text) if text else "")

    def _integers(self, raw: bytes) -> Any:
        return _split(_plain(raw), self._integer)

    def _integer(self, text: str) -> Any:
        if not text.strip():
            return None if self.since_2_1 and text else ""
        try:
            number = int(text)
        except ValueError:
            if not self.since_2_1:
                raise
            number = int(float(text))
        if self.since_2_1 and number != float(text):
            raise TypeError(text)
        return Number(number, text)

    def _names(self, raw: bytes) -> Any:
        if self.since_2_1:
            raw = raw.rstrip(b"\0 ")
        elif raw.endswith((b"\0", b" ")):
            raw = raw[:-1]
        return _one_or_all([self._name(part) for part in raw.split(b"\\")])

    def _name(self, raw: bytes) -> Name:
        groups = [decode_bytes(group, self.encodings, _PN_DELIMITERS) for group in raw.split(b"=")]
        while groups and not groups[-1]:
            groups.pop()
        return Name(raw, "=".join(groups))

    def _texts(self, raw: bytes) -> Any:
        return _one_or_all([self._text(part) for part in raw.split(b"\\")])

    def _text(self, raw: bytes) -> str:
        return decode_bytes(raw, self.encodings, TEXT_VR_DELIMS).rstrip("\0 ")

    def _locator(self, raw: bytes) -> str:
        return _plain(raw).rstrip()


_CONVERTERS: dict[str, Callable[[Values, bytes], Any]] = {
    "AE": Values._entities,  # noqa: SLF001 - the table of this very class
    "AT": Values._tags,  # noqa: SLF001
    "DS": Values._decimals,  # noqa: SLF001
    "IS": Values._integers,  # noqa: SLF001
    "PN": Values._names,  # noqa: SLF001
    "UI": Values._uids,  # noqa: SLF001
    "UR": Values._locator,  # noqa: SLF001
    **dict.fromkeys(["AS", "CS", "DA", "DT", "TM"], Values._plain_texts),  # noqa: SLF001
    **dict.fromkeys(["LO", "SH", "UC"], Values._texts),  # noqa: SLF001
    **dict.fromkeys(["LT", "ST", "UT"], Values._text),  # noqa: SLF001
}


def empty(vr: str) -> Any:
    """Return the value of an element without bytes."""
    return [] if vr == "SQ" else "" if vr in _TEXT else None


def _plain(raw: bytes) -> str:
    return raw.decode(default_encoding)


def _split(text: str, kind: Callable[[str], Any]) -> Any:
    parts = text.rstrip("\0 ").split("\\")
    if len(parts) == 1:
        return kind(parts[0]) if parts[0] else ""
    return [kind(part) for part in parts]


def _one_or_all(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
