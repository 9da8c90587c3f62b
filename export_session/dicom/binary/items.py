"""Sequences of items in their two readings (PS3.5 §7.5).

What is compared with metadata is read as importers read it, as far as it goes: :func:`readable_items`. What is
written anew is read exactly, each byte accounted for: :func:`exact_items` and :func:`exact_elements`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from export_session.dicom.binary.elements import (
    ITEM,
    ITEM_DELIMITER,
    SEQUENCE_DELIMITER,
    UNDEFINED,
    Element,
    Incomplete,
    Malformed,
    Syntax,
    cut_off,
    end_of_item,
    read_element,
    read_head,
)

_HEAD = 8  # bytes of tag and length of an item


def readable_items(data: bytes, pos: int, syntax: Syntax) -> Iterator[dict[int, Element]]:
    """Yield the elements of the items from ``pos`` on, by tag; what is cut off ends where the bytes end.

    Raises
    ------
    Malformed
        There is something else than items.
    """
    while pos + _HEAD <= len(data):
        try:
            head = read_head(data, pos, syntax)
        except Incomplete:
            raise Malformed("a sequence ends within the head of what is no item") from None
        if head.tag == SEQUENCE_DELIMITER:
            return
        if head.tag != ITEM:
            raise Malformed("there is no item where one should be")
        elements, pos = _readable_elements(data, pos + head.size, head.length, syntax)
        yield elements


def _readable_elements(data: bytes, pos: int, length: int, syntax: Syntax) -> tuple[dict[int, Element], int]:
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
            element = read_element(data, pos, head, syntax)
        except Incomplete:
            elements[head.tag] = cut_off(head, data[pos:])
            return elements, len(data)
        elements[head.tag] = element
        pos += element.length
    return elements, max(pos, end)


class Item(NamedTuple):
    """Where an item lies in the value of its sequence."""

    start: int  # of the item head
    content: int
    stop: int  # of the content
    end: int  # behind the delimiter, if there is one

    @property
    def undefined(self) -> bool:
        """Whether the item is closed by a delimiter."""
        return self.stop < self.end


def exact_items(value: bytes, syntax: Syntax) -> list[Item]:
    """Find the items of a sequence in its value.

    Raises
    ------
    Malformed
        The value is not exactly a row of items.
    """
    items = []
    pos = 0
    try:
        while pos < len(value):
            head = read_head(value, pos, syntax)
            if head.tag != ITEM:
                raise Malformed("a sequence holds something that is not an item")
            end = end_of_item(value, pos + _HEAD, head.length, syntax, 0)
            items.append(Item(pos, pos + _HEAD, end - _HEAD if head.length == UNDEFINED else end, end))
            pos = end
    except Incomplete:
        raise Malformed("a sequence ends within an item") from None
    return items


def exact_elements(content: bytes, syntax: Syntax) -> dict[int, Element]:
    """Read the content of an item: its elements by tag, in their order.

    Raises
    ------
    Malformed
        The bytes are not exactly a row of elements, or one of them occurs twice.
    """
    elements: dict[int, Element] = {}
    pos = 0
    try:
        while pos < len(content):
            head = read_head(content, pos, syntax)
            if head.tag >> 16 == 0xFFFE:
                raise Malformed("an item holds something that is not an element")
            if head.tag in elements:
                raise Malformed("an element occurs twice in an item")
            elements[head.tag] = element = read_element(content, pos, head, syntax)
            pos += element.length
    except Incomplete:
        raise Malformed("an item ends within an element") from None
    return elements
