"""Plans the new bytes of every instance of a file: each assignment is encoded once where instances agree.

The instances of a series share the elements they have in common (see :mod:`~export_session.dicom.binary.parser`),
so what was decided for one element holds for all instances that have the same one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet, main_data_set
from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.dictionary import PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET
from export_session.dicom.vocabulary import Assignment, Change, Outcome
from export_session.dicom.writing.apply import Edited, Effect, Request, edit_data_set
from export_session.dicom.writing.elements import shown
from export_session.dicom.writing.record import REDECLARED, Found, Record
from export_session.dicom.writing.utf8 import InTheWay, transcode, transcoded


@dataclass(frozen=True)
class Plan:
    """The new elements of the instances, and the record of all changes."""

    edited: Mapping[int, Edited] = field(default_factory=dict)  # by instance: those that change
    changes: tuple[Change, ...] = ()
    refused: tuple[Change, ...] = ()
    refused_numbers: frozenset[int] = frozenset()  # of the assignments that were not written
    redeclared: frozenset[int] = frozenset()  # instances whose text is UTF-8 now


def make_plan(
    instances: Sequence[Instance],
    assignments: Sequence[Assignment],
    refusals: Mapping[int, str] | None = None,
) -> Plan:
    """Encode assignments for the instances they are meant for.

    An assignment that one of its instances cannot take is written to none of them.

    Parameters
    ----------
    instances
        All members of the file; only DICOM instances are edited.
    assignments
        What to write.
    refusals
        Reasons why some of them, by number, must not be written.
    """
    reasons = refusals or {}
    requests = [
        Request(number, one.path, one.vr, one.value, reasons.get(number, one.refusal))
        for number, one in enumerate(assignments)
    ]
    editor = _Editor(instances, assignments)
    record = Record(instances, assignments)
    refused: set[int] = set()
    edited = editor.edit(requests)
    while fresh := [found for found in _effects(edited) if found.effect.reason]:
        record.add(fresh)
        refused |= {found.number for found in fresh}
        edited = editor.edit([request for request in requests if request.number not in refused])
    record.add(_effects(edited))
    return Plan(
        {index: one for index, one in edited.items() if one.elements},
        record.changes(Outcome.APPLIED),
        record.changes(Outcome.REFUSED),
        frozenset(refused),
        frozenset(index for index, one in edited.items() if REDECLARED in one.effects),
    )


def _effects(edited: Mapping[int, Edited]) -> Iterator[Found]:
    for index, one in edited.items():
        for number, effect in one.effects.items():
            yield Found(index, number, effect)


@dataclass(frozen=True)
class _Unit:
    """Requests that are decided together: those of one element, or of one private group with its blocks."""

    group: int  # of a private group, 0 for public elements
    tag: int
    requests: tuple[Request, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The assignments they stand for."""
        return tuple(request.number for request in self.requests)

    def grounds(self, instance: Instance) -> Any:
        """Return the elements that the effects depend on."""
        if self.group:
            return tuple(element for tag, element in instance.elements.items() if tag >> 16 == self.group)
        return instance.elements.get(self.tag)


def _units(requests: Sequence[Request]) -> tuple[_Unit, ...]:
    groups: dict[tuple[int, int], list[Request]] = defaultdict(list)
    for request in requests:
        tag = request.path[0].tag
        groups[(tag >> 16, 0) if tag >> 16 & 1 else (0, tag)].append(request)
    return tuple(_Unit(group, tag, tuple(unit)) for (group, tag), unit in groups.items())


class _Editor:
    """Edits the instances of a file, and remembers what was decided for the elements they share."""

    def __init__(self, instances: Sequence[Instance], assignments: Sequence[Assignment]) -> None:
        self._instances = instances
        self._assignments = assignments
        self._known: dict[Any, Edited] = {}

    def edit(self, requests: Sequence[Request]) -> dict[int, Edited]:
        """Edit each DICOM instance that a request is meant for; return them by their index."""
        meant = [(request, self._assignments[request.number].instances) for request in requests]
        everywhere = [request for request, only in meant if only is None]
        somewhere = [(request, only) for request, only in meant if only is not None]
        common = _units(everywhere)
        edited = {}
        for index, instance in enumerate(self._instances):
            own = [request for request, only in somewhere if index in only]
            units = _units([*everywhere, *own]) if own else common
            if units and instance.kind is Kind.INSTANCE:
                edited[index] = self._edit_instance(instance, units)
        return edited

    def _edit_instance(self, instance: Instance, units: Sequence[_Unit]) -> Edited:
        """Edit an instance in its own character set if that holds all values, else in UTF-8."""
        edited = self._edit_as_declared(instance, units)
        needing = [number for number, effect in edited.effects.items() if effect.repertoire]
        if not needing:
            return edited
        requests = [request for unit in units for request in unit.requests]
        try:
            return _edit_in_utf8(instance, requests, needing[0], edited.effects)
        except InTheWay as obstacle:
            return _with_obstacle(edited, str(obstacle))

    def _edit_as_declared(self, instance: Instance, units: Sequence[_Unit]) -> Edited:
        """Edit an instance in its own character set; look up what was decided for the same elements before."""
        data_set: DataSet | None = None
        elements: dict[int, bytes] = {}
        effects: dict[int, Effect] = {}
        context = (instance.raw(SPECIFIC_CHARACTER_SET), instance.raw(PIXEL_REPRESENTATION), instance.syntax)
        for unit in units:
            grounds = (unit.numbers, unit.grounds(instance), context)
            edited = self._known.get(grounds)
            if edited is None:
                data_set = data_set or main_data_set(instance)
                edited = self._known[grounds] = edit_data_set(data_set, unit.requests)
            elements |= edited.elements
            effects |= edited.effects
        return Edited(elements, effects)


def _edit_in_utf8(
    instance: Instance, requests: Sequence[Request], needing: int, before: Mapping[int, Effect]
) -> Edited:
    """Re-declare the data set as UTF-8 and edit it; old values are shown as they were before."""
    data_set = main_data_set(instance)
    recoded = transcode(data_set, requests)
    edited = edit_data_set(transcoded(data_set, recoded.elements), requests)
    effects = {number: replace(effect, old=before[number].old) for number, effect in edited.effects.items()}
    old = shown(data_set.at(SPECIFIC_CHARACTER_SET))
    declared = Effect(SPECIFIC_CHARACTER_SET, old, "CS", written=True, needed_by=needing, left=tuple(recoded.opaque))
    return Edited(
        {**recoded.elements, **edited.elements},
        {**effects, REDECLARED: declared},
        recoded.elements,
        guessed=recoded.guessed,
    )


def _with_obstacle(edited: Edited, obstacle: str) -> Edited:
    """Say in the refusals for want of a character set what stands in the way of another one."""
    effects = {
        number: replace(effect, reason=f"{effect.reason}: {obstacle}") if effect.repertoire else effect
        for number, effect in edited.effects.items()
    }
    return replace(edited, effects=effects)
