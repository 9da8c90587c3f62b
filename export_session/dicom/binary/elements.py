"""Data elements as they lie in the bytes (DICOM PS3.5 §7).

Nothing here interprets a value. An :class:`Element` is immutable and says nothing of its position, so the
instances of a series can share one object for every element that is the same in all of them.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from export_session.dicom.dictionary import FRAGMENT_VRS, LONG_VRS, SHORT_VRS

UNDEFINED = 0xFFFFFFFF

ITEM = 0xFFFEE000
ITEM_DELIMITER = 0xFFFEE00D
SEQUENCE_DELIMITER = 0xFFFEE0DD

MAX_DEPTH = 64  # of nested sequences; real objects stay below ten

_VR_OF_BYTES = {vr.encode(): vr for vr in SHORT_VRS | LONG_VRS}


class Malformed(Exception):
    """The bytes from here on are not data elements."""


class Incomplete(Exception):
    """The element goes on behind the bytes at hand."""


class Syntax(NamedTuple):
    """How data elements are encoded: the part of a transfer syntax that the header depends on."""

    implicit: bool
    little: bool

    @property
    def order(self) -> str:
        """The byte order as :mod:`struct` spells it."""
        return "<" if self.little else ">"


EXPLICIT_LITTLE = Syntax(implicit=False, little=True)
IMPLICIT_LITTLE = Syntax(implicit=True, little=True)
EXPLICIT_BIG = Syntax(implicit=False, little=False)

_TAG_LENGTH = {True: Struct("<HHL"), False: Struct(">HHL")}
_TAG_VR_LENGTH = {True: Struct("<HH2sH"), False: Struct(">HH2sH")}
_LENGTH = {True: Struct("<L"), False: Struct(">L")}


class Head(NamedTuple):
    """What precedes a value: tag, VR and length."""

    tag: int
    vr: str  # "" where the element is encoded with implicit VR
    size: int  # bytes of the head itself: 8 or 12
    length: int  # of the value, or UNDEFINED


class Element(NamedTuple):
    """One data element.

    ``raw`` holds the whole element, or, for bulk data that is not kept, only its first bytes.
    """

    tag: int
    vr: str  # as in the file, "" where it is encoded with implicit VR
    raw: bytes
    head: int  # bytes before the value: 8 or 12
    length: int  # bytes of the whole element in the file, delimiter included
    undefined: bool  # whether the value length is undefined

    @property
    def held(self) -> bool:
        """Whether the value is at hand; False for bulk data."""
        return len(self.raw) == self.length

    @property
    def value(self) -> bytes:
        """The value, without the delimiter of an undefined length; for bulk data its first bytes."""
        return self.raw[self.head : -8] if self.undefined and self.held else self.raw[self.head :]


def cut_off(head: Head, raw: bytes) -> Element:
    """Return an element whose value is not all there; it counts as not held."""
    undefined = head.length == UNDEFINED
    length = len(raw) + 8 if undefined else head.size + head.length
    return Element(head.tag, head.vr, raw, head.size, length, undefined)


def read_head(data: bytes, pos: int, syntax: Syntax) -> Head:
    """Decode tag, VR and length at ``pos``.

    Two bytes that can be no VR are read as an element with implicit VR, and an unknown VR as one with a
    2-byte length: some writers leave such elements in explicit datasets, and every importer's reader
    takes them so.
    """
    if len(data) - pos < 8:
        raise Incomplete
    group, element, vr_bytes, length = _TAG_VR_LENGTH[syntax.little].unpack_from(data, pos)
    tag = group << 16 | element
    if syntax.implicit or group == 0xFFFE:
        return Head(tag, "", 8, _LENGTH[syntax.little].unpack_from(data, pos + 4)[0])
    vr = _VR_OF_BYTES.get(vr_bytes)
    if vr is None:
        if b"AA" <= vr_bytes <= b"ZZ" and vr_bytes.isalpha():
            return Head(tag, vr_bytes.decode("ascii"), 8, length)
        return Head(tag, "", 8, _LENGTH[syntax.little].unpack_from(data, pos + 4)[0])
    if vr in SHORT_VRS:
        return Head(tag, vr, 8, length)
    if len(data) - pos < 12:
        raise Incomplete
    return Head(tag, vr, 12, _LENGTH[syntax.little].unpack_from(data, pos + 8)[0])


def write_head(tag: int, vr: str, length: int, syntax: Syntax) -> bytes:
    """Encode tag, VR and value length; ``vr`` "" gives the implicit form."""
    group, element = tag >> 16, tag & 0xFFFF
    if syntax.implicit or not vr or group == 0xFFFE:
        return _TAG_LENGTH[syntax.little].pack(group, element, length)
    if vr in LONG_VRS:
        head = _TAG_VR_LENGTH[syntax.little].pack(group, element, vr.encode("ascii"), 0)
        return head + _LENGTH[syntax.little].pack(length)
    return _TAG_VR_LENGTH[syntax.little].pack(group, element, vr.encode("ascii"), length)


def write_item(content: bytes, syntax: Syntax, *, undefined: bool = False) -> bytes:
    """Encode an item of a sequence; one of undefined length is closed by a delimiter."""
    head = write_head(ITEM, "", UNDEFINED if undefined else len(content), syntax)
    return head + content + (write_head(ITEM_DELIMITER, "", 0, syntax) if undefined else b"")


def read_element(data: bytes, pos: int, head: Head, syntax: Syntax) -> Element:
    """Return the element at ``pos``, whose head was read already."""
    end = end_of_value(data, pos + head.size, head, syntax)
    return Element(head.tag, head.vr, data[pos:end], head.size, end - pos, head.length == UNDEFINED)


def nested_syntax(head: Head, syntax: Syntax) -> Syntax:
    """Return the syntax inside a sequence; UN of undefined length is implicit little endian (PS3.5 §6.2.2)."""
    if head.vr == "UN" and head.length == UNDEFINED:
        return IMPLICIT_LITTLE
    return syntax


def end_of_value(data: bytes, pos: int, head: Head, syntax: Syntax, depth: int = 0) -> int:
    """Find the end of the value at ``pos``, the delimiter of an undefined length included."""
    if head.length != UNDEFINED:
        end = pos + head.length
        if end > len(data):
            raise Incomplete
        return end
    if depth > MAX_DEPTH:
        raise Malformed(f"sequences are nested more than {MAX_DEPTH} deep")
    if head.vr in FRAGMENT_VRS:
        return _end_of_fragments(data, pos, syntax)
    return _end_of_sequence(data, pos, nested_syntax(head, syntax), depth)


def _end_of_sequence(data: bytes, pos: int, syntax: Syntax, depth: int) -> int:
    while True:
        item = read_head(data, pos, syntax)
        pos += 8
        if item.tag == SEQUENCE_DELIMITER:
            return pos
        if item.tag != ITEM:
            raise Malformed("a sequence holds something that is no item")
        pos = end_of_item(data, pos, item.length, syntax, depth)


def end_of_item(data: bytes, pos: int, length: int, syntax: Syntax, depth: int) -> int:
    """Find the end of the item whose content starts at ``pos``, its delimiter included."""
    if length != UNDEFINED:
        if pos + length > len(data):
            raise Incomplete
        return pos + length
    while True:
        head = read_head(data, pos, syntax)
        pos += head.size
        if head.tag == ITEM_DELIMITER:
            return pos
        if head.tag >> 16 == 0xFFFE:
            raise Malformed("an item is not closed")
        pos = end_of_value(data, pos, head, syntax, depth + 1)


def _end_of_fragments(data: bytes, pos: int, syntax: Syntax) -> int:
    while True:
        item = read_head(data, pos, syntax)
        pos += 8
        if item.tag == SEQUENCE_DELIMITER:
            return pos
        if item.tag != ITEM or item.length == UNDEFINED:
            raise Malformed("encapsulated data hold something that is no fragment")
        pos += item.length
        if pos > len(data):
            raise Incomplete
