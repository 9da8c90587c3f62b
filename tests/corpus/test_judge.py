"""The judge of bytes itself: it sees every byte, and says so when one is not as it was."""

from __future__ import annotations

import random
import shutil
import struct
import zipfile
from pathlib import Path

import pytest

from tests.corpus.samples import samples
from tests.support import zip_bytes
from tests.support.dicom_bytes import Piece, UnparsableError, differences, pieces

INSTANCES = [(sample.name, data) for sample in samples() for data in list(sample.instances().values())[:2] if data]


def _assembled(cut: list[Piece]) -> bytes:
    parts = []
    for piece in cut:
        width = "H" if piece.kind == "element" and len(piece.head) == 6 else "I"
        length = b"" if piece.length is None else struct.pack(piece.form.order + width, piece.length)
        parts += [piece.head, length, piece.body]
    return b"".join(parts)


def test_every_byte_is_in_a_piece() -> None:
    read = 0
    for name, data in INSTANCES:
        try:
            cut = pieces(data)
        except UnparsableError:
            continue
        read += 1
        if b"1.2.840.10008.1.2.1.99" not in data[:400]:
            assert _assembled(cut) == data, name
    assert read > 0.97 * len(INSTANCES)


def test_a_changed_byte_is_noticed_wherever_it_is() -> None:
    chance = random.Random(7)
    for name, data in INSTANCES[::3]:
        place = chance.randrange(len(data))
        damaged = data[:place] + bytes([data[place] ^ 0x41]) + data[place + 1 :]
        try:
            noticed = bool(differences(data, damaged, ()))
        except UnparsableError:
            noticed = True
        assert noticed, (name, place)


def test_only_the_element_named_as_changed_may_differ() -> None:
    before = _explicit(0x00100010, b"PN", b"A^B ") + _explicit(0x00100020, b"LO", b"17")
    after = _explicit(0x00100010, b"PN", b"Longer^Name ") + _explicit(0x00100020, b"LO", b"17")
    assert differences(before, after, [(0x00100010,)]) == []
    assert differences(before, after, [(0x00100020,)])
    assert differences(before, after, ())


def test_lengths_of_enclosing_sequences_and_groups_must_follow() -> None:
    def file(name: bytes, slack: int = 0) -> bytes:
        leaf = _explicit(0x00100010, b"PN", name)
        item = struct.pack("<HHI", 0xFFFE, 0xE000, len(leaf) + slack) + leaf
        sequence = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, len(item)) + item
        return _explicit(0x00080000, b"UL", struct.pack("<I", len(sequence) + slack)) + sequence

    path = (0x00081140, 0, 0x00100010)
    assert differences(file(b"A^"), file(b"Ab^Cde"), [path]) == []
    assert differences(file(b"A^"), file(b"Ab^Cde", slack=2), [path])


def test_an_element_put_in_the_wrong_place_is_noticed() -> None:
    before = _explicit(0x00100010, b"PN", b"A^") + _explicit(0x00100040, b"CS", b"M ")
    misplaced = before + _explicit(0x00100020, b"LO", b"17")
    assert differences(before, misplaced, [(0x00100020,)])


@pytest.mark.parametrize("what", ["comment", "order", "date", "content", "attributes"])
def test_a_zip_that_is_not_as_it_was_is_noticed(what: str, tmp_path: Path) -> None:
    names = ["b", "a"] if what == "order" else ["a", "b"]
    original, other = tmp_path / "one.zip", tmp_path / "other.zip"
    _zip(original, ["a", "b"])
    shutil.copy(original, other)
    assert zip_bytes.differences(original, other, ()) == []
    _zip(other, names, **{what: True})
    assert zip_bytes.differences(original, other, ())


def _zip(path: Path, names: list[str], **other: bool) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.comment = b"x" if "comment" in other else b""
        for name in names:
            entry = zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6 if "date" in other else 4))
            entry.external_attr = 0o644 << 16 if "attributes" in other else 0
            archive.writestr(entry, b"other" if "content" in other else b"same!")


def _explicit(tag: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value
