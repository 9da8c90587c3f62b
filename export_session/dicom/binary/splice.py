"""Replaces and inserts data elements, and copies every other byte (DICOM PS3.5 §7).

The same steps serve the top level of a file, of which only the header is at hand, and the items of a
sequence: :func:`patches_for` says what has to change where, :func:`splice` applies it to a stream.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from export_session.dicom.binary.elements import Element, Syntax, write_head


class Patch(NamedTuple):
    """New bytes in place of those from ``start`` to ``end``; an insertion where both are the same."""

    start: int
    end: int
    new: bytes


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


def with_value(element: Element, value: bytes, syntax: Syntax) -> bytes:
    """Return the element with another value; its VR and the form of its length stay."""
    if element.undefined:
        return element.raw[: element.head] + value + element.raw[-8:]
    return write_head(element.tag, element.vr, len(value), syntax) + value
