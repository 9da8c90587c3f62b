"""What follows from edited UIDs in the files of a session, found before anything is written."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from export_session.dicom import FileUids, plan_uids, read_uids
from export_session.dicom.vocabulary import Written
from export_session.errors import HeaderError
from export_session.record import Status
from export_session.session.checks import assert_current, assert_header, fetch
from export_session.session.file_plan import FilePlan, References
from export_session.session.files import FILE_PATIENCE, Run, plan_files
from export_session.session.origin import Origin
from export_session.session.pairs import Pair
from export_session.session.provenance import object_at
from export_session.session.transfer import PROCESSORS
from export_session.session.versions import before_last
from export_session.site import ReadSite
from export_session.site.model import Container, Project
from export_session.support.parallel import Workers
from export_session.support.scratch import assert_room, disk_full_is_clear
from export_session.support.wording import counted

log = logging.getLogger(__name__)


def references_in(run: Run, origin: Origin, project: Project, workers: Workers) -> Mapping[str, References]:
    """Read the UIDs of all DICOM files of a session, and find in which of them references follow; by ``file_id``.

    Files on the subject take no part: they belong to all its sessions, of which each has a plan of its own.

    Raises
    ------
    UidCollision
        Edits of UIDs contradict one another.
    TransferError
        A file could not be fetched, so that nobody knows what it refers to.
    """
    nowhere = [Pair[Container](one, None, Status.NOT_REACHED) for one in (origin.session, *origin.acquisitions)]
    plans = [plan for plan in plan_files(run, origin, project, nowhere) if plan.may_refer]
    log.info("%s: reading the UIDs of %s", origin.path(origin.session), counted(len(plans), "file"))
    uids = dict(zip(_names(plans), workers.map(partial(_uids_of, run), plans), strict=True))
    plan = plan_uids(uids)
    return {
        one.origin.file_id: References(plan.of(read), plan.notes(name, read))
        for one, (name, read) in zip(plans, uids.items(), strict=True)
    }


def _names(plans: list[FilePlan]) -> list[str]:
    """Return the paths of files; containers of one label may have files of one name."""
    times = Counter(plan.origin_path for plan in plans)
    return [
        plan.origin_path if times[plan.origin_path] == 1 else f"{plan.origin_path} ({plan.origin.file_id})"
        for plan in plans
    ]


def _uids_of(run: Run, plan: FilePlan) -> FileUids:
    """Read the UIDs of a file; of one whose edits an earlier run has made in place, as they were before.

    Such a run may have died before the references in other files had followed.
    """
    uids = _uids_in(run, plan)
    if run.config.mode == "in_place" and uids.before == uids.after and not uids.redirected:
        before = before_last(run.site, plan.origin)
        return _uids_in(run, replace(plan, origin=before)) if before else uids
    return uids


def _uids_in(run: Run, plan: FilePlan) -> FileUids:
    file, scratch = plan.origin, run.handling.scratch
    assert_room(file.name, file.size, scratch)
    with TemporaryDirectory(dir=scratch) as folder, disk_full_is_clear(file.name):
        source = Path(folder, "origin")
        site = run.site.with_patience(FILE_PATIENCE)
        fetch(site, file, source)
        with PROCESSORS:
            return _read(site, plan, source, run.handling.trail.written(site, file, plan.asked_by_sheets))


def _read(site: ReadSite, plan: FilePlan, source: Path, written: Written) -> FileUids:
    """Read the UIDs of a file; of one that will fail for what is wrong with it, as they are."""
    try:
        if not plan.may_be_edited:
            return read_uids(source, {})
        assert_header(plan.origin)
        assert_current(site, plan.origin)
        header = object_at(plan.origin.info, "header")
        return read_uids(source, header, plan.wanted, written=written, **asdict(plan.options))
    except HeaderError:
        pass
    try:
        return read_uids(source, {})
    except HeaderError:
        return FileUids()
