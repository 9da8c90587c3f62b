"""The record of what became of assignments: instances that share old value and fate share one change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.dictionary import SPECIFIC_CHARACTER_SET, tag_text
from export_session.dicom.vocabulary import Assignment, Change, Outcome, Step, path_text
from export_session.dicom.writing.apply import REDECLARED
from export_session.dicom.writing.elements import as_asked, as_written
from export_session.dicom.writing.requests import Effect

_NAMED = 3  # elements in a note


class Found(NamedTuple):
    """What became of one assignment in one instance."""

    instance: int  # its index
    number: int  # of the assignment, or REDECLARED
    effect: Effect


@dataclass(frozen=True)
class _Covered:
    """The instances that one change covers."""

    number: int
    effect: Effect
    indices: list[int] = field(default_factory=list)


class Record:
    """Gathers effects into changes."""

    def __init__(self, instances: Sequence[Instance], assignments: Sequence[Assignment]) -> None:
        self._instances = instances
        self._assignments = assignments
        self._total = sum(instance.kind is Kind.INSTANCE for instance in instances)
        self._covered: dict[Any, _Covered] = {}

    def add(self, effects: Iterable[Found]) -> None:
        """Note what was written or refused; values that the file holds already are no change."""
        for instance, number, effect in effects:
            if effect.written or effect.reason:
                self._covered.setdefault((number, repr(effect)), _Covered(number, effect)).indices.append(instance)

    def changes(self, outcome: Outcome) -> tuple[Change, ...]:
        """Return the changes with an outcome, in the order of the assignments."""
        covered = sorted(self._covered.values(), key=lambda one: one.number)
        changes = (change for one in covered for change in self._changes(one))
        return tuple(change for change in changes if change.outcome is outcome)

    def _changes(self, covered: _Covered) -> Iterator[Change]:
        """Yield the change, or one for each thing that changed within a sequence."""
        change = self._change(covered)
        if change.outcome is Outcome.REFUSED or not covered.effect.rows:
            yield change
            return
        above = self._assignments[covered.number].path[:-1]
        for number, row in enumerate(covered.effect.rows):
            path = (*above, *row.path)
            keys, target = [step.key for step in path], path[-1]
            yield replace(
                change,
                tag=tag_text(target.tag, target.creator),
                keyword=keys[-1].name,
                vr=row.vr,
                path=path_text(path, keys),
                old=row.old,
                new=row.new,
                reason="; ".join(filter(None, (row.note, "" if number else change.reason))),
            )

    def _change(self, covered: _Covered) -> Change:
        effect, count = covered.effect, len(covered.indices)
        assignment, note = self._assigned(covered)
        keys, target = [step.key for step in assignment.path], assignment.path[-1]
        asked = as_asked(assignment.value if effect.value is None else effect.value)
        return Change(
            tag=tag_text(effect.tag) if effect.tag else tag_text(target.tag, target.creator),
            keyword=keys[-1].name,
            vr=effect.vr,
            path=path_text(assignment.path, keys),
            old=effect.old,
            new=asked if effect.reason else as_written(asked, effect.vr, effect.old),
            cause=assignment.cause,
            outcome=Outcome.REFUSED if effect.reason else Outcome.APPLIED,
            reason=effect.reason or note,
            instances=count,
            total=self._total,
            member=self._instances[covered.indices[0]].name if count == 1 < self._total else "",
            attribution=assignment.attribution,
        )

    def _assigned(self, covered: _Covered) -> tuple[Assignment, str]:
        """Return what was assigned, and what to read with it."""
        if covered.number != REDECLARED:
            assignment = self._assignments[covered.number]
            return assignment, assignment.warning
        leader = self._assignments[covered.effect.needed_by]
        note = f"{covered.effect.how}, to hold {leader.path[-1].key.name}" + _but(covered.effect.left)
        return replace(leader, path=(Step(SPECIFIC_CHARACTER_SET),)), note


def _but(left: Sequence[str]) -> str:
    """Name what was not re-encoded, since nobody can tell whether it is text."""
    if not left:
        return ""
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    named = ", ".join(left[:_NAMED]) + more
    return f"; but {named} of unknown VR keep their bytes, which read otherwise now if they are text"
