"""Proves from the bytes that were written that the intended elements changed, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from export_session.errors import ProofFailed

from .codec import Reader
from .instance import Instance
from .output import plain
from .parse import Parser

Chunks = Callable[[], Iterable[bytes]]


def prove(
    old: Instance,
    elements: Mapping[int, bytes],
    before: Chunks,
    after: Chunks,
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
    before, after
        Open the bytes of the instance as it was, and as it was written.
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
    new = parser.parse(Reader(after()).read, old.name, size)
    wrong = _wrong_elements(old, new, elements) or wrong_values(new)
    if not wrong and not _same_bytes(old, new, before, after):
        wrong = "bytes outside of the changed elements are different"
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
    return next((f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is not as intended" for tag in wrong), "")


def _is_intended(tag: int, old: Instance, new: Instance, elements: Mapping[int, bytes]) -> bool:
    element = new.elements[tag]
    if tag in elements:
        return element.raw == elements[tag]
    was = old.elements[tag]
    return (element.raw, element.length) == (was.raw, was.length)


def _same_bytes(old: Instance, new: Instance, before: Chunks, after: Chunks) -> bool:
    """Compare the bytes that the parse did not keep: preamble, bulk data, trailing bytes."""
    one, other = _Tape(plain(before(), old)), _Tape(plain(after(), new))
    return all(one.equals(other, *span) for span in _spans(old, new))


def _spans(old: Instance, new: Instance) -> Iterator[tuple[int, int, int]]:
    """Yield where each stretch lies in the old and the new bytes, and how long it is."""
    yield 0, 0, old.start
    for tag, start in old.bulk.items():
        yield start, new.bulk[tag], old.elements[tag].length
    yield old.end, new.end, old.trailing


class _Tape:
    """A stream that can be compared with another, moving forward only."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._start = 0  # of the chunk, in the stream
        self._pos = 0  # in the stream

    def equals(self, other: _Tape, start: int, other_start: int, size: int) -> bool:
        """Compare ``size`` bytes from ``start`` with those of another tape."""
        self._pos, other._pos = start, other_start
        while size:
            step = min(size, self._ahead(), other._ahead())
            if not step or not other._chunk.startswith(self._part(step), other._pos - other._start):
                return False
            self._pos += step
            other._pos += step
            size -= step
        return True

    def _ahead(self) -> int:
        """Move to the chunk with the next byte; return how many bytes it has from there on."""
        while self._pos >= self._start + len(self._chunk):
            self._start += len(self._chunk)
            self._chunk = next(self._chunks, b"")
            if not self._chunk:
                return 0
        return self._start + len(self._chunk) - self._pos

    def _part(self, size: int) -> bytes:
        at = self._pos - self._start
        return self._chunk[at : at + size]
