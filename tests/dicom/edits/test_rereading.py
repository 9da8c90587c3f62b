"""What file-metadata-importer makes of a file, told again: exactly what it stored, and what it makes of faults."""

from __future__ import annotations

import io
import json
import threading
import warnings
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pydicom
import pytest
from pydicom.hooks import hooks

from export_session.dicom.edits.importers.reading.rereading import Rereading
from tests.corpus.samples import FMI, Sample, samples
from tests.judge.crafted import CRAFTED, ID, IMPLICIT, PADDING, file_of
from tests.judge.dataset import Element

WITH_HEADER = [sample for sample in samples() if FMI in sample.importers]


def _reread(data: bytes) -> Rereading:
    return Rereading(io.BytesIO(data))


@pytest.mark.parametrize("sample", WITH_HEADER, ids=lambda sample: sample.name)
def test_it_says_what_the_importer_stored(sample: Sample) -> None:
    members = sorted(sample.instances().items(), key=lambda member: PurePosixPath(member[0]))
    read = [_reread(data) for _, data in members if data]
    header = sample.header()
    assert any(_as_json(one.header) == _as_json(header.get("dicom", {})) for one in read)
    for key, entries in header.get("dicom_array", {}).items():
        if len(read) == 1 and "NumberOfFrames" in read[0].header:
            assert read[0].frame_entries(key) == entries
        else:
            own = sorted(_as_json(one.array_entry(key)) for one in read)
            assert own == sorted(map(_as_json, entries)) or len(entries) == 512 < len(own)


@pytest.mark.parametrize("kind", CRAFTED)
def test_it_repairs_as_the_importer_does(kind: str) -> None:
    file, expected = CRAFTED[kind]
    header = _reread(file.encoded()).header
    assert {key: header.get(key) for key in expected} == expected


@pytest.mark.parametrize("data", [b"", b"\0", b"DICM" * 40, bytes(200), b"\x08\0\x05\0CS", b"\xff" * 500])
def test_what_is_no_file_at_all_has_no_header(data: bytes) -> None:
    read = _reread(data)
    assert not set(read.header) - {"SpecificCharacterSet"}
    assert read.array_entry("EchoTime") is None
    assert read.frame_entries("EchoTime") == []


def test_entries_of_arrays() -> None:
    private = (
        Element(0x00190010, "LO", b"OTHER "),
        Element(0x00190011, "LO", b"ACME 1.2"),
        Element(0x0019110C, "DS", b"1.50"),
    )
    read = _reread(
        file_of(*private, ID, Element(0x00189087, "FD", b"1234567"), Element(0x00080008, "CS", b"")).encoded()
    )
    assert read.array_entry("PatientID") == "17"
    assert read.array_entry("00100020") == "17"
    assert read.array_entry("DiffusionBValue") is None
    assert not read.array_entry("ImageType")
    assert read.array_entry("EchoTime") is None
    assert read.array_entry("TransferSyntaxUID") == "1.2.840.10008.1.2.1"
    assert read.array_entry("ACME 1.2,0019xx0c") == read.array_entry("ACME 1_2, 0019xx0C") == 1.5
    assert read.array_entry("OTHER,0019xx0c") is None
    assert read.array_entry("NOBODY,0019xx0c") is None


def test_a_file_without_header_has_entries_all_the_same() -> None:
    file = file_of(ID, Element(PADDING, "", b"\1\2\3"), Element(0x00181030, "LO", b"T1"), form=IMPLICIT)
    read = _reread(file.encoded())
    assert read.header == {}
    assert [read.array_entry("PatientID"), read.array_entry("ProtocolName")] == ["17", "T1"]


def test_bulk_is_not_read() -> None:
    class Counting(io.BytesIO):
        count = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.count += len(data)
            return data

    big = [Element(0x7FE00008, "OF", b"\xff" * 10_000_000), Element(0x7FE00010, "OW", bytes(10_000_000))]
    source = Counting(file_of(ID, *big).encoded())
    assert Rereading(source).header["FloatPixelData"] == "ffffffffff ... truncated byte value."
    assert source.count < 200_000


def test_pydicom_is_left_as_it_was() -> None:
    before = (vars(hooks).copy(), vars(pydicom.config.settings).copy(), warnings.filters[:])
    threads = [
        threading.Thread(target=lambda: [_reread(file.encoded()).header for file, _ in CRAFTED.values()])
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (vars(hooks), vars(pydicom.config.settings), warnings.filters[:]) == before
    assert not hooks.raw_element_kwargs


def test_cut_anywhere_it_never_raises() -> None:
    data = replace(CRAFTED["the first frame alone, without its empties"][0], tail=b"\0" * 9).encoded()
    for end in range(len(data)):
        _as_json(_reread(data[:end]).header)


def _as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
