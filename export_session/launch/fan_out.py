"""One job per session, on Flywheel's own queue: how far those are that were started before, then what is missing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from export_session.errors import PreflightError, SiteError
from export_session.launch.names import stem_of, title_of
from export_session.launch.selection import ALREADY, Destination, Selected, changes_since, select
from export_session.report.fan_out import COLUMNS, Action, Jobs, Line, page
from export_session.report.outputs import UNFINISHED, GrowingTable, write_page
from export_session.report.table_page import render
from export_session.session.provenance import GEAR
from export_session.session.result import Route
from export_session.session.since import EDITED
from export_session.settings import Settings
from export_session.site import Job, JobRequest, ReadSite, Site
from export_session.site.model import EXPORTED, Session
from export_session.support.digests import digest

log = logging.getLogger(__name__)

AT_WORK = frozenset({"pending", "scheduled", "running"})


def fan_out(site: Site, settings: Settings, destination: Destination, route: Route, folder: Path) -> bool:
    """Say how far the jobs of this fan-out are, and start one for every session that has none to wait for.

    The jobs of one fan-out bear one tag, made from destination and configuration, so that a second run finds them.
    It waits for nothing.

    Parameters
    ----------
    folder
        Where to write the table and the page.

    Returns
    -------
    bool
        Whether every job that was to be started was.

    Raises
    ------
    PreflightError
        When the run does not know which gear it is.
    OutputError
        When table or page cannot be written: before the first job is started, if that shows by then.
    """
    request = _request(site, settings, destination)
    preview = settings.config.dry_run
    csv, html = (folder / f"{stem_of(destination)}_fan_out.{ending}" for ending in ("csv", "html"))
    table = GrowingTable(csv, COLUMNS)
    write_page(html, UNFINISHED)
    known = {job.session_id: job for job in site.jobs(request.tag)}  # of several for a session the newest stays
    selection = select(site, destination, route, settings.config)
    lines: list[Line] = []
    for selected in selection:
        line = _line(site, selected, known.get(selected.entry.id), settings.config.mode)
        lines.append(line if preview else _started(site, request, line))
        table.keep([lines[-1].cells()])
        table.settle()
    listed = {line.session_id for line in lines}
    lines += _elsewhere(site, route, [job for job in known.values() if job.session_id not in listed])
    if not preview:
        lines = _with_new_jobs(site, request, lines)
    table.rewrite([line.cells() for line in lines])
    table.close()
    jobs = Jobs(lines, title_of(destination, route), request.tag, preview, selection.why_empty)
    write_page(html, render(page(jobs, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, {GEAR}", csv.name)))
    _tell(jobs)
    return not any(line.action is Action.NOT_STARTED for line in lines)


def _tell(jobs: Jobs) -> None:
    """Log the states first, then what was started and why, then what to do."""
    if jobs.lines:
        log.info("Jobs as this run found them: %s", _counts(jobs.states))
    for action in jobs.actions:
        reasons = _counts(Counter(line.why for line in jobs.lines if line.action is action))
        log.info("%s: %s", jobs.verb(action), reasons)
    log.info("%s%s", "PREVIEW, nothing was started. " if jobs.preview else "", jobs.verdict.sentence)
    for each in jobs.advice:
        log.info(each)


def _counts(counts: Counter[str]) -> str:
    return "; ".join(f"{number:,} {word}" for word, number in counts.most_common())


def _request(site: Site, settings: Settings, destination: Destination) -> JobRequest:
    if not settings.job:
        raise PreflightError(["fan_out starts jobs of the gear that is running: it works only on Flywheel's engine."])
    config = {key: value for key, value in asdict(settings.config).items() if value is not None}
    config |= {
        "fan_out": False,
        "dry_run": False,
        "apply_corrections_only": False,
    }  # a preview looks for the jobs of the run that it foretells
    # The tag that selects goes along, since it may be taken away before a job's turn; the jobs are the same.
    fixed = {key: value for key, value in config.items() if key != "select_tag"}
    tag = "fan-out-" + digest([destination.id, fixed, dict(settings.mapping.rows)])[:16]
    label = f"Session Export ({tag})"
    return JobRequest(site.gear_of(settings.job), label, tag, config, _inputs(settings.dicom_map))


def _inputs(dicom_map: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"dicom-map": dict(dicom_map)} if dicom_map else {}


def _line(site: ReadSite, selected: Selected, job: Job | None, mode: str) -> Line:
    action, why = _action(selected, job, mode)
    if action is Action.EXPORTED and (since := changes_since(site, selected)):
        forced = selected.session is not None and not selected.skipped and since.startswith(EDITED)
        action, why = (Action.STARTED, since.partition(";")[0]) if forced else (action, f"{why}; {since}")
    entry = selected.entry
    return Line(entry.subject, entry.label, entry.id, job.id if job else "", job.state if job else "", action, why)


def _action(selected: Selected, job: Job | None, mode: str) -> tuple[Action, str]:
    """Tell what to do with a session, and why."""
    if selected.failed:
        return Action.NOT_STARTED, selected.failed
    if job and job.state in AT_WORK:
        return Action.UNDER_WAY, f"its job is {job.state}"
    if selected.session is None or selected.skipped:
        return Action.EXPORTED if selected.skipped == ALREADY else Action.LEFT, selected.skipped
    if mode == "restore" and job and job.state == "complete" and EXPORTED not in selected.session.tags:
        return Action.LEFT, "its job is complete"  # and it was not exported again since
    if mode != "restore" and job and job.state == "complete" and EXPORTED in selected.session.tags:
        return Action.EXPORTED, "its job is complete"  # a forced export, but this fan-out has done it
    return Action.STARTED, _why_started(job, mode)


def _why_started(job: Job | None, mode: str) -> str:
    if job is None:
        return "it had no job"
    if job.state == "complete" and mode == "restore":
        return "its job of before is complete, but it was exported again since"
    if job.state == "complete":
        return "its job of before is complete, but it is not tagged EXPORTED"
    return f"its job of before {job.state if job.state == 'failed' else 'was ' + job.state}"


def _started(site: Site, request: JobRequest, line: Line) -> Line:
    """Start the job of a session that is to have one."""
    if line.action is not Action.STARTED:
        return line
    try:
        site.start_job(line.session_id, request)
    except SiteError as error:
        log.error("a job could not be started: %s", error)
        return replace(line, action=Action.NOT_STARTED, why=str(error))
    return line


def _with_new_jobs(site: ReadSite, request: JobRequest, lines: list[Line]) -> list[Line]:
    """Add the ids of the jobs that were started, which only a listing tells."""
    if not any(line.action is Action.STARTED for line in lines):
        return lines
    newest = {job.session_id: job.id for job in site.jobs(request.tag)}
    return [_with_new_job(line, newest.get(line.session_id, "")) for line in lines]


def _with_new_job(line: Line, newest: str) -> Line:
    if line.action is not Action.STARTED:
        return line
    if newest in {"", line.job}:
        return replace(line, action=Action.NOT_STARTED, why="the site lists no new job for it; run again")
    return replace(line, started=newest)


def _elsewhere(site: ReadSite, route: Route, jobs: list[Job]) -> Iterator[Line]:
    """Tell of jobs whose session is no longer where the fan-out looks: moved to the archive, as a rule."""
    if not jobs:
        return
    archived = route.archive and {row.id: row for row in site.children("project", route.archive.id, Session)}
    for job in jobs:
        session = (archived or {}).get(job.session_id)
        subject, label = (session.subject_label, session.label) if session else ("", "")
        if job.state in AT_WORK:
            action, why = Action.UNDER_WAY, f"its job is {job.state}"
        elif session and job.state == "complete":
            action, why = Action.EXPORTED, "its job is complete, and its originals are in the archive"
        else:
            action, why = Action.LEFT, "it is neither selected any more nor in the archive"
        yield Line(subject, label, job.session_id, job.id, job.state, action, why)
