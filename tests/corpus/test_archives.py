"""Archives keep all that is not to change, never go out half-edited, and harm nobody."""

from __future__ import annotations

import io
import stat
import struct
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from export_session.dicom import Result, rewrite
from export_session.errors import HeaderError, UnsafeArchive
from tests.corpus.catalogue import parse
from tests.corpus.judge import outcome
from tests.support import build, zip_bytes
from tests.support.dicom_bytes import differences

HEADER: dict[str, Any] = {"dicom": {"PatientName": "New^Name"}}
PATH = (0x00100010,)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder / "source.dicom.zip"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "target.dicom.zip"


def _three(**other: bytes) -> dict[str, bytes]:
    return {f"{number}.dcm": build.plain(number=number) for number in (1, 2, 3)} | other


def _landed(source: Path, target: Path, result: Result) -> None:
    """The edit is in every DICOM member, and nothing else is different."""
    assert result.modified
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target) as new:
        dicom = {name for name in old.namelist() if parse(old.read(name)) is not None}
        assert dicom
        for name in dicom:
            after = new.read(name)
            read = parse(after)
            assert read is not None
            assert read.PatientName == "New^Name"
            assert differences(old.read(name), after, {PATH}) == []
    assert zip_bytes.differences(source, target, dicom) == []


def _refused_or_landed(source: Path, target: Path) -> None:
    result = outcome(source, target, HEADER)
    if isinstance(result, HeaderError):
        assert str(result)
        assert not target.exists()
    else:
        _landed(source, target, result)
    assert list(target.parent.iterdir()) in ([], [target])


def test_members_that_are_not_dicom_pass_through(source: Path, target: Path) -> None:
    members = {"README": b"read me", **_three(), "folder/": b"", "notes.json": b"{}", "empty.bin": b""}
    build.archive(source, members)
    _landed(source, target, rewrite(source, target, HEADER))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_compression_method_stays_or_the_file_is_refused(source: Path, target: Path, method: int) -> None:
    build.archive(source, _three(), method)
    _refused_or_landed(source, target)
    assert target.exists() or method in {zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}


def test_comments_attributes_dates_and_extra_fields_stay(source: Path, target: Path) -> None:
    with zipfile.ZipFile(source, "w") as file:
        file.comment = b"archive comment"
        for number, (name, data) in enumerate(_three(**{"notes.txt": b"x"}).items()):
            entry = zipfile.ZipInfo(name, (1999 + number, 12, 31, 23, 58, 58))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o640) << 16
            entry.internal_attr = 1
            entry.comment = f"comment {number}".encode()
            entry.extra = struct.pack("<HH4s", 0xCAFE, 4, b"abcd")
            entry.create_system = 3 * (number % 2)
            file.writestr(entry, data)
    _landed(source, target, rewrite(source, target, HEADER))


@pytest.mark.parametrize("name", ["Ärzte/größe 1.dcm", "東京.dcm", "a b&c'd.dcm", "MR.1.2.3"])
def test_member_names_of_any_script_stay(source: Path, target: Path, name: str) -> None:
    build.archive(source, {name: build.plain(), "x.dcm": build.plain(number=2)})
    _landed(source, target, rewrite(source, target, HEADER))


def test_names_in_the_code_page_of_an_old_machine_stay(source: Path, target: Path) -> None:
    build.archive(source, {"AErzte.dcm": build.plain()})
    source.write_bytes(source.read_bytes().replace(b"AErzte.dcm", b"\x8erzte2.dcm"))
    _landed(source, target, rewrite(source, target, HEADER))


def test_an_archive_written_as_a_stream_is_rewritten(source: Path, target: Path) -> None:
    class Pipe(io.RawIOBase):
        """Cannot seek, so that sizes come in data descriptors (APPNOTE.TXT §4.3.9)."""

        def __init__(self, path: Path) -> None:
            self.file = path.open("wb")

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            return self.file.write(data)

        def close(self) -> None:
            self.file.close()

    with Pipe(source) as pipe, zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in _three(**{"notes.txt": b"text " * 50}).items():
            file.writestr(name, data)
    _landed(source, target, rewrite(source, target, HEADER))


def test_zip64_members_are_rewritten(source: Path, target: Path) -> None:
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in _three().items():
            with file.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                member.write(data)
    _landed(source, target, rewrite(source, target, HEADER))


def test_bytes_before_the_archive_do_no_harm(source: Path, target: Path) -> None:
    build.archive(source, _three())
    source.write_bytes(b"#!/bin/sh\nexit\n" + source.read_bytes())
    _refused_or_landed(source, target)


@pytest.mark.parametrize(
    "bad",
    [
        build.plain(number=9)[:250],
        build.plain(number=9, extra=build.element(0x00104000, "LT", b"x", length=5000)),
        build.plain(number=9, extra=build.sequence(0x00081140, [b"\0" * 20])),
        build.plain(number=9, charset="ISO_IR 999", name=b"\xff\xfe\xfd"),
    ],
    ids=["cut", "length", "no item", "unknown character set"],
)
@pytest.mark.parametrize("first", [True, False])
def test_one_bad_member_and_nothing_goes_out(source: Path, target: Path, bad: bytes, *, first: bool) -> None:
    good = _three()
    build.archive(source, {"bad.dcm": bad, **good} if first else {**good, "bad.dcm": bad})
    result = outcome(source, target, HEADER)
    if isinstance(result, HeaderError):
        assert "bad.dcm" in str(result)
        assert not target.exists()
        return
    if not result.modified:
        assert result.refused, "the edit was lost"
        return
    with zipfile.ZipFile(target) as new:  # all members or none
        assert {str(read.PatientName) for name in new.namelist() if (read := parse(new.read(name)))} == {"New^Name"}


def test_an_edit_that_one_member_cannot_hold_is_in_none_or_fails_the_file(source: Path, target: Path) -> None:
    members = _three()
    members["4.dcm"] = build.plain(number=4, charset="ISO_IR 100", extra=build.element(0x00104000, "LT", b"\x81\x8d"))
    build.archive(source, members)
    header = {"dicom": {"PatientName": "山田^太郎"}}
    result = outcome(source, target, header, on_invalid_edit="skip")
    if isinstance(result, HeaderError):
        assert not target.exists()
        return
    if result.modified:
        with zipfile.ZipFile(target) as new:
            names = {str(read.PatientName) for name in new.namelist() if (read := parse(new.read(name)))}
        assert names == {"山田^太郎"}
    else:
        assert result.refused


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused(source: Path, target: Path, keep: float) -> None:
    build.archive(source, _three())
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(HeaderError):
        rewrite(source, target, HEADER)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("lost", [1, 30, 100, 300])
def test_an_archive_without_its_beginning_is_refused(source: Path, target: Path, lost: int, method: int) -> None:
    build.archive(source, _three(), method)
    source.write_bytes(source.read_bytes()[lost:])
    _refused_fast(source, target)


def test_duplicate_names_are_refused(source: Path, target: Path) -> None:
    build.archive(source, {"one.dcm": build.plain(number=1), "two.dcm": build.plain(number=2)})
    source.write_bytes(source.read_bytes().replace(b"two.dcm", b"one.dcm"))
    with pytest.raises(UnsafeArchive):
        rewrite(source, target, HEADER)
    assert list(target.parent.iterdir()) == []


def test_a_member_without_a_name_is_refused_or_kept(source: Path, target: Path) -> None:
    build.archive(source, {"": build.plain(), "ok.dcm": build.plain(number=2)})
    result = outcome(source, target, HEADER)
    assert isinstance(result, HeaderError) == (not target.exists())


def test_encrypted_members_are_refused(source: Path, target: Path) -> None:
    build.archive(source, _three())
    data = bytearray(source.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = -1
        while (place := data.find(signature, place + 1)) >= 0:
            data[place + offset] |= 1
    source.write_bytes(data)
    with pytest.raises(UnsafeArchive):
        rewrite(source, target, HEADER)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../../evil.dcm", "/tmp/evil.dcm", "C:\\evil.dcm", "a/../../../evil.dcm", "..\\evil.dcm"]
)
def test_nothing_is_written_outside_of_the_target(source: Path, target: Path, name: str) -> None:
    build.archive(source, {name: build.plain(), "ok.dcm": build.plain(number=2)})
    _refused_or_landed(source, target)
    assert not list(target.parents[1].rglob("*evil*"))


def test_a_symbolic_link_is_not_followed(source: Path, target: Path) -> None:
    secret = source.with_name("secret")
    secret.write_bytes(build.plain(number=7))
    with zipfile.ZipFile(source, "w") as file:
        link = zipfile.ZipInfo("link.dcm")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, str(secret))
        file.writestr("ok.dcm", build.plain())
    _refused_or_landed(source, target)
    if target.exists():
        with zipfile.ZipFile(target) as new:
            assert new.read("link.dcm") == str(secret).encode()


@pytest.mark.parametrize("prefix", [b"", build.plain()[:-40]], ids=["junk", "dicom"])
def test_a_bomb_is_refused_in_little_time(source: Path, target: Path, prefix: bytes) -> None:
    _bomb(source, prefix, chunks=400)
    began = time.monotonic()
    _refused_fast(source, target)
    assert time.monotonic() - began < 10


def _refused_fast(source: Path, target: Path) -> None:
    with pytest.raises(HeaderError):
        rewrite(source, target, HEADER)
    assert list(target.parent.iterdir()) == []


def _bomb(path: Path, prefix: bytes, chunks: int) -> None:
    """A member of `chunks` times 10 MB of zeros, in a few kB each."""
    engine = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    start = engine.compress(prefix) + engine.flush(zlib.Z_FULL_FLUSH)
    zeros = bytes(10_000_000)
    chunk = engine.compress(zeros) + engine.flush(zlib.Z_FULL_FLUSH)
    body = start + chunk * chunks + engine.flush()
    size = len(prefix) + chunks * len(zeros)
    name = b"bomb.dcm"
    fields = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0x5021, 0, len(body), size & 0xFFFFFFFF)
    local = b"PK\3\4" + fields + struct.pack("<HH", len(name), 0) + name + body
    central = b"PK\1\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("ok.dcm", build.plain())
    with path.open("wb") as file:
        end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)
        file.write(local + central + end)


def test_members_that_share_their_bytes_are_refused(source: Path, target: Path) -> None:
    """Many names for one run of bytes: how small archives grow without end."""
    data = build.plain()
    name = b"0.dcm"
    fields = struct.pack("<HHHHHIII", 20, 0, 0, 0, 0x5021, zlib.crc32(data), len(data), len(data))
    local = b"PK\3\4" + fields + struct.pack("<HH", len(name), 0) + name + data
    central = b"".join(
        b"PK\1\2"
        + struct.pack("<H", 20)
        + fields
        + struct.pack("<HHHHHII", 5, 0, 0, 0, 0, 0, 0)
        + f"{number}.dcm".encode()
        for number in range(9)
    )
    source.write_bytes(local + central + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 9, 9, len(central), len(local), 0))
    _refused_fast(source, target)


@pytest.mark.parametrize("count", [2, 4])
def test_a_directory_that_counts_other_than_it_lists_is_refused(source: Path, target: Path, count: int) -> None:
    build.archive(source, _three())
    data = source.read_bytes()
    end = data.rindex(b"PK\5\6")
    source.write_bytes(data[: end + 8] + struct.pack("<HH", count, count) + data[end + 12 :])
    _refused_fast(source, target)


@pytest.mark.parametrize("place", [28, 30, 32])  # of the sizes of name, extra fields and comment
def test_an_entry_that_runs_out_of_the_directory_is_refused(source: Path, target: Path, place: int) -> None:
    build.archive(source, _three())
    data = source.read_bytes()
    last = data.rindex(b"PK\1\2") + place
    source.write_bytes(data[:last] + bytes([data[last] + 1]) + data[last + 1 :])
    _refused_fast(source, target)


def test_a_wrong_checksum_is_refused(source: Path, target: Path) -> None:
    build.archive(source, _three(**{"notes.txt": b"plain text"}), zipfile.ZIP_STORED)
    for damaged in (b"plain text", b"ID-1"):
        data = source.read_bytes()
        place = data.index(damaged)
        broken = source.with_name("broken.dicom.zip")
        broken.write_bytes(data[:place] + b"!" + data[place + 1 :])
        with pytest.raises(HeaderError):
            rewrite(broken, target, HEADER)
        assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\0", b"PK\5\6" + b"\0" * 18, b"not dicom at all", b"\0" * 128 + b"DICM"])
@pytest.mark.parametrize("suffix", [".dcm", ".dicom.zip"])
def test_files_without_an_instance_never_become_a_target(tmp_path: Path, content: bytes, suffix: str) -> None:
    source, target = tmp_path / f"source{suffix}", tmp_path / f"target{suffix}"
    source.write_bytes(content)
    result = outcome(source, target, HEADER)
    if isinstance(result, HeaderError):
        assert str(result)
    else:
        assert not result.modified
        assert result.refused or result.notes or not result.changes
    assert sorted(tmp_path.iterdir()) == [source]
