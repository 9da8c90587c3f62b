"""Single files, gzip files and zip archives are rewritten in their own form, or refused, and always proven."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file

from export_session.dicom import Result, read_instances, rewrite
from export_session.dicom.binary import deflate as codec
from export_session.dicom.files import file as container
from export_session.dicom.files import zip_series as zipped
from export_session.dicom.files import zip_writer as repack
from export_session.dicom.files.stream import rewritten, rewritten_bytes
from export_session.dicom.files.zip_reader import ZipReader
from export_session.errors import HeaderError, NotDicom, ProofFailed, UnsafeArchive
from tests.corpus import build, zip_bytes
from tests.support.dicom_bytes import differences

HEADER: dict[str, Any] = {"dicom": {"PatientName": "New^Name"}}
NAME = (0x00100010,)
LARGE = b"\1\2\3\4\5\6\7\10" * 600_000  # larger than what is handled in memory


def run(source: Path, header: dict[str, Any] = HEADER) -> tuple[Result, Path]:
    target = source.with_name("target")
    return rewrite(source, target, header), target


def untouched(folder: Path, *names: str) -> bool:
    return {path.name for path in folder.iterdir()} == set(names)


def test_a_gzip_file_keeps_its_header(tmp_path: Path) -> None:
    source = tmp_path / "one.dcm.gz"
    with source.open("wb") as file, gzip.GzipFile("inner name.dcm", "wb", fileobj=file, mtime=1234567) as packed:
        packed.write(build.plain(pixels=LARGE))
    result, target = run(source)
    assert result.modified
    assert target.read_bytes()[:25] == source.read_bytes()[:25]
    after = gzip.decompress(target.read_bytes())
    assert differences(build.plain(pixels=LARGE), after, {NAME}) == []


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-9], lambda d: d[:-4] + b"abcd", lambda d: d + b"more", lambda d: d[:12]]
)
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, damage: Any) -> None:
    source = tmp_path / "one.dcm.gz"
    source.write_bytes(damage(gzip.compress(build.plain())))
    with pytest.raises(NotDicom):
        run(source)
    assert untouched(tmp_path, source.name)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
@pytest.mark.parametrize("pixels", [b"\1\2" * 50, LARGE], ids=["small", "streamed"])
def test_members_change_in_their_own_compression(tmp_path: Path, method: int, pixels: bytes) -> None:
    members = {
        "a/1.dcm": build.plain(pixels=pixels),
        "a/2.dcm": build.plain(number=2, pixels=pixels),
        "x.txt": b"x" * 99,
    }
    source = build.archive(tmp_path / "series.zip", members, method)
    result, target = run(source)
    assert result.modified
    assert zip_bytes.differences(source, target, {"a/1.dcm", "a/2.dcm"}) == []
    with zipfile.ZipFile(target) as new:
        for name in ("a/1.dcm", "a/2.dcm"):
            assert differences(members[name], new.read(name), {NAME}) == []


def test_a_method_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    source = build.archive(tmp_path / "series.zip", {"1.dcm": build.plain()}, zipfile.ZIP_LZMA)
    with pytest.raises(UnsafeArchive, match="deflate"):
        run(source)
    assert untouched(tmp_path, source.name)


def test_zlib_does_where_isal_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "isal", None)
    monkeypatch.setattr(codec, "_engine", zlib)
    monkeypatch.setattr(codec, "_LEVEL", 6)
    members = {"1.dcm": build.plain(), "2.dcm": build.plain(number=2, pixels=LARGE)}
    source = build.archive(tmp_path / "series.zip", members)
    _, target = run(source)
    assert zip_bytes.differences(source, target, set(members)) == []
    with zipfile.ZipFile(target) as new:
        assert all(differences(members[name], new.read(name), {NAME}) == [] for name in members)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    members = {f"{n}.dcm": build.plain(number=n, pixels=bytes(n) * 999 + b"\1" * (n % 2)) for n in range(1, 30)}
    source = build.archive(tmp_path / "series.zip", members)
    written = []
    for _ in range(2):
        rewrite(source, tmp_path / "target", HEADER, record_original_attributes=True)
        written.append((tmp_path / "target").read_bytes())
    assert written[0] == written[1]


def test_only_the_instance_that_changes_is_compressed_anew(tmp_path: Path) -> None:
    members = {f"{n}.dcm": build.plain(number=n) for n in (1, 2, 3)}
    source = build.archive(tmp_path / "series.zip", members)
    header = {"dicom": {"PatientName": "Old^Name"}, "dicom_array": {"InstanceNumber": [1, 22, 3]}}
    result, target = run(source, header)
    assert [change.member for change in result.changes] == ["2.dcm"]
    assert zip_bytes.differences(source, target, {"2.dcm"}) == []


def test_a_dicomdir_in_an_archive_is_left_alone(tmp_path: Path) -> None:
    directory = (Path(pydicom.__file__).parent / "data/test_files/dicomdirtests/DICOMDIR").read_bytes()
    source = build.archive(tmp_path / "series.zip", {"DICOMDIR": directory, "1.dcm": build.plain()})
    _, target = run(source)
    assert zip_bytes.differences(source, target, {"1.dcm"}) == []


@pytest.mark.parametrize("content", [build.plain(pixels=LARGE), b"PK\3\4"])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "one"
    source.write_bytes(content)

    def fail(*_: Any, **__: Any) -> None:
        raise ProofFailed("on purpose")

    monkeypatch.setattr(container, "prove", fail)
    with pytest.raises(HeaderError):
        run(source)
    assert untouched(tmp_path, "one")


def _damaged(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("at", [5, 150, 300, 420, -9, -70_000])
@pytest.mark.parametrize("kind", ["file", "zip", "stored"])
def test_a_byte_that_goes_wrong_in_writing_is_caught(
    tmp_path: Path, at: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = build.plain(pixels=b"\1\2\3\4" * 40_000)
    source = tmp_path / "one"
    if kind == "file":
        source.write_bytes(data)
    else:
        method = zipfile.ZIP_STORED if kind == "stored" else zipfile.ZIP_DEFLATED
        build.archive(source, {"1.dcm": data}, method)
    stream, whole = rewritten, rewritten_bytes
    monkeypatch.setattr(container, "rewritten", lambda *given: [_damaged(b"".join(stream(*given)), at)])
    monkeypatch.setattr(zipped, "rewritten_bytes", lambda *given: _damaged(whole(*given), at))
    with pytest.raises(ProofFailed):
        run(source)
    assert untouched(tmp_path, "one")


def test_reading_headers_leaves_what_is_no_dicom_in_its_place(tmp_path: Path) -> None:
    source = build.archive(tmp_path / "series.zip", {"README": b"text", "d/": b"", "1.dcm": build.plain(), "0": b""})
    assert [(one.name, one.kind.value) for one in read_instances(source)] == [
        ("README", "not DICOM"),
        ("1.dcm", "DICOM instance"),
        ("0", "not DICOM"),
    ]


def test_headers_are_read_without_reading_pixel_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = build.archive(tmp_path / "series.zip", {"1.dcm": build.plain(pixels=LARGE)}, zipfile.ZIP_STORED)
    read = 0
    right = ZipReader.read

    def counted(archive: ZipReader, start: int, size: int) -> bytes:
        nonlocal read
        data = right(archive, start, size)
        read += len(data)
        return data

    monkeypatch.setattr(ZipReader, "read", counted)
    read_instances(source)
    assert read < 100_000


def test_a_member_near_four_gigabytes_gets_room_for_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repack, "_NEARLY", 2**32)  # every member counts as one
    members = {"1.dcm": build.plain(), "2.dcm": build.plain(number=2, pixels=LARGE), "notes.txt": b"text"}
    source = build.archive(tmp_path / "series.zip", members)
    _, target = run(source)
    assert zip_bytes.differences(source, target, {"1.dcm", "2.dcm"}) == []


@pytest.mark.slow
def test_an_archive_of_more_than_65535_members_is_rewritten(tmp_path: Path) -> None:
    source = tmp_path / "series.zip"
    with zipfile.ZipFile(source, "w") as file:
        for number in range(65_600):
            file.writestr(f"{number}.txt", b"")
        file.writestr("1.dcm", build.plain())
    _, target = run(source)
    assert zip_bytes.differences(source, target, {"1.dcm"}) == []
    assert pydicom.dcmread(io.BytesIO(zipfile.ZipFile(target).read("1.dcm"))).PatientName == "New^Name"


def test_a_deflated_data_set_stays_as_small_as_it_was(tmp_path: Path) -> None:
    data = Path(str(get_testdata_file("image_dfl.dcm"))).read_bytes()
    (tmp_path / "source.dcm").write_bytes(data)
    result, target = run(tmp_path / "source.dcm")
    assert result.modified
    assert target.stat().st_size < 1.1 * len(data)
