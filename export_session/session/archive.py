"""Keeping the originals: copied or moved to the archive project, and verified there.

Both ways take an :class:`Exported`, which exists only when every file of the session is verified in the export
project.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from export_session.errors import Conflict, TransferError
from export_session.record import Status
from export_session.session.copies import Twin, Twins, find_copy, find_subject, settle, twins_above, twins_below
from export_session.session.files import Copied, Copier, copy_files, tasks_of
from export_session.session.origin import Project, Tree
from export_session.session.provenance import KEY, container_record
from export_session.session.transfer import Verified
from export_session.site.model import Container
from export_session.support.parallel import Workers


@dataclass(frozen=True)
class Exported:
    """The proof that a whole session is in the export project."""

    tree: Tree
    copies: Twins
    proofs: tuple[Verified, ...]
    subject_files: bool  # whether this session's run takes care of the files on the subject

    @classmethod
    def of(cls, tree: Tree, copies: Twins, copied: Sequence[Copied], *, subject_files: bool) -> Exported:
        """Make the proof of a session from the proofs of all its files.

        Raises
        ------
        TransferError
            When one is missing.
        """
        unproven = [item.record.name for item in copied if item.proof is None]
        if unproven:
            raise TransferError(f"{tree.path(tree.session)}: not verified: {', '.join(unproven)}")
        return cls(tree, copies, tuple(item.proof for item in copied if item.proof), subject_files)


@dataclass(frozen=True)
class Archived:
    """The session as it is in the archive project."""

    session: Container
    wrote: bool  # whether anything had to be done for it


def archive_by_copy(copier: Copier, exported: Exported, project: Project, workers: Workers) -> Archived:
    """Copy the untouched originals to the archive project and verify every one.

    Raises
    ------
    TransferError
        When a file could not be archived; the session stays as it is and is not tagged.
    """
    tree, site = exported.tree, copier.site
    above = twins_above(site, tree.subject, tree.session, project, workers, overwrite=True, write=True)
    twins = twins_below(site, tree, above, workers, overwrite=True, write=True)
    holders = twins.all() if exported.subject_files else twins.all()[1:]
    copied = _copy_all(copier, tree, project, holders, workers)
    assert twins.session.copy is not None
    statuses = [twin.status for twin in twins.all()] + [item.record.status for item in copied]
    return Archived(twins.session.copy, wrote=any(status is not Status.UNCHANGED for status in statuses))


def archive_by_move(copier: Copier, exported: Exported, project: Project, workers: Workers) -> Archived:
    """Move the session to the archive project, below a subject of the same label, and verify that it arrived.

    Files on the subject are copied, since the subject may have other sessions. A session that is there already
    (a run was interrupted after the move) is left.

    Raises
    ------
    Conflict
        When the archive project holds a copy of this session.
    TransferError
        When the site did not do as it said.
    """
    tree, site = exported.tree, copier.site
    if tree.session.parents.get("project") == project.id:
        return Archived(tree.session, wrote=False)
    if find_copy(site, "project", project.id, tree.session):
        raise Conflict(
            f"{tree.path(tree.session)}: the archive project holds a copy of this session already. "
            "Remove that copy, or run with archive_mode=copy."
        )
    subject = settle(site, find_subject(site, tree.subject, project.id, overwrite=True), project.id)
    _copy_all(copier, tree, project, [subject] if exported.subject_files else [], workers)
    # A later run over the project looks for this mark, should this one die between move and tag.
    site.set_info("session", tree.session.id, {KEY: moved_from(tree)})
    site.move_session(tree.session.id, subject.copy_id)
    session = site.read("session", tree.session.id)
    if session.parents.get("project") != project.id:
        raise TransferError(f"{tree.path(tree.session)}: the site accepted the move to the archive but did not do it")
    return Archived(session, wrote=True)


def moved_from(tree: Tree) -> dict[str, str]:
    """Return ``info.export`` of a session that is moved to the archive."""
    return {**container_record(tree.session), "origin_project": tree.project.id}


def _copy_all(copier: Copier, tree: Tree, project: Project, holders: Iterable[Twin], workers: Workers) -> list[Copied]:
    tasks = tasks_of(copier, tree, project, holders, untouched=True)
    copied = copy_files(copier, tasks, workers)
    failed = [item.record for item in copied if item.proof is None]
    if failed:
        raise TransferError(
            f"{len(failed)} originals could not be archived, first {failed[0].origin_path}: {failed[0].error}. "
            "The export is complete; run again to archive and tag."
        )
    return copied
