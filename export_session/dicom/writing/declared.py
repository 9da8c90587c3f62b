"""Edits a data set in another character set than the one that it declares.

There are three ways. A statement about the bytes (an edited Specific Character Set, or the option
``assume_charset`` where nothing is declared) leaves all text as it is; it is taken only if all of it can be read
so. Where the new values are in no such set, all text is re-encoded as UTF-8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.binary.instance import codecs_of
from export_session.dicom.binary.text import UTF8
from export_session.dicom.dictionary import CHARSET_VRS, SPECIFIC_CHARACTER_SET
from export_session.dicom.vocabulary import Step
from export_session.dicom.writing.apply import REDECLARED, Edited, Effect, Request, edit_data_set
from export_session.dicom.writing.elements import reread, shown
from export_session.dicom.writing.texts import (
    Obstacle,
    declared,
    holds_items,
    in_the_way,
    items,
    named,
    parts,
    parts_of,
    unplain,
)
from export_session.dicom.writing.utf8 import NoRoom, transcode

_IN_UTF8 = "re-declared, and all text re-encoded"
_AS_ASSUMED = "declared as assume_charset says, all text as it was"
_ASSUMED_IN_UTF8 = "re-declared, and all text re-encoded, that of no declared character set as assume_charset says"
_HELP = (
    "; assume_charset would help, set to the character set that this text is in, or SpecificCharacterSet corrected in "
    "info.header.dicom"
)
_MENDED = "; where that is not its character set, correct SpecificCharacterSet in info.header.dicom"
_ASSUMED = "; assume_charset says so, correct it"
_NOT_HELD = "SpecificCharacterSet as it was edited does not hold it; ISO_IR 192 holds all, where the text is in that"
_RENAMED = "the creator of its block reads otherwise in the edited character set; edit it by its new name afterwards"


def is_statement(request: Request) -> bool:
    """Tell whether a request declares the character set of a data set, or of an item."""
    return request.path[-1].tag == SPECIFIC_CHARACTER_SET


def edit_as_stated(data_set: DataSet, requests: Sequence[Request]) -> Edited:
    """Edit a data set whose Specific Character Set is edited, too: text stays as it is, new values are in the new set.

    Where the statement cannot be true, its refusal is all that is returned.
    """
    statements = [one for one in requests if is_statement(one)]
    others = [one for one in requests if not is_statement(one)]
    stated = edit_data_set(data_set, statements)
    refused = {number: effect for number, effect in stated.effects.items() if effect.reason}
    if refused:
        return Edited(effects=refused)
    now = _with(data_set, stated.elements)
    meant = [_as_read_now(one, data_set, now) for one in others]
    obstacles = tuple(in_the_way(now, meant)) if stated.elements else ()
    if obstacles:
        reason = f"{named(obstacles)}, so this is not the character set of the text"
        return Edited(effects={number: replace(one, reason=reason) for number, one in stated.effects.items()})
    edited = _edit(now, meant, others, edit_data_set(data_set, others).effects)
    effects = {
        number: replace(effect, reason=_NOT_HELD) if effect.repertoire else effect
        for number, effect in edited.effects.items()
    }
    return Edited(
        {**stated.elements, **edited.elements},
        {**stated.effects, **effects},
        guessed=bool(stated.elements) and any(in_the_way(now, ())),
    )


def edit_redeclared(
    data_set: DataSet, requests: Sequence[Request], before: Mapping[int, Effect], assumed: str
) -> Edited | str:
    """Edit a data set whose character set does not hold all new values; or say what stands in the way.

    Parameters
    ----------
    data_set
        As it is.
    requests
        The new values.
    before
        Their effects in the character set that is declared; old values are shown as in there.
    assumed
        What text is read as where nothing is declared, as a value of Specific Character Set; "" where that is unknown.
    """
    needing = next(number for number, effect in before.items() if effect.repertoire)
    statements = list(_assuming(data_set, assumed)) if assumed and not declared(data_set) else []
    stated = edit_data_set(data_set, statements)
    now = _with(data_set, stated.elements)
    meant = [_as_read_now(one, data_set, now) for one in requests] if statements else list(requests)
    obstacles = tuple(in_the_way(now, meant))
    if obstacles:
        return named(obstacles) + (_ASSUMED if statements else _help(obstacles))
    charset = Effect(SPECIFIC_CHARACTER_SET, shown(data_set.at(SPECIFIC_CHARACTER_SET)), "CS", written=True)
    charset = replace(charset, needed_by=needing, value=assumed, how=_AS_ASSUMED)
    if statements:
        edited = _edit(now, meant, requests, before)
        if not any(effect.repertoire for effect in edited.effects.values()):
            elements = {**stated.elements, **edited.elements}
            guessed = any(in_the_way(now, ()))
            return Edited(elements, {**edited.effects, REDECLARED: charset}, stated.elements, guessed)
    try:
        recoded = transcode(now, meant)
    except NoRoom as problem:
        return str(problem)
    after = _with(now, recoded.elements)
    edited = _edit(after, [_as_read_now(one, data_set, after) for one in requests], requests, before)
    charset = replace(charset, value=UTF8, how=_ASSUMED_IN_UTF8 if statements else _IN_UTF8, left=tuple(recoded.opaque))
    elements = {**stated.elements, **recoded.elements}
    return Edited(
        {**elements, **edited.elements}, {**edited.effects, REDECLARED: charset}, elements, guessed=recoded.guessed
    )


def _help(obstacles: Sequence[Obstacle]) -> str:
    if any(not one.declared and not one.problem for one in obstacles):
        return _HELP
    return "" if all(one.problem for one in obstacles) else _MENDED


def _with(data_set: DataSet, elements: Mapping[int, bytes]) -> DataSet:
    """Return the data set as it reads with these elements in it."""
    changed = {**data_set.elements, **reread(elements, data_set.syntax)}
    charset = changed.get(SPECIFIC_CHARACTER_SET)
    return replace(data_set, elements=changed, codecs=tuple(codecs_of(charset.value if charset else b"")))


def _edit(
    data_set: DataSet, meant: Sequence[Request], requests: Sequence[Request], before: Mapping[int, Effect]
) -> Edited:
    """Edit a data set in its new character set; what is said of it is what was there, and was asked for, before."""
    edited = edit_data_set(data_set, meant)
    values = {now.number: now.value for now, one in zip(meant, requests, strict=True) if now.value != one.value}
    effects = {}
    for number, effect in edited.effects.items():
        was = before.get(number, effect)
        # Bytes that stay may read as what was asked for only now
        written = effect.written or (not effect.reason and (was.written or was.repertoire))
        effects[number] = replace(effect, old=was.old, written=written, value=values.get(number))
    return replace(edited, effects=effects)


def _assuming(data_set: DataSet, assumed: str, above: tuple[Step, ...] = ()) -> Iterator[Request]:
    """Yield statements that a data set, and the items in it that declare an empty set, are in the assumed one."""
    if not above or (SPECIFIC_CHARACTER_SET in data_set.elements and not declared(data_set)):
        yield Request(REDECLARED, (*above, Step(SPECIFIC_CHARACTER_SET)), "CS", assumed)
    for value in filter(holds_items, unplain(data_set)):
        creator = value.creator
        step = Step(value.tag & 0xFFFF00FF if creator else value.tag, None, creator)
        try:
            for number, item, _ in items(value, ()):
                yield from _assuming(item, assumed, (*above, replace(step, item=number)))
        except Malformed:
            continue  # which stands in the way, and is named then


def _as_read_now(request: Request, was: DataSet, now: DataSet) -> Request:
    """Return a request with the parts of a text that stay as they read in the new character set."""
    one, other = _at_end(request, was), _at_end(request, now)
    if one is None or one.vr not in CHARSET_VRS:
        return request
    if other is None:
        return replace(request, refusal=request.refusal or _RENAMED)
    before, after = parts_of(one), parts_of(other)
    if before == after or len(before) != len(after):
        return request
    return replace(request, value=_translated(request.value, dict(zip(before, after, strict=True)), one.vr))


def _at_end(request: Request, data_set: DataSet) -> Value | None:
    holder = data_set.below((step.key, step.item) for step in request.path[:-1])
    return holder.get(request.path[-1].key) if holder else None


def _translated(value: Any, now: Mapping[str, str], vr: str) -> Any:
    if isinstance(value, list):
        return [_translated(part, now, vr) for part in value]
    if not isinstance(value, str):
        return value
    translated = [now.get(part, part) for part in parts(value, vr)]
    delimiters = [character for character in value if character == "\\" or (character == "=" and vr == "PN")]
    return "".join(part + delimiter for part, delimiter in zip(translated, [*delimiters, ""], strict=True))
