"""Single files: a few themes, in one of the encodings that files come in (PS3.10 §7)."""

from __future__ import annotations

import random
import struct
from typing import Any

from tests.judge import dictionary, structures
from tests.judge.dataset import Element, Encoding, File
from tests.judge.themes import in_order
from tests.judge.values import value_of

_ENCODINGS = [Encoding()] * 5 + [Encoding(explicit=False)] * 4 + [Encoding(big=True)] * 2
JPEG_UID = "1.2.840.10008.1.2.4.70"


def file_of(seed: int) -> File:
    """The file of this number; the same whenever it is asked for."""
    rng = random.Random(f"file {seed}")
    form = rng.choice(_ENCODINGS)
    chosen = rng.sample(structures.THEMES, rng.choice([1, 1, 2, 3]))
    elements = [*identity(rng, form, number=seed % 100000)]
    for theme in chosen:
        elements += theme(rng, form)
    made = File(in_order(elements), form, themes=tuple(theme.__name__ for theme in chosen))
    return _dressed(made, rng)


def identity(rng: random.Random, form: Encoding, number: int, member: int = 0) -> list[Element]:
    """The elements that every instance has, seldom without one of them."""
    uid = f"1.2.3.{number}.{member}".encode()
    found = [
        Element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.7\0"),
        Element(0x00080018, "UI", uid + b"\0" * (len(uid) % 2)),
        Element(0x00080060, "CS", b"OT"),
        Element(0x00100020, "LO", b"PAT1"),
        Element(0x0020000D, "UI", b"1.2"),
        Element(0x0020000E, "UI", b"1.2.3\0"),
    ]
    return [element for element in found if rng.random() < 0.97]


def _dressed(made: File, rng: random.Random) -> File:
    """What surrounds the elements: preamble, file meta information, compression, faults."""
    fields: dict[str, Any] = {}
    kind = rng.random()
    if kind < 0.06:
        fields["preamble"] = None
    elif kind < 0.10:
        fields["preamble"] = rng.randbytes(128)
    elif kind < 0.13:
        fields |= {"preamble": None, "meta": None}
    elif kind < 0.16:
        fields["meta"] = None
    elif kind < 0.30:
        fields["meta"] = _further_meta(rng)
    kind = rng.random()
    if kind < 0.05 and made.form == Encoding():
        fields["deflated"] = True
    elif kind < 0.09:
        fields["syntax"] = rng.choice(
            ["", JPEG_UID, "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.3", "1.2.840.10008.1.2.2", "abc"]
        )
    kind = rng.random()
    if kind < 0.04:
        fields["tail"] = rng.choice(
            [b"\0" * 8, b"\0", b"\n", b"garbage behind the end", b"\xff" * 16, b"\0" * 511, b"\xfc\xff\xfc\xff\0\0\0\0"]
        )
    elif kind < 0.08:
        fields["cut"] = rng.choice([1, 2, 3, 5, 9, 17, 40])
    elif kind < 0.10:
        shuffled = list(made.elements)
        rng.shuffle(shuffled)
        fields["elements"] = tuple(shuffled)
    elif kind < 0.12:
        fields["elements"] = (*made.elements, rng.choice(made.elements))
    elif kind < 0.15:
        padding = rng.choice([b"\0" * 8, b"\0" * 100, bytes(range(10))])
        fields["elements"] = (*made.elements, Element(0xFFFCFFFC, "OB", padding))
    return File(**{**vars(made), **fields})


def _further_meta(rng: random.Random) -> tuple[Element, ...]:
    form = Encoding()
    made = {
        0x00020012: Element(0x00020012, "UI", b"1.2.3.4.5\0"),
        0x00020013: Element(0x00020013, "SH", rng.choice([b"ACME 1.0", b"M\xfcller", b"a\\b ", b"", b"  x "])),
    }
    for _ in range(rng.randint(0, 3)):
        tag = rng.choice(dictionary.group_of(2))
        vr = dictionary.dictionary_vr(tag)
        made[tag] = Element(tag, rng.choice([vr, vr, vr, "UN", "LO"]), value_of(vr, rng, form))
    made.pop(0x00020010, None)
    if rng.random() < 0.15:
        made[0x00020000] = Element(0x00020000, "UL", struct.pack("<L", rng.choice([0, 4, 10000])))
    return tuple(made.values())
