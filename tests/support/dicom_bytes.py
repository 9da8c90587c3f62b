"""An independent judge of DICOM bytes: cuts a file into pieces and compares two files piece by piece.

Shares nothing with the code under test. Every byte of a file is in exactly one piece; a piece is a data element, the
header of a sequence or item, a delimiter, or what stands before and behind the data set. Two files
agree outside of a set of changed elements if, with the pieces of those elements taken away on both sides, the same
pieces remain in the same order (PS3.5 §7). Only what must follow a change may differ: the length fields
of enclosing sequences and items, and group lengths (gggg,0000), both of which are checked to be right.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydicom.datadict import dictionary_VR

Path = tuple[int, ...]  # tag, item, tag, item, …, tag

LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
SHORT = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH"}
    | {b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
)
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
IMPLICIT, BIG, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"


class UnparsableError(ValueError):
    """These bytes do not follow PS3.5 so far as this judge can tell."""


@dataclass(frozen=True)
class Form:
    """How a data set is encoded."""

    explicit: bool
    little: bool

    @property
    def order(self) -> str:
        return "<" if self.little else ">"


@dataclass(frozen=True)
class Piece:
    """A run of bytes with a meaning."""

    kind: str  # preamble, element, sequence, item, end, trailing
    path: Path
    head: bytes  # tag, VR
    length: int | None  # as declared; None where the piece has no length field
    body: bytes  # the value; of sequences and items nothing, their content are pieces of their own
    vr: bytes = b""
    size: int = 0  # real length of the content of a sequence or item, delimiters apart
    form: Form = Form(explicit=True, little=True)

    @property
    def tag(self) -> int:
        """The tag, 0 for preamble, items and trailing bytes."""
        return self.path[-1] if self.path and self.kind in {"element", "sequence"} else 0


def pieces(data: bytes) -> list[Piece]:
    """Cut a whole DICOM file into its pieces."""
    cut: list[Piece] = []
    at = 0
    if data[128:132] == b"DICM":
        cut.append(Piece("preamble", (), data[:132], None, b""))
        at = 132
    meta = Form(explicit=True, little=True)
    syntax, walk = "", _Cutter(data, cut)
    while data[at : at + 2] == b"\x02\x00" and data[at + 4 : at + 6].isalpha():
        at = walk.element(at, len(data), meta, ())
        if cut[-1].tag == 0x00020010:
            syntax = cut[-1].body.rstrip(b"\0 ").decode("latin-1")
    if syntax == DEFLATED:
        engine = zlib.decompressobj(-zlib.MAX_WBITS)
        data, at = engine.decompress(data[at:]), 0
        if not engine.eof:
            raise UnparsableError("the deflated data set is cut short")
    form = _form(data, at, syntax)
    try:
        _Cutter(data, cut).dataset(at, len(data), form, ())
    except (struct.error, IndexError, RecursionError) as error:
        raise UnparsableError(str(error)) from error
    return cut


def _form(data: bytes, at: int, syntax: str) -> Form:
    """The encoding of the data set: what the transfer syntax says, unless the first element says otherwise."""
    explicit = data[at + 4 : at + 6] in LONG | SHORT
    if syntax:
        return Form(explicit=explicit, little=syntax != BIG)
    group = data[at : at + 2]
    return Form(explicit=explicit, little=int.from_bytes(group, "little") <= int.from_bytes(group, "big"))


class _Cutter:
    """Walks through a data set; `cut` is what was passed so far."""

    def __init__(self, data: bytes, cut: list[Piece]) -> None:
        self.data, self.cut = data, cut

    def dataset(self, at: int, end: int, form: Form, parent: Path) -> int:
        while at < end:
            if end - at < 8 or not any(self.data[at : at + 8]):
                self.cut.append(Piece("trailing", parent, b"", None, self.data[at:end]))
                return end
            at = self.element(at, end, form, parent)
        return at

    def _tag(self, at: int, form: Form) -> int:
        group, element = struct.unpack_from(form.order + "HH", self.data, at)
        return int(group << 16 | element)

    def element(self, at: int, end: int, form: Form, parent: Path) -> int:
        tag = self._tag(at, form)
        path = (*parent, tag)
        vr = b""
        if form.explicit:
            vr = self.data[at + 4 : at + 6]
            if vr in LONG:
                head, width = self.data[at : at + 8], 4
            elif vr in SHORT or vr.isalpha():  # what readers make of a VR they do not know
                head, width = self.data[at : at + 6], 2
            else:
                raise UnparsableError(f"({tag:08X}) has no VR: {vr!r}")
        else:
            head, width = self.data[at : at + 4], 4
        value = at + len(head) + width
        (length,) = struct.unpack_from(form.order + ("I" if width == 4 else "H"), self.data, at + len(head))
        if length != UNDEFINED and value + length > end:
            if tag in PIXEL_DATA and not parent:
                self.cut.append(Piece("element", path, head, length, self.data[value:end], vr, form=form))
                return end
            raise UnparsableError(f"({tag:08X}) of {length} bytes runs over its end")
        inner = Form(explicit=False, little=True) if vr == b"UN" else form  # PS3.5 §6.2.2, note 2
        if length == UNDEFINED:
            if tag in PIXEL_DATA or vr in {b"OB", b"OW"}:
                after = self._fragments(value, end, form)
                self.cut.append(Piece("element", path, head, length, self.data[value:after], vr, form=form))
                return after
            return self._sequence(value, end, inner, path, Piece("sequence", path, head, length, b"", vr, form=form))
        if (
            vr == b"SQ"
            or (not vr and _is_sequence(tag))
            or (vr == b"UN" and self.data[value : value + 4] == b"\xfe\xff\x00\xe0")
        ):
            kept = len(self.cut)
            try:
                piece = Piece("sequence", path, head, length, b"", vr, form=form)
                return self._sequence(value, value + length, inner, path, piece)
            except (UnparsableError, struct.error):
                del self.cut[kept:]  # a value that only looks like a sequence
        self.cut.append(Piece("element", path, head, length, self.data[value : value + length], vr, form=form))
        return int(value + length)

    def _fragments(self, at: int, end: int, form: Form) -> int:
        while at < end:
            tag, (length,) = self._tag(at, form), struct.unpack_from(form.order + "I", self.data, at + 4)
            if tag == SEQUENCE_END:
                return at + 8
            if tag != ITEM or at + 8 + length > end:
                return end  # truncated pixel data
            at += 8 + length
        return end

    def _sequence(self, at: int, end: int, form: Form, path: Path, piece: Piece) -> int:
        undefined = piece.length == UNDEFINED
        start, place, number = at, len(self.cut), 0
        self.cut.append(piece)
        while True:
            if not undefined and at == end:
                break
            if at + 8 > end:
                raise UnparsableError(f"the sequence {path} has no end")
            tag, (length,) = self._tag(at, form), struct.unpack_from(form.order + "I", self.data, at + 4)
            if tag == SEQUENCE_END and undefined:
                break
            if tag != ITEM:
                raise UnparsableError(f"({tag:08X}) stands where an item of {path} should be")
            at = self._item(at, end, form, (*path, number), length)
            number += 1
        self.cut[place] = Piece("sequence", path, piece.head, piece.length, b"", piece.vr, at - start, piece.form)
        if undefined:
            self.cut.append(Piece("end", path, self.data[at : at + 8], None, b""))
            at += 8
        return at

    def _item(self, at: int, end: int, form: Form, path: Path, length: int) -> int:
        head, start, place = self.data[at : at + 4], at + 8, len(self.cut)
        self.cut.append(Piece("item", path, head, length, b"", form=form))
        at = start
        if length != UNDEFINED:
            if start + length > end:
                raise UnparsableError(f"the item {path} runs over its end")
            at = self.dataset(start, start + length, form, path)
        else:
            while self._tag(at, form) != ITEM_END:
                at = self.element(at, end, form, path)
        self.cut[place] = Piece("item", path, head, length, b"", b"", at - start, form)
        if length == UNDEFINED:
            self.cut.append(Piece("end", path, self.data[at : at + 8], None, b""))
            at += 8
        return at


def _is_sequence(tag: int) -> bool:
    try:
        return dictionary_VR(tag) == "SQ"
    except KeyError:
        return False


def differences(before: bytes, after: bytes, changed: Iterable[Path]) -> list[str]:
    """Where two files differ although they should not, given the paths of the elements that were to change.

    A path in `changed` may be present on one side only (an element that was added). It covers what is below it.
    """
    return piece_differences(pieces(before), pieces(after), frozenset(changed))


def piece_differences(before: list[Piece], after: list[Piece], changed: frozenset[Path]) -> list[str]:
    """As :func:`differences`, of files that were cut already."""
    left, right = list(_unchanged(before, changed)), list(_unchanged(after, changed))
    found = [*_wrong_lengths(before, after, changed), *_wrong_order(before, after)]
    for old, new in zip(left, right, strict=False):
        if old != new:
            found.append(f"{_show(old)} became {_show(new)}")
            break
    else:
        if len(left) != len(right):
            found.append(
                f"{len(left)} pieces became {len(right)}, from {_show((left + right)[min(len(left), len(right))])}"
            )
    return found


Kept = tuple[str, Path, bytes, int | None, bytes]


def _unchanged(cut: list[Piece], changed: frozenset[Path]) -> Iterator[Kept]:
    above = {path[:depth] for path in changed for depth in range(1, len(path))}
    grown = {(path[:depth], path[depth] >> 16) for path in changed for depth in range(0, len(path), 2)}
    for piece in cut:
        if any(piece.path[:depth] in changed for depth in range(1, len(piece.path) + 1)):
            continue
        length, body = piece.length, piece.body
        if piece.kind in {"sequence", "item"} and piece.path in above and length != UNDEFINED:
            length = None
        if piece.tag and piece.tag & 0xFFFF == 0 and (piece.path[:-1], piece.tag >> 16) in grown:
            body = b""
        yield piece.kind, piece.path, piece.head, length, body


def _wrong_lengths(before: list[Piece], after: list[Piece], changed: frozenset[Path]) -> Iterator[str]:
    """Length fields that do not say what is there, though they did so before."""
    was_wrong = {path for path, right in _lengths(before) if not right}
    for path, right in _lengths(after):
        if not right and path not in was_wrong and path not in changed:
            yield f"the length in {_name(path)} is wrong"


def _lengths(cut: list[Piece]) -> Iterator[tuple[Path, bool]]:
    sizes: dict[tuple[Path, int], int] = {}
    for piece in cut:
        if piece.tag and piece.tag & 0xFFFF:
            key = (piece.path[:-1], piece.tag >> 16)
            width = 4 if not piece.vr or piece.vr in LONG else 2
            content = piece.size if piece.kind == "sequence" else len(piece.body)
            ending = 8 if piece.kind == "sequence" and piece.length == UNDEFINED else 0
            sizes[key] = sizes.get(key, 0) + len(piece.head) + width + content + ending
    for piece in cut:
        if piece.kind in {"sequence", "item"} and piece.length != UNDEFINED:
            yield piece.path, piece.length == piece.size
        elif piece.kind == "element" and piece.tag & 0xFFFF == 0 and len(piece.body) == 4:
            declared = struct.unpack(piece.form.order + "I", piece.body)[0]
            yield piece.path, declared == sizes.get((piece.path[:-1], piece.tag >> 16), 0)


def _wrong_order(before: list[Piece], after: list[Piece]) -> Iterator[str]:
    """Data sets whose tags ascended before and do not any more (PS3.5 §7.1)."""
    was_wrong = set(_disorder(before))
    for parent in _disorder(after):
        if parent not in was_wrong:
            yield f"the elements of {_name(parent) or 'the data set'} are not in ascending order"


def _disorder(cut: list[Piece]) -> Iterator[Path]:
    last: dict[Path, int] = {}
    for piece in cut:
        if piece.kind in {"element", "sequence"}:
            parent = piece.path[:-1]
            if piece.tag <= last.get(parent, -1):
                yield parent
            last[parent] = piece.tag


def _name(path: Path) -> str:
    return ".".join(f"{step:08X}" if place % 2 == 0 else f"[{step}]" for place, step in enumerate(path))


def _show(kept: Kept) -> str:
    kind, path, head, length, body = kept
    return f"{kind} {_name(path)} head {head.hex()} length {length} value {body[:40]!r}"
