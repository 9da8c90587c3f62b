"""Private values that are too long to be held, such as the protocol of a scanner: text amid bytes of any kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from export_session.dicom.binary.instance import Instance
from export_session.dicom.dictionary import PIXEL_DATA
from export_session.dicom.remains.traces import Trace
from export_session.dicom.remains.words import folded

_LONGEST = 4 << 20  # bytes; a longer value is that of a picture or a sound
_AROUND = 100  # bytes on both sides of a word, in which the rest of a name can stand
_ENCAPSULATED_DOCUMENT = 0x00420011
_UNTYPED = frozenset({"UN", "OB", ""})


class LongValue(NamedTuple):
    """A value of an instance, by the number of that among the members of its file."""

    member: int
    tag: int
    data: bytes


def long_values(member: int, instance: Instance, chunks: Iterable[bytes]) -> Iterator[LongValue]:
    """Read the long values before the pixel data once more.

    Parameters
    ----------
    member, instance
        The instance, and its number among the members of the file.
    chunks
        Its bytes, a deflated data set inflated.
    """
    pixels = min((start for tag, start in instance.bulk.items() if tag in PIXEL_DATA), default=instance.end)
    source, position, held = iter(chunks), 0, b""
    for tag, start in sorted(instance.bulk.items(), key=lambda one: one[1]):
        element = instance.elements[tag]
        size = element.length - element.head
        if start >= pixels or size > _LONGEST or element.vr not in _UNTYPED or not _may_tell(tag):
            continue
        first = start + element.head
        while position + len(held) < first + size:
            if position + len(held) <= first:
                position, held = position + len(held), b""
            if not (chunk := next(source, b"")):
                return
            held += chunk
        yield LongValue(member, tag, held[first - position : first - position + size])


def _may_tell(tag: int) -> bool:
    """Whether an element can hold text: public ones hold what the standard says, curves and overlays."""
    return bool(tag >> 16 & 1) or tag == _ENCAPSULATED_DOCUMENT


def traces_in(data: bytes, traces: Sequence[Trace], codec: str) -> Iterator[Trace]:
    """Yield the old values that stand somewhere in bytes; only what is around one of their words is decoded."""
    lower = data.lower()
    for trace in traces:
        forms = {form for word in _words_of(trace) for form in _forms(word, codec)}
        found = [match.span() for form in forms if form in lower for match in re.finditer(re.escape(form), lower)]
        near = (data[max(0, start - _AROUND) : end + _AROUND] for start, end in found)
        if any(trace.is_in(folded(text.decode(codec, "replace"))) for text in near):
            yield trace


def _words_of(trace: Trace) -> Iterator[str]:
    """Yield what all spellings of an old value hold, and its words with the accents that these have lost."""
    yield from (way.word for way in trace.spellings)
    yield from (word.lower() for word in re.findall(r"\w+", trace.old) if not word.isascii())


def _forms(word: str, codec: str) -> Iterator[bytes]:
    """Yield a word as bytes in which ASCII is in lower case; none where the character set lacks a letter."""
    for text in (word, word.upper()):
        encoded = text.encode(codec, "ignore")
        if encoded and encoded.decode(codec, "ignore") == text:
            yield encoded.lower()
