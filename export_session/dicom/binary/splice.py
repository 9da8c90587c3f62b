"""Replaces and inserts data elements, and copies every other byte (DICOM PS3.5 §7).

The same steps serve the top level of a file, of which only the header is at hand, and the items of a
sequence: :func:`patches_for` says what has to change where, :func:`splice` applies it to a stream.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from export_session.dicom.binary.elements import (
    ITEM,
    ITEM_DELIMITER,
    UNDEFINED,
    Element,
    Incomplete,
    Malformed,
    Syntax,
    end_of_item,
    end_of_value,
    read_head,
    write_head,
)


class Patch(NamedTuple):
    """New bytes in place of those from ``start`` to ``end``; an insertion where both are the same."""

    start: int
    end: int
    new: bytes


class Item(NamedTuple):
    """One item of a sequence: where its content lies in the sequence's value."""

    start: int  # of the item head
    content: int
    stop: int  # of the content
    end: int  # behind the delimiter, if there is one

    @property
    def undefined(self) -> bool:
        """Whether the item is closed by a delimiter."""
        return self.stop < self.end


def patches_for(elements: Mapping[int, Element], start: int, replacements: Mapping[int, bytes]) -> list[Patch]:
    """Say which bytes change when elements are replaced or inserted.

    Parameters
    ----------
    elements
        All elements of one data set by tag, in file order.
    start
        Where the first of them starts.
    replacements
        The new bytes of whole elements, by tag. Elements that are absent are inserted in order of tags.
    """
    inserted = sorted((tag for tag in replacements if tag not in elements), reverse=True)
    patches = []
    pos = start
    for tag, element in elements.items():
        while inserted and inserted[-1] < tag:
            patches.append(Patch(pos, pos, replacements[inserted.pop()]))
        if tag in replacements:
            patches.append(Patch(pos, pos + element.length, replacements[tag]))
        pos += element.length
    patches += (Patch(pos, pos, replacements[tag]) for tag in reversed(inserted))
    return patches


def with_group_lengths(
    elements: Mapping[int, Element], replacements: Mapping[int, bytes], syntax: Syntax
) -> Mapping[int, bytes]:
    """Let group lengths follow their groups (PS3.5 §7.2); one that was wrong before is left as it is."""
    groups = {tag >> 16 for tag in replacements}
    lengths = {group: elements[group << 16] for group in groups if group << 16 in elements}
    if not lengths:
        return replacements
    before: dict[int, int] = defaultdict(int)
    growth: dict[int, int] = defaultdict(int)
    for tag, element in elements.items():
        if tag & 0xFFFF:
            before[tag >> 16] += element.length
    for tag, raw in replacements.items():
        growth[tag >> 16] += len(raw) - (elements[tag].length if tag in elements else 0)
    followed = dict(replacements)
    for group, element in lengths.items():
        byteorder: Literal["little", "big"] = "little" if group == 2 or syntax.little else "big"
        if len(element.value) == 4 and int.from_bytes(element.value, byteorder) == before[group]:
            followed[element.tag] = element.raw[: element.head] + (before[group] + growth[group]).to_bytes(4, byteorder)
    return followed


def patched(data: bytes, patches: Iterable[Patch]) -> bytes:
    """Apply patches to bytes."""
    view = memoryview(data)
    parts: list[bytes | memoryview] = []
    pos = 0
    for patch in patches:
        parts += (view[pos : patch.start], patch.new)
        pos = patch.end
    parts.append(view[pos:])
    return b"".join(parts)


def rebuilt(content: bytes, elements: Mapping[int, Element], new: Mapping[int, bytes], syntax: Syntax) -> bytes:
    """Return the content of an item with new elements, its group lengths included."""
    return patched(content, patches_for(elements, 0, with_group_lengths(elements, new, syntax)))


def splice(chunks: Iterable[bytes], patches: Iterable[Patch]) -> Iterator[bytes]:
    """Apply patches to a stream of bytes."""
    pending = iter(patches)
    patch = next(pending, None)
    pos = 0  # of the chunk, in the source
    for chunk in chunks:
        done = 0  # bytes of the chunk that are dealt with
        end = pos + len(chunk)
        while patch is not None and patch.start < end:
            if patch.start >= pos + done:
                yield chunk[done : patch.start - pos]
                yield patch.new
            done = min(patch.end, end) - pos
            if patch.end > end:
                break
            patch = next(pending, None)
        yield chunk[done:]
        pos = end
    while patch is not None:
        if patch.start >= pos:
            yield patch.new
        patch = next(pending, None)


def split(data: bytes, syntax: Syntax) -> list[Element]:
    """Split the content of an item into its elements.

    Raises
    ------
    Malformed
        The bytes are not exactly a row of elements.
    """
    elements = []
    pos = 0
    try:
        while pos < len(data):
            head = read_head(data, pos, syntax)
            if head.tag >> 16 == 0xFFFE:
                raise Malformed("an item holds something that is no element")
            end = end_of_value(data, pos + head.size, head, syntax)
            undefined = head.length == UNDEFINED
            elements.append(Element(head.tag, head.vr, data[pos:end], head.size, end - pos, undefined))
            pos = end
    except Incomplete:
        raise Malformed("an item ends within an element") from None
    return elements


def items_of(value: bytes, syntax: Syntax) -> list[Item]:
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
                raise Malformed("a sequence holds something that is no item")
            end = end_of_item(value, pos + 8, head.length, syntax, 0)
            items.append(Item(pos, pos + 8, end - 8 if head.length == UNDEFINED else end, end))
            pos = end
    except Incomplete:
        raise Malformed("a sequence ends within an item") from None
    return items


def with_contents(element: Element, contents: Mapping[int, bytes], inner: Syntax, outer: Syntax) -> bytes:
    """Return a sequence element with new contents of some items; lengths keep their form.

    Parameters
    ----------
    element
        The sequence.
    contents
        New contents by item number.
    inner, outer
        The syntax of its items and of the element itself.
    """
    value = element.value
    items = items_of(value, inner)
    parts = []
    for number, item in enumerate(items):
        if number in contents:
            parts.append(_item(contents[number], inner, undefined=item.undefined))
        else:
            parts.append(value[item.start : item.end])
    return with_value(element, b"".join(parts), outer)


def with_value(element: Element, value: bytes, syntax: Syntax) -> bytes:
    """Return the element with another value; its VR and the form of its length stay."""
    if element.undefined:
        return element.raw[: element.head] + value + element.raw[-8:]
    return write_head(element.tag, element.vr, len(value), syntax) + value


def _item(content: bytes, syntax: Syntax, *, undefined: bool) -> bytes:
    head = write_head(ITEM, "", UNDEFINED if undefined else len(content), syntax)
    return head + content + (write_head(ITEM_DELIMITER, "", 0, syntax) if undefined else b"")
