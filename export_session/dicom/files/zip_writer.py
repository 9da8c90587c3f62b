"""Writes a zip archive whose members are those of another, changed ones compressed anew.

Records are copied as they are; only checksums, sizes and offsets are set, so that names, order, dates,
attributes, comments and extra fields stay. Members that do not change keep their compressed bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import chain
from typing import BinaryIO

from export_session.dicom.binary.deflate import Totals, compressed
from export_session.dicom.files.deflate_reuse import Joint
from export_session.dicom.files.zip_reader import CENTRAL_SIZE, DESCRIBED, LOCAL, Member, ZipReader, descriptor

_MAX32 = 0xFFFFFFFF
_ZIP64 = 1  # id of the extra field with 64-bit sizes (§4.5.3)
_ZIP64_VERSION = 45
_NEARLY = 1 << 26  # room for what compression may add to a member just below 4 GB


class ZipWriter:
    """Writes members one after the other, then the directory."""

    def __init__(self, source: ZipReader, target: BinaryIO) -> None:
        self._source = source
        self._target = target
        self._central: list[bytes] = []

    def copy(self, member: Member) -> None:
        """Write a member that does not change, its compressed bytes as they are."""
        info = member.info
        totals = Totals((), info.CRC, info.file_size)
        self._write(member, self._source.stored(member), totals, info.compress_size)

    def put(self, member: Member, data: bytes, crc: int, size: int) -> None:
        """Write a member whose new content was compressed already."""
        self._write(member, [data], Totals((), crc, size), len(data))

    def join(self, member: Member, joint: Joint) -> None:
        """Write a member whose new content ends in compressed data of the old one."""
        data = chain([joint.lead], self._source.stored(member, skip=joint.kept))
        length = len(joint.lead) + member.info.compress_size - joint.kept
        self._write(member, data, Totals((), joint.crc, joint.size), length)

    def stream(self, member: Member, chunks: Iterable[bytes]) -> None:
        """Write a member whose new content comes as a stream."""
        totals = Totals(chunks)
        self._write(member, compressed(totals, member.info.compress_type), totals)

    def finish(self) -> None:
        """Write the central directory."""
        target, count = self._target, len(self._central)
        start = target.tell()
        directory = b"".join(self._central)
        target.write(directory)
        end = target.tell()
        if count >= 0xFFFF or end >= _MAX32:
            record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, end - start, start)
            target.write(record + struct.pack("<4sLQL", b"PK\6\7", 0, end, 1))
        comment = self._source.comment
        fields = (min(count, 0xFFFF), min(count, 0xFFFF), min(end - start, _MAX32), min(start, _MAX32))
        target.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, *fields, len(comment)) + comment)

    def _write(self, member: Member, data: Iterable[bytes], totals: Totals, length: int | None = None) -> None:
        """Write a member; unless the length of its data is known, its local header is set when they are there."""
        target = self._target
        offset = target.tell()
        large = member.info.file_size > _MAX32 - _NEARLY
        local = _with_zip64(member.local) if large else member.local
        described = bool(member.info.flag_bits & DESCRIBED)
        target.write(local if length is None else _local(local, totals.crc, length, totals.size, described=described))
        packed = 0
        for chunk in data:
            target.write(chunk)
            packed += len(chunk)
        crc, size = totals.crc, totals.size
        if described:
            target.write(descriptor(self._form(member, local, large=large), crc, packed, size))
        if length is None:
            end = target.tell()
            target.seek(offset)
            target.write(_local(local, crc, packed, size, described=described))
            target.seek(end)
        self._central.append(_central(member.central, crc, packed, size, offset))

    def _form(self, member: Member, local: bytes, *, large: bool) -> str:
        """Return the form of a member's descriptor: its own, unless the sizes need another."""
        form = self._source.descriptor(member) or ("<4s3L" if _zip64_at(local) is None else "<4sL2Q")
        return {"<4s3L": "<4sL2Q", "<3L": "<L2Q"}.get(form, form) if large else form


def _local(local: bytes, crc: int, packed: int, size: int, *, described: bool) -> bytes:
    """Set checksum and sizes in a local header; what a descriptor is to say may be left open there (§4.4.4)."""
    fields = [(14, "<L", crc), (18, "<L", packed), (22, "<L", size)]
    at = _zip64_at(local)
    if at is not None:
        fields = [(14, "<L", crc), (18, "<2L", _MAX32), (at + 4, "<Q", size), (at + 12, "<Q", packed)]
    new = bytearray(local)
    for place, form, value in fields:
        values = struct.unpack_from(form, local, place)
        if any(values) or not described:
            struct.pack_into(form, new, place, *[value] * len(values))
    return bytes(new)


def _zip64_at(local: bytes) -> int | None:
    """Find the extra field with 64-bit sizes in a local header."""
    name, extra = struct.unpack_from("<2H", local, 26)
    pos = LOCAL.size + name
    while pos + 4 <= LOCAL.size + name + extra:
        kind, length = struct.unpack_from("<2H", local, pos)
        if kind == _ZIP64 and length >= 16:
            return int(pos)
        pos += 4 + length
    return None


def _with_zip64(local: bytes) -> bytes:
    """Make room for 64-bit sizes in a local header that has none."""
    if _zip64_at(local) is not None:
        return local
    packed, size, _, extra = struct.unpack_from("<2L2H", local, 18)
    field = struct.pack("<2H2Q", _ZIP64, 16, size, packed)
    head = local[:4] + struct.pack("<H", _ZIP64_VERSION) + local[6:28] + struct.pack("<H", extra + len(field))
    return head + local[30:] + field


def _central(record: bytes, crc: int, packed: int, size: int, offset: int) -> bytes:
    """Set checksum, sizes and offset in a record of the central directory."""
    name, extra, comment = struct.unpack_from("<3H", record, 28)
    names = record[CENTRAL_SIZE : CENTRAL_SIZE + name]
    fields = _without_zip64(record[CENTRAL_SIZE + name : CENTRAL_SIZE + name + extra])
    wide = [value for value in (size, packed, offset) if value >= _MAX32]
    version = record[6:8]
    if wide:
        fields = struct.pack(f"<2H{len(wide)}Q", _ZIP64, 8 * len(wide), *wide) + fields
        version = struct.pack("<H", max(_ZIP64_VERSION, record[6]))
    head = b"".join(
        (
            record[:6],
            version,
            record[8:16],
            struct.pack("<3L", crc, min(packed, _MAX32), min(size, _MAX32)),
            struct.pack("<3H", name, len(fields), comment),
            record[34:42],
            struct.pack("<L", min(offset, _MAX32)),
        )
    )
    return head + names + fields + record[CENTRAL_SIZE + name + extra :]


def _without_zip64(extra: bytes) -> bytes:
    fields = []
    pos = 0
    while pos + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, pos)
        if kind != _ZIP64:
            fields.append(extra[pos : pos + 4 + length])
        pos += 4 + length
    return b"".join((*fields, extra[pos:]))
