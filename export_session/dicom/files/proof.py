"""Proves from the bytes that were written that the intended elements changed, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Protocol

from export_session.dicom.binary.deflate import Reader, crc32
from export_session.dicom.binary.instance import Instance
from export_session.dicom.binary.parser import Parser
from export_session.dicom.dictionary import tag_text
from export_session.dicom.files.stream import cut, plain
from export_session.errors import ProofFailed

Chunks = Callable[[], Iterable[bytes]]
Elements = Mapping[int, Mapping[int, bytes]]  # instance → tag → new element
WrongValues = Callable[[int, Instance], str]  # number of the instance, and what was read of it
Sums = list[tuple[int, int]]  # lengths and checksums


def prove(
    old: Instance,
    elements: Mapping[int, bytes],
    original: Original,
    written: Chunks,
    *,
    size: int,
    parser: Parser,
    wrong_values: Callable[[Instance], str],
) -> None:
    """Read a rewritten instance again and compare it with what it was made from.

    Parameters
    ----------
    old
        The instance as it was.
    elements
        The elements that were meant to change, by tag.
    original
        The bytes of the instance as it was.
    written
        Opens the bytes of the instance as it was written.
    size
        How many bytes were written.
    parser
        Reads the instance again.
    wrong_values
        Says which value of the written instance does not read back as it was asked for.

    Raises
    ------
    ProofFailed
        An intended change is not there, or anything else is different.
    """
    new = parser.parse(Reader(written()).read, old.name, size)
    wrong = _wrong_elements(old, new, elements) or wrong_values(new) or _wrong_rest(original, new, written)
    if wrong:
        raise ProofFailed(f"{old.name}: the rewritten file does not read back as intended: {wrong}")


def _wrong_elements(old: Instance, new: Instance, elements: Mapping[int, bytes]) -> str:
    if new.problem:
        return new.problem
    facts = ("kind", "prefixed", "syntax", "deflated", "trailing", "truncated")
    different = [fact for fact in facts if getattr(old, fact) != getattr(new, fact)]
    if different:
        return f"{', '.join(different)} changed"
    if new.elements.keys() != old.elements.keys() | elements.keys() or new.bulk.keys() != old.bulk.keys():
        return "there are other elements than expected"
    if [tag for tag in new.elements if tag in old.elements] != list(old.elements):
        return "the order of the elements changed"
    suspects = [tag for tag, element in new.elements.items() if old.elements.get(tag) is not element]
    suspects += elements
    wrong = (tag for tag in suspects if not _is_intended(tag, old, new, elements))
    return next((f"{tag_text(tag)} is not as intended" for tag in wrong), "")


def _wrong_rest(original: Original, new: Instance, written: Chunks) -> str:
    before, after = original.compared(new, written)
    return "" if before == after else "bytes outside of the changed elements are different"


def _is_intended(tag: int, old: Instance, new: Instance, elements: Mapping[int, bytes]) -> bool:
    element = new.elements[tag]
    if tag in elements:
        return element.raw == elements[tag]
    was = old.elements[tag]
    return (element.raw, element.length) == (was.raw, was.length)


class Original(Protocol):
    """The bytes of an instance as it was, or what is known of them."""

    def compared(self, new: Instance, written: Chunks) -> tuple[Sums, Sums]:
        """Return the checksums of what the parse does not keep: of the original, and of what was written.

        They come together, since some originals are only known as far as they come again in what was written.
        """


class Whole:
    """An original that can be read again."""

    def __init__(self, chunks: Chunks, instance: Instance) -> None:
        self._chunks = chunks
        self._instance = instance

    def compared(self, new: Instance, written: Chunks) -> tuple[Sums, Sums]:
        """Read both."""
        return _checksums(self._chunks(), self._instance), _checksums(written(), new)


class Passing:
    """An original on its way to be rewritten; what the parse did not keep of it is noted.

    What is noted are length and checksum of each stretch of preamble, bulk data and trailing bytes, as they
    are proof enough for the members of a zip archive: so no stream has to be read twice to be compared.
    """

    def __init__(self, chunks: Chunks, instance: Instance) -> None:
        self._chunks = chunks
        self._instance = instance
        self._sums = _Sums(instance)

    def __iter__(self) -> Iterator[bytes]:
        chunks = self._chunks()
        return iter(chunks) if self._instance.deflated else self._sums.watch(chunks)

    def compared(self, new: Instance, written: Chunks) -> tuple[Sums, Sums]:
        """Read what was written; the content of a deflated original is read for this, too."""
        if self._instance.deflated:
            return Whole(self._chunks, self._instance).compared(new, written)
        return self._sums.found, _checksums(written(), new)


class Kept:
    """An original that ends in data which were kept unread; what they are is seen when they come again.

    That they are those of the original is for its checksum to prove, see
    :class:`~export_session.dicom.files.deflate_reuse.Joint`.

    Parameters
    ----------
    instance
        As it was.
    old
        The first bytes of the original.
    size
        How many bytes took their place.
    """

    def __init__(self, instance: Instance, old: bytes, size: int) -> None:
        self._instance = instance
        self._old = old
        self._size = size

    def compared(self, new: Instance, written: Chunks) -> tuple[Sums, Sums]:
        """Read what was written, and the original within it."""
        sums = _Sums(self._instance)
        after = _checksums(self._noted(written(), sums), new)
        return sums.found, after

    def _noted(self, written: Iterable[bytes], sums: _Sums) -> Iterator[bytes]:
        head, rest = cut(written, self._size)
        yield head
        original = sums.watch(chain([self._old], rest))
        next(original)
        yield from original


def _checksums(chunks: Iterable[bytes], instance: Instance) -> Sums:
    sums = _Sums(instance)
    for _ in sums.watch(plain(chunks, instance)):
        pass
    return sums.found


class _Sums:
    """Takes length and checksum of stretches of a stream."""

    def __init__(self, instance: Instance) -> None:
        bulk = ((start, start + instance.elements[tag].length) for tag, start in instance.bulk.items())
        self._spans = [(0, instance.start), *bulk, (instance.end, instance.end + instance.trailing)]
        self.found: Sums = [(0, 0)] * len(self._spans)

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the stream and note what passes."""
        pos = at = 0  # in the stream, and among the stretches
        for chunk in chunks:
            end = pos + len(chunk)
            while at < len(self._spans) and self._spans[at][0] < end:
                start, stop = self._spans[at]
                part = memoryview(chunk)[max(start - pos, 0) : stop - pos] if stop > pos else b""
                length, crc = self.found[at]
                self.found[at] = length + len(part), crc32(part, crc)
                if stop > end:
                    break
                at += 1
            pos = end
            yield chunk
