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
    """The stretch of a file that is in memory, and a position in it; both only move forward."""

    def __init__(self, read: Read, size: int | None) -> None:
        self._read = read
        self._left = size  # bytes not yet read, where that is known
        self._base = 0  # where in the file `data` starts
        self.data = b""
        self.pos = 0  # in `data`
        self.ended = False

    @property
    def position(self) -> int:
        """Where in the file the window stands, what is deflated taken as inflated."""
        return self._base + self.pos

    def _next(self, size: int) -> bytes:
        part = self._read(size)
        self.ended = not part
        if self._left is not None:
            self._left -= len(part)
        return part

    def fill(self, size: int) -> None:
        """Read until ``size`` bytes are there, or the file ends; what was passed is dropped then."""
        have = len(self.data) - self.pos
        if have >= size or self.ended:
            return
        parts = [self.data[self.pos :]]
        while have < size and not self.ended:
            parts.append(self._next(max(size - have, _NEXT_READ if self.data else _FIRST_READ)))
            have += len(parts[-1])
        self._restart(b"".join(parts))

    def peek(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer where the file ends, without passing them."""
        self.fill(size)
        return self.data[self.pos : self.pos + size]

    def skip(self, size: int) -> int:
        """Move ``size`` bytes on; return how many bytes were missing."""
        have = len(self.data) - self.pos
        if size <= have:
            self.pos += size
            return 0
        size -= have
        self.pos = len(self.data)
        self._restart(b"")
        if self._left is not None and size >= self._left:
            self._base += self._left
            self.ended = True
            return size - self._left
        while size and not self.ended:
            part = self._next(min(size, 1 << 20))
            self._base += len(part)
            size -= len(part)
        return size

    def rest(self) -> tuple[int, bool]:
        """Read to the end; return where in the file that is and whether all bytes up to it are zero."""
        zero = not self.data[self.pos :].strip(b"\0")
        end = self._base + len(self.data)
        while not self.ended:
            part = self._next(1 << 20)
            end += len(part)
            zero = zero and not part.strip(b"\0")
        return end, zero

    def inflate(self) -> None:
        """Go on with what the remaining bytes inflate to (PS3.5 §A.5); that can raise Damaged."""
        read = self._read
        packed = chain([self.data[self.pos :]], iter(lambda: read(_NEXT_READ), b""))
        self._read = Reader(_bounded(inflated(packed))).read
        self._restart(b"")
        self._left, self.ended = None, False

    def _restart(self, data: bytes) -> None:
        """Go on with other data from the position on."""
        self._base += self.pos
        self.data, self.pos = data, 0


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > _INFLATED_MAX:
            raise Damaged("it is larger than any DICOM file")
        yield chunk
