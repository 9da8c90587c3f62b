"""Zip archives of series, written field by field: names, methods, descriptors and clutter as they come from the field."""

from __future__ import annotations

import binascii
import random
import struct
import zlib
from dataclasses import dataclass, replace

from tests.judge import clutter, dictionary, structures
from tests.judge.dataset import Element, Encoding, File
from tests.judge.files import identity
from tests.judge.themes import in_order
from tests.judge.values import value_of

_DESCRIPTOR = 8  # bit 3 of the general purpose flags (APPNOTE.TXT 4.4.4)
_UTF8 = 0x800


@dataclass(frozen=True)
class Member:
    """A file in the archive, and how it is packed."""

    name: str
    data: bytes
    deflated: bool = True
    descriptor: bool = False
    signed_descriptor: bool = True
    instance: File | None = None


@dataclass(frozen=True)
class ZipArchive:
    """The members in the order of the archive."""

    members: tuple[Member, ...]
    comment: bytes = b""
    themes: tuple[str, ...] = ()

    def encoded(self) -> bytes:
        """The bytes of the archive."""
        body, directory = b"", b""
        for member in self.members:
            offset = len(body)
            body += _local(member)
            directory += _central(member, offset)
        count = len(self.members)
        end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), len(self.comment))
        return body + directory + end + self.comment


def _packed(member: Member) -> bytes:
    if not member.deflated:
        return member.data
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(member.data) + engine.flush()


def _fields(member: Member, sums: tuple[int, int, int]) -> bytes:
    flags = (_DESCRIPTOR if member.descriptor else 0) | (0 if member.name.isascii() else _UTF8)
    return struct.pack("<5H3L", 20, flags, 8 if member.deflated else 0, 0x6000, 0x5921, *sums)


def _sums(member: Member) -> tuple[int, int, int]:
    return binascii.crc32(member.data), len(_packed(member)), len(member.data)


def _local(member: Member) -> bytes:
    name = member.name.encode()
    sums = _sums(member)
    head = b"PK\x03\x04" + _fields(member, (0, 0, 0) if member.descriptor else sums) + struct.pack("<2H", len(name), 0)
    tail = b""
    if member.descriptor:
        tail = (b"PK\x07\x08" if member.signed_descriptor else b"") + struct.pack("<3L", *sums)
    return head + name + _packed(member) + tail


def _central(member: Member, offset: int) -> bytes:
    name = member.name.encode()
    attributes = 0x10 if member.name.endswith("/") else 0x20
    fields = struct.pack("<5H2L", len(name), 0, 0, 0, 0, attributes, offset)
    return b"PK\x01\x02" + struct.pack("<H", 20) + _fields(member, _sums(member)) + fields + name


def archive_of(seed: int) -> ZipArchive:
    """The archive of this number."""
    rng = random.Random(f"archive {seed}")
    form = rng.choice([Encoding(), Encoding(), Encoding(explicit=False), Encoding(big=True)])
    count = rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 8])
    chosen = rng.sample(structures.THEMES, rng.choice([1, 1, 2]))
    common: list[Element] = []
    for theme in chosen:
        common += theme(rng, form)
    names = _names(rng, count)
    varying = [_varying(rng) for _ in range(rng.randint(0, 4))]
    numbers = _numbers(rng, count)
    members = []
    for at, name in enumerate(names):
        elements = [*identity(rng, form, seed % 100000, at), *common]
        if numbers[at] is not None:
            elements.append(Element(0x00200013, "IS", numbers[at] or b""))
        for tag, vr in varying:
            if rng.random() < 0.85:
                elements.append(Element(tag, vr, value_of(vr, rng, form)))
        if rng.random() < 0.1:
            elements += rng.choice(structures.THEMES)(rng, form)
        instance = File(in_order(_of_series(elements, rng)), form)
        if rng.random() < 0.05:
            instance = replace(instance, preamble=None)
        if rng.random() < 0.02:
            instance = replace(instance, cut=rng.choice([1, 3, 20]))
        members.append(Member(name, instance.encoded(), instance=instance))
    members += [Member(name, data) for name, data in clutter.chosen(rng)]
    if rng.random() < 0.1:  # the same bytes under another name
        twin = rng.choice(members[:count])
        members.append(replace(twin, name="copy/" + twin.name.rsplit("/", 1)[-1]))
    members = list({member.name: member for member in members}.values())
    if rng.random() < 0.4:
        rng.shuffle(members)
    way = rng.random()
    packed = tuple(
        replace(member, deflated=way < 0.8, descriptor=0.5 < way < 0.7, signed_descriptor=rng.random() < 0.9)
        for member in members
    )
    comment = b"a comment" if rng.random() < 0.1 else b""
    return ZipArchive(packed, comment, tuple(theme.__name__ for theme in chosen))


_ARRAYS = (
    (0x00200012, "IS"), (0x00080032, "TM"), (0x00189087, "FD"), (0x00189089, "FD"), (0x00180081, "DS"), (0x00200037, "DS"),
    (0x00200032, "DS"), (0x00080008, "CS"), (0x00201041, "DS"),
)  # fmt: skip


def _varying(rng: random.Random) -> tuple[int, str]:
    """An element whose value differs from instance to instance; often one of those shown in lists."""
    if rng.random() < 0.6:
        return rng.choice(_ARRAYS)
    vr = rng.choice([vr for vr in dictionary.vrs() if vr not in ("SQ", "OB or OW", "US or SS or OW")])
    return rng.choice(dictionary.by_vr()[vr]), vr.split(" or ")[0]


def _numbers(rng: random.Random, count: int) -> list[bytes | None]:
    """Instance numbers: in order, in another, missing, equal, or no numbers."""
    found: list[bytes | None] = [f"{number + 1} ".encode()[: 2 if number < 9 else 3] for number in range(count)]
    kind = rng.random()
    if kind < 0.4:
        rng.shuffle(found)
    if 0.3 < kind < 0.5:
        found[rng.randrange(count)] = None
    elif 0.5 < kind < 0.6:
        found = [b"1 "] * count
    elif 0.6 < kind < 0.7:
        found = [None] * count
    elif 0.7 < kind < 0.85:
        odd = [b"", b"1.5 ", b"abc ", b"-1", b"1\\2 ", b"007 ", b"1,5 ", b"99999999999 ", b"10", b" 2", b"0 "]
        found = [rng.choice([number, rng.choice(odd)]) for number in found]
    return found


def _names(rng: random.Random, count: int) -> list[str]:
    style = rng.choice(
        ["{:04d}.dcm", "IM{}", "img-{}.dcm", "a/b/{}.dcm", "{}/IM1", "series ü/{}.dcm", "Z{}", "IMG{}.DCM", "{}"]
    )
    numbers = list(range(8, 8 + count))
    if rng.random() < 0.4:
        rng.shuffle(numbers)
    found = [style.format(number) for number in numbers]
    return [name if rng.random() < 0.9 else "x/" + name.upper() for name in found]


def _of_series(elements: list[Element], rng: random.Random) -> list[Element]:
    """Now and then an instance of another series."""
    if rng.random() < 0.05:
        return [*elements, Element(0x0020000E, "UI", b"1.2.4\0")]
    return elements
