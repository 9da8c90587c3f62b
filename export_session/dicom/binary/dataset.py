"""Values as the file holds them: a data set, its elements, their text and numbers.

The main data set and the items of its sequences are looked at in the same way.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pydicom.charset import decode_bytes
from pydicom.valuerep import TEXT_VR_DELIMS

from export_session.dicom.binary.elements import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    MAX_DEPTH,
    Element,
    Malformed,
    Syntax,
)
from export_session.dicom.binary.instance import Instance, codecs_of, decode_plain
from export_session.dicom.binary.items import readable_items
from export_session.dicom.dictionary import (
    CHARSET_VRS,
    NUMBER_FORMATS,
    PIXEL_REPRESENTATION,
    SPECIFIC_CHARACTER_SET,
    STRING_VRS,
    UNSPLIT_VRS,
    Key,
    resolved_vr,
)

PADDING = " \0"


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
        found = (self.at(key.tag | block << 8) for block, _ in self.blocks(key))
        return next((value for value in found if value), None)

    def below(self, way: Iterable[tuple[Key, int | None]]) -> DataSet | None:
        """Return the item at the end of a way through sequences, by key and number; None where there is none."""
        data_set = self
        for key, number in way:
            sequence = data_set.get(key)
            try:
                item = sequence.item(number or 0) if sequence and sequence.is_sequence else None
            except Malformed:
                item = None
            if item is None:
                return None
            data_set = item
        return data_set

    def at(self, tag: int) -> Value | None:
        """Return the element of a tag, None when it is absent."""
        element = self.elements.get(tag)
        return None if element is None else Value(element, self)

    def creator_of(self, tag: int) -> str:
        """Return who reserved the block of a private element, "" for other elements."""
        if not tag >> 16 & 1 or tag & 0xFFFF <= 0xFF:
            return ""
        element = self.elements.get(tag & 0xFFFF0000 | tag >> 8 & 0xFF)
        return self._text_of_creator(element) if element else ""

    def name_of(self, tag: int) -> str:
        """Return the key by which metadata name an element."""
        creator = self.creator_of(tag)
        return Key(f"{tag:08X}", tag & 0xFFFF00FF if creator else tag, creator).name

    def spelled(self, key: Key) -> Key:
        """Return a private key with its creator as the file spells it; other keys as they are."""
        found = next((creator for _, creator in self.blocks(key)), None) if key.creator else None
        return replace(key, creator=found) if found else key

    def nested(self, elements: Mapping[int, Element], syntax: Syntax) -> DataSet:
        """Return the item with these elements of one of its sequences.

        It inherits what it does not declare itself (PS3.3 §C.12.1.1.2, PS3.5 §7.5).
        """
        charset = elements.get(SPECIFIC_CHARACTER_SET)
        representation = elements.get(PIXEL_REPRESENTATION)
        return DataSet(
            elements,
            syntax,
            tuple(codecs_of(charset.value)) if charset else self.codecs,
            _is_signed(representation.value) if representation else self.signed,
            self.depth + 1,
        )

    def blocks(self, key: Key) -> Iterator[tuple[int, str]]:
        """Yield the blocks that a key can mean, with the creator as the file spells it (PS3.5 §7.8.1)."""
        for tag, element in self.elements.items():
            if tag >> 16 == key.tag >> 16 and 0x10 <= tag & 0xFFFF <= 0xFF:
                creator = self._text_of_creator(element)
                if key.names_creator(creator) or key.names_creator(decode_plain(element.value)):
                    yield tag & 0xFF, creator

    def _text_of_creator(self, element: Element) -> str:
        """Return a private creator as it reads in the character set of the data set (LO, PS3.5 §7.8.1)."""
        if element.value.isascii() and b"\x1b" not in element.value:
            return decode_plain(element.value)
        return decode_bytes(element.value, self.codecs, TEXT_VR_DELIMS).strip(PADDING)


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
    """One element of a data set."""

    element: Element
    data_set: DataSet

    @property
    def tag(self) -> int:
        """The tag, private block included."""
        return self.element.tag

    @property
    def raw(self) -> bytes:
        """The value; of long bulk data only its first bytes."""
        return self.element.value

    @property
    def length(self) -> int:
        """How many bytes the value has in the file, a delimiter not counted."""
        return self.element.length - self.element.head - (8 if self.element.undefined else 0)

    def with_value(self, value: bytes) -> Value:
        """Return the same element with other bytes of the same length as its value."""
        element = self.element
        tail = element.raw[element.head + len(self.raw) :]
        return replace(self, element=element._replace(raw=element.raw[: element.head] + value + tail))

    @property
    def syntax(self) -> Syntax:
        """How the element is encoded."""
        return EXPLICIT_LITTLE if self.tag >> 16 == 2 else self.data_set.syntax

    @property
    def creator(self) -> str:
        """Who reserved the private block, "" for public elements."""
        return self.data_set.creator_of(self.tag) if self.tag >> 16 & 1 else ""

    @property
    def dictionary_vr(self) -> str:
        """The dictionary's VR; an ambiguous one resolved by the file; "" when unknown."""
        return resolved_vr(self.tag, self.creator, self.element.vr, signed=self.data_set.signed)

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

    @property
    def items_syntax(self) -> Syntax:
        """How its items are encoded, if it is a sequence; in UN that is implicit little endian (PS3.5 §6.2.2)."""
        return IMPLICIT_LITTLE if self.element.vr == "UN" else self.syntax

    def items(self) -> Iterator[DataSet]:
        """Yield the items of a sequence, each read when it is asked for.

        They are read as importers read them: what is cut off ends where the bytes end.

        Raises
        ------
        Malformed
            The value is not a sequence, or sequences are nested too deeply.
        """
        if self.data_set.depth >= MAX_DEPTH:
            raise Malformed(f"sequences are nested more than {MAX_DEPTH} deep")
        syntax = self.items_syntax
        for elements in readable_items(self.element.raw, self.element.head, syntax):
            yield self.data_set.nested(elements, syntax)

    def item(self, number: int) -> DataSet | None:
        """Return one item, None when there are fewer."""
        return next((item for i, item in enumerate(self.items()) if i == number), None)

    def decoded(self, vr: str) -> str:
        """Return the value as text of a VR, without the padding at its end."""
        if vr in CHARSET_VRS:
            return decode_bytes(self.raw, self.data_set.codecs, TEXT_VR_DELIMS).rstrip(PADDING)
        return self.raw.decode("latin-1").rstrip(PADDING)

    def texts(self, vr: str) -> list[str]:
        """Return the components of a text value, each without the padding at its end."""
        text = self.decoded(vr)
        return [text] if vr in UNSPLIT_VRS else [part.rstrip(PADDING) for part in text.split("\\")]

    def spelled(self) -> str | list[str]:
        """Return the numbers of a DS or IS by the characters that the file has for them; several as a list."""
        parts = [part.strip(PADDING) for part in self.texts(self.vr)]
        return parts[0] if len(parts) == 1 else parts

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
