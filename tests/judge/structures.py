"""Themes about the structure of data sets: sequences, private blocks, groups, frames; and all themes there are."""

from __future__ import annotations

import random
import struct

from tests.judge import dictionary
from tests.judge.dataset import ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER, Element, Encoding, Item, encoded
from tests.judge.themes import (
    ALL_VRS,
    Theme,
    ambiguous,
    arrays,
    bulk,
    even,
    every_vr,
    in_order,
    lut_descriptors,
    numbers_as_text,
    other_vr,
    plain_text,
    text,
)
from tests.judge.values import value_of


def private(rng: random.Random, form: Encoding) -> list[Element]:
    """Private elements, with their creator or without, known to the private dictionary or not."""
    made = []
    for block in range(0x10, 0x10 + rng.randint(1, 2)):
        known = dictionary.private_shown() if rng.random() < 0.5 else dictionary.private_known()
        creator, group, low, vr = rng.choice(known)
        if rng.random() < 0.3:
            creator, group = (
                rng.choice(["ACME, Inc. 1.0", "nobody", "1.2.840", "Ünknown"]),
                rng.choice([0x0009, 0x0019, 0x4321]),
            )
        if rng.random() < 0.85:
            made.append(Element(group << 16 | block, "LO", even(creator.encode("latin-1", "ignore"))))
        real = vr if vr in ALL_VRS else "LO"
        written = rng.choice([real, real, "UN", "LO", "OB", "SQ"])
        value = (Item(in_order(every_vr(rng, form)[:2])),) if written == "SQ" else value_of(real, rng, form)
        made.append(Element(group << 16 | block << 8 | low, written, value))
    if rng.random() < 0.3:
        return [Element(rng.choice(dictionary.by_vr()["SQ"]), "SQ", (Item(in_order(made)),))]
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
                rng.choice(ALL_VRS),
            )
        else:
            tag = rng.choice(dictionary.group_of(2))
            vr = dictionary.dictionary_vr(tag)
        real = rng.choice(vr.split(" or "))
        made.append(Element(tag, "UN" if real == "SQ" else real, value_of("UL" if real == "SQ" else real, rng, form)))
    return made


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
        items.append(Item(in_order(inside), undefined=rng.random() < 0.4))
    return Element(tag, written, tuple(items), undefined=rng.random() < 0.4, implicit_inside=implicit_inside)


def broken_sequences(rng: random.Random, form: Encoding) -> list[Element]:
    """Sequences with wrong lengths, delimiters or VRs, and items that belong to none."""
    kind = rng.randrange(9)
    tag = rng.choice(dictionary.by_vr()["SQ"])
    inside = in_order([*every_vr(rng, form)[:3], Element(0x00100020, "LO", b"NESTED")])
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
    content = encoded(inside, form)
    return struct.pack(form.order + "HHL", ITEM >> 16, ITEM & 0xFFFF, len(content)) + content


def multi_frame(rng: random.Random, form: Encoding) -> list[Element]:
    """Shared and per-frame functional groups (PS3.3 §C.7.6.16)."""
    frames = rng.choice([1, 2, 3])

    def group(tag: int) -> Element:
        return Element(tag, "SQ", (Item(in_order(rng.choice(_INSIDE)(rng, form)[:3]), undefined=rng.random() < 0.3),))

    tags = [0x00209113, 0x00209116, 0x00289110, 0x00209111, 0x00280145 + 0x9000, 0x00289145, 0x00409096, 0x00189117]
    tags = [tag for tag in tags if dictionary.dictionary_vr(tag) == "SQ"]
    per_frame = tuple(
        Item(in_order([group(tag) for tag in rng.sample(tags, rng.randint(0, 3))])) for _ in range(frames)
    )
    shared = (Item(in_order([group(tag) for tag in rng.sample(tags, 2)])),) if rng.random() < 0.8 else ()
    declared = str(rng.choice([frames, frames, frames, 0, frames + 1])).encode()
    made = [Element(0x00280008, "IS", even(declared)), Element(0x52009229, "SQ", shared)]
    return [*made, Element(0x52009230, "SQ", per_frame if rng.random() < 0.9 else (), undefined=rng.random() < 0.3)]


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
