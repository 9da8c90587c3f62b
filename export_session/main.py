"""The gear: from ``config.json`` to the reports and the exit code."""

from __future__ import annotations

import functools
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from math import inf, nan
from pathlib import Path

from export_session import settings
from export_session.approval import approved, known_plan, plan_of, refusal
from export_session.errors import ConfigError, ExportError, OutputError
from export_session.evidence.package import write_package
from export_session.launch import preflight
from export_session.launch.fan_out import fan_out
from export_session.launch.gear_context import GearContext, log_in_detail, open_gear
from export_session.launch.names import stem_of, title_of
from export_session.launch.selection import Destination, select
from export_session.launch.summary import summarize
from export_session.plan import Plan
from export_session.record import Circumstances, RunRecord, SessionRecord
from export_session.report import Outputs, closing_lines
from export_session.session.files import Run
from export_session.session.planned import Approved
from export_session.session.provenance import GEAR
from export_session.session.result import Route
from export_session.session.transfer import Handling
from export_session.sessions import export_all
from export_session.settings import Settings
from export_session.site import Patience, PatientSite, ReadSite, connect
from export_session.site.model import Session
from export_session.support.cancellation import Cancellation, Cancelled
from export_session.support.parallel import Workers
from export_session.support.progress import Progress
from export_session.support.scratch import make_scratch
from export_session.support.wording import counted, visible

log = logging.getLogger("export_session")

DONE, SOME_FAILED, CANNOT_START = 0, 1, 2  # exit codes
RUN_PATIENCE = 1800.0  # seconds a whole run may lose to failed calls and the waits between them
PATIENCE_VARIABLE = "SESSION_EXPORT_PATIENCE"  # sets another, for slow or doubtful sites
START_PATIENCE = 120.0  # the same until the first session


def main(gear: Path | None = None) -> int:
    """Run the gear in its directory and return the exit code.

    Returns
    -------
    int
        0 when every selected session is fully exported or nothing was to do, 1 when a session failed,
        2 when the run could not start: a wrong configuration, or a site that is not ready for it. 128 and the number
        of the signal when it was cancelled.
    """
    cancellation = Cancellation()
    try:
        with cancellation.listening():
            code = _code(gear or Path.cwd(), cancellation)
            if code != DONE:
                cancellation.check()  # whatever it was that did not work, the run was not let try again
    except Cancelled as cancelled:
        return cancelled.code
    return code


def _code(gear: Path, cancellation: Cancellation) -> int:
    """Run the gear, and return its exit code unless it is cancelled."""
    try:
        context = open_gear(gear)
        chosen = settings.parse(context.document)
        if chosen.config.debug:
            log_in_detail()
        succeeded = _run(chosen, context, cancellation)
    except ConfigError as error:
        for problem in error.problems:
            log.error(problem)
        return CANNOT_START
    except ExportError as error:
        log.error(str(error))
        return CANNOT_START
    return DONE if succeeded else SOME_FAILED


def _run(chosen: Settings, context: GearContext, cancellation: Cancellation) -> bool:
    """Export what the settings select, write the reports, and tell whether all went well."""
    work, output, image = context.work, context.output, context.image
    if chosen.config.summarize:  # reads only, so nothing needs to be ready for writing
        chosen = replace(chosen, config=replace(chosen.config, dry_run=True, check_gear_rules=False))
    config = chosen.config
    started = _now()
    plain = connect(chosen.api_key, writable=not config.dry_run, cancellation=cancellation)
    patience = _patience()
    site = PatientSite(plain, patience, sleep=cancellation.sleep)
    with _scratch(work, cancellation) as scratch, Workers(config.transfers) as workers:
        destination, route = preflight.check(site.with_patience(START_PATIENCE), chosen, workers)
        title = title_of(destination, route)
        if config.summarize:
            log.info("Summary of %s: nothing is written to the site", title)
            return summarize(site, config, destination, route, output)
        log.info("%s of %s to %s", "Preview" if config.dry_run else "Export", title, route.export.path)
        if not config.map_flywheel_to_dicom:
            log.info("map_flywheel_to_dicom is off: %s", _what_is_mapped(chosen))
        if config.fan_out and not isinstance(destination, Session):
            return fan_out(site, chosen, destination, route, output)
        stem = stem_of(destination)
        run = Run(
            site,
            config,
            chosen.mapping,
            functools.cache(site.classification_schema),
            Handling(scratch, config.verify == "readback", config.log_values == "full", chosen.job),
            Progress(log=log),
        )
        cancellation.then(run.progress.close)  # which says how much is left
        if config.approved_plan and not config.dry_run:
            reader = PatientSite(
                connect(chosen.api_key, writable=False, cancellation=cancellation), patience, sleep=cancellation.sleep
            )
            agreed = approved(run, route, destination, workers, given=chosen.approved_plan, reader=reader)
            run = replace(run, approved=agreed)
        selection = select(site, destination, route, config)
        outputs = Outputs(output, stem, config.log_values, "preview" if config.dry_run else "export")
        sessions, error = export_all(run, route, selection, workers, outputs)
        run.progress.close()
        plan = plan_of(run, route, sessions) if config.dry_run and not error else None
        other = _unlike(plan, chosen, site, destination, scratch) if plan else []
    record = RunRecord(
        title=title,
        stem=stem,
        gear=GEAR,
        started=started,
        finished=_now(),
        dry_run=config.dry_run,
        log_values=config.log_values,
        settings=chosen.for_report(),
        sessions=sessions,
        error=error,
        remarks=_remarks(chosen, sessions),
        nothing_selected=selection.why_empty,
        circumstances=_circumstances(chosen, route, image, run.approved),
        plan=plan,
    )
    succeeded = _told(record, outputs, output)
    for difference in other:
        log.error(difference)
    return succeeded and not other


def _unlike(plan: Plan, chosen: Settings, site: ReadSite, destination: Destination, scratch: Path) -> list[str]:
    """Say in a preview what of an approved plan is no longer so: a run would refuse it."""
    wanted = chosen.config.approved_plan
    if not wanted or plan.digest == wanted:
        return []
    return refusal(known_plan(site, destination, chosen.approved_plan, wanted, scratch), plan, wanted)


def _what_is_mapped(chosen: Settings) -> str:
    rows = len(chosen.mapping.rows)
    return f"only the {counted(rows, 'row')} of the dicom-map are written" if rows else "nothing is mapped"


def _remarks(chosen: Settings, sessions: Sequence[SessionRecord]) -> tuple[str, ...]:
    """Say of the mapping what no single file can say."""
    files = [file for session in sessions for file in session.files]
    return tuple(chosen.mapping.unused(file.mapped for file in files)) if files else ()


def _circumstances(chosen: Settings, route: Route, image: str, approved: Approved | None) -> Circumstances:
    projects = {"origin": route.origin, "export": route.export, "archive": route.archive}
    known = {role: (project.id, project.path) for role, project in projects.items() if project}
    plan = (approved.digest, approved.preview_job) if approved else ("", "")
    return Circumstances(chosen.job, image, chosen.dicom_map or {}, known, *plan)


def _told(record: RunRecord, outputs: Outputs, folder: Path) -> bool:
    """Write page, workbook and evidence, say what the run came to, and tell whether all went well."""
    try:
        written = outputs.close(record)
    except OutputError as error:
        log.error("The page or the workbook is missing, the CSV files are complete: %s", error)
    else:
        if not record.dry_run:
            _evidence(record, folder, written)
    for line in closing_lines(record):
        log.info(line)
    return record.succeeded


def _evidence(record: RunRecord, folder: Path, outputs: Sequence[Path]) -> None:
    """Write the evidence package, last of all; in the job log stands the one hash that stands for all of it."""
    try:
        package, root = write_package(folder, record, outputs)
    except OutputError as error:
        log.error("The evidence package is missing, all other outputs are complete: %s", error)
        return
    log.info("Evidence: %s, Merkle root %s", package.name, root)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _patience() -> Patience:
    text = os.environ.get(PATIENCE_VARIABLE, "").strip()
    try:
        seconds = float(text or RUN_PATIENCE)
    except ValueError:
        seconds = nan
    if not 0 <= seconds < inf:
        raise ConfigError([f"{PATIENCE_VARIABLE}: {visible(text)} is not a number of seconds."])
    return Patience(seconds)


@contextmanager
def _scratch(work: Path, cancellation: Cancellation) -> Iterator[Path]:
    """Give an owner-only directory that is gone afterwards, also when the job is cancelled."""
    scratch = make_scratch(work)
    remove = functools.partial(shutil.rmtree, scratch, ignore_errors=True)
    cancellation.at_last(remove)
    try:
        yield scratch
    finally:
        remove()
