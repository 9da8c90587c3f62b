"""Values as the file holds them: a level of a data set, its elements, their text and numbers.

A level is the main data set or an item of a sequence; both are looked at in the same way.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from pydicom.charset import decode_bytes
from pydicom.valuerep import TEXT_VR_DELIMS

from export_session.dicom.binary.elements import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_DELIMITER,
    MAX_DEPTH,
    SEQUENCE_DELIMITER,
    UNDEFINED,
    Element,
    Incomplete,
    Malformed,
    Syntax,
    cut_off,
    end_of_value,
    read_head,
)
from export_session.dicom.binary.instance import Instance, codecs_of
from export_session.dicom.dictionary import (
    CHARSET_VRS,
    NUMBER_FORMATS,
    PIXEL_REPRESENTATION,
    SPECIFIC_CHARACTER_SET,
    STRING_VRS,
    UNSPLIT_VRS,
    Key,
    vr_in_dictionary,
)

PADDING = " \0"
_ITEM_HEAD = 8  # bytes: tag and length


@dataclass(frozen=True)
class DataSet:
    """The main data set, or one item of a sequence."""

    elements: Mapping[int, Element]
    syntax: Syntax
    codecs: tuple[str, ...]
    signed: bool = False  # what PixelRepresentation makes of "US or SS"
    depth: int = 0  # how many sequences it lies in

    def get(self, key: Key) -> Value | None:
        """Return the element that a key names, None when it is absent."""
        if not key.creator:
            return self.at(key.tag)
        found = (self.at(key.tag | block << 8) for block, _ in self._blocks(key))
        return next((stored for stored in found if stored), None)

    def at(self, tag: int) -> Value | None:
        """Return the element of a tag, None when it is absent."""
        element = self.elements.get(tag)
        return None if element is None else Value(element, self)

    def creator_of(self, tag: int) -> str:
        """Return who reserved the block of a private element, "" for other elements."""
        if not tag >> 16 & 1 or tag & 0xFFFF <= 0xFF:
            return ""
        element = self.elements.get(tag & 0xFFFF0000 | tag >> 8 & 0xFF)
        return element.value.decode("latin-1").strip(PADDING) if element else ""

    def spelled(self, key: Key) -> Key:
        """Return a private key with its creator as the file spells it; other keys as they are."""
        found = next((creator for _, creator in self._blocks(key)), None) if key.creator else None
        return replace(key, creator=found) if found else key

    def _blocks(self, key: Key) -> Iterator[tuple[int, str]]:
        """Yield the blocks that a key can mean, with the creator as the file spells it (PS3.5 §7.8.1)."""
        for tag, element in self.elements.items():
            if tag >> 16 == key.tag >> 16 and 0x10 <= tag & 0xFFFF <= 0xFF:
                creator = element.value.decode("latin-1").strip(PADDING)
                if key.names_creator(creator):
                    yield tag & 0xFF, creator


def main_data_set(instance: Instance) -> DataSet:
    """Return the main data set of an instance, file meta included."""
    return DataSet(
        instance.elements,
        instance.syntax,
        tuple(instance.charset),
        _is_signed(instance.raw(PIXEL_REPRESENTATION)),
    )


def _is_signed(raw: bytes | None) -> bool:
    return raw is not None and any(raw)


@dataclass(frozen=True)
class Value:
    """One element of a level."""

    element: Element
    level: DataSet

    @property
    def tag(self) -> int:
        """The tag, private block included."""
        return self.element.tag

    @property
    def raw(self) -> bytes:
        """The value; of long bulk data only its first bytes."""
        return self.element.value

    def with_value(self, value: bytes) -> Value:
        """Return the same element with other bytes of the same length as its value."""
        element = self.element
        tail = element.raw[element.head + len(self.raw) :]
        return replace(self, element=element._replace(raw=element.raw[: element.head] + value + tail))

    @property
    def syntax(self) -> Syntax:
        """How the element is encoded."""
        return EXPLICIT_LITTLE if self.tag >> 16 == 2 else self.level.syntax

    @property
    def creator(self) -> str:
        """Who reserved the private block, "" for public elements."""
        return self.level.creator_of(self.tag) if self.tag >> 16 & 1 else ""

    @property
    def dictionary_vr(self) -> str:
        """The dictionary's VR; an ambiguous one resolved by the file; "" when unknown."""
        return _resolved(self.tag, self.creator, self.element.vr, signed=self.level.signed)

    @property
    def vr(self) -> str:
        """The VR by the file, or by the dictionary where the file gives none (PS3.5 §6.2.2); else UN."""
        if self.element.vr in ("", "UN"):
            return self.dictionary_vr or "UN"
        return self.element.vr

    @property
    def empty(self) -> bool:
        """Whether there is no value but padding."""
        return not self.raw.strip(b" \0") if self.vr in STRING_VRS else not self.raw

    @property
    def is_sequence(self) -> bool:
        """Whether the value is a sequence of items."""
        return self.vr == "SQ"

    def items(self) -> Iterator[DataSet]:
        """Yield the items of a sequence, each read when it is asked for.

        They are read as importers read them: what is cut off ends where the bytes end.

        Raises
        ------
        Malformed
            The value is not a sequence, or sequences are nested too deeply.
        """
        if self.level.depth >= MAX_DEPTH:
            raise Malformed(f"sequences are nested more than {MAX_DEPTH} deep")
        as_unknown = self.element.vr == "UN"  # PS3.5 §6.2.2: implicit little endian inside
        syntax = IMPLICIT_LITTLE if as_unknown else self.syntax
        data, pos = self.element.raw, self.element.head
        while pos + _ITEM_HEAD <= len(data):
            head = read_head(data, pos, syntax)
            if head.tag == SEQUENCE_DELIMITER:
                return
            if head.tag != ITEM:
                raise Malformed("there is no item where one should be")
            elements, pos = _read_item(data, pos + head.size, head.length, syntax)
            yield self._item(elements, syntax)

    def _item(self, elements: dict[int, Element], syntax: Syntax) -> DataSet:
        charset = elements.get(SPECIFIC_CHARACTER_SET)
        representation = elements.get(PIXEL_REPRESENTATION)
        return DataSet(
            elements,
            syntax,
            tuple(codecs_of(charset.value)) if charset else self.level.codecs,
            _is_signed(representation.value) if representation else self.level.signed,
            self.level.depth + 1,
        )

    def item(self, number: int) -> DataSet | None:
        """Return one item, None when there are fewer."""
        return next((item for i, item in enumerate(self.items()) if i == number), None)

    def decoded(self, vr: str) -> str:
        """Return the value as text of a VR, without the padding at its end."""
        if vr in CHARSET_VRS:
            return decode_bytes(self.raw, self.level.codecs, TEXT_VR_DELIMS).rstrip(PADDING)
        return self.raw.decode("latin-1").rstrip(PADDING)

    def texts(self, vr: str) -> list[str]:
        """Return the components of a text value, each without the padding at its end."""
        text = self.decoded(vr)
        return [text] if vr in UNSPLIT_VRS else [part.rstrip(PADDING) for part in text.split("\\")]

    def numbers(self, vr: str) -> list[int] | list[float]:
        """Return the components of a binary number.

        Raises
        ------
        ValueError
            The length is no multiple of the number's size.
        """
        code = NUMBER_FORMATS[vr]
        count, rest = divmod(len(self.raw), struct.calcsize("<" + code))
        if rest:
            raise ValueError
        return list(struct.unpack(f"{self.syntax.order}{count}{code}", self.raw))

    def tags(self) -> list[int]:
        """Return the components of an AT value; bytes that make no whole tag are passed over."""
        count = len(self.raw) // 4
        halves = struct.unpack(f"{self.syntax.order}{count * 2}H", self.raw[: count * 4])
        return [group << 16 | element for group, element in zip(halves[::2], halves[1::2], strict=True)]


@lru_cache(maxsize=4096)
def _resolved(tag: int, creator: str, vr_in_file: str, *, signed: bool) -> str:
    if tag >> 16 & 1 and not creator:
        return ""
    vr = vr_in_dictionary(tag & 0xFFFF00FF if creator else tag, creator)
    if " or " not in vr:
        return vr
    if vr_in_file in vr.split(" or "):
        return vr_in_file
    if vr == "US or SS":
        return "SS" if signed else "US"
    return "OW"


def _read_item(data: bytes, pos: int, length: int, syntax: Syntax) -> tuple[dict[int, Element], int]:
    """Read the elements of an item as far as they go; return them and where the next item starts."""
    end = len(data) if length == UNDEFINED else min(pos + length, len(data))
    elements: dict[int, Element] = {}
    while pos < end:
        try:
            head = read_head(data, pos, syntax)
        except Incomplete:
            return elements, len(data)
        if head.tag == ITEM_DELIMITER:
            return elements, pos + head.size
        try:
            stop = end_of_value(data, pos + head.size, head, syntax)
        except Incomplete:
            elements[head.tag] = cut_off(head, data[pos:])
            return elements, len(data)
        undefined = head.length == UNDEFINED
        elements[head.tag] = Element(head.tag, head.vr, data[pos:stop], head.size, stop - pos, undefined)
        pos = stop
    return elements, max(pos, end)
