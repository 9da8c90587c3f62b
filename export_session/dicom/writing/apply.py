"""Applies requests for new values to a data set and to the items of its sequences.

They give :class:`Edited`: the new bytes of whole elements, and for each request its effect. Nothing is raised for
a value that cannot be written: its request is refused, the others go on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.binary.refusal import Unwritable
from export_session.dicom.binary.text import NotInRepertoire
from export_session.dicom.binary.values import is_blank
from export_session.dicom.dictionary import Key
from export_session.dicom.vocabulary import Step
from export_session.dicom.writing.elements import (
    element_with,
    encode_value,
    new_element,
    reread,
    shown,
    write_element,
)
from export_session.dicom.writing.sequences import ExactSequence

_NO_CHARACTER_SET = "the file's character set does not hold it, and its text cannot all be re-encoded as ISO_IR 192"


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
    """What became of a request in one instance."""

    tag: int = 0  # with its private block; 0 where there is none
    old: Any = None
    vr: str = ""
    written: bool = False  # False with no reason: the file holds this value already
    reason: str = ""  # why it was refused
    repertoire: bool = False  # whether another character set would help
    top: int = 0  # tag of the element of the main data set that holds it
    needed_by: int = 0  # number of the request that made a character set be re-declared
    left: tuple[str, ...] = ()  # elements that a re-declared character set may misread now


@dataclass(frozen=True)
class Edited:
    """The new elements of a data set, by tag, and the effect of each request, by its number."""

    elements: Mapping[int, bytes] = field(default_factory=dict)
    effects: Mapping[int, Effect] = field(default_factory=dict)
    recoded: Mapping[int, bytes] = field(default_factory=dict)  # with their old text, in a new character set
    guessed: bool = False  # whether some of that text could only be guessed


def edit_data_set(data_set: DataSet, requests: Sequence[Request]) -> Edited:
    """Apply requests to the main data set or to an item."""
    elements: dict[int, bytes] = {}
    effects: dict[int, Effect] = {}
    groups: dict[Key, list[Request]] = defaultdict(list)
    for request in requests:
        groups[request.path[0].key].append(request)
    for key, group in groups.items():
        if len(group[0].path) > 1:
            edited = _edit_sequence(data_set, key, group)
        else:
            edited = _edit_element(data_set, key, group[-1])
        top = next((t for t in edited.elements if t & 0xFFFF > 0xFF or not key.creator), key.tag)
        elements |= edited.elements
        effects |= {number: replace(effect, top=top) for number, effect in edited.effects.items()}
        if key.creator and edited.elements:  # a block that was just reserved serves the next request, too
            written = reread(edited.elements, data_set.syntax)
            data_set = replace(data_set, elements={**data_set.elements, **written})
    return Edited(elements, effects)


def _edit_element(data_set: DataSet, key: Key, request: Request) -> Edited:
    value = data_set.get(key)
    if value is None and is_blank(request.value):  # an absent element is blank already
        return Edited(effects={request.number: Effect(key.tag, vr=request.vr)})
    if request.refusal:
        return _refused(request, value, request.refusal)
    try:
        if value is None:
            return _add_element(data_set, key, request)
        vr, raw = element_with(value, request.value, request.vr, key.creator)
    except Unwritable as refusal:
        return _refused(request, value, str(refusal))
    except NotInRepertoire:
        return _refused(request, value, _NO_CHARACTER_SET, repertoire=True)
    effect = Effect(value.tag, shown(value), vr, written=raw != value.element.raw)
    return Edited({value.tag: raw} if effect.written else {}, {request.number: effect})


def _add_element(data_set: DataSet, key: Key, request: Request) -> Edited:
    tag, reserved = _reserve(data_set, key) if key.creator else (key.tag, {})
    vr, raw = new_element(data_set, tag, request.value, request.vr, key.creator)
    return Edited({tag: raw, **reserved}, {request.number: Effect(tag, vr=vr, written=True)})


def _reserve(data_set: DataSet, key: Key) -> tuple[int, dict[int, bytes]]:
    """Find the block of a private creator or reserve one; return the full tag and the new creator element."""
    for block, _ in data_set.blocks(key):
        return key.tag | block << 8, {}
    group = key.tag >> 16
    elements = [tag & 0xFFFF for tag in data_set.elements if tag >> 16 == group]
    taken = {element >> 8 if element > 0xFF else element for element in elements}
    block = next((block for block in range(0x10, 0x100) if block not in taken), 0)
    if not block:
        raise Unwritable(f"all private blocks of group {group:04X} are taken")
    raw = encode_value(key.creator, "LO", "1", data_set.codecs, "<")
    reserving = group << 16 | block
    return key.tag | block << 8, {reserving: write_element(reserving, "LO", raw, data_set.syntax)}


def _refused(request: Request, value: Value | None, reason: str, *, repertoire: bool = False) -> Edited:
    tag = value.tag if value else 0 if request.path[0].creator else request.path[0].tag
    vr = value.vr if value else request.vr
    effect = Effect(tag, shown(value), vr, reason=reason, repertoire=repertoire)
    return Edited(effects={request.number: effect})


def _edit_sequence(data_set: DataSet, key: Key, requests: Sequence[Request]) -> Edited:
    value = data_set.get(key)
    if value is None:
        return _refuse_all(requests, "the sequence is not in the file")
    try:
        return _edit_items(value, requests)
    except Malformed as error:
        return _refuse_all(requests, f"the sequence is damaged: {error}")


def _edit_items(value: Value, requests: Sequence[Request]) -> Edited:
    sequence = ExactSequence(value)
    new: dict[int, Mapping[int, bytes]] = {}
    effects: dict[int, Effect] = {}
    for number, group in _by_item(requests).items():
        if not 0 <= number < len(sequence):
            effects |= _refuse_all(group, f"the sequence has {len(sequence)} item{'s' * (len(sequence) != 1)}").effects
            continue
        edited = edit_data_set(sequence.item(number), [replace(one, path=one.path[1:]) for one in group])
        effects |= edited.effects
        if edited.elements:
            new[number] = edited.elements
    return Edited({value.tag: sequence.with_elements(new)} if new else {}, effects)


def _by_item(requests: Sequence[Request]) -> Mapping[int, list[Request]]:
    groups: dict[int, list[Request]] = defaultdict(list)
    for request in requests:
        item = request.path[0].item
        groups[-1 if item is None else item].append(request)
    return groups


def _refuse_all(requests: Sequence[Request], reason: str) -> Edited:
    return Edited(effects={request.number: Effect(vr=request.vr, reason=reason) for request in requests})
