"""What the elements of a file are about: each theme makes a few elements round one difficulty."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.judge import charsets, dictionary
from tests.judge.dataset import ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER, Element, Encoding, Item
from tests.judge.values import NUMBERS, value_of

Theme = Callable[[random.Random, Encoding], list[Element]]

AMBIGUOUS = ("US or SS", "OB or OW", "US or SS or OW", "US or OW")
_TEXT_VRS = ("LO", "LT", "SH", "ST", "UC", "UT", "PN")
_ALL_VRS = (
    "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL", "OV", "OW", "PN", "SH", "SL", "SS",
    "ST", "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT", "UV",
)  # fmt: skip


def element_of(vr: str, rng: random.Random, form: Encoding) -> Element:
    """Any element to which the dictionary gives this VR, with a value of it."""
    tag = rng.choice(dictionary.by_vr()[vr])
    if vr == "SQ":
        return _sequence(tag, rng, form, 0)
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
        written = rng.choice([*_ALL_VRS, "UN", "UN", "UN", "LO", "SH", "OB", "XX", "??", "  ", "\0\0", "lo"])
        value = value_of(rng.choice([real, real, written]), rng, form)
        made.append(Element(rng.choice(dictionary.by_vr()[vr]), written, value))
    return made


def text(rng: random.Random, form: Encoding) -> list[Element]:
    """Text and names in some character set."""
    chosen = charsets.chosen(rng)
    made = (
        [Element(0x00080005, rng.choice(["CS"] * 9 + ["LO"]), _even(chosen.declared))]
        if chosen.declared is not None
        else []
    )
    made += _in_repertoire(chosen, rng)
    if rng.random() < 0.3:
        other = charsets.chosen(rng) if rng.random() < 0.5 else chosen
        inside = _in_repertoire(other, rng)
        if other.declared is not None and rng.random() < 0.5:
            inside.insert(0, Element(0x00080005, "CS", _even(other.declared)))
        made.append(Element(0x00400275, "SQ", (Item(_sorted(inside)),)))
    return made


def _in_repertoire(chosen: charsets.Repertoire, rng: random.Random) -> list[Element]:
    made = []
    for _ in range(rng.randint(1, 5)):
        vr = rng.choice([*_TEXT_VRS, "PN", "PN", "CS", "AE"])
        value = rng.choice(chosen.names if vr == "PN" else chosen.texts)
        written = vr if rng.random() < 0.9 else rng.choice(["UN", "LO", "PN"])
        made.append(Element(rng.choice(dictionary.by_vr()[vr]), written, _even(value) if rng.random() < 0.9 else value))
    return made


def _even(value: bytes) -> bytes:
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


def nested(rng: random.Random, form: Encoding) -> list[Element]:
    """Sequences of both kinds of length, to a few levels."""
    return [_sequence(rng.choice(dictionary.by_vr()["SQ"]), rng, form, 0) for _ in range(rng.randint(1, 3))]


def _sequence(tag: int, rng: random.Random, form: Encoding, depth: int) -> Element:
    form_inside = form
    written, implicit_inside = "SQ", False
    if form.explicit and rng.random() < 0.15:
        written, implicit_inside = "UN", rng.random() < 0.8
        form_inside = Encoding(explicit=False) if implicit_inside else form
    items = []
    for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3])):
        inside: list[Element] = []
        for theme in rng.sample(_INSIDE, rng.choice([0, 1, 1, 2])):
            inside += theme(rng, form_inside)[:4]
        if depth < 2 and rng.random() < 0.3:
            inside.append(_sequence(rng.choice(dictionary.by_vr()["SQ"]), rng, form_inside, depth + 1))
        items.append(Item(_sorted(inside), undefined=rng.random() < 0.4))
    return Element(tag, written, tuple(items), undefined=rng.random() < 0.4, implicit_inside=implicit_inside)


def broken_sequences(rng: random.Random, form: Encoding) -> list[Element]:
    """Sequences with wrong lengths, delimiters or VRs, and items that belong to none."""
    kind = rng.randrange(9)
    tag = rng.choice(dictionary.by_vr()["SQ"])
    inside = _sorted([*every_vr(rng, form)[:3], Element(0x00100020, "LO", b"NESTED")])
    sound = Element(tag, "SQ", (Item(inside),), undefined=rng.random() < 0.5)
    if kind == 0:  # an empty sequence, then an item
        orphan = Element(tag, "", _item_head(inside, form), raw=True)
        return [Element(tag, "SQ", b""), orphan]
    if kind == 1:
        return [Element(tag, "SQ", (Item(inside, undefined=True, delimiter=SEQUENCE_DELIMITER),), undefined=True)]
    if kind == 2:
        return [Element(tag, "SQ", (Item(inside),), undefined=True, delimiter=ITEM_DELIMITER)]
    if kind == 3:
        return [Element(tag, "  ", (Item(inside),), undefined=rng.random() < 0.5)]
    if kind == 4:
        return [Element(tag, "SQ", (Item(inside, lie=rng.choice([-2, 2, 4, 100])),))]
    if kind == 5:
        return [Element(tag, "SQ", (Item(inside),), lie=rng.choice([-2, 2, 8, 1000]))]
    if kind == 6:  # delimiters that end nothing
        ending = struct.pack(form.order + "HHL", 0xFFFE, rng.choice([0xE0DD, 0xE00D]), 0)
        return [sound, Element(tag, "", ending, raw=True)]
    if kind == 7:
        return [Element(tag, "SQ", value_of(rng.choice(["LO", "OB", "US"]), rng, form))]
    return [
        Element(
            rng.choice(dictionary.by_vr()["LO"]),
            rng.choice(["LO", "UN"]),
            (Item(inside),),
            undefined=rng.random() < 0.7,
        )
    ]


def _item_head(inside: tuple[Element, ...], form: Encoding) -> bytes:
    from tests.judge.dataset import encoded

    content = encoded(inside, form)
    return struct.pack(form.order + "HHL", ITEM >> 16, ITEM & 0xFFFF, len(content)) + content


def private(rng: random.Random, form: Encoding) -> list[Element]:
    """Private elements, with their creator or without, known to the private dictionary or not."""
    made = []
    for block in range(0x10, 0x10 + rng.randint(1, 2)):
        creator, group, low, vr = rng.choice(dictionary.private_known())
        if rng.random() < 0.3:
            creator, group = (
                rng.choice(["ACME, Inc. 1.0", "nobody", "1.2.840", "Ünknown"]),
                rng.choice([0x0009, 0x0019, 0x4321]),
            )
        if rng.random() < 0.85:
            made.append(Element(group << 16 | block, "LO", _even(creator.encode("latin-1", "ignore"))))
        real = vr if vr in _ALL_VRS else "LO"
        written = rng.choice([real, real, "UN", "LO", "OB", "SQ"])
        value = (Item(_sorted(every_vr(rng, form)[:2])),) if written == "SQ" else value_of(real, rng, form)
        made.append(Element(group << 16 | block << 8 | low, written, value))
    if rng.random() < 0.3:
        return [Element(rng.choice(dictionary.by_vr()["SQ"]), "SQ", (Item(_sorted(made)),))]
    return made


def special_groups(rng: random.Random, form: Encoding) -> list[Element]:
    """Repeating groups, group lengths, and groups that do not belong into a data set."""
    made = []
    for _ in range(rng.randint(1, 4)):
        kind = rng.randrange(6)
        if kind < 2:
            tag, vr = rng.choice(dictionary.repeating())
        elif kind == 2:
            tag, vr = rng.choice([0x00080000, 0x00100000, 0x00280000, 0x00090000, 0x60000000]), "UL"
        elif kind == 3:
            tag = rng.choice(dictionary.group_of(0) + dictionary.group_of(4))
            vr = dictionary.dictionary_vr(tag)
        elif kind == 4:
            tag, vr = (
                rng.choice([0x00081234, 0x00110011, 0x7FE1BEEF, 0x00289999, 0x00010001, 0x00030003]),
                rng.choice(_ALL_VRS),
            )
        else:
            tag = rng.choice(dictionary.group_of(2))
            vr = dictionary.dictionary_vr(tag)
        real = rng.choice(vr.split(" or "))
        made.append(Element(tag, "UN" if real == "SQ" else real, value_of("UL" if real == "SQ" else real, rng, form)))
    return made


def multi_frame(rng: random.Random, form: Encoding) -> list[Element]:
    """Shared and per-frame functional groups (PS3.3 §C.7.6.16)."""
    frames = rng.choice([1, 2, 3])

    def group(tag: int) -> Element:
        return Element(tag, "SQ", (Item(_sorted(rng.choice(_INSIDE)(rng, form)[:3]), undefined=rng.random() < 0.3),))

    tags = [0x00209113, 0x00209116, 0x00289110, 0x00209111, 0x00280145 + 0x9000, 0x00289145, 0x00409096, 0x00189117]
    tags = [tag for tag in tags if dictionary.dictionary_vr(tag) == "SQ"]
    per_frame = tuple(Item(_sorted([group(tag) for tag in rng.sample(tags, rng.randint(0, 3))])) for _ in range(frames))
    shared = (Item(_sorted([group(tag) for tag in rng.sample(tags, 2)])),) if rng.random() < 0.8 else ()
    declared = str(rng.choice([frames, frames, frames, 0, frames + 1])).encode()
    made = [Element(0x00280008, "IS", _even(declared)), Element(0x52009229, "SQ", shared)]
    return [*made, Element(0x52009230, "SQ", per_frame if rng.random() < 0.9 else (), undefined=rng.random() < 0.3)]


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


def _sorted(elements: list[Element]) -> tuple[Element, ...]:
    """In ascending order, one of each tag; raw bytes stay behind the element before them."""
    found: dict[tuple[int, bool], Element] = {(element.tag, element.raw): element for element in elements}
    return tuple(found[key] for key in sorted(found))


in_order = _sorted
_INSIDE: tuple[Theme, ...] = (
    every_vr,
    ambiguous,
    other_vr,
    plain_text,
    numbers_as_text,
    private,
    lut_descriptors,
    text,
    bulk,
    arrays,
)
THEMES: tuple[Theme, ...] = (
    every_vr, ambiguous, lut_descriptors, other_vr, text, text, numbers_as_text, plain_text, nested, broken_sequences, private, special_groups,
    multi_frame, bulk, arrays,
)  # fmt: skip
