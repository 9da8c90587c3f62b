"""Keeps the deflate data behind the last change.

Deflate data are a row of blocks (RFC 1951 §3.2.3), and what is in a block refers back by 32 KB at most. From the
first end of a block that lies so far behind the last change, the old data therefore inflate to the same content
whatever precedes it, and only that is deflated anew. Blocks end within a byte; empty ones fill up to there.

zlib tells where blocks end, but Python's module does not pass it on, so the library is called itself. Nothing of
this is trusted: what was joined is inflated as a whole and compared, like all that is written.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from export_session.dicom.binary.deflate import RAW, crc32, deflate_open
from export_session.dicom.binary.splice import Patch, patched

_REACH = 32 << 10  # bytes that deflate data refer back at most
_MOST = 16 << 20  # bytes of content that are deflated anew; they are in memory
_FURTHER = 1 << 20  # bytes of content behind the least that are looked through for the end of a block
_PIECE = 64 << 10

_OK, _NO_PROGRESS = 0, -5  # return codes of zlib
_TO_END_OF_BLOCK = 5  # Z_BLOCK
_UNUSED_BITS, _IN_LAST_BLOCK, _AT_END_OF_BLOCK = 7, 64, 128  # in data_type, see inflate() in zlib.h


class _Stream(ctypes.Structure):
    """``z_stream`` of zlib.h."""

    _fields_ = (
        ("next_in", ctypes.c_char_p),
        ("avail_in", ctypes.c_uint),
        ("total_in", ctypes.c_ulong),
        ("next_out", ctypes.c_void_p),
        ("avail_out", ctypes.c_uint),
        ("total_out", ctypes.c_ulong),
        ("msg", ctypes.c_char_p),
        ("state", ctypes.c_void_p),
        ("zalloc", ctypes.c_void_p),
        ("zfree", ctypes.c_void_p),
        ("opaque", ctypes.c_void_p),
        ("data_type", ctypes.c_int),
        ("adler", ctypes.c_ulong),
        ("reserved", ctypes.c_ulong),
    )


def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libz.so.1")
        library.crc32_combine.argtypes = (ctypes.c_ulong, ctypes.c_ulong, ctypes.c_long)
        library.crc32_combine.restype = ctypes.c_ulong
        library.zlibVersion.restype = ctypes.c_char_p
    except (OSError, AttributeError):  # all is deflated anew then
        return None
    return library


_zlib = _library()


class Joint(NamedTuple):
    """New deflate data that end in old ones."""

    old: bytes  # the beginning of the content as it was
    new: bytes  # and as it is
    lead: bytes  # the new deflate data
    kept: int  # where the old ones start that follow it
    crc: int  # of the whole new content, if the old one has the checksum it should have
    size: int  # of the whole new content


def join(data: Iterable[bytes], patches: Sequence[Patch], crc: int, size: int) -> Joint | None:
    """Patch deflated content and keep the deflate data behind the last change.

    Parameters
    ----------
    data
        The old deflate data.
    patches
        What changes in their content.
    crc, size
        Of the old content.

    Returns
    -------
    Joint
        None where all has to be deflated anew.
    """
    least = patches[-1].end + _REACH
    found = find_seam(data, least) if least < min(size, _MOST) else None
    rest = size - len(found.content) if found else 0
    if _zlib is None or found is None or not 0 < rest <= sys.maxsize:  # more is there than is declared
        return None
    new = patched(found.content, patches)
    return Joint(
        old=found.content,
        new=new,
        lead=deflate_open(new) + _filling(found.bit % 8, found.byte),
        kept=-(-found.bit // 8),
        crc=_crc(_zlib, crc, found.content, new, rest),
        size=len(new) + rest,
    )


def _filling(used: int, byte: int) -> bytes:
    """Return empty blocks that end where, in their last byte, old data go on; nothing if they start with a byte."""
    odd = used % 2
    blocks = [_OWN] * odd + [_FIXED] * ((used - odd * _OWN[1]) % 8 // 2)
    filling, length = _bits(*blocks, (byte >> used, 8 - used)) if used else (0, 0)
    return filling.to_bytes(length // 8, "little")


def _crc(zlib: ctypes.CDLL, crc: int, old: bytes, new: bytes, rest: int) -> int:
    """Return the checksum of content whose beginning is replaced, from that of the whole as it was."""
    return int(zlib.crc32_combine(crc32(new), crc ^ zlib.crc32_combine(crc32(old), 0, rest), rest))


class Seam(NamedTuple):
    """The end of a block."""

    content: bytes  # what all before it inflates to
    bit: int  # where it lies in the deflate data
    byte: int  # the byte it lies in, where that has bits of both blocks


def find_seam(data: Iterable[bytes], least: int) -> Seam | None:
    """Find the first end of a block with at least so many bytes of content before it; None if there is none near."""
    stream = _Stream()
    size = ctypes.sizeof(stream)
    if _zlib is None or _zlib.inflateInit2_(ctypes.byref(stream), RAW, _zlib.zlibVersion(), size) != _OK:
        return None
    try:
        return _search(_zlib, stream, iter(data), least)
    finally:
        _zlib.inflateEnd(ctypes.byref(stream))


def _search(zlib: ctypes.CDLL, stream: _Stream, data: Iterator[bytes], least: int) -> Seam | None:
    piece = ctypes.create_string_buffer(_PIECE)
    content: list[bytes] = []
    code, chunk = _OK, b""
    while code in (_OK, _NO_PROGRESS) and stream.total_out < least + _FURTHER:
        if not stream.avail_in:
            chunk = next(data, b"")
            if not chunk:
                break
            stream.next_in, stream.avail_in = chunk, len(chunk)
        stream.next_out, stream.avail_out = ctypes.addressof(piece), _PIECE
        code = zlib.inflate(ctypes.byref(stream), _TO_END_OF_BLOCK)
        content.append(ctypes.string_at(piece, _PIECE - stream.avail_out))
        between = stream.data_type & _AT_END_OF_BLOCK and not stream.data_type & _IN_LAST_BLOCK
        consumed = len(chunk) - stream.avail_in
        if between and consumed and stream.total_out >= least:
            bit = 8 * stream.total_in - (stream.data_type & _UNUSED_BITS)
            return Seam(b"".join(content), bit, chunk[consumed - 1])
    return None


def _bits(*fields: tuple[int, int]) -> tuple[int, int]:
    """Put fields of given lengths in a row, lowest bits first (RFC 1951 §3.1.1); return them and their length."""
    value = length = 0
    for field, bits in fields:
        value |= field << length
        length += bits
    return value, length


# An empty block with fixed codes (§3.2.6): not the last, its type, the end of the block. 10 bits.
_FIXED = _bits((0, 1), (1, 2), (0, 7))
# One with codes of its own (§3.2.7), of an odd number of bits, 91. Its code lengths need two symbols, 1 and 18, of
# one bit each; they say: literal 0 has a code of one bit, 1 to 255 have none, the end of the block and the only
# distance have one bit.
_OWN = _bits(
    *((0, 1), (2, 2), (0, 5), (0, 5), (14, 4)),
    *((int(symbol in (1, 18)), 3) for symbol in (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1)),
    *((0, 1), (1, 1), (138 - 11, 7), (1, 1), (117 - 11, 7), (0, 1), (0, 1)),
    (1, 1),
)
