"""What file-metadata-importer makes of a file, told again: exactly what it stored, and what it makes of faults."""

from __future__ import annotations

import io
import json
import struct
import threading
import warnings
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pydicom
import pytest
from pydicom.hooks import hooks

from export_session.dicom.edits.importers.rereading import Rereading
from tests.corpus.samples import FMI, Sample, samples
from tests.judge.dataset import ITEM_DELIMITER, Element, Encoding, File, Item

EXPLICIT, IMPLICIT, BIG = Encoding(), Encoding(explicit=False), Encoding(big=True)
WITH_HEADER = [sample for sample in samples() if FMI in sample.importers]


def _reread(data: bytes) -> Rereading:
    return Rereading(io.BytesIO(data))


def _file(*elements: Element, form: Encoding = EXPLICIT, **fields: Any) -> File:
    return File(elements, form, **fields)


def _sequence(*elements: Element, tag: int = 0x00081140, vr: str = "SQ", **fields: Any) -> Element:
    return Element(tag, vr, (Item(elements),), **fields)


def _charset(terms: bytes) -> Element:
    return Element(0x00080005, "CS", terms)


ID = Element(0x00100020, "LO", b"17")
PADDING = 0x00280120  # US or SS
PIXEL_REPRESENTATION = Element(0x00280103, "US", b"\1\0")

# What it is, the file, and what of the header is to be looked at (all of it is compared where the importer is at hand)
CRAFTED: dict[str, tuple[File, dict[str, Any]]] = {
    "5C becomes 5F in an undecided number": (
        _file(Element(PADDING, "", b"\x5c\x01"), form=IMPLICIT),
        {"PixelPaddingValue": 0x015F},
    ),
    "but not where the file decides": (_file(Element(PADDING, "US", b"\x5c\x01")), {"PixelPaddingValue": 0x015C}),
    "signed by the Pixel Representation": (
        _file(PIXEL_REPRESENTATION, Element(PADDING, "", b"\xff\xff"), form=IMPLICIT),
        {"PixelPaddingValue": -1},
    ),
    "signed by that of an ancestor, if the sequence has a length": (
        _file(_sequence(Element(PADDING, "UN", b"\xff\xff")), PIXEL_REPRESENTATION),
        {"ReferencedImageSequence": [{"PixelPaddingValue": -1}]},
    ),
    "and else unsigned": (
        _file(_sequence(Element(PADDING, "UN", b"\xff\xff"), undefined=True), PIXEL_REPRESENTATION),
        {"ReferencedImageSequence": [{"PixelPaddingValue": 65535}]},
    ),
    "an undecided number by another VR": (
        _file(Element(PADDING, "OB", b"\1\2"), _sequence(Element(0x00603006, "UL", b"\0\x5c"), tag=0x00603000)),
        {"PixelPaddingValue": 513},
    ),
    "an undecided number of odd length fails the whole file": (
        _file(ID, Element(PADDING, "", b"\1\2\3"), form=IMPLICIT),
        {"PatientID": None},
    ),
    "undecided tags that pydicom leaves alone": (
        _file(
            Element(0x00281100, "", b"A\\B "),
            Element(0x00281111, "", b"\xff\xfe" * 6),
            Element(0x00281112, "", b"\0\x80"),
            form=IMPLICIT,
        ),
        {
            "GrayLookupTableDescriptor": ["A", "B"],
            "LargeRedPaletteColorLookupTableDescriptor": "fffefffeff ... truncated byte value.",
            "LargeGreenPaletteColorLookupTableDescriptor": "0080",
        },
    ),
    "look-up table descriptors out of the negative": (
        _file(
            Element(0x00281101, "SS", struct.pack("<3h", -32000, -5, 16)),
            _sequence(Element(0x00283002, "SS", struct.pack("<3h", -1, 0, 8))),
        ),
        {
            "RedPaletteColorLookupTableDescriptor": [768, -5, 16],
            "ReferencedImageSequence": [{"LUTDescriptor": [32767, 0, 8]}],
        },
    ),
    "white space behind a UR, in group 0002 too": (
        _file(
            Element(0x00080120, "UR", b" https://example.org \r\n "), meta=(Element(0x00020026, "UR", b"urn:x\t\f"),)
        ),
        {"URNCodeValue": " https://example.org", "SourcePresentationAddress": "urn:x"},
    ),
    "names that their character set does not hold": (
        _file(_charset(b"ISO_IR 127"), Element(0x00100010, "PN", b"M\xffller^A")),
        {"PatientName": "M?ller^A"},
    ),
    "half-width kana beside ASCII": (
        _file(_charset(b"ISO_IR 13 "), Element(0x00100010, "PN", b"\xd4\xcf\xc0\xdeA")),
        {"PatientName": "????A"},
    ),
    "escape sequences of no declared set": (
        _file(_charset(b"\\ISO 2022 IR 58"), Element(0x00100010, "PN", b"A^=\x1b$)A\xd5\xc5^\xd0\xa1\xb6\xab")),
        {"PatientName": "A^=\x1b$)A张^小东"},
    ),
    "a name that is no PN in the file": (
        _file(_charset(b"ISO_IR 192"), Element(0x00100010, "LO", "Ünal^Çelik=".encode())),
        {"PatientName": "Ünal^Çelik"},
    ),
    "names of empty groups": (_file(Element(0x00101001, "PN", b"=\\= ")), {"OtherPatientNames": ["", ""]}),
    "integers with a fraction, and with junk beside it": (
        _file(
            Element(0x00180086, "IS", b"1.5\\2 "),
            Element(0x00201206, "IS", b"1,5 "),
            Element(0x00280008, "IS", b"abc "),
        ),
        {"EchoNumbers": [1.5, 2], "NumberOfStudyRelatedSeries": 15, "NumberOfFrames": "abc"},
    ),
    "a list of them": (_file(Element(0x00180086, "IS", b"1.5\\1,5 ")), {"EchoNumbers": [1, 15]}),
    "digits that are some in UTF-8 alone": (
        _file(
            ID, Element(0x00180086, "IS", "１ ".encode()), _sequence(Element(0x00180050, "DS", "\u0661\\1 ".encode()))
        ),
        {"EchoNumbers": None, "ReferencedImageSequence": [{"SliceThickness": None}], "PatientID": "17"},
    ),
    "an integer beyond all floats fails the whole file": (
        _file(ID, Element(0x00200012, "IS", b"12" * 550)),
        {"PatientID": None},
    ),
    "decimals": (
        _file(Element(0x00180050, "DS", b"1,5 "), Element(0x00281051, "DS", b"80.0\\\\NaN\\1E3")),
        {"SliceThickness": 15.0, "WindowWidth": [80.0, "", None, 1000.0]},
    ),
    "text in the file, a number in the dictionary": (
        _file(Element(0x00240025, "SH", bytes(4)), Element(0x00280010, "LO", b"\2 ")),
        {"StimulusArea": 0.0, "Rows": 0x2002},
    ),
    "numbers of a wrong length": (
        _file(Element(0x00189087, "FD", b"1234567"), _sequence(Element(0x00189087, "FD", b"\xff" * 19))),
        {"DiffusionBValue": None, "ReferencedImageSequence": [{"DiffusionBValue": None}]},
    ),
    "no numbers at all": (_file(Element(0x00189087, "FD", struct.pack("<d", float("inf")))), {"DiffusionBValue": None}),
    "groups 0000, 0004 and FFFE": (
        _file(
            Element(0, "", struct.pack("<HHLH", 0, 0x0110, 2, 5), raw=True),
            Element(0x00041130, "CS", b"SET1"),
            ID,
            Element(0xFFFEE000, "", b"xxx"),
            Element(0x00100040, "CS", b"M "),
        ),
        {"MessageID": 5, "FileSetID": "SET1", "PatientID": "17", "Item": "xxx", "PatientSex": "M"},
    ),
    "an orphan item of undefined length fails the whole file": (
        _file(ID, Element(0xFFFEE000, "", b"", undefined=True), form=IMPLICIT),
        {"PatientID": None},
    ),
    "a delimiter that ends nothing ends the file": (
        _file(ID, Element(ITEM_DELIMITER, "", b""), Element(0x00100040, "CS", b"M ")),
        {"PatientID": "17", "PatientSex": None},
    ),
    "of an element that comes twice, the last": (
        _file(ID, Element(0x00100020, "LO", b"18")),
        {"PatientID": "18"},
    ),
    "a VR that is none": (
        _file(Element(0x00100020, "lo", b"17"), Element(0x00100040, "XX", b"M ")),
        {"PatientSex": None},
    ),
    "a file that ends too early": (
        _file(ID, Element(0x00104000, "LT", b"a comment "), cut=4),
        {"PatientComments": "a comm"},
    ),
    "an undefined length without an end loses all": (
        _file(ID, Element(0x7FE00010, "OB", b"\0" * 9, undefined=True), cut=8),
        {"PatientID": None},
    ),
    "a sequence of VR UN in Implicit VR": (
        _file(_sequence(Element(0x00081150, "UI", b"1.2\0"), vr="UN", implicit_inside=True)),
        {"ReferencedImageSequence": [{"ReferencedSOPClassUID": "1.2"}]},
    ),
    "one of undefined length, of a tag that is no sequence": (
        _file(_sequence(ID, tag=0x00104000, vr="UN", implicit_inside=True, undefined=True)),
        {"PatientComments": [{"PatientID": "17"}]},
    ),
    "a sequence that is broken": (
        _file(ID, Element(0x00081140, "SQ", b"\xfe\xff\0\xe0\0\0")),
        {"ReferencedImageSequence": None, "PatientID": "17"},
    ),
    "one whose item is longer than it": (
        _file(ID, Element(0x00081140, "SQ", b"\xfe\xff\0\xe0\4\0\0\0ab")),
        {"ReferencedImageSequence": [{}], "PatientID": "17"},
    ),
    "5C in other binary data, of which OF is spared": (
        _file(Element(0x00660016, "OF", b"a\\b\\"), Element(0x00660022, "OD", b"a\\b\\")),
        {"PointCoordinatesData": ["a", "b", ""], "DoublePointCoordinatesData": "a_b_"},
    ),
    "group 0002 knows no character set": (
        _file(_charset(b"ISO_IR 192"), meta=(Element(0x00020013, "SH", b"M\xfcller"),)),
        {"ImplementationVersionName": "Müller"},
    ),
    "an undecided number of big endian in UN": (
        _file(Element(PADDING, "UN", b"\x01\x5c"), form=BIG),
        {"PixelPaddingValue": 0x015F},
    ),
    "a backslash in text of one value": (
        _file(Element(0x00081030, "LO", b"a\\b "), Element(0x00080008, "CS", b"A\\\\B ")),
        {"StudyDescription": "a_b", "ImageType": ["A", "", "B"]},
    ),
    "the padded terms of a character set": (
        _file(Element(0x00080005, "LO", b"ISO_IR 100 \\ ISO 2022 IR 100"), Element(0x00100010, "PN", b"M\xfcller")),
        {"SpecificCharacterSet": ["ISO_IR 100", "ISO 2022 IR 100"], "PatientName": "Müller"},
    ),
    "the first frame alone, without its empties": (
        _file(
            Element(
                0x52009230,
                "SQ",
                (
                    Item((Element(0x00189074, "DT", b""), _sequence(Element(0x00189074, "DT", b""), tag=0x00209111))),
                    Item((ID,)),
                ),
            )
        ),
        {"PerFrameFunctionalGroupsSequence": {"FrameContentSequence": [{"FrameAcquisitionDateTime": ""}]}},
    ),
    "no frame at all fails the whole file": (_file(ID, Element(0x52009230, "SQ", ())), {"PatientID": None}),
    "a private creator of two values": (
        _file(ID, Element(0x00110010, "LO", b"A\\B "), Element(0x00111001, "UN", b"12")),
        {"PatientID": "17"},
    ),
    "group 0002 in an item fails the whole file": (
        _file(_sequence(Element(0x00020013, "SH", b"x ")), ID),
        {"PatientID": None},
    ),
    "without preamble or meta": (_file(ID, preamble=None, meta=None), {"PatientID": "17"}),
    "deflated": (_file(ID, Element(0x00104000, "LT", b"x" * 300), deflated=True), {"PatientComments": "x" * 300}),
}


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
    read = _reread(_file(*private, ID, Element(0x00189087, "FD", b"1234567"), Element(0x00080008, "CS", b"")).encoded())
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
    file = _file(ID, Element(PADDING, "", b"\1\2\3"), Element(0x00181030, "LO", b"T1"), form=IMPLICIT)
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
    source = Counting(_file(ID, *big).encoded())
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
