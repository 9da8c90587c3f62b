"""The members of a zip are rewritten in their own form, or refused; all others keep their bytes."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import pydicom
import pytest

from export_session.dicom import read_instances, rewrite
from export_session.dicom.binary import deflate as codec
from export_session.dicom.files import zip_writer as repack
from export_session.dicom.files.zip_reader import ZipReader
from export_session.errors import UnsafeArchive
from tests.support import build, zip_bytes
from tests.support.dicom_bytes import differences
from tests.support.rewriting import HEADER, LARGE, NAME, run, untouched


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
