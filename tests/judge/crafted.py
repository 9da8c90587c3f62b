"""Files with the faults that file-metadata-importer repairs, each the smallest of its kind."""

from __future__ import annotations

import struct
from typing import Any

from tests.judge.dataset import ITEM_DELIMITER, Element, Encoding, File, Item

EXPLICIT, IMPLICIT, BIG = Encoding(), Encoding(explicit=False), Encoding(big=True)


def file_of(*elements: Element, form: Encoding = EXPLICIT, **fields: Any) -> File:
    return File(elements, form, **fields)


def sequence_of(*elements: Element, tag: int = 0x00081140, vr: str = "SQ", **fields: Any) -> Element:
    return Element(tag, vr, (Item(elements),), **fields)


def charset_of(terms: bytes) -> Element:
    return Element(0x00080005, "CS", terms)


ID = Element(0x00100020, "LO", b"17")
PADDING = 0x00280120  # US or SS
PIXEL_REPRESENTATION = Element(0x00280103, "US", b"\1\0")

# What it is, the file, and what of the header is to be looked at (all of it is compared where the importer is at hand)
CRAFTED: dict[str, tuple[File, dict[str, Any]]] = {
    "5C becomes 5F in an undecided number": (
        file_of(Element(PADDING, "", b"\x5c\x01"), form=IMPLICIT),
        {"PixelPaddingValue": 0x015F},
    ),
    "but not where the file decides": (file_of(Element(PADDING, "US", b"\x5c\x01")), {"PixelPaddingValue": 0x015C}),
    "signed by the Pixel Representation": (
        file_of(PIXEL_REPRESENTATION, Element(PADDING, "", b"\xff\xff"), form=IMPLICIT),
        {"PixelPaddingValue": -1},
    ),
    "signed by that of an ancestor, if the sequence has a length": (
        file_of(sequence_of(Element(PADDING, "UN", b"\xff\xff")), PIXEL_REPRESENTATION),
        {"ReferencedImageSequence": [{"PixelPaddingValue": -1}]},
    ),
    "and else unsigned": (
        file_of(sequence_of(Element(PADDING, "UN", b"\xff\xff"), undefined=True), PIXEL_REPRESENTATION),
        {"ReferencedImageSequence": [{"PixelPaddingValue": 65535}]},
    ),
    "an undecided number by another VR": (
        file_of(Element(PADDING, "OB", b"\1\2"), sequence_of(Element(0x00603006, "UL", b"\0\x5c"), tag=0x00603000)),
        {"PixelPaddingValue": 513},
    ),
    "an undecided number of odd length fails the whole file": (
        file_of(ID, Element(PADDING, "", b"\1\2\3"), form=IMPLICIT),
        {"PatientID": None},
    ),
    "undecided tags that pydicom leaves alone": (
        file_of(
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
        file_of(
            Element(0x00281101, "SS", struct.pack("<3h", -32000, -5, 16)),
            sequence_of(Element(0x00283002, "SS", struct.pack("<3h", -1, 0, 8))),
        ),
        {
            "RedPaletteColorLookupTableDescriptor": [768, -5, 16],
            "ReferencedImageSequence": [{"LUTDescriptor": [32767, 0, 8]}],
        },
    ),
    "white space behind a UR, in group 0002 too": (
        file_of(
            Element(0x00080120, "UR", b" https://example.org \r\n "), meta=(Element(0x00020026, "UR", b"urn:x\t\f"),)
        ),
        {"URNCodeValue": " https://example.org", "SourcePresentationAddress": "urn:x"},
    ),
    "names that their character set does not hold": (
        file_of(charset_of(b"ISO_IR 127"), Element(0x00100010, "PN", b"M\xffller^A")),
        {"PatientName": "M?ller^A"},
    ),
    "half-width kana beside ASCII": (
        file_of(charset_of(b"ISO_IR 13 "), Element(0x00100010, "PN", b"\xd4\xcf\xc0\xdeA")),
        {"PatientName": "????A"},
    ),
    "escape sequences of no declared set": (
        file_of(charset_of(b"\\ISO 2022 IR 58"), Element(0x00100010, "PN", b"A^=\x1b$)A\xd5\xc5^\xd0\xa1\xb6\xab")),
        {"PatientName": "A^=\x1b$)A张^小东"},
    ),
    "a name that is no PN in the file": (
        file_of(charset_of(b"ISO_IR 192"), Element(0x00100010, "LO", "Ünal^Çelik=".encode())),
        {"PatientName": "Ünal^Çelik"},
    ),
    "names of empty groups": (file_of(Element(0x00101001, "PN", b"=\\= ")), {"OtherPatientNames": ["", ""]}),
    "integers with a fraction, and with junk beside it": (
        file_of(
            Element(0x00180086, "IS", b"1.5\\2 "),
            Element(0x00201206, "IS", b"1,5 "),
            Element(0x00280008, "IS", b"abc "),
        ),
        {"EchoNumbers": [1.5, 2], "NumberOfStudyRelatedSeries": 15, "NumberOfFrames": "abc"},
    ),
    "a list of them": (file_of(Element(0x00180086, "IS", b"1.5\\1,5 ")), {"EchoNumbers": [1, 15]}),
    "digits that are some in UTF-8 alone": (
        file_of(
            ID, Element(0x00180086, "IS", "１ ".encode()), sequence_of(Element(0x00180050, "DS", "\u0661\\1 ".encode()))
        ),
        {"EchoNumbers": None, "ReferencedImageSequence": [{"SliceThickness": None}], "PatientID": "17"},
    ),
    "an integer beyond all floats fails the whole file": (
        file_of(ID, Element(0x00200012, "IS", b"12" * 550)),
        {"PatientID": None},
    ),
    "decimals": (
        file_of(Element(0x00180050, "DS", b"1,5 "), Element(0x00281051, "DS", b"80.0\\\\NaN\\1E3")),
        {"SliceThickness": 15.0, "WindowWidth": [80.0, "", None, 1000.0]},
    ),
    "text in the file, a number in the dictionary": (
        file_of(Element(0x00240025, "SH", bytes(4)), Element(0x00280010, "LO", b"\2 ")),
        {"StimulusArea": 0.0, "Rows": 0x2002},
    ),
    "numbers of a wrong length": (
        file_of(Element(0x00189087, "FD", b"1234567"), sequence_of(Element(0x00189087, "FD", b"\xff" * 19))),
        {"DiffusionBValue": None, "ReferencedImageSequence": [{"DiffusionBValue": None}]},
    ),
    "no numbers at all": (
        file_of(Element(0x00189087, "FD", struct.pack("<d", float("inf")))),
        {"DiffusionBValue": None},
    ),
    "groups 0000, 0004 and FFFE": (
        file_of(
            Element(0, "", struct.pack("<HHLH", 0, 0x0110, 2, 5), raw=True),
            Element(0x00041130, "CS", b"SET1"),
            ID,
            Element(0xFFFEE000, "", b"xxx"),
            Element(0x00100040, "CS", b"M "),
        ),
        {"MessageID": 5, "FileSetID": "SET1", "PatientID": "17", "Item": "xxx", "PatientSex": "M"},
    ),
    "an orphan item of undefined length fails the whole file": (
        file_of(ID, Element(0xFFFEE000, "", b"", undefined=True), form=IMPLICIT),
        {"PatientID": None},
    ),
    "a delimiter that ends nothing ends the file": (
        file_of(ID, Element(ITEM_DELIMITER, "", b""), Element(0x00100040, "CS", b"M ")),
        {"PatientID": "17", "PatientSex": None},
    ),
    "of an element that comes twice, the last": (
        file_of(ID, Element(0x00100020, "LO", b"18")),
        {"PatientID": "18"},
    ),
    "a VR that is none": (
        file_of(Element(0x00100020, "lo", b"17"), Element(0x00100040, "XX", b"M ")),
        {"PatientSex": None},
    ),
    "a file that ends too early": (
        file_of(ID, Element(0x00104000, "LT", b"a comment "), cut=4),
        {"PatientComments": "a comm"},
    ),
    "an undefined length without an end loses all": (
        file_of(ID, Element(0x7FE00010, "OB", b"\0" * 9, undefined=True), cut=8),
        {"PatientID": None},
    ),
    "a sequence of VR UN in Implicit VR": (
        file_of(sequence_of(Element(0x00081150, "UI", b"1.2\0"), vr="UN", implicit_inside=True)),
        {"ReferencedImageSequence": [{"ReferencedSOPClassUID": "1.2"}]},
    ),
    "one of undefined length, of a tag that is no sequence": (
        file_of(sequence_of(ID, tag=0x00104000, vr="UN", implicit_inside=True, undefined=True)),
        {"PatientComments": [{"PatientID": "17"}]},
    ),
    "a sequence that is broken": (
        file_of(ID, Element(0x00081140, "SQ", b"\xfe\xff\0\xe0\0\0")),
        {"ReferencedImageSequence": None, "PatientID": "17"},
    ),
    "one whose item is longer than it": (
        file_of(ID, Element(0x00081140, "SQ", b"\xfe\xff\0\xe0\4\0\0\0ab")),
        {"ReferencedImageSequence": [{}], "PatientID": "17"},
    ),
    "5C in other binary data, of which OF is spared": (
        file_of(Element(0x00660016, "OF", b"a\\b\\"), Element(0x00660022, "OD", b"a\\b\\")),
        {"PointCoordinatesData": ["a", "b", ""], "DoublePointCoordinatesData": "a_b_"},
    ),
    "group 0002 knows no character set": (
        file_of(charset_of(b"ISO_IR 192"), meta=(Element(0x00020013, "SH", b"M\xfcller"),)),
        {"ImplementationVersionName": "Müller"},
    ),
    "an undecided number of big endian in UN": (
        file_of(Element(PADDING, "UN", b"\x01\x5c"), form=BIG),
        {"PixelPaddingValue": 0x015F},
    ),
    "a backslash in text of one value": (
        file_of(Element(0x00081030, "LO", b"a\\b "), Element(0x00080008, "CS", b"A\\\\B ")),
        {"StudyDescription": "a_b", "ImageType": ["A", "", "B"]},
    ),
    "the padded terms of a character set": (
        file_of(Element(0x00080005, "LO", b"ISO_IR 100 \\ ISO 2022 IR 100"), Element(0x00100010, "PN", b"M\xfcller")),
        {"SpecificCharacterSet": ["ISO_IR 100", "ISO 2022 IR 100"], "PatientName": "Müller"},
    ),
    "the first frame alone, without its empties": (
        file_of(
            Element(
                0x52009230,
                "SQ",
                (
                    Item((Element(0x00189074, "DT", b""), sequence_of(Element(0x00189074, "DT", b""), tag=0x00209111))),
                    Item((ID,)),
                ),
            )
        ),
        {"PerFrameFunctionalGroupsSequence": {"FrameContentSequence": [{"FrameAcquisitionDateTime": ""}]}},
    ),
    "no frame at all fails the whole file": (file_of(ID, Element(0x52009230, "SQ", ())), {"PatientID": None}),
    "a private creator of two values": (
        file_of(ID, Element(0x00110010, "LO", b"A\\B "), Element(0x00111001, "UN", b"12")),
        {"PatientID": "17"},
    ),
    "group 0002 in an item fails the whole file": (
        file_of(sequence_of(Element(0x00020013, "SH", b"x ")), ID),
        {"PatientID": None},
    ),
    "without preamble or meta": (file_of(ID, preamble=None, meta=None), {"PatientID": "17"}),
    "deflated": (file_of(ID, Element(0x00104000, "LT", b"x" * 300), deflated=True), {"PatientComments": "x" * 300}),
}
