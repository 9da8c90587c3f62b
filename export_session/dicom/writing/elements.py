"""Turns assignments into the new bytes of whole elements, one level of a data set at a time.

A level is the main data set or an item of a sequence. Its edits give :class:`Edited`: replacements for whole
elements, and for each assignment its old value and what became of it. Nothing is raised for a value that
cannot be written: the assignment is refused, the others go on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from struct import Struct
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    Element,
    Malformed,
    Syntax,
    write_head,
)
from export_session.dicom.binary.instance import codecs_of
from export_session.dicom.binary.splice import items_of, rebuilt, split, with_contents
from export_session.dicom.binary.text import NotInRepertoire, encode_text
from export_session.dicom.binary.values import Unwritable, is_blank, to_bytes, to_text
from export_session.dicom.dictionary import (
    CHARSET_VRS,
    NUMBER_FORMATS,
    NUMBER_STRINGS,
    PIXEL_REPRESENTATION,
    SHORT_VRS,
    SPECIFIC_CHARACTER_SET,
    STRING_VRS,
    UNSPLIT_VRS,
    Key,
    tag_text,
    vm_in_dictionary,
)
from export_session.dicom.vocabulary import Step

_SHORT_MAX = 0xFFFE  # bytes of a value with a 2-byte length (PS3.5 §7.1.2)
_LONG_MAX = 0xFFFFFFFE


@dataclass(frozen=True)
class Request:
    """One assignment on its way down to its element."""

    number: int  # of the assignment, among those of the file
    path: tuple[Step, ...]
    vr: str
    value: Any
    refusal: str = ""  # why it must not be written, whatever the value


@dataclass(frozen=True)
class Effect:
    """What became of an edit in one instance."""

    tag: int = 0  # with its private block; 0 where there is none
    old: Any = None
    vr: str = ""
    written: bool = False  # False with no reason: the file holds this value already
    reason: str = ""  # why it was refused
    repertoire: bool = False  # whether another character set would help
    top: int = 0  # tag of the element of the main data set that holds it
    needed_by: int = 0  # number of the edit that made a character set be re-declared


@dataclass(frozen=True)
class Edited:
    """The new elements of a level, by tag, and the outcome of each edit, by its number."""

    elements: Mapping[int, bytes] = field(default_factory=dict)
    outcomes: Mapping[int, Effect] = field(default_factory=dict)
    recoded: Mapping[int, bytes] = field(default_factory=dict)  # with their old text, in a new character set


def edit_data_set(level: DataSet, edits: Sequence[Request]) -> Edited:
    """Apply edits to one level of a data set."""
    elements: dict[int, bytes] = {}
    outcomes: dict[int, Effect] = {}
    groups: dict[tuple[int, str], list[Request]] = defaultdict(list)
    for edit in edits:
        groups[edit.path[0].tag, edit.path[0].creator].append(edit)
    for (tag, creator), group in groups.items():
        if len(group[0].path) > 1:
            edited = _edit_sequence(level, tag, creator, group)
        else:
            edited = _edit_element(level, tag, creator, group[-1])
        top = next((t for t in edited.elements if t & 0xFFFF > 0xFF or not creator), tag)
        elements |= edited.elements
        outcomes |= {number: replace(outcome, top=top) for number, outcome in edited.outcomes.items()}
        if creator and edited.elements:  # a block that was just reserved serves the next edit, too
            level = replace(level, elements={**level.elements, **reread(edited.elements, level.syntax)})
    return Edited(elements, outcomes)


def reread(elements: Mapping[int, bytes], syntax: Syntax) -> dict[int, Element]:
    """Read elements that were just written."""
    return {tag: split(raw, EXPLICIT_LITTLE if tag >> 16 == 2 else syntax)[0] for tag, raw in elements.items()}


def _edit_element(level: DataSet, tag: int, creator: str, edit: Request) -> Edited:
    stored = level.get(Key("", tag, creator))
    if stored is None and is_blank(edit.value):  # an absent element is blank already
        return Edited(outcomes={edit.number: Effect(tag, vr=edit.vr)})
    try:
        if edit.refusal:
            raise Unwritable(edit.refusal)
        reserved: dict[int, bytes] = {}
        if stored is None and creator:
            tag, reserved = _reserve(level, tag, creator)
        target = stored or Value(Element(tag, "", b"", 8, 8, undefined=False), level)
        vr, raw = _encode(target, creator, edit, exists=stored is not None)
    except Unwritable as refusal:
        return Edited(outcomes={edit.number: _refused(edit, stored, str(refusal))})
    except NotInRepertoire:
        reason = "the file's character set does not hold it, and its text cannot all be re-encoded as ISO_IR 192"
        return Edited(outcomes={edit.number: replace(_refused(edit, stored, reason), repertoire=True)})
    old = shown(stored)
    if stored is not None and raw == stored.element.raw:
        return Edited(outcomes={edit.number: Effect(target.tag, old, vr)})
    return Edited({target.tag: raw, **reserved}, {edit.number: Effect(target.tag, old, vr, written=True)})


def _refused(edit: Request, stored: Value | None, reason: str) -> Effect:
    tag = stored.tag if stored else 0 if edit.path[0].creator else edit.path[0].tag
    return Effect(tag, shown(stored), stored.vr if stored else edit.vr, reason=reason)


def _edit_sequence(level: DataSet, tag: int, creator: str, edits: Sequence[Request]) -> Edited:
    stored = level.get(Key("", tag, creator))
    if stored is None:
        return _refuse_all(edits, "the sequence is not in the file")
    inner = inner_syntax(stored)
    value = stored.element.value
    try:
        items = items_of(value, inner)
        contents: dict[int, bytes] = {}
        outcomes: dict[int, Effect] = {}
        for number, group in _by_item(edits).items():
            if not 0 <= number < len(items):
                outcomes |= _refuse_all(group, f"the sequence has {len(items)} items").outcomes
                continue
            content = value[items[number].content : items[number].stop]
            item = item_data_set(content, inner, level)
            edited = edit_data_set(item, [replace(edit, path=edit.path[1:]) for edit in group])
            outcomes |= edited.outcomes
            if edited.elements:
                contents[number] = rebuilt(content, item.elements, edited.elements, inner)
        if not contents:
            return Edited(outcomes=outcomes)
        return Edited({stored.tag: with_contents(stored.element, contents, inner, stored.syntax)}, outcomes)
    except Malformed as error:
        return _refuse_all(edits, f"the sequence is damaged: {error}")


def _by_item(edits: Sequence[Request]) -> Mapping[int, list[Request]]:
    groups: dict[int, list[Request]] = defaultdict(list)
    for edit in edits:
        item = edit.path[0].item
        groups[-1 if item is None else item].append(edit)
    return groups


def _refuse_all(edits: Sequence[Request], reason: str) -> Edited:
    return Edited(outcomes={edit.number: Effect(vr=edit.vr, reason=reason) for edit in edits})


def inner_syntax(stored: Value) -> Syntax:
    """Return the syntax of a sequence's items; in UN they are implicit little endian (PS3.5 §6.2.2)."""
    return IMPLICIT_LITTLE if stored.element.vr == "UN" else stored.syntax


def item_data_set(content: bytes, syntax: Syntax, parent: DataSet) -> DataSet:
    """Read the content of an item.

    Raises
    ------
    Malformed
        It is not exactly a row of elements, or one of them occurs twice.
    """
    row = split(content, syntax)
    elements = {element.tag: element for element in row}
    if len(elements) < len(row):
        raise Malformed("an element occurs twice in an item")
    charset = elements.get(SPECIFIC_CHARACTER_SET)
    representation = elements.get(PIXEL_REPRESENTATION)
    return DataSet(
        elements,
        syntax,
        tuple(codecs_of(charset.value)) if charset else parent.codecs,
        any(representation.value) if representation else parent.signed,
    )


def _reserve(level: DataSet, tag: int, creator: str) -> tuple[int, dict[int, bytes]]:
    """Find the block of a private creator or reserve one; return the full tag and the new creator element."""
    group = tag >> 16
    taken = {t & 0xFF for t in level.elements if t >> 16 == group and 0x10 <= t & 0xFFFF <= 0xFF}
    taken |= {t >> 8 & 0xFF for t in level.elements if t >> 16 == group and t & 0xFFFF > 0xFF}
    for element in level.elements.values():
        named = Key("", tag, creator).names_creator(element.value.decode("latin-1"))
        if element.tag >> 16 == group and 0x10 <= element.tag & 0xFFFF <= 0xFF and named:
            return tag | (element.tag & 0xFF) << 8, {}
    block = next((block for block in range(0x10, 0x100) if block not in taken), None)
    if block is None:
        raise Unwritable(f"all private blocks of group {group:04X} are taken")
    data = encode_value(creator, "LO", "1", level.codecs, "<")
    return tag | block << 8, {group << 16 | block: write_element(group << 16 | block, "LO", data, level.syntax)}


def _encode(target: Value, creator: str, edit: Request, *, exists: bool) -> tuple[str, bytes]:
    """Encode the value with the file's VR, or the dictionary's where that one does not fit."""
    element = target.element
    assigned = "" if " or " in edit.vr else edit.vr
    known = (element.vr, target.dictionary_vr, assigned)
    candidates = [vr for vr in dict.fromkeys(known) if vr not in ("", "UN")]
    if not candidates:
        raise Unwritable("neither the file nor the dictionary gives its VR")
    if element.undefined:
        raise Unwritable("it holds a sequence or fragments, not a value")
    if not exists and not _belongs(element.tag >> 16):
        raise Unwritable(f"elements of group {element.tag >> 16:04X} are not part of such a file")
    if exists and not element.held:
        raise Unwritable("its value is too long to be metadata")
    in_unknown = element.vr == "UN"
    order = "<" if in_unknown else target.syntax.order
    count = _count(target) if exists else 0
    problem: Unwritable | None = None
    for vr in candidates:
        try:
            value = encode_value(
                edit.value, vr, vm_in_dictionary(target.tag, creator), target.level.codecs, order, count=count
            )
            bare = exists and not element.vr  # implicit VR
            return vr, write_element(target.tag, "UN" if in_unknown else "" if bare else vr, value, target.syntax)
        except Unwritable as refusal:
            problem = refusal
    raise problem or Unwritable("it cannot be written")


def _belongs(group: int) -> bool:
    """Tell whether a data set may have elements of a group.

    Groups up to 0007 are those of commands, file meta and DICOMDIR, or not to be used (PS3.5 §7.1 and §7.8.1).
    """
    return 0x0008 <= group < 0xFFFE


def encode_value(value: Any, vr: str, vm: str, codecs: Sequence[str], order: str, *, count: int = 0) -> bytes:
    """Encode a JSON value, padded to an even length.

    Raises
    ------
    Unwritable
        The value breaks a rule of its VR or VM.
    NotInRepertoire
        The character sets do not hold the text.
    """
    if is_blank(value):
        return b""
    if vr in STRING_VRS:
        text = to_text(value, vr, vm, count)
        data = encode_text(text, vr, codecs) if vr in CHARSET_VRS else text.encode("ascii")
        return data + (b"\0" if vr == "UI" else b" ") * (len(data) % 2)
    if vr == "AT" or vr in NUMBER_FORMATS:
        return to_bytes(value, vr, vm, order, count)
    if vr == "SQ":
        raise Unwritable("a sequence is changed element by element, not as a whole")
    raise Unwritable("its value is binary data")


def write_element(tag: int, vr: str, value: bytes, syntax: Syntax) -> bytes:
    """Encode a whole element; ``vr`` "" gives the implicit form."""
    if tag >> 16 == 2:
        syntax = EXPLICIT_LITTLE
    longest = _SHORT_MAX if vr in SHORT_VRS and not syntax.implicit else _LONG_MAX
    if len(value) > longest:
        raise Unwritable(f"it takes {len(value)} bytes, {vr} holds {longest}")
    return write_head(tag, vr, len(value), syntax) + value


def _count(stored: Value) -> int:
    """Count the values that an element holds now."""
    if not stored.raw:
        return 0
    if stored.vr in NUMBER_FORMATS or stored.vr == "AT":
        return len(stored.raw) // Struct("<" + NUMBER_FORMATS.get(stored.vr, "L")).size
    return 1 if stored.vr in UNSPLIT_VRS else len(stored.texts(stored.vr))


def shown(stored: Value | None) -> Any:
    """Return the value of an element as metadata shows it; None where there is no element."""
    if stored is None:
        return None
    if stored.vr in STRING_VRS:
        values = [as_number(text, stored.vr) for text in stored.texts(stored.vr)]
    elif stored.vr in NUMBER_FORMATS or stored.vr == "AT":
        values = _numbers(stored)
    else:
        return None if stored.raw else ""
    return "" if not values else values[0] if len(values) == 1 else values


def as_number(text: str, vr: str) -> Any:
    """Return the number that a component of DS or IS spells; any other text as it is."""
    if vr not in NUMBER_STRINGS:
        return text
    try:
        return int(text) if vr == "IS" else float(text)
    except ValueError:
        return text


def _numbers(stored: Value) -> list[Any]:
    if stored.vr == "AT":
        return [tag_text(tag) for tag in stored.tags()]
    unpack = Struct(stored.syntax.order + NUMBER_FORMATS[stored.vr])
    return [value for (value,) in unpack.iter_unpack(stored.raw[: len(stored.raw) // unpack.size * unpack.size])]
