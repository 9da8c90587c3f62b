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
from export_session.record import Circumstances, RunRecord, SessionRecord, kind_of
from export_session.report import Outputs, closing_lines
from export_session.session.audit_trail import UNKNOWN, AuditTrail
from export_session.session.files import Run
from export_session.session.planned import Approved
from export_session.session.provenance import GEAR
from export_session.session.result import Route
from export_session.session.transfer import Handling
from export_session.sessions import export_all
from export_session.settings import Config, Settings
from export_session.sheet.correct import Sheets, correct
from export_session.sheet.make import make_sheet
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
    """Do what the settings ask for, and tell whether all went well."""
    if chosen.config.reads_only:  # so nothing needs to be ready for writing
        chosen = replace(chosen, config=replace(chosen.config, dry_run=True, check_gear_rules=False))
    config, patience, started = chosen.config, _patience(), _now()

    def reached(*, writable: bool) -> PatientSite:
        plain = connect(chosen.api_key, writable=writable, cancellation=cancellation)
        return PatientSite(plain, patience, sleep=cancellation.sleep)

    site = reached(writable=not config.dry_run)
    with _scratch(context.work, cancellation) as scratch, Workers(config.transfers) as workers:
        destination, route = preflight.check(site.with_patience(START_PATIENCE), chosen, workers)
        if config.reads_only:
            return _looked_at(site, config, destination, route, workers, context.output)
        _announce(chosen, title_of(destination, route), route)
        progress = Progress(log=log)
        cancellation.then(progress.close)  # which says how much is left
        handling = Handling(
            scratch, config.verify == "readback", config.log_values == "full", chosen.job, context.image
        )
        run = Run(site, config, chosen.mapping, functools.cache(site.classification_schema), handling, progress)
        sheets = Sheets(chosen.corrections, context.output, stem_of(destination)) if chosen.corrections else None
        if config.approved_plan and not config.dry_run:
            reader = reached(writable=False)
            run = replace(run, approved=_approved(run, chosen, route, destination, sheets, workers, reader))
            destination = site.read(type(destination), destination.id)  # as it is once the comparison is done
        corrections = ""
        if sheets:
            corrected = correct(site, config, destination, sheets, workers)
            log.log(logging.ERROR if corrected.failed else logging.INFO, "corrections: %s", corrected.sentence)
            if corrected.failed or config.apply_corrections_only:
                return not corrected.failed
            run, corrections = replace(run, site=corrected.site), corrected.sentence
            destination = corrected.site.read(type(destination), destination.id)
        if config.fan_out and not isinstance(destination, Session):
            return fan_out(run.site, chosen, destination, route, context.output)
        selection = select(run.site, destination, route, config)
        kind = kind_of(config.mode, dry_run=config.dry_run)
        outputs = Outputs(context.output, stem_of(destination), config.log_values, kind)
        sessions, error = export_all(run, route, selection, workers, outputs)
        progress.close()
        plan = plan_of(run, route, sessions) if config.dry_run and not error else None
        other = _unlike(plan, chosen, run.site, destination, scratch) if plan else []
    record = RunRecord(
        title=title_of(destination, route),
        stem=stem_of(destination),
        gear=GEAR,
        started=started,
        finished=_now(),
        dry_run=config.dry_run,
        log_values=config.log_values,
        settings=chosen.for_report(),
        sessions=sessions,
        error=error,
        remarks=(*filter(None, [corrections]), *_remarks(chosen, sessions, handling.trail)),
        nothing_selected=selection.why_empty,
        circumstances=_circumstances(chosen, route, context.image, run.approved),
        plan=plan,
    )
    succeeded = _told(record, outputs, context.output)
    for difference in other:
        log.error(difference)
    return succeeded and not other


def _looked_at(  # noqa: PLR0917 - as every run
    site: PatientSite, config: Config, destination: Destination, route: Route, workers: Workers, output: Path
) -> bool:
    """Sum up what was exported, or make a sheet for corrections; nothing is written to the site."""
    title = title_of(destination, route)
    if config.summarize:
        log.info("Summary of %s: nothing is written to the site", title)
        return summarize(site, config, destination, route, output)
    log.info("Sheet for corrections of %s: nothing is written to the site", title)
    make_sheet(site, config, destination, output / f"{stem_of(destination)}_corrections", workers)
    return True


def _announce(chosen: Settings, title: str, route: Route) -> None:
    """Say what is going to be done."""
    config = chosen.config
    if config.apply_corrections_only:
        log.info("Corrections of %s%s", title, ", as a preview" if config.dry_run else "")
        return
    log.info("%s of %s", "Preview" if config.dry_run else "Export", _what(chosen, title, route))
    for useless in config.unused:
        log.warning(useless)
    if not config.map_flywheel_to_dicom and config.mode != "restore":
        log.info("map_flywheel_to_dicom is off: %s", _what_is_mapped(chosen))


def _approved(  # noqa: PLR0917 - as every run, and a site that cannot be written to
    run: Run,
    chosen: Settings,
    route: Route,
    destination: Destination,
    sheets: Sheets | None,
    workers: Workers,
    reader: PatientSite,
) -> Approved:
    """Compare with the approved plan what the run would do, corrections from a sheet included; nothing is written."""
    if sheets:
        reader = correct(reader, replace(run.config, dry_run=True), destination, sheets, workers).site
        destination = reader.read(type(destination), destination.id)
    return approved(run, route, destination, workers, given=chosen.approved_plan, reader=reader)


def _unlike(plan: Plan, chosen: Settings, site: ReadSite, destination: Destination, scratch: Path) -> list[str]:
    """Say in a preview what of an approved plan is no longer so: a run would refuse it."""
    wanted = chosen.config.approved_plan
    if not wanted or plan.digest == wanted:
        return []
    return refusal(known_plan(site, destination, chosen.approved_plan, wanted, scratch), plan, wanted)


def _what(chosen: Settings, title: str, route: Route) -> str:
    ways = {"copy": f"to {route.export.path}", "in_place": "in place", "restore": "undone: back to the versions before"}
    return f"{title} {ways[chosen.config.mode]}"


def _what_is_mapped(chosen: Settings) -> str:
    rows = len(chosen.mapping.rows)
    return f"only the {counted(rows, 'row')} of the dicom-map are written" if rows else "nothing is mapped"


def _remarks(chosen: Settings, sessions: Sequence[SessionRecord], trail: AuditTrail) -> tuple[str, ...]:
    """Say of configuration, mapping and the authors of the edits what no single file can say."""
    files = [file for session in sessions for file in session.files]
    mapped = chosen.config.mode != "restore"  # which writes nothing into files
    unused = tuple(chosen.mapping.unused(file.mapped for file in files)) if files and mapped else ()
    return (*chosen.config.unused, *unused, *([UNKNOWN] if trail.is_missing else []))


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
