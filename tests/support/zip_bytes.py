"""An independent judge of zip archives: what of an archive is not as it was (APPNOTE.TXT §4)."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

KEPT = (
    "filename",
    "orig_filename",
    "date_time",
    "compress_type",
    "comment",
    "create_system",
    "internal_attr",
    "external_attr",
)
UTF8_NAME = 0x800
ZIP64 = 1


def differences(before: Path, after: Path, changed: Collection[str]) -> list[str]:
    """Where the archives differ, content of the `changed` members apart."""
    found: list[str] = []
    with zipfile.ZipFile(before) as old, zipfile.ZipFile(after) as new:
        if old.comment != new.comment:
            found.append("the archive comment is not as it was")
        names = [entry.filename for entry in old.infolist()]
        if names != [entry.filename for entry in new.infolist()]:
            return [*found, "the members are not the same, or not in the same order"]
        if (bad := new.testzip()) is not None:
            found.append(f"{bad} does not have its checksum")
        with before.open("rb") as left, after.open("rb") as right:
            for one, other in zip(old.infolist(), new.infolist(), strict=True):
                found += [
                    f"{one.filename}: {field} changed" for field in KEPT if getattr(one, field) != getattr(other, field)
                ]
                if one.flag_bits & UTF8_NAME != other.flag_bits & UTF8_NAME:
                    found.append(f"{one.filename}: the name's encoding changed")
                if _extra(one.extra) != _extra(other.extra):
                    found.append(f"{one.filename}: extra fields changed")
                if one.filename in changed:
                    continue
                if (one.CRC, one.file_size) != (other.CRC, other.file_size):
                    found.append(f"{one.filename}: content changed")
                elif _stored(left, one) != _stored(right, other):
                    found.append(f"{one.filename}: was compressed anew")
    return found


def _stored(file: BinaryIO, entry: zipfile.ZipInfo) -> bytes:
    """The compressed bytes of a member, found by its local header."""
    file.seek(entry.header_offset)
    header = file.read(30)
    name, extra = struct.unpack_from("<HH", header, 26)
    file.seek(entry.header_offset + 30 + name + extra)
    return bytes(file.read(entry.compress_size))


def _extra(data: bytes) -> list[tuple[int, bytes]]:
    """Extra fields, without the ZIP64 one, which follows the sizes."""
    fields = []
    at = 0
    while at + 4 <= len(data):
        kind, size = struct.unpack_from("<HH", data, at)
        if kind != ZIP64:
            fields.append((kind, data[at + 4 : at + 4 + size]))
        at += 4 + size
    return fields
