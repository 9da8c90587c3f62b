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
from export_session.dicom.writing.declared import edit_as_stated, edit_redeclared, is_statement
from export_session.dicom.writing.record import Found, Record


@dataclass(frozen=True)
class Plan:
    """The new elements of the instances, and the record of all changes."""

    edited: Mapping[int, Edited] = field(default_factory=dict)  # by instance: those that change
    changes: tuple[Change, ...] = ()
    refused: tuple[Change, ...] = ()
    refused_numbers: frozenset[int] = frozenset()  # of the assignments that were not written


def make_plan(
    instances: Sequence[Instance],
    assignments: Sequence[Assignment],
    refusals: Mapping[int, str] | None = None,
    assumed: str = "",
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
    assumed
        The character set of text for which none is declared, as a value of Specific Character Set.
    """
    reasons = refusals or {}
    requests = [
        Request(number, one.path, one.vr, one.value, reasons.get(number, one.refusal))
        for number, one in enumerate(assignments)
    ]
    statements = {request.number for request in requests if is_statement(request)}
    editor = _Editor(instances, assignments, assumed)
    record = Record(instances, assignments)
    refused: set[int] = set()
    edited = editor.edit(requests)
    while fresh := [found for found in _effects(edited) if found.effect.reason]:
        # What becomes of the others depends on the character set
        fresh = [found for found in fresh if found.number in statements] or fresh
        record.add(fresh)
        refused |= {found.number for found in fresh}
        edited = editor.edit([request for request in requests if request.number not in refused])
    record.add(_effects(edited))
    return Plan(
        {index: one for index, one in edited.items() if one.elements},
        record.changes(Outcome.APPLIED),
        record.changes(Outcome.REFUSED),
        frozenset(refused),
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

    def __init__(self, instances: Sequence[Instance], assignments: Sequence[Assignment], assumed: str) -> None:
        self._instances = instances
        self._assignments = assignments
        self._assumed = assumed
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
        """Edit an instance in its own character set if that holds all values, else in another one."""
        requests = [request for unit in units for request in unit.requests]
        if any(map(is_statement, requests)):
            return edit_as_stated(main_data_set(instance), requests)
        edited = self._edit_as_declared(instance, units)
        if not any(effect.repertoire for effect in edited.effects.values()):
            return edited
        redeclared = edit_redeclared(main_data_set(instance), requests, edited.effects, self._assumed)
        return _with_obstacle(edited, redeclared) if isinstance(redeclared, str) else redeclared

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


def _with_obstacle(edited: Edited, obstacle: str) -> Edited:
    """Say in the refusals for want of a character set what stands in the way of another one."""
    effects = {
        number: replace(effect, reason=f"{effect.reason}: {obstacle}") if effect.repertoire else effect
        for number, effect in edited.effects.items()
    }
    return replace(edited, effects=effects)
