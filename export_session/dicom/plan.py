"""Plans the new bytes of every instance of a file: each assignment is encoded once where instances agree.

The instances of a series share the elements they have in common (see :mod:`.parse`), so what was decided for
one element holds for all instances that have the same one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .charsets import UTF8, Undecodable
from .decision import path_text, tag_text
from .editing import Edit, Edited, Outcome, edit_level, shown
from .instance import SPECIFIC_CHARACTER_SET, Instance, Kind
from .keys import Key
from .model import Assignment, Change, Step
from .model import Outcome as Fate
from .stored import PIXEL_REPRESENTATION, Level, top_level
from .transcode import transcode, transcoded_level


@dataclass(frozen=True)
class Plan:
    """The new elements of each instance that changes, and the record of all changes."""

    elements: Mapping[int, Mapping[int, bytes]] = field(default_factory=dict)  # instance → tag → whole element
    changes: tuple[Change, ...] = ()
    refused: tuple[Change, ...] = ()
    redeclared: frozenset[int] = frozenset()  # instances whose text is UTF-8 now


def make_plan(instances: Sequence[Instance], assignments: Sequence[Assignment]) -> Plan:
    """Encode assignments for the instances they are meant for.

    Parameters
    ----------
    instances
        All members of the file; only DICOM instances are edited.
    assignments
        What to write.
    """
    edits = [Edit(number, one.path, one.vr, one.value) for number, one in enumerate(assignments)]
    known: dict[Any, Edited] = {}
    elements: dict[int, Mapping[int, bytes]] = {}
    redeclared = set()
    record = _Record(instances, assignments)
    for index, instance in enumerate(instances):
        if instance.kind is not Kind.INSTANCE:
            continue
        meant = [
            edit
            for edit, one in zip(edits, assignments, strict=True)
            if one.instances is None or index in one.instances
        ]
        edited = _edit_instance(instance, meant, known)
        if any(outcome.repertoire for outcome in edited.outcomes.values()):
            recoded = _edit_in_utf8(instance, meant)
            if recoded is not None:
                record.add_redeclared(index, edited)
                redeclared.add(index)
                edited = recoded
        record.add(index, edited)
        if edited.elements:
            elements[index] = edited.elements
    changes = list(record.changes())
    return Plan(
        elements,
        tuple(change for change in changes if change.outcome is Fate.APPLIED),
        tuple(change for change in changes if change.outcome is Fate.REFUSED),
        frozenset(redeclared),
    )


def _edit_instance(instance: Instance, edits: Sequence[Edit], known: dict[Any, Edited]) -> Edited:
    """Edit an instance in its own character set; look up what was decided for the same elements before."""
    units: dict[tuple[bool, int], list[Edit]] = defaultdict(list)
    for edit in edits:
        tag = edit.path[0].tag
        private = bool(tag >> 16 & 1)  # the blocks of a private group are looked at together
        units[private, tag >> 16 if private else tag].append(edit)
    level: Level | None = None
    elements: dict[int, bytes] = {}
    outcomes: dict[int, Outcome] = {}
    for (private, at), unit in units.items():
        key = (_grounds(instance, private=private, at=at), tuple(edit.number for edit in unit))
        edited = known.get(key)
        if edited is None:
            level = level or top_level(instance)
            edited = known[key] = edit_level(level, unit)
        elements |= edited.elements
        outcomes |= edited.outcomes
    return Edited(elements, outcomes)


def _grounds(instance: Instance, *, private: bool, at: int) -> Any:
    """Return all that the outcome for an element, or for a private group, depends on."""
    found: Any = instance.elements.get(at)
    if private:
        found = tuple(element for tag, element in instance.elements.items() if tag >> 16 == at)
    context = (instance.raw(SPECIFIC_CHARACTER_SET), instance.raw(PIXEL_REPRESENTATION), instance.syntax)
    return found, context


def _edit_in_utf8(instance: Instance, edits: Sequence[Edit]) -> Edited | None:
    """Re-declare the data set as UTF-8 and edit it; None where that cannot be done without loss."""
    level = top_level(instance)
    try:
        recoded = transcode(level)
    except Undecodable:
        return None
    edited = edit_level(transcoded_level(level, recoded), edits)
    return Edited({**recoded, **edited.elements}, edited.outcomes)


@dataclass(frozen=True)
class _Covered:
    """The instances that one change covers."""

    number: int  # of the assignment, or -1 for a re-declared character set
    outcome: Outcome
    indices: list[int] = field(default_factory=list)


class _Record:
    """Gathers outcomes into changes: instances that share old value and fate share one."""

    def __init__(self, instances: Sequence[Instance], assignments: Sequence[Assignment]) -> None:
        self._instances = instances
        self._assignments = assignments
        self._total = sum(instance.kind is Kind.INSTANCE for instance in instances)
        self._covered: dict[Any, _Covered] = {}
        self._redeclared_for = 0  # number of the assignment that needs another character set

    def add(self, index: int, edited: Edited) -> None:
        """Note what became of the edits of one instance."""
        for number, outcome in edited.outcomes.items():
            if outcome.written or outcome.reason:
                self._add(index, number, outcome)

    def add_redeclared(self, index: int, edited: Edited) -> None:
        """Note that the text of an instance is UTF-8 now, because of an edit."""
        needing = [number for number, outcome in edited.outcomes.items() if outcome.repertoire]
        self._redeclared_for = self._redeclared_for if self._redeclared_for in needing else needing[0]
        old = shown(top_level(self._instances[index]).at(SPECIFIC_CHARACTER_SET))
        self._add(index, -1, Outcome(SPECIFIC_CHARACTER_SET, old, "CS", written=True))

    def _add(self, index: int, number: int, outcome: Outcome) -> None:
        key = (number, repr(outcome))
        self._covered.setdefault(key, _Covered(number, outcome)).indices.append(index)

    def changes(self) -> Iterator[Change]:
        """Yield the changes in the order of the assignments."""
        for covered in sorted(self._covered.values(), key=lambda one: one.number):
            yield self._change(covered)

    def _change(self, covered: _Covered) -> Change:
        outcome, first = covered.outcome, covered.indices[0]
        assignment = self._assignments[max(covered.number, 0)]
        reason = outcome.reason or assignment.warning
        if covered.number < 0:
            assignment = self._assignments[self._redeclared_for]
            reason = f"re-declared, and all text re-encoded, to hold {_keys(assignment)[-1].name}"
            assignment = replace(assignment, path=(Step(SPECIFIC_CHARACTER_SET),), value=UTF8)
        keys = _keys(assignment)
        last = assignment.path[-1]
        return Change(
            tag=tag_text(Step(outcome.tag) if outcome.tag else last),
            keyword=keys[-1].name,
            vr=outcome.vr,
            path=path_text(assignment.path, keys),
            old=outcome.old,
            new=assignment.value,
            cause=assignment.cause,
            outcome=Fate.REFUSED if outcome.reason else Fate.APPLIED,
            reason=reason,
            instances=len(covered.indices),
            total=self._total,
            member=self._instances[first].name if len(covered.indices) == 1 < self._total else "",
        )


def _keys(assignment: Assignment) -> list[Key]:
    return [Key("", step.tag, step.creator) for step in assignment.path]
