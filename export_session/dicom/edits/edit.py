"""What edit detection decides: each edit, where it stands in the metadata, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from export_session.dicom.dictionary import tag_text
from export_session.dicom.edits.difference import Difference
from export_session.dicom.edits.importers import ABSENT
from export_session.dicom.edits.series import Series
from export_session.dicom.vocabulary import (
    Assignment,
    Attribution,
    Cause,
    Change,
    HeaderPath,
    Outcome,
    Step,
    path_text,
)

SAID_ALREADY = "the file holds what the metadata say in other words, so nothing is to be changed"


@dataclass(frozen=True)
class Edit:
    """One value to write, or one that must not be written."""

    difference: Difference
    cause: Cause
    instances: frozenset[int] | None  # the members it is meant for; None: all of them
    places: tuple[HeaderPath, ...]  # where the metadata shows it
    before: Any = ABSENT  # what the importer would have put there
    overruled: bool = False  # by a Flywheel field that is mapped to its element
    attribution: Attribution | None = None  # where it is known

    @property
    def refused(self) -> bool:
        """Whether it is not even tried."""
        return bool(self.difference.refusal)

    @property
    def path(self) -> tuple[Step, ...]:
        """The way to its element."""
        return self.difference.path

    @property
    def assignment(self) -> Assignment:
        """The edit as the writer wants it."""
        one = self.difference
        return Assignment(
            one.path, one.vr, one.value, self.cause, self.instances, one.warning, one.unwritable, self.attribution
        )

    def refuse(self, reason: str) -> Edit:
        """Return the edit as refused; a reason that it has already stays."""
        return replace(self, difference=replace(self.difference, refusal=self.difference.refusal or reason))

    def overrule(self, reason: str) -> Edit:
        """Return the edit as refused, since a Flywheel field decides its element."""
        return replace(self.refuse(reason), overruled=True)

    def warn(self, warning: str) -> Edit:
        """Return the edit with one more warning."""
        return replace(self, difference=self.difference.warn(warning))

    def covers(self, instance: int) -> bool:
        """Whether it is meant for an instance."""
        return self.instances is None or instance in self.instances

    def refusal(self, series: Series) -> Change:
        """Return the record of the edit as a refused one."""
        one, total = self.difference, len(series.indices)
        covered = series.indices if self.instances is None else sorted(self.instances)
        return Change(
            tag=tag_text(one.path[-1].tag, one.path[-1].creator),
            keyword=one.keys[-1].name,
            vr=one.vr,
            path=path_text(one.path, one.keys),
            old=one.old,
            new=one.wanted,
            cause=self.cause,
            outcome=Outcome.REFUSED,
            reason=one.refusal,
            instances=len(covered),
            total=total,
            member=series.members[covered[0]].name if len(covered) == 1 < total else "",
            attribution=self.attribution,
        )


@dataclass(frozen=True)
class Shown:
    """What is to stand at a place of the metadata that says otherwise what the file holds, and is no edit."""

    place: HeaderPath
    value: Any  # as the importer shows what the file holds
    why: str = SAID_ALREADY  # it is no edit

    @property
    def note(self) -> str:
        """What a person should know, who may wonder why nothing changes."""
        return f"{place_text(self.place)}: {self.why}"


def place_text(place: HeaderPath) -> str:
    """Return a place of the metadata as a person finds it, that is as a path where it is in ``header.dicom``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).removeprefix(".dicom.").removeprefix(".")


@dataclass(frozen=True)
class Decision:
    """Which values are to be written to which instances, and which are not."""

    series: Series
    reference: int = 0  # the instance that ``header.dicom`` describes
    order: tuple[int, ...] = ()  # the members in the order of ``dicom_array``
    edits: tuple[Edit, ...] = ()
    notes: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """The values to write."""
        return tuple(edit.assignment for edit in self.edits if not edit.refused)

    @property
    def refused(self) -> tuple[Change, ...]:
        """The edits that are not written, each with its reason."""
        return tuple(edit.refusal(self.series) for edit in self.edits if edit.refused)

    def missing(self, unwritten: Iterable[Change]) -> tuple[Change, ...]:
        """Return the refused edits whose elements nothing else decides.

        A Flywheel field decides the element that it is mapped to, unless its value is ``unwritten``.
        """
        undecided = {change.path for change in unwritten if change.cause is Cause.MAPPING}
        return tuple(
            edit.refusal(self.series)
            for edit in self.edits
            if edit.refused
            and edit.cause is not Cause.MAPPING
            and not (edit.overruled and edit.difference.keys[0].name not in undecided)
        )
