"""Archives whose sizes follow the data: local header, descriptor and directory agree, for every reader."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import zipfile
import zlib
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pydicom
import pytest

from tests.support import build, zip_bytes
from tests.support.rewriting import LARGE, run

SIGNATURE = b"PK\7\10"
CRC, PACKED, SIZE = 1, 2, 4  # what a local header gives in spite of the descriptor


class Form(NamedTuple):
    """How a member says its sizes."""

    given: int  # of CRC, PACKED, SIZE
    extra: bool  # sizes of 64 bits in the local header
    wide: bool  # and in the descriptor
    signed: bool


FORMS = [
    Form(given, extra, wide, signed)
    for given in (0, SIZE, CRC | PACKED | SIZE)
    for extra, wide, signed in product([False, True], repeat=3)
    if wide or not extra
]


def described(form: Form, members: dict[str, bytes]) -> bytes:
    """An archive with data descriptors (APPNOTE.TXT §4.3.9)."""
    body = directory = b""
    for name, data in members.items():
        engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = engine.compress(data) + engine.flush()
        sums = (zlib.crc32(data), len(packed), len(data))
        crc, short, size = (
            value if form.given & bit else 0 for value, bit in zip(sums, (CRC, PACKED, SIZE), strict=True)
        )
        fields, extra = (crc, short, size), b""
        if form.extra:
            fields, extra = (crc, 0xFFFFFFFF, 0xFFFFFFFF), struct.pack("<2H2Q", 1, 16, size, short)
        common = struct.pack("<5H", 45 if form.wide else 20, 8, 8, 0x6000, 0x5921)
        at = len(body)
        body += b"PK\3\4" + common + struct.pack("<3L2H", *fields, len(name), len(extra)) + name.encode() + extra
        body += packed + (SIGNATURE if form.signed else b"") + struct.pack("<L2Q" if form.wide else "<3L", *sums)
        directory += b"PK\1\2" + struct.pack("<H", 45) + common + struct.pack("<3L", *sums)
        directory += struct.pack("<5H2L", len(name), 0, 0, 0, 0, 0, at) + name.encode()
    count = len(members)
    return body + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)


def problems(data: bytes, form: Form) -> list[str]:
    """Where local headers or descriptors say other than the directory."""
    found = []
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        starts = [one.header_offset for one in file.infolist()] + [file.start_dir]
        for info, following in zip(file.infolist(), starts[1:], strict=True):
            right = (info.CRC, info.compress_size, info.file_size)
            crc, short, size, name, extra = struct.unpack_from("<3L2H", data, info.header_offset + 14)
            if extra:
                size, short = struct.unpack_from("<2Q", data, info.header_offset + 30 + name + 4)
            given = [value if form.given & bit else 0 for value, bit in zip(right, (CRC, PACKED, SIZE), strict=True)]
            if [crc, short, size] != given:
                found.append(f"{info.filename}: the local header says {crc, short, size}, not {given}")
            end = info.header_offset + 30 + name + extra + info.compress_size
            record = (SIGNATURE if form.signed else b"") + struct.pack("<L2Q" if form.wide else "<3L", *right)
            if data[end:following] != record:
                found.append(f"{info.filename}: the descriptor is {data[end:following].hex()}, not {record.hex()}")
    return found


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_local_headers_and_descriptors_agree_with_the_directory(tmp_path: Path, form: Form) -> None:
    members = {
        "1.dcm": build.plain(),
        "2.dcm": build.plain(number=2, pixels=LARGE),
        "empty": b"",
        "notes.txt": b"text " * 50,
    }
    source = tmp_path / "series.zip"
    source.write_bytes(described(form, members))
    assert problems(source.read_bytes(), form) == []
    result, target = run(source)
    assert result.modified
    assert problems(target.read_bytes(), form) == []
    assert zip_bytes.differences(source, target, {"1.dcm", "2.dcm"}) == []
    with zipfile.ZipFile(target) as file:
        names = [str(pydicom.dcmread(io.BytesIO(file.read(name))).PatientName) for name in ("1.dcm", "2.dcm")]
    assert names == ["New^Name"] * 2


COMMANDS = [["unzip", "-tqq"], ["bsdtar", "-xOf"], ["7z", "t", "-bso0"]]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_other_programs_unpack_the_result(tmp_path: Path, form: Form, command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        assert not os.environ.get("CI"), f"{command[0]} is not installed"
        pytest.skip(f"{command[0]} is not installed")
    source = tmp_path / "series.zip"
    source.write_bytes(described(form, {"1.dcm": build.plain(), "2.dcm": build.plain(number=2, pixels=LARGE)}))
    if not _unpacks(command, source):
        pytest.skip("it does not unpack the original either")
    assert _unpacks(command, run(source)[1])


def _unpacks(command: list[str], archive: Path) -> bool:
    done = subprocess.run([*command, archive], check=False, capture_output=True)
    return done.returncode == 0 and b"arning" not in done.stdout + done.stderr
