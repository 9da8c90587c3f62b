"""The record of what became of assignments: instances that share old value and fate share one change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.binary.text import UTF8
from export_session.dicom.binary.values import is_blank, to_text
from export_session.dicom.dictionary import NUMBER_STRINGS, SPECIFIC_CHARACTER_SET, tag_text
from export_session.dicom.vocabulary import Assignment, Change, Outcome, Step, path_text
from export_session.dicom.writing.apply import Effect

_NAMED = 3  # elements in a note
REDECLARED = -1  # stands where the number of an assignment does, for a re-declared character set


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
        return tuple(change for change in map(self._change, covered) if change.outcome is outcome)

    def _change(self, covered: _Covered) -> Change:
        effect, count = covered.effect, len(covered.indices)
        assignment, note = self._assigned(covered)
        keys, target = [step.key for step in assignment.path], assignment.path[-1]
        return Change(
            tag=tag_text(effect.tag) if effect.tag else tag_text(target.tag, target.creator),
            keyword=keys[-1].name,
            vr=effect.vr,
            path=path_text(assignment.path, keys),
            old=effect.old,
            new=_as_written(effect, assignment.value),
            cause=assignment.cause,
            outcome=Outcome.REFUSED if effect.reason else Outcome.APPLIED,
            reason=effect.reason or note,
            instances=count,
            total=self._total,
            member=self._instances[covered.indices[0]].name if count == 1 < self._total else "",
        )

    def _assigned(self, covered: _Covered) -> tuple[Assignment, str]:
        """Return what was assigned, and what to read with it."""
        if covered.number != REDECLARED:
            assignment = self._assignments[covered.number]
            return assignment, assignment.warning
        leader = self._assignments[covered.effect.needed_by]
        note = f"re-declared, and all text re-encoded, to hold {leader.path[-1].key.name}" + _but(covered.effect.left)
        return replace(leader, path=(Step(SPECIFIC_CHARACTER_SET),), value=UTF8), note


def _but(left: Sequence[str]) -> str:
    """Name what was not re-encoded, since nobody can tell whether it is text."""
    if not left:
        return ""
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    named = ", ".join(left[:_NAMED]) + more
    return f"; but {named} of unknown VR keep their bytes, which read otherwise now if they are text"


def _as_written(effect: Effect, value: Any) -> Any:
    """Return a value as the log shows it: if it was written, numbers of DS and IS by their characters in the file."""
    if effect.reason or effect.vr not in NUMBER_STRINGS or is_blank(value):
        return value
    own = effect.old if isinstance(effect.old, list) else [effect.old or ""]
    spelled = to_text(value, effect.vr, "1-n", "\\".join(map(str, own))).split("\\")
    return spelled[0] if len(spelled) == 1 else spelled
