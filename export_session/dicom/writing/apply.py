"""Applies requests for new values to a data set and to the items of its sequences.

They give :class:`Edited`: the new bytes of whole elements, and for each request its effect. Nothing is raised for
a value that cannot be written: its request is refused, the others go on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.binary.refusal import Unwritable
from export_session.dicom.binary.text import NotInRepertoire
from export_session.dicom.binary.values import is_blank
from export_session.dicom.dictionary import Key
from export_session.dicom.vocabulary import Items
from export_session.dicom.writing.elements import (
    element_with,
    encode_value,
    new_element,
    reread,
    shown,
    write_element,
)
from export_session.dicom.writing.items import ItemEdits
from export_session.dicom.writing.requests import Edited, Effect, Request, Row
from export_session.dicom.writing.sequences import ExactSequence

REDECLARED = -1  # stands where the number of a request does, for a character set that nobody edited

_NO_CHARACTER_SET = "the file's character set does not hold it, and its text cannot all be re-encoded as ISO_IR 192"


def edit_data_set(data_set: DataSet, requests: Sequence[Request]) -> Edited:
    """Apply requests to the main data set or to an item."""
    elements: dict[int, bytes] = {}
    effects: dict[int, Effect] = {}
    groups: dict[tuple[bool, Key], list[Request]] = defaultdict(list)
    for request in requests:
        groups[len(request.path) == 1, request.path[0].key].append(request)
    for (is_whole, key), group in sorted(groups.items(), key=lambda one: one[0][0]):  # items as the file counts them
        edited = _edit_element(data_set, key, group[-1]) if is_whole else _edit_sequence(data_set, key, group)
        top = next((t for t in edited.elements if t & 0xFFFF > 0xFF or not key.creator), key.tag)
        elements |= edited.elements
        effects |= {number: replace(effect, top=top) for number, effect in edited.effects.items()}
        if edited.elements and (key.creator or not is_whole):  # what was just written serves the next request, too
            written = reread(edited.elements, data_set.syntax)
            data_set = replace(data_set, elements={**data_set.elements, **written})
    return Edited(elements, effects)


def _edit_element(data_set: DataSet, key: Key, request: Request) -> Edited:
    value = data_set.get(key)
    if value is None and is_blank(request.value) and not request.in_new:  # an absent element is blank already
        return Edited(effects={request.number: Effect(key.tag, vr=request.vr)})
    if request.refusal:
        return _refused(request, value, request.refusal)
    try:
        return _write_element(data_set, key, request, value)
    except Unwritable as refusal:
        return _refused(request, value, str(refusal))
    except NotInRepertoire as lacking:
        return _refused(request, value, str(lacking) or _NO_CHARACTER_SET, repertoire=True)


def _write_element(data_set: DataSet, key: Key, request: Request, value: Value | None) -> Edited:
    if isinstance(request.value, Items):
        return _write_items(data_set, key, request, request.value)
    if value is None:
        return _add_element(data_set, key, request)
    vr, raw = element_with(value, request.value, request.vr, key.creator)
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
        return _edit_within(value, requests)
    except Malformed as error:
        return _refuse_all(requests, f"the sequence is damaged: {error}")


def _edit_within(value: Value, requests: Sequence[Request]) -> Edited:
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


def _write_items(data_set: DataSet, key: Key, request: Request, items: Items) -> Edited:
    """Give a sequence other items; those that stay keep their bytes."""
    value = data_set.get(key)
    edits = ItemEdits(request.path[0], items, edit_data_set)
    if value is None:
        tag, reserved = _reserve(data_set, key) if key.creator else (key.tag, {})
        elements = {tag: edits.added(data_set, tag), **reserved}
    else:
        tag = value.tag
        try:
            elements = {tag: edits.changed(value)}
        except Malformed as error:
            raise Unwritable(f"the sequence is damaged: {error}") from None
    effect = Effect(tag, shown(value), "SQ", written=True, rows=tuple(edits.rows))
    return Edited(elements, {request.number: effect})


__all__ = ["Edited", "Effect", "Request", "Row", "edit_data_set"]
