"""The story of one session.

Order of writes: shells (with ``info.export.origin_id``), bytes, verification, file record, archive, verification,
tags. Whatever interrupts a run, reading that order backwards tells what is left, and a second run does just that.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

from export_session.record import Archived, Held, SessionRecord, Status
from export_session.session.archive import InArchive, archive_by_copy, archive_by_move, would_archive
from export_session.session.copies import pairs_above, pairs_below
from export_session.session.ending import Keep, empty, failed, objection, tagged
from export_session.session.exported import Exported
from export_session.session.file_plan import References
from export_session.session.files import FileOutcome, Run, copy_files, plan_files, row
from export_session.session.malware import assert_clean
from export_session.session.marks import marks_of
from export_session.session.origin import Origin, subject_of
from export_session.session.pairs import Pair, Pairs
from export_session.session.remarks import with_remarks
from export_session.session.result import Result, Route
from export_session.session.subjects import SubjectFiles, Subjects
from export_session.session.uids import references_in
from export_session.site.model import EXPORTED, Acquisition, Container, Project, Session
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers

log = logging.getLogger(__name__)

LEFT = "some copies were left as they are, so the session is not tagged or archived"


def export_session(
    run: Run, route: Route, session: Session, workers: Workers, subjects: Subjects, *, keep: Keep
) -> tuple[SessionRecord, Subjects]:
    """Export one session."""
    origin, pairs, references = _read(run, route, session, workers)
    run = replace(run, references=references)
    if pairs is None:
        return empty(route, session), subjects
    earlier = subjects.files_on(origin.subject)
    result = _copy(run, route, origin, pairs, workers, with_subject=earlier is None)
    on_subject = earlier or SubjectFiles.of(origin, result.outcomes, wanted=run.config.export_attachments)
    record = _finish(run, result, pairs, on_subject, workers, keep=keep)
    return record, subjects if earlier else subjects.having(origin.subject, on_subject)


def _read(
    run: Run, route: Route, session: Session, workers: Workers
) -> tuple[Origin, Pairs | Failure | None, Mapping[str, References]]:
    """Read the origin and, meanwhile, find or make the copies of subject and session; then those below.

    There are no pairs for a session without any file. Where UIDs may be edited, what follows from that in any of the
    files is known before anything is made.
    """
    site, write, overwrite = run.site, not run.config.dry_run, run.config.on_existing == "update"
    subject, listed = workers.both(
        lambda: subject_of(site, session),
        lambda: list(site.children("session", session.id, Acquisition)),
    )

    assert_clean((subject, session), listed, attachments=run.config.export_attachments)

    @cache
    def in_full() -> list[Acquisition]:
        return workers.map(lambda acquisition: site.read(Acquisition, acquisition.id), listed)

    on_session = session.files if run.config.export_attachments else ()
    if not on_session and not any(one.files for one in listed):
        origin = Origin(route.origin, subject, session, tuple(in_full()))
        if not any(one.files for one in origin.acquisitions):
            return origin, None, {}
    references: Mapping[str, References] = {}
    if run.config.edit_uids:
        origin = Origin(route.origin, subject, session, tuple(in_full()))
        found = attempt(lambda: references_in(run, origin, route.export, workers))
        if isinstance(found, Failure):
            return origin, found, {}
        references = found
    if run.approved:
        origin = Origin(route.origin, subject, session, tuple(in_full()))
        run.approved.assert_same_containers(origin, attachments=run.config.export_attachments)
    find_above = partial(pairs_above, site, subject, session, route.export, workers)
    acquisitions, above = workers.both(in_full, lambda: attempt(lambda: find_above(overwrite=overwrite, write=write)))
    origin = Origin(route.origin, subject, session, tuple(acquisitions))
    if isinstance(above, Failure):
        return origin, above, references
    below = attempt(lambda: pairs_below(site, origin, above, workers, overwrite=overwrite, write=write))
    return origin, below, references


def _copy(
    run: Run, route: Route, origin: Origin, pairs: Pairs | Failure, workers: Workers, *, with_subject: bool
) -> Result:
    """Copy the files; where the copies of the containers could not be made, give every file its row all the same."""
    if isinstance(pairs, Failure):
        nowhere = [Pair[Container](one, None, Status.NOT_REACHED) for one in origin.containers()]
        covered = tuple(nowhere if with_subject else nowhere[1:])
        plans = plan_files(run, origin, route.export, covered)
        return Result(route, origin, covered, [FileOutcome(row(plan, Status.NOT_REACHED), None) for plan in plans])
    covered = pairs.all(subject=with_subject)
    plans = plan_files(run, origin, route.export, covered)
    if run.approved:
        run.approved.assert_holds_for(origin.session.id, plans)
    outcomes = copy_files(run, plans, workers)
    return with_remarks(Result(route, origin, covered, outcomes))


def _finish(
    run: Run, result: Result, pairs: Pairs | Failure, on_subject: SubjectFiles, workers: Workers, *, keep: Keep
) -> SessionRecord:
    """Archive and tag the session, once all its files and those on its subject are verified."""
    if isinstance(pairs, Failure):
        return failed(run, result, (), pairs.message)
    copies = list(filter(None, [pairs.session.copy]))
    if reason := objection(result, on_subject):
        return failed(run, result, copies, f"{reason}; nothing was archived or tagged.")
    outcomes = [item for item in result.outcomes if item.record.level != "subject"]
    outcomes += on_subject.outcomes
    if any(item.record.status is Status.SKIPPED for item in outcomes):
        log.warning("%s: %s", result.origin.path(result.origin.session), LEFT)
        return replace(result.record(Status.SKIPPED), skipped=LEFT)
    if run.config.dry_run:
        return _foretold(run, result, pairs, outcomes, workers)
    return _archive_and_tag(run, result, Exported.of(result.origin, pairs, outcomes), workers, keep)


def _foretold(
    run: Run, result: Result, pairs: Pairs, outcomes: Sequence[FileOutcome], workers: Workers
) -> SessionRecord:
    """Say what would become of a session, its archive and its marks; what stands in the way is said, too."""
    archive, kept = result.route.archive, InArchive(Archived.NOTHING)
    if archive:
        foreseen = attempt(lambda: would_archive(run, result.origin, archive, workers))
        if isinstance(foreseen, Failure):
            return result.record(Status.FAILED, foreseen.message)
        kept = foreseen
    done = result.record(result.status, archive=archive)
    noted = result.records_anew
    if not noted and all(item.proof for item in outcomes):
        exported = Exported.of(result.origin, pairs, outcomes)
        noted = not marks_of(
            run, exported, list(filter(None, (pairs.session.copy, kept.copy))), archived=archive is not None
        ).correct
    tagged = EXPORTED not in result.origin.session.tags
    return replace(done, archived=kept.how, cleared=kept.cleared, tagged=tagged, noted=noted)


def _archive_and_tag(run: Run, result: Result, exported: Exported, workers: Workers, keep: Keep) -> SessionRecord:
    """Archive the originals, let the record be kept, and tag, in that order."""
    archive = result.route.archive
    tagged_before = EXPORTED in exported.origin.session.tags
    untouched = result.status is Status.UNCHANGED and tagged_before
    kept = attempt(lambda: _archive(run, exported, archive, workers, untouched=untouched))
    if isinstance(kept, Failure):
        result = result.without(kept.copies, kept.message)
        copy = exported.pairs.session.known_copy
        return replace(failed(run, result, [copy], kept.message), finishing=archive is not None)
    marks = marks_of(run, kept.exported, kept.copies, archived=archive is not None)
    done = replace(
        result.record(result.status, archive=archive, held=kept.held),
        archived=kept.how,
        cleared=kept.cleared,
        tagged=not tagged_before,
        noted=result.records_anew or not marks.correct,
    )
    copies = [exported.pairs.session.known_copy]
    return tagged(run, done, result, marks, copies, workers, keep, held=kept.held)


@dataclass(frozen=True)
class _Kept:
    """A session whose originals are where they are to stay, looked at for the last time, and its copies."""

    exported: Exported
    copies: tuple[Session, ...]
    how: Archived
    cleared: bool = False
    held: Mapping[str, Held] = field(default_factory=dict)  # the originals in the archive, by their file_id


def _archive(run: Run, exported: Exported, archive: Project | None, workers: Workers, *, untouched: bool) -> _Kept:
    """Archive the originals, which must not happen before every file is verified.

    Origin and copies are looked at again before that, and after it before anything is tagged; not where this run
    found everything `untouched` and tagged.
    """
    site = run.site
    copies: tuple[Session, ...] = (exported.pairs.session.known_copy,)
    if archive and run.config.archive_mode == "move":
        done = archive_by_move(run, exported, archive, workers)
        moved = done.how is Archived.MOVED
        exported = exported if untouched else exported.looked_at_again(site, workers, moved=moved)
        return _Kept(exported, copies, done.how, held=done.held)
    if not untouched:
        exported = exported.looked_at_again(site, workers)
    if archive is None:
        return _Kept(exported, copies, Archived.NOTHING)
    done = archive_by_copy(run, exported, archive, workers)
    if done.how is Archived.COPIED:  # which may have taken long
        exported = exported.looked_at_again(site, workers)
    return _Kept(exported, (*copies, *filter(None, [done.copy])), done.how, done.cleared, done.held)
