"""One job per session, on Flywheel's own queue."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from export_session.errors import PreflightError
from export_session.launch.selection import Destination, select
from export_session.report.cells import write_csv
from export_session.session.provenance import digest
from export_session.session.result import Route
from export_session.settings import Settings
from export_session.site import Job, JobRequest, Site
from export_session.site.model import Session

log = logging.getLogger(__name__)

COLUMNS = ("Subject", "Session", "Session ID", "Job ID", "State", "Action")
UNFINISHED = frozenset({"pending", "scheduled", "running"})


def fan_out(site: Site, settings: Settings, destination: Destination, route: Route, table: Path) -> None:
    """Start one job of this gear for every selected session that has none under way, and list them.

    The jobs of one fan-out bear one tag, made from destination and configuration, so that a second run finds
    them: it reports their states and starts only what is missing. It waits for nothing.

    Parameters
    ----------
    table
        The CSV to write: a row per session with its job and what was done.

    Raises
    ------
    PreflightError
        When the run does not know which gear it is.
    """
    request = _request(site, settings, destination)
    under_way = {job.session_id: job for job in site.jobs(request.tag)}  # of several for a session the newest stays
    rows: list[tuple[str, ...]] = []
    for selected in select(site, destination, route, settings.config):
        job = under_way.get(selected.session.id)
        rows.append(_row(selected.session, job, action := _action(job, selected.skipped)))
        if action == "start" and not settings.config.dry_run:
            site.start_job(selected.session.id, request)
    newest = {job.session_id: job for job in site.jobs(request.tag)} if not settings.config.dry_run else under_way
    rows = [(*row[:3], newest[row[2]].id, newest[row[2]].state, row[5]) if row[2] in newest else row for row in rows]
    write_csv(table, COLUMNS, rows)
    for action, number in Counter(row[5] for row in rows).items():
        log.info("%s: %d sessions", action, number)
    log.info("The jobs bear the tag %s; run again to see their states and to start what is missing.", request.tag)


def _request(site: Site, settings: Settings, destination: Destination) -> JobRequest:
    if not settings.job:
        raise PreflightError(["fan_out starts jobs of the gear that is running: it works only on Flywheel's engine."])
    config = {key: value for key, value in asdict(settings.config).items() if value is not None}
    config = {**config, "fan_out": False}
    config.pop("select_tag", None)
    tag = "fan-out-" + digest([destination.id, config, dict(settings.mapping.rows)])[:16]
    label = f"Session Export ({tag})"
    return JobRequest(site.gear_of(settings.job), label, tag, config, _inputs(settings.dicom_map))


def _inputs(dicom_map: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"dicom-map": dict(dicom_map)} if dicom_map else {}


def _action(job: Job | None, skipped: str) -> str:
    if skipped:
        return "already EXPORTED"
    if job and job.state in UNFINISHED:
        return "under way"
    return "start"


def _row(session: Session, job: Job | None, action: str) -> tuple[str, ...]:
    return session.subject_label, session.label, session.id, job.id if job else "", job.state if job else "", action
