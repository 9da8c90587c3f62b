"""Plans the new bytes of every instance of a file: each assignment is encoded once where instances agree.

The instances of a series share the elements they have in common (see :mod:`.parse`), so what was decided for
one element holds for all instances that have the same one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet, main_data_set
from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.binary.text import UTF8, Undecodable
from export_session.dicom.dictionary import PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET, Key, tag_text
from export_session.dicom.vocabulary import Assignment, Change, Outcome, Step, path_text
from export_session.dicom.writing.elements import Edited, Effect, Request, as_number, edit_data_set, shown
from export_session.dicom.writing.utf8 import transcode, transcoded

REDECLARED = -1  # stands where the number of an assignment does, for a re-declared character set


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
    edits = [
        Request(number, one.path, one.vr, one.value, (refusals or {}).get(number, ""))
        for number, one in enumerate(assignments)
    ]
    record = _Record(instances, assignments)
    refused: set[int] = set()
    known: dict[Any, Edited] = {}
    while True:
        tried = [edit for edit in edits if edit.number not in refused]
        done = {index: _edit(instances[index], meant, known) for index, meant in _meant(instances, assignments, tried)}
        fresh = {n for one in done.values() for n, outcome in one.outcomes.items() if outcome.reason}
        for index, edited in done.items():
            record.add(index, {n: outcome for n, outcome in edited.outcomes.items() if outcome.reason})
        if not fresh:
            break
        refused |= fresh
    for index, edited in done.items():
        record.add(index, edited.outcomes)
    changes = list(record.changes())
    return Plan(
        {index: edited for index, edited in done.items() if edited.elements},
        tuple(change for change in changes if change.outcome is Outcome.APPLIED),
        tuple(change for change in changes if change.outcome is Outcome.REFUSED),
        frozenset(refused),
        frozenset(index for index, edited in done.items() if REDECLARED in edited.outcomes),
    )


def _meant(
    instances: Sequence[Instance], assignments: Sequence[Assignment], edits: Sequence[Request]
) -> Iterator[tuple[int, tuple[_Unit, ...]]]:
    """Yield the instances that are to be edited, by number, with their edits."""
    everywhere = [edit for edit in edits if assignments[edit.number].instances is None]
    somewhere = [(edit, only) for edit in edits if (only := assignments[edit.number].instances) is not None]
    common = _units(everywhere)
    for index, instance in enumerate(instances):
        own = [edit for edit, only in somewhere if index in only]
        units = _units([*everywhere, *own]) if own else common
        if units and instance.kind is Kind.INSTANCE:
            yield index, units


@dataclass(frozen=True)
class _Unit:
    """Edits that are decided together: those of one element, or of one private group with its blocks."""

    group: int  # of a private group, 0 for public elements
    tag: int
    edits: tuple[Request, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The assignments they stand for."""
        return tuple(edit.number for edit in self.edits)

    def grounds(self, instance: Instance) -> Any:
        """Return the elements that the outcome depends on."""
        if self.group:
            return tuple(element for tag, element in instance.elements.items() if tag >> 16 == self.group)
        return instance.elements.get(self.tag)


def _units(edits: Sequence[Request]) -> tuple[_Unit, ...]:
    groups: dict[tuple[int, int], list[Request]] = defaultdict(list)
    for edit in edits:
        tag = edit.path[0].tag
        groups[(tag >> 16, 0) if tag >> 16 & 1 else (0, tag)].append(edit)
    return tuple(_Unit(group, tag, tuple(unit)) for (group, tag), unit in groups.items())


def _edit(instance: Instance, units: Sequence[_Unit], known: dict[Any, Edited]) -> Edited:
    """Request an instance in its own character set if that holds all values, else in UTF-8."""
    edited = _edit_as_it_is(instance, units, known)
    needing = [number for number, outcome in edited.outcomes.items() if outcome.repertoire]
    edits = [edit for unit in units for edit in unit.edits]
    return (needing and _edit_in_utf8(instance, edits, needing[0])) or edited


def _edit_as_it_is(instance: Instance, units: Sequence[_Unit], known: dict[Any, Edited]) -> Edited:
    """Request an instance in its own character set; look up what was decided for the same elements before."""
    level: DataSet | None = None
    elements: dict[int, bytes] = {}
    outcomes: dict[int, Effect] = {}
    context = (instance.raw(SPECIFIC_CHARACTER_SET), instance.raw(PIXEL_REPRESENTATION), instance.syntax)
    for unit in units:
        key = (unit.numbers, unit.grounds(instance), context)
        edited = known.get(key)
        if edited is None:
            level = level or main_data_set(instance)
            edited = known[key] = edit_data_set(level, unit.edits)
        elements |= edited.elements
        outcomes |= edited.outcomes
    return Edited(elements, outcomes)


def _edit_in_utf8(instance: Instance, edits: Sequence[Request], needing: int) -> Edited | None:
    """Re-declare the data set as UTF-8 and edit it; None where that cannot be done without loss."""
    level = main_data_set(instance)
    try:
        recoded = transcode(level)
    except Undecodable:
        return None
    edited = edit_data_set(transcoded(level, recoded), edits)
    old = shown(level.at(SPECIFIC_CHARACTER_SET))
    outcome = Effect(SPECIFIC_CHARACTER_SET, old, "CS", written=True, needed_by=needing)
    return Edited({**recoded, **edited.elements}, {**edited.outcomes, REDECLARED: outcome}, recoded)


@dataclass(frozen=True)
class _Covered:
    """The instances that one change covers."""

    number: int
    outcome: Effect
    indices: list[int] = field(default_factory=list)


class _Record:
    """Gathers outcomes into changes: instances that share old value and fate share one."""

    def __init__(self, instances: Sequence[Instance], assignments: Sequence[Assignment]) -> None:
        self._instances = instances
        self._assignments = assignments
        self._total = sum(instance.kind is Kind.INSTANCE for instance in instances)
        self._covered: dict[Any, _Covered] = {}

    def add(self, index: int, outcomes: Mapping[int, Effect]) -> None:
        """Note what became of the edits of one instance."""
        for number, outcome in outcomes.items():
            if outcome.written or outcome.reason:
                key = (number, repr(outcome))
                self._covered.setdefault(key, _Covered(number, outcome)).indices.append(index)

    def changes(self) -> Iterator[Change]:
        """Yield the changes in the order of the assignments."""
        for covered in sorted(self._covered.values(), key=lambda one: one.number):
            yield self._change(covered)

    def _change(self, covered: _Covered) -> Change:
        outcome, first = covered.outcome, covered.indices[0]
        assignment = self._assignments[outcome.needed_by if covered.number == REDECLARED else covered.number]
        reason = outcome.reason or assignment.warning
        if covered.number == REDECLARED:
            reason = f"re-declared, and all text re-encoded, to hold {_keys(assignment)[-1].name}"
            assignment = replace(assignment, path=(Step(SPECIFIC_CHARACTER_SET),), value=UTF8)
        keys, target = _keys(assignment), assignment.path[-1]
        return Change(
            tag=tag_text(outcome.tag) if outcome.tag else tag_text(target.tag, target.creator),
            keyword=keys[-1].name,
            vr=outcome.vr,
            path=path_text(assignment.path, keys),
            old=outcome.old,
            new=_as_asked(assignment.value, outcome.vr),
            cause=assignment.cause,
            outcome=Outcome.REFUSED if outcome.reason else Outcome.APPLIED,
            reason=reason,
            instances=len(covered.indices),
            total=self._total,
            member=self._instances[first].name if len(covered.indices) == 1 < self._total else "",
        )


def _keys(assignment: Assignment) -> list[Key]:
    return [Key("", step.tag, step.creator) for step in assignment.path]


def _as_asked(value: Any, vr: str) -> Any:
    """Return a value to write as the log shows it: unchanged components are the file's text, also of numbers."""
    return (
        [as_number(part, vr) if isinstance(part, str) else part for part in value] if isinstance(value, list) else value
    )
