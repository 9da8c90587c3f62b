"""What a run came to: the figures, the one-line verdict, and the closing lines of the job log."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from export_session.record import Status, Verification
from export_session.support.wording import counted, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from export_session.record import RunRecord

WRITTEN = frozenset({Status.CREATED, Status.UPDATED})
IN_PLACE = WRITTEN | {Status.UNCHANGED}


@dataclass(frozen=True)
class Figures:
    """The counts of a run."""

    sessions: Mapping[Status, int]
    files: Mapping[Status, int]
    size: int  # bytes of all origin files
    instances: int
    changes: int
    changed_files: int
    refused: int
    verified: int
    in_place: int  # files created, updated or found unchanged
    warnings: int
    seconds: float  # wall time, sessions one after the other

    @classmethod
    def of(cls, record: RunRecord) -> Figures:
        """Count what a run did."""
        files = list(record.files())
        notes = [file.notes for file in files]
        notes += [each.notes for session in record.sessions for each in session.containers]
        return cls(
            sessions=Counter(session.status for session in record.sessions),
            files=Counter(file.status for file in files),
            size=sum(file.size for file in files),
            instances=sum(file.instances for file in files),
            changes=sum(len(file.changes) for file in files),
            changed_files=sum(bool(file.changes) for file in files),
            refused=sum(len(file.refused) for file in files),
            verified=sum(file.verification is not Verification.NONE for file in files),
            in_place=sum(file.status in IN_PLACE for file in files),
            warnings=sum(map(len, notes)),
            seconds=sum(session.seconds for session in record.sessions),
        )


@dataclass(frozen=True)
class Verdict:
    """What a run came to, in one sentence."""

    kind: Literal["good", "warning", "bad"]
    sentence: str


def verdict(record: RunRecord) -> Verdict:
    """Say in one sentence what a run came to, or in a preview would come to."""
    figures = Figures.of(record)
    total = len(record.sessions)
    failed = figures.sessions.get(Status.FAILED, 0)
    exported = sum(figures.sessions.get(status, 0) for status in IN_PLACE)
    if record.error:
        done = "could be" if record.dry_run else "are"
        scope = f"{exported:,} of {counted(total, 'session')}"
        return Verdict("bad", f"The run stopped early: {scope} {done} exported.")
    if failed:
        verb = "would fail" if record.dry_run else "failed"
        left = f"nothing of {'it' if failed == 1 else 'them'} {'would be' if record.dry_run else 'was'}"
        return Verdict("bad", f"{failed:,} of {counted(total, 'session')} {verb}; {left} archived or tagged.")
    if not total:
        return Verdict("good", "Nothing to do: no session was selected.")
    if not any(figures.files.get(status) or figures.sessions.get(status) for status in WRITTEN):
        return Verdict("good", f"Nothing to do: {counted(total, 'session')} {_left(figures)}.")
    scope = f"{counted(exported, 'session')}, {counted(sum(figures.files.values()), 'file')}"
    refused = f"{counted(figures.refused, 'edit')} {'would be' if record.dry_run else 'were'} refused"
    tail = f", but {refused.replace('1 edit were', '1 edit was')}" if figures.refused else ""
    proven = " and verified" if figures.verified >= figures.in_place else ""
    if record.dry_run:
        return Verdict("warning" if tail else "good", f"This run would export {scope}{tail}.")
    return Verdict("warning" if tail else "good", f"Exported{proven}: {scope}{tail}.")


def _left(figures: Figures) -> str:
    if figures.sessions.get(Status.UNCHANGED):
        return "already exported, and nothing has changed since"
    return "left alone"


def closing_lines(record: RunRecord) -> tuple[str, ...]:
    """Sum up a run for the end of the job log, in counts alone: no names and no values."""
    figures = Figures.of(record)
    statuses = ", ".join(f"{number:,} {status}" for status, number in figures.files.items())
    changes = f"{counted(figures.changes, 'change')} in {counted(figures.changed_files, 'file')}"
    return (
        f"{'PREVIEW, nothing was written. ' if record.dry_run else ''}{verdict(record).sentence}",
        f"{counted(sum(figures.files.values()), 'file')} ({size(figures.size)}): {statuses or 'none'}",
        f"{changes}, {figures.refused:,} refused, {counted(figures.warnings, 'warning')}: see the report",
    )
