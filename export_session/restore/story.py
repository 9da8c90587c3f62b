"""The story of a session that goes back to what it was before the gear wrote to its files.

Order of writes: the tag comes off, files come back, each verified, and what is noted on the session goes last. So a run
that was interrupted leaves no session that looks exported, and the next one finds what is still to do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from export_session.errors import AccessDenied
from export_session.record import ContainerRecord, FileRecord, SessionRecord, Status, Verification
from export_session.restore.bring_back import bring_back
from export_session.restore.marks import must_go, remarks, take_note_away, take_tag_off
from export_session.restore.past import Left, Past, past_of
from export_session.session.ending import Keep
from export_session.session.files import FILE_PATIENCE, Run
from export_session.session.marks import note_failure
from export_session.session.origin import Origin, read_origin
from export_session.session.result import Route
from export_session.session.subjects import SubjectFiles, Subjects
from export_session.site.model import EXPORTED, File, Session, Subject
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers
from export_session.support.wording import counted

log = logging.getLogger(__name__)

SHARED = (
    "files on the subject come back, which belong to other sessions, too; these are tagged EXPORTED until they are "
    "restored, or exported again with force_export"
)

Judged = Past | Left | Failure
Judge = Callable[[File], Past | Left]


@dataclass(frozen=True)
class _Item:
    """A file, where it lies, and what is to become of it."""

    file: File
    path: str
    judge: Judge
    judged: Judged


def restore_session(
    run: Run, route: Route, session: Session, workers: Workers, subjects: Subjects, *, keep: Keep
) -> tuple[SessionRecord, Subjects]:
    """Bring back the files of one session, and with the first one of a subject those on the subject."""
    site = run.site
    origin = read_origin(site, route.origin, session, workers, lambda: site.read(Subject, session.subject_id))
    known = subjects.files_on(origin.subject) is not None
    items = _judged(run, origin, workers, with_subject=not known)
    subjects = subjects if known else subjects.having(origin.subject, SubjectFiles(session.label, None, ()))
    return _back(run, origin, items, workers, with_subject=not known, keep=keep), subjects


def _judged(run: Run, origin: Origin, workers: Workers, *, with_subject: bool) -> list[_Item]:
    """Find for every file what is to become of it; nothing is written."""

    @cache
    def ruled() -> bool:
        try:
            return any(rule.enabled for rule in run.site.gear_rules(origin.project.id))
        except AccessDenied:
            return False

    def judge(file: File) -> Past | Left:
        site = run.site.with_patience(FILE_PATIENCE)
        return past_of(site, file, run.handling.scratch, ruled, force=run.config.force_export)

    there = [one for one in origin.containers() if with_subject or one.level != "subject"]
    files = [(file, f"{origin.path(one)}/{file.name}") for one in there for file in one.files]
    return workers.map(lambda item: _Item(*item, judge, attempt(lambda: judge(item[0]))), files)


def _back(
    run: Run, origin: Origin, items: Sequence[_Item], workers: Workers, *, with_subject: bool, keep: Keep
) -> SessionRecord:
    """Take the tag off, bring back what can come back, and take away what is noted on the session."""
    session, writes = origin.session, not run.config.dry_run
    coming = [item for item in items if isinstance(item.judged, Past)]
    run.progress.expect(len(coming), sum(item.file.size for item in coming))
    if writes and coming:
        take_tag_off(run.site, session)
    rows = workers.map(lambda item: _row(run, item), items)
    done = _record(origin, rows, with_subject=with_subject)
    if failed := sum(row.status is Status.FAILED for row in rows):
        reason = f"{failed} of {counted(len(rows), 'file')} could not be brought back"
        log.error("%s: %s", origin.path(session), reason)
        if writes and (coming or EXPORTED not in session.tags):
            note_failure(run, session, (), reason)
        return replace(_with_status(done, Status.FAILED), error=reason)
    if not coming and not must_go(session):
        return done
    done = _with_status(done, Status.UPDATED, notes=(*remarks(session), *_shared(run, session, coming)))
    if writes:
        keep(done)
        if not coming:
            take_tag_off(run.site, session)
        take_note_away(run.site, session)
    return done


def _shared(run: Run, session: Session, coming: Sequence[_Item]) -> Iterator[str]:
    """Say which other sessions are no longer as they were exported, as files on their subject came back."""
    if any(item.file.parent_level == "subject" for item in coming):
        siblings = run.site.children("subject", session.subject_id, Session)
        tagged = [one.label for one in siblings if one.id != session.id and EXPORTED in one.tags]
        if tagged:
            yield f"{SHARED}: {', '.join(tagged)}"


def _row(run: Run, item: _Item) -> FileRecord:
    """Bring one file back, or say why it stays, and return its row; a failure becomes its row."""
    row = FileRecord(
        item.file.parent_level, item.file.name, Status.UNCHANGED, item.path, export_path=item.path, size=item.file.size
    )
    row = replace(row, modality=item.file.modality or "")
    if isinstance(item.judged, Failure):
        return _failed_row(row, item.judged)
    if isinstance(item.judged, Left):
        notes = (item.judged.why,) if item.judged.why else ()
        status = Status.SKIPPED if notes else Status.UNCHANGED
        return replace(row, status=status, notes=notes, verification=Verification.NEEDLESS)
    return _brought_back(run, row, item.judge, item.judged)


def _brought_back(run: Run, row: FileRecord, judge: Judge, past: Past) -> FileRecord:
    run = replace(run, site=run.site.with_patience(FILE_PATIENCE))
    done = attempt(lambda: _done(run, row, judge, past))
    run.progress.advance(row.name, row.size)
    return _failed_row(row, done) if isinstance(done, Failure) else done


def _done(run: Run, row: FileRecord, judge: Judge, past: Past) -> FileRecord:
    """Bring one file back, unless another run has done so meanwhile; in a preview say what would be done."""
    newest = run.site.read_file(past.file)
    if (newest.version, newest.modified) != (past.file.version, past.file.modified):
        judged = judge(newest)
        if isinstance(judged, Left):
            return replace(row, verification=Verification.NEEDLESS, done="another run has brought it back meanwhile")
        past = judged
    number, made = past.before.version, past.made.version
    which = f"version {number}, from before version {made},"
    if run.config.dry_run:
        return replace(row, status=Status.UPDATED, done=f"{which} would come back with its metadata")
    file, how, timing = bring_back(run.site, past, run.handling)
    is_back = f"{which} is back with its metadata, as version {file.version}"
    return replace(row, status=Status.UPDATED, done=is_back, verification=how, timing=timing)


def _failed_row(row: FileRecord, failure: Failure) -> FileRecord:
    log.error("%s: %s", row.origin_path, failure.for_log)
    return replace(row, status=Status.FAILED, error=failure.message)


def _record(origin: Origin, rows: Sequence[FileRecord], *, with_subject: bool) -> SessionRecord:
    containers = [one for one in origin.containers() if with_subject or one.level != "subject"]
    return SessionRecord(
        origin.subject.label,
        origin.session.label,
        Status.UNCHANGED,
        tuple(ContainerRecord(one.level, one.label, Status.UNCHANGED, origin.path(one)) for one in containers),
        tuple(rows),
    )


def _with_status(record: SessionRecord, status: Status, notes: tuple[str, ...] = ()) -> SessionRecord:
    containers = (
        replace(row, status=status, notes=notes) if row.level == "session" else row for row in record.containers
    )
    return replace(record, status=status, containers=tuple(containers))
