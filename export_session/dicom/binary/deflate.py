"""Deflate, inflate and checksums: ISA-L where it is installed, else zlib."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

isal: Any
try:
    from isal import isal_zlib as isal
except ImportError:  # zlib gives the same data, only slower
    isal = None

STORED, DEFLATED, BZIP2 = 0, 8, 12  # compression methods of zip (APPNOTE.TXT §4.4.5)
WRITABLE = frozenset([STORED, DEFLATED, BZIP2])
CHUNK = 1 << 20

_engine: Any = isal or zlib
_LEVEL = 3 if isal else 6
RAW = -zlib.MAX_WBITS  # deflate data without header or trailer

crc32: Callable[..., int] = _engine.crc32
DAMAGED: tuple[type[Exception], ...] = (zlib.error, _engine.error, OSError, EOFError)


class Damaged(Exception):
    """Compressed data that cannot be decompressed, or end early."""


def compress(data: bytes) -> bytes:
    """Deflate, without header or checksum."""
    if isal:
        return bytes(isal.compress(data, _LEVEL, RAW))
    engine = zlib.compressobj(_LEVEL, wbits=RAW)
    return engine.compress(data) + engine.flush()


def deflate_open(data: bytes) -> bytes:
    """Deflate a little data quickly, up to a whole byte and without an end, so that more can follow."""
    engine = _engine.compressobj(1, _engine.DEFLATED, RAW)
    return bytes(engine.compress(data) + engine.flush(_engine.Z_SYNC_FLUSH))


def decompress(data: bytes, size: int) -> bytes:
    """Inflate data that must give exactly ``size`` bytes.

    Raises
    ------
    Damaged
        They do not.
    """
    engine = _engine.decompressobj(RAW)
    try:
        plain: bytes = engine.decompress(data, size + 1)
    except DAMAGED as error:
        raise Damaged(str(error)) from None
    if len(plain) != size or not (engine.eof or not engine.decompress(engine.unconsumed_tail, 1)):
        raise Damaged(f"they hold other than the {size} bytes they declare")
    return plain


def compressed(chunks: Iterable[bytes], method: int, *, well: bool = False) -> Iterator[bytes]:
    """Compress a stream with a zip compression method that is in ``WRITABLE``; ``well`` takes its time."""
    if method == STORED:
        yield from chunks
        return
    if method == BZIP2:
        engine: Any = bz2.BZ2Compressor()
    elif well:
        engine = zlib.compressobj(6, zlib.DEFLATED, RAW)
    else:
        engine = _engine.compressobj(_LEVEL, zlib.DEFLATED, RAW)
    for chunk in chunks:
        yield engine.compress(chunk)
    yield engine.flush()


def inflated(chunks: Iterable[bytes], rest: list[bytes] | None = None) -> Iterator[bytes]:
    """Inflate a stream in bounded pieces.

    Parameters
    ----------
    chunks
        Raw deflate data.
    rest
        Takes what follows the end of the deflate data, if that matters.

    Raises
    ------
    Damaged
        The data cannot be inflated, or end early.
    """
    engine = _engine.decompressobj(RAW)
    source = iter(chunks)
    for chunk in source:
        pending = chunk
        while True:
            try:
                part = engine.decompress(pending, CHUNK)
            except DAMAGED as error:
                raise Damaged(str(error)) from None
            if part:
                yield part
            if engine.eof:
                if rest is not None:
                    rest += (engine.unused_data, *source)
                return
            pending = engine.unconsumed_tail
            if not part and not pending:
                break
    raise Damaged("they end early")


class Reader:
    """Reads from a stream of chunks as from a file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._pos = 0  # in the chunk

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, ``b""`` at the end."""
        while self._pos >= len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._chunk, self._pos = chunk, 0
        part = self._chunk[self._pos : self._pos + size]
        self._pos += len(part)
        return part


class Totals:
    """Counts what passes through it."""

    def __init__(self, chunks: Iterable[bytes], crc: int = 0, size: int = 0) -> None:
        self._chunks = chunks
        self.crc = crc
        self.size = size

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.crc = crc32(chunk, self.crc)
            self.size += len(chunk)
            yield chunk
