"""The story of one session.

Order of writes: shells (with ``info.export.origin_id``), bytes, verification, file record, archive, verification,
tags. Whatever interrupts a run, reading that order backwards tells what is left, and a second run does just that.
"""

from __future__ import annotations

import functools
import logging
import time
from dataclasses import dataclass, replace

from export_session.record import ContainerRecord, FileRecord, SessionRecord, Status
from export_session.session.archive import Archived, Exported, archive_by_copy, archive_by_move
from export_session.session.copies import Twin, Twins, twins_above, twins_below
from export_session.session.files import Copied, Copier, copy_files, row, strays, tasks_of
from export_session.session.origin import Project, Tree, assert_unchanged, read_subject
from export_session.session.provenance import has_qc, with_qc
from export_session.site import Site
from export_session.site.model import EXPORTED, Container
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Route:
    """From where to where a run exports."""

    origin: Project
    export: Project
    archive: Project | None


def export_session(
    copier: Copier, route: Route, session: Container, workers: Workers, *, subject_files: bool = True
) -> SessionRecord:
    """Export one session; a failure becomes its record.

    Parameters
    ----------
    session
        The origin session, read in full.
    subject_files
        False where an earlier session of the same run took care of the files on the subject.
    """
    began = time.monotonic()
    outcome = attempt(lambda: _export(copier, route, session, workers, subject_files=subject_files))
    if isinstance(outcome, Failure):
        log.error("%s: %s", session.label, outcome.for_log)
        subject = session.subject_label
        path = f"{route.origin.path}/{subject}/{session.label}"
        failed = ContainerRecord("session", session.label, Status.FAILED, path, error=outcome.message)
        outcome = SessionRecord(subject, session.label, Status.FAILED, (failed,), error=outcome.message)
    return replace(outcome, seconds=time.monotonic() - began)


def _export(
    copier: Copier, route: Route, session: Container, workers: Workers, *, subject_files: bool
) -> SessionRecord:
    config = copier.config
    tree, twins = _read(copier, route, session, workers)
    if isinstance(twins, Failure):
        log.error("%s: %s", session.label, twins.for_log)
        return _with_failure(copier, _not_reached(copier, route, tree, subject_files=subject_files), twins.message)
    holders = twins.all() if subject_files else twins.all()[1:]
    tasks = tasks_of(copier, tree, route.export, holders)
    copied = copy_files(copier, tasks, workers)
    story = _Story(tree, holders, copied, route)
    failed = [item.record for item in copied if item.record.status is Status.FAILED]
    if failed:
        return _with_failure(
            copier, story, f"{len(failed)} of {len(copied)} files failed; nothing was archived or tagged."
        )
    if config.dry_run:
        return story.record(_overall(story))
    if any(item.record.status is Status.SKIPPED for item in copied):
        return story.record(
            Status.SKIPPED, "some copies were left as they are, so the session is not tagged or archived"
        )
    exported = Exported.of(tree, twins, copied, subject_files=subject_files)
    outcome = attempt(lambda: _finish(copier, story, exported, workers))
    if isinstance(outcome, Failure):
        return _with_failure(copier, story, outcome.message)
    return story.record(_overall(story), archived=outcome)


def _read(copier: Copier, route: Route, session: Container, workers: Workers) -> tuple[Tree, Twins | Failure]:
    """Read the origin and, meanwhile, find or make the copies of subject and session; then those below."""
    site, write, overwrite = copier.site, not copier.config.dry_run, copier.config.on_existing == "update"
    subject, listed = workers.both(
        lambda: read_subject(site, session), lambda: list(site.children("session", session.id, "acquisition"))
    )
    find_above = functools.partial(twins_above, site, subject, session, route.export, workers)
    acquisitions, above = workers.both(
        lambda: workers.map(lambda row: site.read("acquisition", row.id), listed),
        lambda: attempt(lambda: find_above(overwrite=overwrite, write=write)),
    )
    tree = Tree(route.origin, subject, session, tuple(acquisitions))

    if isinstance(above, Failure):
        return tree, above
    return tree, attempt(lambda: twins_below(site, tree, above, workers, overwrite=overwrite, write=write))


def _finish(copier: Copier, story: _Story, exported: Exported, workers: Workers) -> Archived | None:
    """Archive, then tag: what must not happen before every file is verified."""
    site, tree, archive = copier.site, exported.tree, story.route.archive
    if _overall(story) is not Status.UNCHANGED or EXPORTED not in tree.session.tags:
        tree = assert_unchanged(site, tree, workers)
    archived = None
    if archive and copier.config.archive_mode == "move":
        archived = archive_by_move(copier, exported, archive, workers)
    elif archive:
        archived = archive_by_copy(copier, exported, archive, workers)
        if archived.wrote:  # which may have taken long
            tree = assert_unchanged(site, tree, workers)
    copy = exported.copies.session.copy
    assert copy is not None
    marked = [copy, archived.session, tree.session] if archived else [copy, tree.session]
    *copies, origin = {one.id: one for one in marked}.values()  # after a move the archived session is the origin
    notes = [functools.partial(_note_result, copier, one, passed=True) for one in (*copies, origin)]
    tags = [functools.partial(_tag, site, one) for one in copies]
    workers.map(lambda mark: mark(), (*notes, *tags))
    _tag(site, origin)  # last: it says that all is done
    return archived


def _tag(site: Site, session: Container) -> None:
    if EXPORTED not in session.tags:
        site.add_tags("session", session.id, [EXPORTED])


def _note_result(copier: Copier, session: Container, *, passed: bool) -> None:
    if not has_qc(session.info, passed=passed):
        values = {"qc": with_qc(session.info, passed=passed, job=copier.place.job)}
        copier.site.set_info("session", session.id, values)


def _with_failure(copier: Copier, story: _Story, reason: str) -> SessionRecord:
    """Say on the origin session that it was not exported, where the site lets us; then report."""
    if not copier.config.dry_run:
        said = attempt(lambda: _note_result(copier, story.tree.session, passed=False))
        if isinstance(said, Failure):
            log.warning("could not note the failure on the session: %s", said.message)
    return story.record(Status.FAILED, reason)


def _not_reached(copier: Copier, route: Route, tree: Tree, *, subject_files: bool) -> _Story:
    """Give every file of a session whose copies could not be made its row all the same."""
    holders = tuple(Twin(origin, None, Status.NOT_REACHED) for origin in tree.containers())
    holders = holders if subject_files else holders[1:]
    tasks = tasks_of(copier, tree, route.export, holders)
    copied = [Copied(row(twin, task, Status.NOT_REACHED), None) for twin, task in tasks]
    return _Story(tree, holders, copied, route)


def _overall(story: _Story) -> Status:
    (session,) = (twin for twin in story.holders if twin.origin.level == "session")
    if session.status is Status.CREATED:
        return Status.CREATED
    statuses = {twin.status for twin in story.holders} | {item.record.status for item in story.copied}
    return Status.UNCHANGED if statuses <= {Status.UNCHANGED} else Status.UPDATED


@dataclass(frozen=True)
class _Story:
    """What happened so far, for the record."""

    tree: Tree
    holders: tuple[Twin, ...]
    copied: list[Copied]
    route: Route

    def record(self, status: Status, error: str = "", archived: Archived | None = None) -> SessionRecord:
        """Return the session's record."""
        archive = self.route.archive if archived else None
        return SessionRecord(
            subject=self.tree.subject.label,
            session=self.tree.session.label,
            status=status,
            containers=tuple(self._container(twin, status, archive) for twin in self.holders),
            files=tuple(self._file(item.record, archive) for item in self.copied),
            error=error,
        )

    def _container(self, twin: Twin, overall: Status, archive: Project | None) -> ContainerRecord:
        origin = twin.origin
        return ContainerRecord(
            level=origin.level,
            label=origin.label,
            status=Status.FAILED if (origin.level, overall) == ("session", Status.FAILED) else twin.status,
            origin_path=self.tree.path(origin),
            export_path=self.tree.path(origin, self.route.export),
            archive_path=self.tree.path(origin, archive) if archive else "",
            notes=(*twin.notes, *strays(twin)),
        )

    def _file(self, record: FileRecord, archive: Project | None) -> FileRecord:
        if not archive:
            return record
        return replace(record, archive_path=archive.path + record.origin_path.removeprefix(self.tree.project.path))
