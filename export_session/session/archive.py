"""Keeping the originals: copied or moved to the archive project, and verified there.

What archives after an export takes an :class:`Exported`, which exists only when every file of the session is verified
in the export project. Before files are changed in place, their originals are copied all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from export_session.errors import Conflict, TransferError
from export_session.record import Archived, Held, Status
from export_session.session.copies import create_or_update, find_copy, find_subject, pairs_above, pairs_below
from export_session.session.custody import held
from export_session.session.exported import Exported
from export_session.session.file_plan import known_status
from export_session.session.files import FileOutcome, Run, copy_file, plan_files
from export_session.session.origin import Origin
from export_session.session.pairs import Pair, Pairs
from export_session.session.provenance import KEY, container_provenance
from export_session.site.model import Container, Project, Session
from export_session.support.parallel import Workers
from export_session.support.wording import counted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InArchive:
    """What was done, or in a preview would be done, with the originals of a session."""

    how: Archived
    copy: Session | None = None  # in the archive project, where there is one
    cleared: bool = False  # whether empty second copies were removed
    held: Mapping[str, Held] = field(default_factory=dict)  # the originals there, by the file_id of the origin


def archive_by_copy(run: Run, exported: Exported, project: Project, workers: Workers) -> InArchive:
    """Copy the untouched originals to the archive project and verify every one.

    Raises
    ------
    TransferError
        When a file could not be archived; the session stays as it is and is not tagged.
    """
    return copy_to_archive(run, exported.origin, project, workers)


def copy_to_archive(run: Run, origin: Origin, project: Project, workers: Workers) -> InArchive:
    """Do the same, whatever became of the session elsewhere."""
    site = run.site
    above = pairs_above(site, origin.subject, origin.session, project, workers, overwrite=True, write=True)
    pairs = pairs_below(site, origin, above, workers, overwrite=True, write=True)
    outcomes = _copy_all(run, origin, project, pairs.all(), workers)
    statuses = [pair.status for pair in pairs.all()] + [item.record.status for item in outcomes]
    return replace(_by_copy(pairs, {*statuses}), held=_copied(outcomes))


def archive_by_move(run: Run, exported: Exported, project: Project, workers: Workers) -> InArchive:
    """Move the session to the archive project, below a subject of the same label, and verify that it arrived.

    Files on the subject are copied, since the subject may have other sessions. That may take long, so the session
    and its copies are looked at again just before the move. A session that is there already (a run was interrupted
    after the move) is left.

    Returns
    -------
    InArchive
        What was done: nothing, where it did not have to be moved.

    Raises
    ------
    Conflict
        When the archive project holds a copy of this session.
    OriginChanged
        When somebody has changed the session or its copies meanwhile.
    TransferError
        When the site did not do as it said.
    """
    origin, site = exported.origin, run.site
    there = _moved(exported, project)
    if origin.subject.parents.get("project") == project.id:
        return InArchive(Archived.NOTHING, held=there)
    arrived = not _is_to_be_moved(run, origin, project)
    subject = create_or_update(site, find_subject(site, origin.subject, project.id, overwrite=True), project.id)
    there |= _copied(_copy_all(run, origin, project, [subject], workers))
    if arrived:
        return InArchive(Archived.NOTHING, held=there)
    # A later run looks for this mark, should this one die between move and tag.
    came_from = {"origin_project": origin.project.id, "origin_subject": origin.subject.id}
    site.set_info("session", origin.session.id, {KEY: {**container_provenance(origin.session), **came_from}})
    exported.looked_at_again(site, workers)
    site.move_session(origin.session.id, subject.known_copy.id)
    if site.read(Session, origin.session.id).parents.get("project") != project.id:
        raise TransferError(
            f"{origin.path(origin.session)}: the site accepted the move to the archive but did not do it"
        )
    return InArchive(Archived.MOVED, held=there)


def would_archive(run: Run, origin: Origin, project: Project, workers: Workers) -> InArchive:
    """Tell what a run would do with the originals of a session; nothing is written.

    Raises
    ------
    Conflict
        When the archive project holds a copy of a session that is to be moved there.
    """
    if run.config.archive_mode == "move":
        return InArchive(Archived.MOVED if _is_to_be_moved(run, origin, project) else Archived.NOTHING)
    above = pairs_above(run.site, origin.subject, origin.session, project, workers, overwrite=True, write=False)
    pairs = pairs_below(run.site, origin, above, workers, overwrite=True, write=False)
    known = [known_status(plan) for plan in plan_files(run, origin, project, pairs.all(), untouched=True)]
    statuses = {pair.status for pair in pairs.all()} | {found[0] if found else Status.CREATED for found in known}
    return _by_copy(pairs, statuses)


def _by_copy(pairs: Pairs, statuses: set[Status]) -> InArchive:
    how = Archived.NOTHING if statuses <= {Status.UNCHANGED} else Archived.COPIED
    return InArchive(how, pairs.session.copy, pairs.session.cleared)


def _copied(outcomes: Iterable[FileOutcome]) -> dict[str, Held]:
    custodies = filter(None, (item.record.custody for item in outcomes))
    return {each.origin.file_id: each.export for each in custodies if each.export}


def _moved(exported: Exported, project: Project) -> dict[str, Held]:
    """Return the files of a session as they are in the archive once it was moved there."""
    above = {container.id: exported.origin.labels(container, project) for container in exported.origin.containers()}
    return {
        proof.origin.file_id: held(proof.origin, (*above[proof.origin.parent_id], proof.origin.name), proof.before)
        for proof in exported.proofs
        if proof.origin.parent_id in above
    }


def _is_to_be_moved(run: Run, origin: Origin, project: Project) -> bool:
    """Tell whether a session is not in the archive yet.

    Raises
    ------
    Conflict
        When a copy of it is there.
    """
    if origin.session.parents.get("project") == project.id:
        return False
    if find_copy(run.site, "project", project.id, origin.session):
        raise Conflict(
            f"{origin.path(origin.session)}: the archive project holds a copy of this session already. "
            "Remove that copy, or run with archive_mode=copy."
        )
    return True


def _copy_all(
    run: Run, origin: Origin, project: Project, pairs: Iterable[Pair[Container]], workers: Workers
) -> list[FileOutcome]:
    plans = plan_files(run, origin, project, pairs, untouched=True)
    log.info("%s: archiving %s", origin.path(origin.session), counted(len(plans), "original"))
    outcomes = workers.map(partial(copy_file, run), plans)
    failed = [item.record for item in outcomes if item.proof is None]
    if failed:
        raise TransferError(
            f"{counted(len(failed), 'original')} could not be archived, "
            f"first {failed[0].origin_path}: {failed[0].error}. "
            "Nothing was tagged; run again to archive the rest."
        )
    return outcomes
