"""Members that cannot be unpacked here go out as they are, as long as nothing has to be known of them."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import pydicom
import pytest

from export_session.dicom import rewrite
from export_session.errors import HeaderError, UnsafeArchive
from tests.support import build
from tests.support.rewriting import HEADER, untouched

METHODS = {9: "Deflate64", 93: "Zstandard", 98: "PPMd", 77: "method 77"}


def packed(folder: Path, members: dict[str, bytes], method: int, *names: str) -> Path:
    """An archive in which some members claim to be compressed by a method."""
    source = build.archive(folder / "series.zip", members, zipfile.ZIP_STORED)
    data = bytearray(source.read_bytes())
    with zipfile.ZipFile(source) as file:
        at = file.start_dir
        for info in file.infolist():
            if info.filename in names:
                struct.pack_into("<H", data, info.header_offset + 8, method)
                struct.pack_into("<H", data, at + 10, method)
            at += 46 + len(info.filename)
    source.write_bytes(data)
    return source


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("header", [{}, {"dicom": {}}])
def test_an_archive_without_metadata_goes_out_as_it_is(tmp_path: Path, method: int, header: dict[str, Any]) -> None:
    source = packed(tmp_path, {"1.dcm": b"x" * 99, "2.dcm": b"y" * 99}, method, "1.dcm", "2.dcm")
    result = rewrite(source, tmp_path / "target", header, {"PatientID": "new"})
    assert not result.modified
    assert ["1.dcm" in note and "1 more" in note and METHODS[method] in note for note in result.notes] == [True]
    assert untouched(tmp_path, source.name)


@pytest.mark.parametrize("method", METHODS)
def test_nobody_edited_the_instances_that_can_be_read(tmp_path: Path, method: int) -> None:
    source = packed(tmp_path, {"1.dcm": build.plain(), "2.dcm": b"y" * 99}, method, "2.dcm")
    result = rewrite(source, tmp_path / "target", {"dicom": {"PatientName": "Old^Name"}})
    assert (result.modified, result.refused) == (False, ())
    assert [METHODS[method] in note for note in result.notes] == [True]


OTHER: dict[str, Any] = {"dicom": {"SOPInstanceUID": "1.2.3.4.5.2", "StudyInstanceUID": "9.9"}}


@pytest.mark.parametrize(
    ("header", "overrides", "readable"),
    [
        (HEADER, {}, True),
        (HEADER, {}, False),
        ({}, {"PatientID": "new"}, True),
        (OTHER, {}, True),
        (OTHER, {}, False),
    ],
)
def test_what_would_have_to_be_compared_is_refused_with_a_way_out(
    tmp_path: Path, header: dict[str, Any], overrides: dict[str, Any], *, readable: bool
) -> None:
    members = {"2.dcm": b"y" * 99, **({"1.dcm": build.plain()} if readable else {})}
    source = packed(tmp_path, members, 9, "2.dcm")
    with pytest.raises(UnsafeArchive, match=r"2\.dcm.*Deflate64.*again with deflate"):
        rewrite(source, tmp_path / "target", header, overrides)
    assert untouched(tmp_path, source.name)


@pytest.mark.parametrize("name", ["notes.txt", "a/.DS_Store", "__MACOSX/1.dcm", "x.nii.gz", "Thumbs.db", "b/scan.JSON"])
def test_what_is_no_dicom_by_its_name_is_copied_as_it_is(tmp_path: Path, name: str) -> None:
    source = packed(tmp_path, {"1.dcm": build.plain(), name: b"y" * 99}, 98, name)
    result = rewrite(source, tmp_path / "target", HEADER)
    assert result.modified
    assert not result.notes
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(tmp_path / "target") as new:
        with new.open("1.dcm") as member:
            assert pydicom.dcmread(member).PatientName == "New^Name"
        entries = [file.getinfo(name) for file in (old, new)]
        assert len({(one.CRC, one.compress_type, one.compress_size) for one in entries}) == 1
        raw = [
            path.read_bytes()[one.header_offset :][: 30 + len(name) + 99]
            for path, one in zip((source, tmp_path / "target"), entries, strict=True)
        ]
    assert raw[0] == raw[1]


@pytest.mark.parametrize("header", [{}, HEADER])
def test_what_is_encrypted_is_still_refused(tmp_path: Path, header: dict[str, Any]) -> None:
    source = packed(tmp_path, {"1.dcm": build.plain(), "notes.txt": b"y" * 99}, 9, "notes.txt")
    data = source.read_bytes().replace(b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0")
    source.write_bytes(data)
    with pytest.raises(HeaderError, match="encrypted"):
        rewrite(source, tmp_path / "target", header)
