"""Reads zip archives as they lie in the file, and refuses those that must not be unpacked.

The standard library finds the central directory; what it says is then checked against the members themselves.
Nothing is ever extracted under a member's name.
"""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from export_session.dicom.binary.deflate import CHUNK, DAMAGED, DEFLATED, STORED, Damaged, crc32, inflated
from export_session.errors import UnsafeArchive

LOCAL = struct.Struct("<4s5H3L2H")  # local file header (APPNOTE.TXT §4.3.7)
CENTRAL_SIZE = 46  # of a central directory header without its variable fields (§4.3.12)
DESCRIBED = 0x8  # flag: checksum and sizes follow the data (§4.4.4)
DESCRIPTORS = ("<4sL2Q", "<4s3L", "<L2Q", "<3L")  # how they do: signed or not, with sizes of 64 or 32 bits (§4.3.9)
SIGNATURE = b"PK\7\10"
_END_RECORDS = (b"PK\5\6", b"PK\6\6")  # what comes after the central directory (§4.3.14, §4.3.16)

_ENCRYPTED = 0x1 | 0x40 | 0x2000
_SYMLINK = 0o120000
_BOMB_SIZE = 1 << 30  # bytes; smaller archives are harmless, since members are streamed
_BOMB_RATIO = 100  # real series compress to a third, segmentations to a fiftieth
# what the standard library raises on archives that are damaged in one way or another
_UNREADABLE: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    struct.error,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    *DAMAGED,
)
_HEAD_READ = 4 << 10  # compressed bytes; holds most headers, what follows is read in growing pieces


@dataclass(frozen=True)
class Member:
    """One member and the bytes that describe it."""

    info: zipfile.ZipInfo
    central: bytes  # its record in the central directory
    local: bytes  # its local header, name and extra fields included
    start: int  # of its data

    @property
    def name(self) -> str:
        """The member's name."""
        return self.info.filename

    @property
    def end(self) -> int:
        """Where its data ends."""
        return self.start + self.info.compress_size


class ZipReader:
    """A zip archive, open for reading; members may be read by several threads at once.

    Raises
    ------
    UnsafeArchive
        It is damaged, encrypted, a bomb, or its members overlap, share names or point out of their folder.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except _UNREADABLE as error:
            raise UnsafeArchive(f"{path.name} is not a complete zip archive ({error}); upload it again") from None
        self._file = path.open("rb")
        self.comment = self._zip.comment
        try:
            self.members = tuple(self._read_members())
            self._check()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._zip.close()
        self._file.close()

    def read(self, start: int, size: int) -> bytes:
        """Read from anywhere in the archive file."""
        if start < 0:
            raise UnsafeArchive("the archive is damaged: it refers to bytes before its start; upload it again")
        return os.pread(self._file.fileno(), size, start)

    def stored(self, member: Member, first: int = CHUNK, *, skip: int = 0) -> Iterator[bytes]:
        """Yield the compressed bytes of a member, but for as many as are to be skipped."""
        pos, size = member.start + skip, first
        while pos < member.end:
            chunk = self.read(pos, min(size, member.end - pos))
            if not chunk:
                raise UnsafeArchive(f"the archive ends within {member.name}; upload it again")
            yield chunk
            pos, size = pos + len(chunk), min(2 * size, CHUNK)

    def descriptor(self, member: Member) -> str:
        """Return the form of the record behind the data of a member, "" where it has none that is right."""
        info = member.info
        found = self.read(member.end, 24) if info.flag_bits & DESCRIBED else b""
        # The wide forms come first: of an empty member they start like the others
        right = (
            form
            for form in DESCRIPTORS
            if found.startswith(descriptor(form, info.CRC, info.compress_size, info.file_size))
        )
        return next(right, "") if found else ""

    def content(self, member: Member) -> Iterator[bytes]:
        """Yield the content of a member, in bounded pieces, without checking its size and checksum."""
        method = member.info.compress_type
        try:
            if method == STORED:
                yield from self.stored(member, _HEAD_READ)
            elif method == DEFLATED:
                yield from inflated(self.stored(member, _HEAD_READ)) if member.info.compress_size else ()
            else:
                yield from self._other_content(member)
        except Damaged as error:
            raise UnsafeArchive(f"the compressed data of {member.name} are damaged: {error}") from None

    def checked_content(self, member: Member) -> Iterator[bytes]:
        """Yield the content of a member, and refuse it at the end if size or checksum are not as declared."""
        crc = size = 0
        for chunk in self.content(member):
            crc = crc32(chunk, crc)
            size += len(chunk)
            if size > member.info.file_size:
                break
            yield chunk
        check(member, crc, size)

    def _other_content(self, member: Member) -> Iterator[bytes]:
        try:
            with self._zip.open(member.info) as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        except _UNREADABLE as error:
            raise Damaged(str(error)) from None

    def _read_members(self) -> Iterator[Member]:
        pos, directory = 0, self.read(self._zip.start_dir, os.fstat(self._file.fileno()).st_size - self._zip.start_dir)
        for info in self._zip.infolist():
            if len(directory) - pos < CENTRAL_SIZE:
                raise UnsafeArchive("the central directory of the archive is damaged; upload it again")
            name, extra, comment = struct.unpack_from("<3H", directory, pos + 28)
            central = directory[pos : pos + CENTRAL_SIZE + name + extra + comment]
            pos += len(central)
            yield self._read_member(info, central, central[CENTRAL_SIZE : CENTRAL_SIZE + name])
        if directory[pos : pos + 4] not in _END_RECORDS:  # an entry would run into what follows the directory
            raise UnsafeArchive("the central directory of the archive is damaged; upload it again")

    def _read_member(self, info: zipfile.ZipInfo, central: bytes, name: bytes) -> Member:
        local = self.read(info.header_offset, LOCAL.size + len(name) + 128)
        if len(local) < LOCAL.size or local[:4] != b"PK\3\4":
            raise UnsafeArchive(f"{info.filename} is not where the archive says; upload it again")
        *_, name_size, extra_size = LOCAL.unpack_from(local)
        size = LOCAL.size + name_size + extra_size
        if len(local) < size:
            local = self.read(info.header_offset, size)
        method = LOCAL.unpack_from(local)[3]
        if local[LOCAL.size : LOCAL.size + name_size] != name or method != info.compress_type:
            raise UnsafeArchive(f"the archive describes {info.filename} in two ways")
        return Member(info, central, local[:size], info.header_offset + size)

    def _counts(self) -> tuple[int, ...]:
        """Return how many members the archive says it has, on this disk and in all (APPNOTE.TXT §4.3.16)."""
        size = os.fstat(self._file.fileno()).st_size
        record = self.read(max(0, size - 22 - len(self.comment)), 22)
        return struct.unpack_from("<2H", record, 8) if record[:4] == b"PK\5\6" else ()

    def _check(self) -> None:
        names = set()
        for member in self.members:
            problem = _unsafe(member.info)
            if problem:
                raise UnsafeArchive(f"{member.name} {problem}".strip())
            if member.name in names:
                raise UnsafeArchive(f"{member.name} is in the archive twice")
            names.add(member.name)
        end = 0
        for member in sorted(self.members, key=lambda member: member.info.header_offset):
            if member.info.header_offset < end:
                raise UnsafeArchive(f"{member.name} shares its bytes with another member")
            end = member.end
        counts = self._counts()
        if counts and set(counts) != {min(len(self.members), 0xFFFF)}:
            raise UnsafeArchive("the archive does not list as many members as it says it has; upload it again")
        if end > self._zip.start_dir:
            raise UnsafeArchive("the archive is damaged: a member runs into the central directory")
        inflated_size = sum(member.info.file_size for member in self.members)
        if inflated_size > _BOMB_SIZE and inflated_size > _BOMB_RATIO * max(end, 1):
            raise UnsafeArchive(
                f"the archive of {end} bytes unpacks to {inflated_size}; if that is right, store it uncompressed"
            )


def descriptor(form: str, crc: int, packed: int, size: int) -> bytes:
    """Return a data descriptor in one of its forms."""
    signature = (SIGNATURE,) if "s" in form else ()
    return struct.pack(form, *signature, crc, packed, size)


def check(member: Member, crc: int, size: int) -> None:
    """Refuse a member whose content is not what the archive declares."""
    if size != member.info.file_size:
        declared = member.info.file_size
        raise UnsafeArchive(f"{member.name} does not have the {declared} bytes it declares; upload the file again")
    if crc != member.info.CRC:
        raise UnsafeArchive(f"{member.name} does not have its checksum; upload the file again")


def _unsafe(info: zipfile.ZipInfo) -> str:
    """Say what is unsafe about a member, "" if nothing is."""
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted; upload the archive unencrypted"
    if not info.filename:
        return "a member has no name"
    parts = info.filename.replace("\\", "/").split("/")
    if ".." in parts or (not parts[0] and len(parts) > 1) or parts[0][1:2] == ":":
        return "points out of its folder"
    if info.external_attr >> 16 & 0o170000 == _SYMLINK:
        return "is a symbolic link"
    if info.compress_type == STORED and info.compress_size != info.file_size:
        return "does not have the size it declares"
    return ""
