"""Keeping the originals: copied or moved to the archive project, and verified there.

Both ways take an :class:`Exported`, which exists only when every file of the session is verified in the export
project.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from export_session.errors import Conflict, TransferError
from export_session.record import Archived, Status
from export_session.session.copies import create_or_update, find_copy, find_subject, pairs_above, pairs_below
from export_session.session.file_plan import known_status
from export_session.session.files import FileOutcome, Run, copy_files, plan_files
from export_session.session.origin import Origin
from export_session.session.pairs import Pair, Pairs
from export_session.session.provenance import KEY, container_provenance
from export_session.site.model import Container, Project, Session
from export_session.support.parallel import Workers


@dataclass(frozen=True)
class Exported:
    """The proof that a whole session is in the export project."""

    origin: Origin
    pairs: Pairs
    subject_files: bool  # whether this session's run takes care of the files on the subject

    @classmethod
    def of(cls, origin: Origin, pairs: Pairs, outcomes: Sequence[FileOutcome], *, subject_files: bool) -> Exported:
        """Make the proof of a session from the proofs of all its files.

        Raises
        ------
        TransferError
            When one is missing.
        """
        unproven = [item.record.name for item in outcomes if item.proof is None]
        if unproven:
            raise TransferError(f"{origin.path(origin.session)}: not verified: {', '.join(unproven)}")
        return cls(origin, pairs, subject_files)


@dataclass(frozen=True)
class ArchiveCopy:
    """The copy of a session in the archive project."""

    session: Session
    wrote: bool  # whether anything had to be done for it


def archive_by_copy(run: Run, exported: Exported, project: Project, workers: Workers) -> ArchiveCopy:
    """Copy the untouched originals to the archive project and verify every one.

    Raises
    ------
    TransferError
        When a file could not be archived; the session stays as it is and is not tagged.
    """
    origin, site = exported.origin, run.site
    above = pairs_above(site, origin.subject, origin.session, project, workers, overwrite=True, write=True)
    pairs = pairs_below(site, origin, above, workers, overwrite=True, write=True)
    outcomes = _copy_all(run, origin, project, pairs.all(subject=exported.subject_files), workers)
    statuses = [pair.status for pair in pairs.all()] + [item.record.status for item in outcomes]
    return ArchiveCopy(pairs.session.known_copy, wrote=any(status is not Status.UNCHANGED for status in statuses))


def archive_by_move(run: Run, exported: Exported, project: Project, workers: Workers) -> bool:
    """Move the session to the archive project, below a subject of the same label, and verify that it arrived.

    Files on the subject are copied, since the subject may have other sessions. A session that is there already
    (a run was interrupted after the move) is left.

    Returns
    -------
    bool
        Whether it had to be moved.

    Raises
    ------
    Conflict
        When the archive project holds a copy of this session.
    TransferError
        When the site did not do as it said.
    """
    origin, site = exported.origin, run.site
    if not _is_to_be_moved(run, origin, project):
        return False
    subject = create_or_update(site, find_subject(site, origin.subject, project.id, overwrite=True), project.id)
    _copy_all(run, origin, project, [subject] if exported.subject_files else [], workers)
    # A later run over the project looks for this mark, should this one die between move and tag.
    mark = {**container_provenance(origin.session), "origin_project": origin.project.id}
    site.set_info("session", origin.session.id, {KEY: mark})
    site.move_session(origin.session.id, subject.known_copy.id)
    session = site.read(Session, origin.session.id)
    if session.parents.get("project") != project.id:
        raise TransferError(
            f"{origin.path(origin.session)}: the site accepted the move to the archive but did not do it"
        )
    return True


def would_archive(run: Run, origin: Origin, project: Project, workers: Workers, *, subject_files: bool) -> Archived:
    """Tell what a run would do with the originals of a session; nothing is written.

    Raises
    ------
    Conflict
        When the archive project holds a copy of a session that is to be moved there.
    """
    if run.config.archive_mode == "move":
        return Archived.MOVED if _is_to_be_moved(run, origin, project) else Archived.NOTHING
    above = pairs_above(run.site, origin.subject, origin.session, project, workers, overwrite=True, write=False)
    pairs = pairs_below(run.site, origin, above, workers, overwrite=True, write=False)
    plans = plan_files(run, origin, project, pairs.all(subject=subject_files), untouched=True)
    known = [known_status(plan) for plan in plans]
    done = all(pair.status is Status.UNCHANGED for pair in pairs.all()) and all(
        found and found[0] is Status.UNCHANGED for found in known
    )
    return Archived.NOTHING if done else Archived.COPIED


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
    apart = replace(run, progress=run.progress.aside("to the archive"))  # or each file would count twice
    outcomes = copy_files(apart, plan_files(run, origin, project, pairs, untouched=True), workers)
    failed = [item.record for item in outcomes if item.proof is None]
    if failed:
        raise TransferError(
            f"{len(failed)} originals could not be archived, first {failed[0].origin_path}: {failed[0].error}. "
            "The export is complete; run again to archive and tag."
        )
    return outcomes
