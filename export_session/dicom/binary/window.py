"""The stretch of a file that is in memory while it is parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from export_session.dicom.binary.deflate import Damaged, Reader, inflated

Read = Callable[[int], bytes]  # as a raw stream reads: up to n bytes, b"" at the end

_INFLATED_MAX = 16 << 30  # bytes of a deflated data set
_FIRST_READ = 16 << 10
_NEXT_READ = 256 << 10


class Window:
    """The stretch of a file that is in memory; it only moves forward."""

    def __init__(self, read: Read, size: int | None) -> None:
        self._read = read
        self._left = size  # bytes not yet read, where that is known
        self._base = 0  # where in the file `data` starts
        self.data = b""
        self.ended = False

    def _next(self, size: int) -> bytes:
        part = self._read(size)
        self.ended = not part
        if self._left is not None:
            self._left -= len(part)
        return part

    def fill(self, pos: int, size: int) -> int:
        """Drop what precedes ``pos``, read until ``size`` bytes are there; return the new position, 0."""
        self._base += pos
        parts = [self.data[pos:]]
        have = len(parts[0])
        while have < size and not self.ended:
            parts.append(self._next(max(size - have, _NEXT_READ if self.data else _FIRST_READ)))
            have += len(parts[-1])
        self.data = b"".join(parts)
        return 0

    def skip(self, pos: int, size: int) -> tuple[int, int]:
        """Move ``size`` bytes on; return the new position and how many bytes were missing."""
        have = len(self.data) - pos
        if size <= have:
            return pos + size, 0
        self._base += len(self.data)
        self.data = b""
        size -= have
        if self._left is not None and size >= self._left:
            self._base += self._left
            self.ended = True
            return 0, size - self._left
        while size and not self.ended:
            part = self._next(min(size, 1 << 20))
            self._base += len(part)
            size -= len(part)
        return 0, size

    def position(self, pos: int) -> int:
        """Return where in the file ``pos`` lies, what is deflated taken as inflated."""
        return self._base + pos

    def rest(self, pos: int) -> tuple[int, bool]:
        """Read to the end; return where in the file that is and whether all bytes up to it are zero."""
        zero = not self.data[pos:].strip(b"\0")
        end = self._base + len(self.data)
        while not self.ended:
            part = self._next(1 << 20)
            end += len(part)
            zero = zero and not part.strip(b"\0")
        return end, zero

    def inflate(self, pos: int) -> None:
        """Go on with what the remaining bytes inflate to (PS3.5 §A.5); that can raise Damaged."""
        read = self._read
        packed = chain([self.data[pos:]], iter(lambda: read(_NEXT_READ), b""))
        self._read = Reader(_bounded(inflated(packed))).read
        self._base += pos
        self._left, self.data, self.ended = None, b"", False


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > _INFLATED_MAX:
            raise Damaged("it is larger than any DICOM file")
        yield chunk
