"""What the elements of a file are about: each theme makes a few elements round one difficulty."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.judge import charsets, dictionary
from tests.judge.dataset import Element, Encoding, Item
from tests.judge.values import NUMBERS, value_of

Theme = Callable[[random.Random, Encoding], list[Element]]

AMBIGUOUS = ("US or SS", "OB or OW", "US or SS or OW", "US or OW")
_TEXT_VRS = ("LO", "LT", "SH", "ST", "UC", "UT", "PN")
ALL_VRS = (
    "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL", "OV", "OW", "PN", "SH", "SL", "SS",
    "ST", "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT", "UV",
)  # fmt: skip


def element_of(vr: str, rng: random.Random, form: Encoding) -> Element:
    """Any element to which the dictionary gives this VR, with a value of it."""
    tag = rng.choice(dictionary.by_vr()[vr])
    real = rng.choice(vr.split(" or "))
    return Element(tag, real, value_of(real, rng, form))


def every_vr(rng: random.Random, form: Encoding) -> list[Element]:
    """Elements of some VRs, written with the VR of the dictionary."""
    names = [vr for vr in dictionary.vrs() if vr != "SQ"]
    return [element_of(rng.choice(names), rng, form) for _ in range(rng.randint(2, 8))]


def ambiguous(rng: random.Random, form: Encoding) -> list[Element]:
    """Elements whose VR the dictionary leaves open, with bytes that mean something to text readers."""
    made = []
    for _ in range(rng.randint(1, 5)):
        vr = rng.choice([vr for vr in AMBIGUOUS if vr in dictionary.by_vr()])
        tag = rng.choice(dictionary.by_vr()[vr])
        written = rng.choice([*vr.split(" or "), "UN", "OB", "OW", "US", "SS", "UL", "LO", "IS"])
        count = rng.choice([0, 1, 1, 1, 2, 2, 3, 6])
        value = b"".join(
            bytes(rng.choices([0x5C, 0x5F, 0x01, 0x00, 0xFF, 0x20, rng.randrange(256)], k=2)) for _ in range(count)
        )
        made.append(Element(tag, written, value if rng.random() < 0.95 else value[:-1]))
    if rng.random() < 0.5:
        made.append(Element(0x00280103, "US", struct.pack(form.order + "H", rng.choice([0, 1, 1, 2]))))
    return made


def lut_descriptors(rng: random.Random, form: Encoding) -> list[Element]:
    """Lookup table descriptors, their first value negative now and then (PS3.3 §C.7.6.3.1.5)."""
    tags = [0x00281101, 0x00281102, 0x00281103, 0x00283002, 0x00281111]
    made = []
    for tag in rng.sample(tags, rng.randint(1, 3)):
        numbers = [
            rng.choice([-1, -32768, -2000, 0, 256, 0x5C5C, 0x5C]),
            rng.choice([0, -5, 0x5C, 100]),
            rng.choice([8, 16]),
        ]
        value = b"".join(struct.pack(form.order + "h", number) for number in numbers[: rng.choice([3, 3, 3, 2, 1])])
        made.append(Element(tag, rng.choice(["SS", "US", "US", "SS", "UN", "OW"]), value))
    if rng.random() < 0.3:
        return [Element(0x00283000, "SQ", (Item(tuple(made)),))]
    return [*made, Element(0x00280103, "US", struct.pack(form.order + "H", rng.choice([0, 1])))]


def other_vr(rng: random.Random, form: Encoding) -> list[Element]:
    """Elements written with a VR that is not the dictionary's: of another kind, UN, or none that exists."""
    made = []
    for _ in range(rng.randint(1, 6)):
        vr = rng.choice([vr for vr in dictionary.vrs() if vr != "SQ"])
        real = rng.choice(vr.split(" or "))
        written = rng.choice([*ALL_VRS, "UN", "UN", "UN", "LO", "SH", "OB", "XX", "??", "  ", "\0\0", "lo"])
        value = value_of(rng.choice([real, real, written]), rng, form)
        made.append(Element(rng.choice(dictionary.by_vr()[vr]), written, value))
    return made


def text(rng: random.Random, form: Encoding) -> list[Element]:
    """Text and names in some character set."""
    chosen = charsets.chosen(rng)
    made = (
        [Element(0x00080005, rng.choice(["CS"] * 9 + ["LO"]), even(chosen.declared))]
        if chosen.declared is not None
        else []
    )
    made += _in_repertoire(chosen, rng)
    if rng.random() < 0.3:
        other = charsets.chosen(rng) if rng.random() < 0.5 else chosen
        inside = _in_repertoire(other, rng)
        if other.declared is not None and rng.random() < 0.5:
            inside.insert(0, Element(0x00080005, "CS", even(other.declared)))
        made.append(Element(0x00400275, "SQ", (Item(in_order(inside)),)))
    return made


def _in_repertoire(chosen: charsets.Repertoire, rng: random.Random) -> list[Element]:
    made = []
    for _ in range(rng.randint(1, 5)):
        vr = rng.choice([*_TEXT_VRS, "PN", "PN", "CS", "AE"])
        value = rng.choice(chosen.names if vr == "PN" else chosen.texts)
        written = vr if rng.random() < 0.9 else rng.choice(["UN", "LO", "PN"])
        made.append(Element(rng.choice(dictionary.by_vr()[vr]), written, even(value) if rng.random() < 0.9 else value))
    return made


def even(value: bytes) -> bytes:
    return value + b" " * (len(value) % 2)


def numbers_as_text(rng: random.Random, form: Encoding) -> list[Element]:
    """Many DS, IS, dates, times, ages and identifiers in forms that do not follow the standard."""
    return [
        element_of(rng.choice(["DS", "DS", "IS", "IS", "DA", "TM", "DT", "AS", "UI", "UR", "AE", "CS"]), rng, form)
        for _ in range(rng.randint(4, 10))
    ]


def plain_text(rng: random.Random, form: Encoding) -> list[Element]:
    """Text with blanks, controls and delimiters where they do not belong."""
    return [element_of(rng.choice(_TEXT_VRS), rng, form) for _ in range(rng.randint(3, 8))]


def bulk(rng: random.Random, form: Encoding) -> list[Element]:
    """Binary values of every length, pixel data among them."""
    made = [
        element_of(
            rng.choice([vr for vr in dictionary.vrs() if vr[:2] in ("OB", "OD", "OF", "OL", "OV", "OW", "UN", "UT")]),
            rng,
            form,
        )
        for _ in range(3)
    ]
    if rng.random() < 0.5:
        made.append(Element(0x7FE00010, "OW", bytes(rng.choice([0, 2, 32, 3000]))))
    return made


def arrays(rng: random.Random, form: Encoding) -> list[Element]:
    """Numbers of every binary type, several in one element."""
    return [
        element_of(rng.choice([*NUMBERS, "AT"]), rng, form) for _ in range(rng.randint(2, 6)) if rng.random() < 0.95
    ]


def in_order(elements: list[Element]) -> tuple[Element, ...]:
    """In ascending order, one of each tag; raw bytes stay behind the element before them."""
    found: dict[tuple[int, bool], Element] = {(element.tag, element.raw): element for element in elements}
    return tuple(found[key] for key in sorted(found))
