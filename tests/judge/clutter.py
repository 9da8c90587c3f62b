"""What lies in archives beside instances: files of operating systems and tools, directories, things that only look so."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.judge.dataset import Element, Encoding, File, Item


def chosen(rng: random.Random) -> list[tuple[str, bytes]]:
    """Nothing in half of the cases, else one to three of them."""
    if rng.random() < 0.5:
        return []
    made = rng.sample(_MAKERS, rng.choice([1, 1, 2, 3]))
    return [maker(rng) for maker in made]


def _ds_store(rng: random.Random) -> tuple[str, bytes]:
    """Finder's: a buddy allocator whose header pydicom takes for elements of group 0000."""
    size = rng.choice([6148, 8196])
    data = bytearray(size)
    data[:36] = struct.pack(
        ">L4sLLL16s", 1, b"Bud1", 0x1000, 0x800, 0x1000, bytes.fromhex("0000000c00000087000000200000000b")
    )
    data[0x14:0x2C] = struct.pack(">6L", 0x100C, 0x87, 0x200B, 0, 0, 0)
    entry = (
        struct.pack(">L", 6) + "IMG001".encode("utf-16-be") + b"Ilocblob" + struct.pack(">L", 16) + rng.randbytes(16)
    )
    data[0x1000 : 0x1000 + len(entry)] = entry
    data[size // 2 : size // 2 + 8] = b"DSDB\0\0\0\1"
    return rng.choice([".DS_Store", "a/.DS_Store", "__MACOSX/._.DS_Store"]), bytes(data)


def _apple_double(rng: random.Random) -> tuple[str, bytes]:
    head = struct.pack(">LL16sH", 0x00051607, 0x00020000, b"Mac OS X        ", 2)
    entries = struct.pack(">3L", 9, 50, 3760) + struct.pack(">3L", 2, 3810, 286)
    return "__MACOSX/._IM8", head + entries + bytes(rng.choice([120, 4096 - 50]))


def _readme(rng: random.Random) -> tuple[str, bytes]:
    text = rng.choice(
        [
            b"Read me\n",
            b"Anonymised by hand.\r\n" * 20,
            b"x",
            b"",
            b"#!/bin/sh\n",
            "Größe\n".encode(),
            b"\0\0",
            b"A" * 300,
        ]
    )
    return rng.choice(["README", "README.txt", "0README", "zz.txt", "a/notes.md"]), text


def _empty(rng: random.Random) -> tuple[str, bytes]:
    return rng.choice(["empty.dcm", "0", "z/empty"]), b""


def _folder(rng: random.Random) -> tuple[str, bytes]:
    return rng.choice(["folder/", "0/", "a/"]), b""


def _thumbs(rng: random.Random) -> tuple[str, bytes]:
    return "Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + b"\x3e\0\3\0\xfe\xff\x09\0" + rng.choice(
        [bytes(480), rng.randbytes(480)]
    )


def _image(rng: random.Random) -> tuple[str, bytes]:
    kind = rng.choice(
        [
            b"\xff\xd8\xff\xe0\0\x10JFIF\0",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            b"%PDF-1.4\n",
            b"GIF89a",
            b"II*\0\x08\0\0\0",
        ]
    )
    return rng.choice(["thumb.jpg", "preview"]), kind + rng.randbytes(200)


def _document(rng: random.Random) -> tuple[str, bytes]:
    text = rng.choice([b'{"PatientName": "Doe"}', b"<xml><a/></xml>", b"a,b\n1,2\n", b"[a]\nb=1\n"])
    return rng.choice(["meta.json", "x.xml", "_.csv"]), text


def _directory(rng: random.Random) -> tuple[str, bytes]:
    """A DICOMDIR with records of a patient, a study, a series and an image (PS3.3 annex F)."""
    form = Encoding()
    kinds = [b"PATIENT ", b"STUDY ", b"SERIES", b"IMAGE "][: rng.choice([1, 2, 4])]
    records = []
    for number, kind in enumerate(kinds):
        inside = [
            Element(0x00041400, "UL", struct.pack("<L", 0 if number else 400)),
            Element(0x00041410, "US", b"\xff\xff"),
            Element(0x00041420, "UL", struct.pack("<L", 512 + number)),
            Element(0x00041430, "CS", kind),
            *([Element(0x00041500, "CS", b"DICOM\\IM8 ")] if kind == b"IMAGE " else []),
            Element(0x00100010, "PN", rng.choice([b"Doe^John", b"M\xfcller", b""])),
            Element(0x00100020, "LO", b"PAT1"),
        ]
        records.append(Item(tuple(inside), undefined=rng.random() < 0.3))
    elements = (
        Element(0x00041130, "CS", rng.choice([b"FILESET ", b"", b"a"])),
        Element(0x00041200, "UL", struct.pack("<L", 398)),
        Element(0x00041202, "UL", struct.pack("<L", 0x5C5C)),
        Element(0x00041212, "US", b"\0\0"),
        Element(0x00041220, "SQ", tuple(records), undefined=rng.random() < 0.5),
    )
    meta = (Element(0x00020002, "UI", b"1.2.840.10008.1.3.10\0\0"[:21] + b"\0"), Element(0x00020003, "UI", b"1.2.9\0"))
    return rng.choice(["DICOMDIR", "a/DICOMDIR", "dicomdir"]), File(elements, form, meta=meta).encoded()


def _headless(rng: random.Random) -> tuple[str, bytes]:
    """Something that starts like a data set and is none."""
    start = rng.choice(
        [
            b"\x08\0\x05\0CS\x0a\0ISO_IR 100",
            b"\x08\0\x08\0\x04\0\0\0ABCD",
            b"\x02\0\0\0UL\4\0\4\0\0\0",
            b"\0" * 128 + b"DICM",
            b"\x08\0",
        ]
    )
    return rng.choice(["x.bin", "0.raw"]), start + rng.choice([b"", rng.randbytes(40), bytes(40), b"text"])


_MAKERS: tuple[Callable[[random.Random], tuple[str, bytes]], ...] = (
    _ds_store, _ds_store, _apple_double, _readme, _readme, _empty, _folder, _thumbs, _image, _document, _directory, _directory, _headless,
)  # fmt: skip
