"""What a run came to: the figures, the one-line verdict, and the closing lines of the job log."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from export_session.record import Archived, Status, Verification
from export_session.report.restored import restored
from export_session.support.wording import counted, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from export_session.record import RunRecord, SessionRecord

WRITTEN = frozenset({Status.CREATED, Status.UPDATED})
IN_PLACE = WRITTEN | {Status.UNCHANGED}
UNPROVEN = frozenset({Verification.NONE, Verification.NEEDLESS})


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
    to_verify: int  # all but those that stay as they are, in place
    all_verified: bool  # whether there is a file in place, and none of them without its proof
    in_place: int  # files created, updated or found unchanged
    versions: int  # new ones of files in place
    history: int  # bytes of the versions before these
    warnings: int
    seconds: float  # wall time, sessions one after the other

    @classmethod
    def of(cls, record: RunRecord) -> Figures:
        """Count what a run did."""
        files = list(record.files())
        in_place = [file for file in files if file.status in IN_PLACE]
        notes = [file.remarks for file in files]
        notes += [each.notes for session in record.sessions for each in session.containers]
        return cls(
            sessions=Counter(session.status for session in record.sessions),
            files=Counter(file.status for file in files),
            size=sum(file.size for file in files),
            instances=sum(file.instances for file in files),
            changes=sum(len(file.changes) for file in files),
            changed_files=sum(bool(file.changes) for file in files),
            refused=sum(len(file.refused) for file in files),
            verified=sum(file.verification not in UNPROVEN for file in files),
            to_verify=sum(file.verification is not Verification.NEEDLESS for file in files),
            all_verified=bool(in_place) and all(file.verification is not Verification.NONE for file in in_place),
            in_place=len(in_place),
            versions=sum(bool(file.history) for file in files),
            history=sum(file.history for file in files),
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
    if record.error:
        return Verdict("bad", f"The run stopped early: {_so_far(record, figures)}.")
    if not record.sessions:
        return Verdict("good", f"Nothing to do: {record.nothing_selected or 'no session was selected'}.")
    if record.mode == "restore":
        return Verdict(*restored(record))
    if figures.sessions.get(Status.FAILED):
        return Verdict("bad", _failed(record))
    parts = [_done(record, figures), *_archived(record), *_marked(record)]
    said = [part for part in parts if part]
    kind: Literal["good", "warning"] = "warning" if figures.refused or _edited(record) else "good"
    if not said:
        lead = "Nothing to do" if kind == "good" else "Nothing was done"
        still = f"; {counted(figures.refused, 'edit')} still refused" if figures.refused else ""
        return Verdict(kind, f"{lead}: {_left(record, figures)}{still}.")
    if figures.sessions.get(Status.SKIPPED):
        said.append(_left_alone(record, figures))
    refused = f", but {_with_verb(figures.refused, 'edit', record, 'refused')}" if figures.refused else ""
    sentence = f"{'; '.join(said)}{refused}."
    return Verdict(kind, sentence[0].upper() + sentence[1:])


def _so_far(record: RunRecord, figures: Figures) -> str:
    left = figures.sessions.get(Status.NOT_REACHED, 0)
    total = len(record.sessions) - left
    if not total:
        return f"no session {'could be' if record.dry_run else 'was'} looked at"
    rest = f"; {left:,} not reached" if left else ""
    return f"of the {counted(total, 'session')} that it came to, {_statuses(record, figures)}{rest}"


def _statuses(record: RunRecord, figures: Figures) -> str:
    exported = sum(figures.sessions.get(status, 0) for status in IN_PLACE)
    done = "exported" if record.mode != "restore" else "brought back"
    counts = {
        f"could be {done}" if record.dry_run else done: exported,
        "failed": figures.sessions.get(Status.FAILED, 0),
        "left alone": figures.sessions.get(Status.SKIPPED, 0),
    }
    return ", ".join(f"{number:,} {word}" for word, number in counts.items() if number)


def _failed(record: RunRecord) -> str:
    """Say how many sessions failed, and what of them is done all the same."""
    failed = [session for session in record.sessions if session.status is Status.FAILED]
    number, late = len(failed), sum(session.finishing for session in failed)
    moved = sum(session.archived is Archived.MOVED for session in failed)
    scope = f"{number:,} of {counted(len(record.sessions), 'session')}"
    them = "it" if number == 1 else "them"
    left = "archived or tagged" if record.mode == "copy" else "tagged"
    if record.dry_run:
        return f"{scope} would fail; nothing of {them} would be {left}."
    if not late:
        return f"{scope} failed; nothing of {them} was {left}."
    which = "" if late == number else f", {late:,} of them"
    gone = f" ({moved:,} moved to the archive)" if moved else ""
    rest = "" if late == number else "; nothing of the others was archived or tagged"
    when = f"only after all files were verified, while archiving or tagging{gone}{rest}"
    return f"{scope} failed{which} {when}. Run it again."


def _done(record: RunRecord, figures: Figures) -> str:
    """Say what was written to the export project, if anything."""
    if not any(map(_written, record.sessions)) and not any(figures.files.get(status) for status in WRITTEN):
        return ""
    exported = sum(figures.sessions.get(status, 0) for status in IN_PLACE)
    scope = f"{counted(exported, 'session')}, {counted(figures.in_place, 'file')}"
    if record.mode == "in_place":
        scope = f"a new version of {counted(figures.versions, 'file')} in place, in {counted(exported, 'session')}"
        return f"This run would make {scope}" if record.dry_run else f"Made and verified: {scope}"
    if record.dry_run:
        return f"This run would export {scope}"
    return f"Exported{' and verified' if figures.all_verified else ''}: {scope}"


def _written(session: SessionRecord) -> bool:
    """Tell whether a session was written; one that was left alone for its files may have got new containers."""
    left = session.containers if session.status is Status.SKIPPED else ()
    return session.status in WRITTEN or any(container.status in WRITTEN for container in left)


def _archived(record: RunRecord) -> Iterator[str]:
    """Say of how many sessions the originals went to the archive."""
    for how in (Archived.COPIED, Archived.MOVED):
        number = sum(session.archived is how for session in record.sessions)
        if number:
            yield f"the originals of {_with_verb(number, 'session', record, how.value, plural=True)} to the archive"


def _marked(record: RunRecord) -> Iterator[str]:
    """Say how many sessions got no more than their tag, or what is noted on them: an earlier run did the rest."""
    only = [each for each in record.sessions if each.status is Status.UNCHANGED and each.archived is Archived.NOTHING]
    if tagged := sum(each.tagged for each in only):
        why = "all else was done before" if record.mode == "copy" else "no file needed a new version"
        yield f"{_with_verb(tagged, 'session', record, 'tagged')} EXPORTED, as {why}"
    if noted := sum(each.noted and not each.tagged for each in only):
        done = _with_verb(noted, "session", record, "brought up to date", plural=False)
        yield f"what is noted on {done}, as all else was done before"
    if cleared := sum(each.cleared for each in record.sessions):
        done = _with_verb(cleared, "session", record, "removed from the archive", plural=True)
        yield f"empty second copies of {done}"


def _with_verb(number: int, noun: str, record: RunRecord, verb: str, *, plural: bool | None = None) -> str:
    plural = number != 1 if plural is None else plural
    was = "would be" if record.dry_run else "were" if plural else "was"
    return f"{counted(number, noun)} {was} {verb}"


def _left(record: RunRecord, figures: Figures) -> str:
    """Say why nothing was done."""
    parts = []
    if same := figures.sessions.get(Status.UNCHANGED, 0):
        parts.append(f"{counted(same, 'session')} already exported, and nothing has changed since")
    if figures.sessions.get(Status.SKIPPED):
        parts.append(_left_alone(record, figures))
    return "; ".join(parts)


def _left_alone(record: RunRecord, figures: Figures) -> str:
    edited = _edited(record)
    also = f", {edited:,} of them edited since {'its' if edited == 1 else 'their'} export" if edited else ""
    return f"{counted(figures.sessions[Status.SKIPPED], 'session')} left alone{also}"


def _edited(record: RunRecord) -> int:
    return sum(session.edited_since for session in record.sessions)


def history(record: RunRecord) -> str:
    """Say what the history of files holds of this run; empty where nothing."""
    figures = Figures.of(record)
    if not figures.versions:
        return ""
    keeps = "would keep" if record.dry_run else "keeps"
    exact = f"{figures.history:,} bytes ({size(figures.history)})"
    return f"The history of the files {keeps} {counted(figures.versions, 'version')} before these: {exact}."


def closing_lines(record: RunRecord) -> tuple[str, ...]:
    """Sum up a run for the end of the job log, in counts alone: no names and no values."""
    figures = Figures.of(record)
    statuses = ", ".join(f"{number:,} {status}" for status, number in figures.files.items())
    changes = f"{counted(figures.changes, 'change')} in {counted(figures.changed_files, 'file')}"
    return (
        f"{'PREVIEW, nothing was written. ' if record.dry_run else ''}{verdict(record).sentence}",
        *(f"{counted(number, 'session')} left alone: {reason}" for reason, number in reasons(record).items()),
        f"{counted(sum(figures.files.values()), 'file')} ({size(figures.size)}): {statuses or 'none'}",
        f"{changes}, {figures.refused:,} refused, {counted(figures.warnings, 'warning')}: see the report",
        *filter(None, [history(record)]),
        *record.remarks,
    )


def reasons(record: RunRecord) -> Counter[str]:
    """Give why sessions were left alone, and how many for each reason."""
    skipped = (session for session in record.sessions if session.status is Status.SKIPPED)
    return Counter(session.skipped or "see the report" for session in skipped)
