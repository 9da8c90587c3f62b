"""The story of one session.

Order of writes: shells (with ``info.export.origin_id``), bytes, verification, file record, archive, verification,
tags. Whatever interrupts a run, reading that order backwards tells what is left, and a second run does just that.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from export_session.record import Archived, ContainerRecord, FileRecord, SessionRecord, Status
from export_session.session.archive import Exported, archive_by_copy, archive_by_move, would_archive
from export_session.session.copies import pairs_above, pairs_below
from export_session.session.files import FileOutcome, Run, copy_files, orphaned_copies, plan_files, row
from export_session.session.origin import Origin, assert_unchanged
from export_session.session.pairs import Pair, Pairs
from export_session.session.provenance import has_qc, with_qc
from export_session.site.model import EXPORTED, Acquisition, Container, Project, Session, Subject
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Route:
    """From where to where a run exports."""

    origin: Project
    export: Project
    archive: Project | None


Keep = Callable[[SessionRecord], None]


def export_session(
    run: Run, route: Route, session: Session, workers: Workers, keep: Keep, *, subject_files: bool = True
) -> SessionRecord:
    """Export one session; a failure becomes its record.

    Parameters
    ----------
    session
        The origin session, read in full.
    keep
        Gets the session's record when all is done but the tags: what bears the tag must not be without record.
    subject_files
        False where an earlier session of the same run took care of the files on the subject.
    """
    began = time.monotonic()
    outcome = attempt(lambda: _export(run, route, session, workers, keep, subject_files=subject_files))
    if isinstance(outcome, Failure):
        log.error("%s: %s", session.label, outcome.for_log)
        path = f"{route.origin.path}/{session.subject_label}/{session.label}"
        failed = ContainerRecord("session", session.label, Status.FAILED, path, error=outcome.message)
        outcome = SessionRecord(session.subject_label, session.label, Status.FAILED, (failed,), error=outcome.message)
    return replace(outcome, seconds=time.monotonic() - began)


def _export(
    run: Run, route: Route, session: Session, workers: Workers, keep: Keep, *, subject_files: bool
) -> SessionRecord:
    origin, pairs = _read(run, route, session, workers)
    if isinstance(pairs, Failure):
        log.error("%s: %s", session.label, pairs.for_log)
        return _failed(run, _not_reached(run, route, origin, subject_files=subject_files), pairs.message)
    covered = pairs.all(subject=subject_files)
    outcomes = copy_files(run, plan_files(run, origin, route.export, covered), workers)
    result = _Result(route, origin, covered, outcomes)
    if failed := result.count(Status.FAILED):
        return _failed(run, result, f"{failed} of {len(outcomes)} files failed; nothing was archived or tagged.")
    if result.count(Status.SKIPPED):
        why = "some copies were left as they are (on_existing is skip), so it is not tagged or archived"
        return replace(result.record(Status.SKIPPED), skipped=why)
    if run.config.dry_run:
        return _foretold(run, result, origin, workers, subject_files=subject_files)
    exported = Exported.of(origin, pairs, outcomes, subject_files=subject_files)
    return _finish(run, result, exported, workers, keep)


def _foretold(run: Run, result: _Result, origin: Origin, workers: Workers, *, subject_files: bool) -> SessionRecord:
    """Say what would become of a session, its archive and its tag; a failure there is a failure of the session."""
    archived = Archived.NOTHING
    if archive := result.route.archive:
        foreseen = attempt(lambda: would_archive(run, origin, archive, workers, subject_files=subject_files))
        if isinstance(foreseen, Failure):
            return result.record(Status.FAILED, foreseen.message)
        archived = foreseen
    done = result.record(result.status, archive=result.route.archive)
    return replace(done, archived=archived, tagged=EXPORTED not in origin.session.tags)


def _finish(run: Run, result: _Result, exported: Exported, workers: Workers, keep: Keep) -> SessionRecord:
    """Archive the originals, let the record be kept, and tag, in that order."""
    archive = result.route.archive
    untouched = result.status is Status.UNCHANGED
    kept = attempt(lambda: _archive(run, exported, archive, workers, untouched=untouched))
    if isinstance(kept, Failure):
        return replace(_failed(run, result, kept.message), finishing=archive is not None)
    done = replace(
        result.record(result.status, archive=archive),
        archived=kept.how,
        tagged=EXPORTED not in exported.origin.session.tags,
        finishing=True,
    )

    def tag() -> None:
        keep(done)
        _tag_all(run, kept.origin.session, kept.copies, workers)

    tagged = attempt(tag)
    if isinstance(tagged, Failure):
        failed = _failed(run, result, tagged.message, archive=archive)
        return replace(failed, archived=kept.how, finishing=True)
    return done


def _read(run: Run, route: Route, session: Session, workers: Workers) -> tuple[Origin, Pairs | Failure]:
    """Read the origin and, meanwhile, find or make the copies of subject and session; then those below."""
    site, write, overwrite = run.site, not run.config.dry_run, run.config.on_existing == "update"
    subject, listed = workers.both(
        lambda: site.read(Subject, session.subject_id),
        lambda: list(site.children("session", session.id, Acquisition)),
    )
    find_above = partial(pairs_above, site, subject, session, route.export, workers)
    acquisitions, above = workers.both(
        lambda: workers.map(lambda acquisition: site.read(Acquisition, acquisition.id), listed),
        lambda: attempt(lambda: find_above(overwrite=overwrite, write=write)),
    )
    origin = Origin(route.origin, subject, session, tuple(acquisitions))
    if isinstance(above, Failure):
        return origin, above
    return origin, attempt(lambda: pairs_below(site, origin, above, workers, overwrite=overwrite, write=write))


@dataclass(frozen=True)
class _Kept:
    """A session whose originals are where they are to stay: its copies, and what this run did for that."""

    origin: Origin
    copies: tuple[Session, ...]
    how: Archived


def _archive(run: Run, exported: Exported, archive: Project | None, workers: Workers, *, untouched: bool) -> _Kept:
    """Archive the originals, which must not happen before every file is verified.

    The origin is read again before that and before it is tagged, unless this run found everything `untouched` and
    tagged.
    """
    origin, copies = exported.origin, (exported.pairs.session.known_copy,)
    if not (untouched and EXPORTED in origin.session.tags):
        origin = assert_unchanged(run.site, origin, workers)
    if archive and run.config.archive_mode == "move":
        moved = archive_by_move(run, exported, archive, workers)
        return _Kept(origin, copies, Archived.MOVED if moved else Archived.NOTHING)
    if archive:
        archived = archive_by_copy(run, exported, archive, workers)
        if archived.wrote:  # which may have taken long
            origin = assert_unchanged(run.site, origin, workers)
        return _Kept(origin, (*copies, archived.session), Archived.COPIED if archived.wrote else Archived.NOTHING)
    return _Kept(origin, copies, Archived.NOTHING)


def _tag_all(run: Run, origin: Session, copies: Sequence[Session], workers: Workers) -> None:
    """Note the result on a session and its copies and tag them, the origin last: its tag says that all is done."""
    notes = [partial(_note_result, run, session, passed=True) for session in (*copies, origin)]
    tags = [partial(_tag, run, copy) for copy in copies]
    workers.map(lambda step: step(), (*notes, *tags))
    _tag(run, origin)


def _tag(run: Run, session: Session) -> None:
    if EXPORTED not in session.tags:
        run.site.add_tags("session", session.id, [EXPORTED])


def _note_result(run: Run, session: Session, *, passed: bool) -> None:
    if not has_qc(session.info, passed=passed):
        values = {"qc": with_qc(session.info, passed=passed, job=run.handling.job)}
        run.site.set_info("session", session.id, values)


def _failed(run: Run, result: _Result, reason: str, archive: Project | None = None) -> SessionRecord:
    """Say on the origin session that it was not exported, where the site lets us; then report."""
    if not run.config.dry_run:
        said = attempt(lambda: _note_result(run, result.origin.session, passed=False))
        if isinstance(said, Failure):
            log.warning("could not note the failure on the session: %s", said.message)
    return result.record(Status.FAILED, reason, archive)


def _not_reached(run: Run, route: Route, origin: Origin, *, subject_files: bool) -> _Result:
    """Give every file of a session whose copies could not be made its row all the same."""
    pairs = [Pair[Container](one, None, Status.NOT_REACHED) for one in origin.containers()]
    covered = tuple(pairs if subject_files else pairs[1:])
    plans = plan_files(run, origin, route.export, covered)
    return _Result(route, origin, covered, [FileOutcome(row(plan, Status.NOT_REACHED), None) for plan in plans])


@dataclass(frozen=True)
class _Result:
    """What became of a session's containers and files, before or without archive and tags."""

    route: Route
    origin: Origin
    pairs: tuple[Pair[Container], ...]
    outcomes: Sequence[FileOutcome]

    def count(self, status: Status) -> int:
        """Return how many files came to be in a status."""
        return sum(item.record.status is status for item in self.outcomes)

    @property
    def status(self) -> Status:
        """The status of the session as a whole, where no file failed."""
        (session,) = (pair for pair in self.pairs if pair.origin.level == "session")
        if session.status is Status.CREATED:
            return Status.CREATED
        statuses = {pair.status for pair in self.pairs} | {item.record.status for item in self.outcomes}
        return Status.UNCHANGED if statuses <= {Status.UNCHANGED} else Status.UPDATED

    def record(self, status: Status, error: str = "", archive: Project | None = None) -> SessionRecord:
        """Return the session's record; `archive` is the project that keeps its originals by now."""
        return SessionRecord(
            subject=self.origin.subject.label,
            session=self.origin.session.label,
            status=status,
            containers=tuple(self._container(pair, status, archive) for pair in self.pairs),
            files=tuple(self._file(item.record, archive) for item in self.outcomes),
            error=error,
        )

    def _container(self, pair: Pair[Container], overall: Status, archive: Project | None) -> ContainerRecord:
        container = pair.origin
        return ContainerRecord(
            level=container.level,
            label=container.label,
            status=Status.FAILED if (container.level, overall) == ("session", Status.FAILED) else pair.status,
            origin_path=self.origin.path(container),
            export_path=self.origin.path(container, self.route.export),
            archive_path=self.origin.path(container, archive) if archive else "",
            notes=(*pair.notes, *orphaned_copies(pair)),
        )

    def _file(self, record: FileRecord, archive: Project | None) -> FileRecord:
        if not archive:
            return record
        return replace(record, archive_path=archive.path + record.origin_path.removeprefix(self.origin.project.path))
