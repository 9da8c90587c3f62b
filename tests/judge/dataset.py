"""Data sets described element by element, and written as raw bytes, right or wrong (PS3.5 §7, PS3.10 §7.1)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

LONG_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV", "  "})
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
IMPLICIT_UID = "1.2.840.10008.1.2"
EXPLICIT_UID = "1.2.840.10008.1.2.1"
DEFLATED_UID = "1.2.840.10008.1.2.1.99"
BIG_UID = "1.2.840.10008.1.2.2"


@dataclass(frozen=True)
class Encoding:
    """How elements are written."""

    explicit: bool = True
    big: bool = False

    @property
    def order(self) -> str:
        """The byte order as :mod:`struct` names it."""
        return ">" if self.big else "<"

    def __str__(self) -> str:
        return ("explicit" if self.explicit else "implicit") + (" big" if self.big else "")


@dataclass(frozen=True)
class Item:
    """An item of a sequence; ``delimiter`` ends one of undefined length, and may be a wrong one."""

    elements: tuple[Element, ...] = ()
    undefined: bool = False
    delimiter: int = ITEM_DELIMITER
    lie: int = 0  # added to the length that is declared


@dataclass(frozen=True)
class Element:
    """One data element: bytes in the byte order of the file, or the items of a sequence."""

    tag: int
    vr: str
    value: bytes | tuple[Item, ...] = b""
    undefined: bool = False
    delimiter: int = SEQUENCE_DELIMITER
    lie: int = 0
    implicit_inside: bool = False  # items in Implicit VR Little Endian (PS3.5 §6.2.2, note 2)
    raw: bool = False  # the value is the whole element, head included

    @property
    def is_sequence(self) -> bool:
        """Whether the value is items."""
        return isinstance(self.value, tuple)


def encoded(elements: Iterable[Element], form: Encoding) -> bytes:
    """The bytes of elements, in the order given."""
    return b"".join(_element(element, form) for element in elements)


def _element(element: Element, form: Encoding) -> bytes:
    if isinstance(element.value, bytes):
        if element.raw:
            return element.value
        value = element.value
    else:
        value = _items(element.value, Encoding(explicit=False) if element.implicit_inside else form)
    ending = b""
    length = max(len(value) + element.lie, 0)
    if element.undefined:
        length = UNDEFINED
        inner = Encoding(explicit=False) if element.implicit_inside else form
        ending = _tag(element.delimiter, inner) + struct.pack(inner.order + "L", 0)
    return _head(element, length, form) + value + ending


def _head(element: Element, length: int, form: Encoding) -> bytes:
    tag = _tag(element.tag, form)
    if not form.explicit or element.tag >> 16 == 0xFFFE:
        return tag + struct.pack(form.order + "L", length)
    vr = element.vr.encode("latin-1")
    if element.vr in LONG_VRS:
        return tag + vr + struct.pack(form.order + "xxL", length)
    return tag + vr + struct.pack(form.order + "H", min(length, 0xFFFF))


def _tag(tag: int, form: Encoding) -> bytes:
    return struct.pack(form.order + "HH", tag >> 16, tag & 0xFFFF)


def _items(items: Iterable[Item], form: Encoding) -> bytes:
    written = b""
    for item in items:
        content = encoded(item.elements, form)
        length = UNDEFINED if item.undefined else max(len(content) + item.lie, 0)
        written += _tag(ITEM, form) + struct.pack(form.order + "L", length) + content
        if item.undefined:
            written += _tag(item.delimiter, form) + struct.pack(form.order + "L", 0)
    return written


@dataclass(frozen=True)
class File:
    """A whole DICOM file, made to be changed piece by piece until only what matters is left."""

    elements: tuple[Element, ...]
    form: Encoding = Encoding()
    syntax: str | None = None  # as declared; None: as the form demands
    deflated: bool = False
    preamble: bytes | None = bytes(128)
    meta: tuple[Element, ...] | None = ()  # further elements of group 0002; None: no file meta at all
    tail: bytes = b""
    cut: int = 0  # bytes missing at the end
    themes: tuple[str, ...] = ()

    @property
    def syntax_uid(self) -> str:
        """The transfer syntax that the file meta information declares."""
        if self.syntax is not None:
            return self.syntax
        if self.deflated:
            return DEFLATED_UID
        if self.form.big:
            return BIG_UID
        return EXPLICIT_UID if self.form.explicit else IMPLICIT_UID

    def encoded(self) -> bytes:
        """The bytes of the file."""
        content = encoded(self.elements, self.form) + self.tail
        if self.deflated:
            engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            content = engine.compress(content) + engine.flush()
            content += b"\0" * (len(content) % 2)
        content = content[: len(content) - self.cut] if self.cut else content
        start = b"" if self.preamble is None else self.preamble + b"DICM"
        return start + self._meta() + content

    def _meta(self) -> bytes:
        if self.meta is None:
            return b""
        own = {element.tag for element in self.meta}
        uid = self.syntax_uid.encode()
        fixed = [
            Element(0x00020002, "UI", b"1.2.840.10008.5.1.4.1.1.7\0"),
            Element(0x00020003, "UI", b"1.2.3.4\0"),
            Element(0x00020010, "UI", uid + b"\0" * (len(uid) % 2)),
        ]
        wanted = [element for element in fixed if element.tag not in own and (uid or element.tag != 0x00020010)]
        body = encoded(sorted([*wanted, *self.meta], key=lambda element: element.tag), Encoding())
        if 0x00020000 in own:
            return body
        return encoded([Element(0x00020000, "UL", struct.pack("<L", len(body)))], Encoding()) + body

    def with_elements(self, elements: Iterable[Element]) -> File:
        """The same file with other elements."""
        return replace(self, elements=tuple(elements))
