"""The gear: from ``config.json`` to the reports and the exit code."""

from __future__ import annotations

import functools
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from math import inf, nan
from pathlib import Path

from export_session import settings
from export_session.errors import ConfigError, ExportError
from export_session.launch import preflight
from export_session.launch.fan_out import fan_out
from export_session.launch.gear_context import open_gear
from export_session.launch.selection import Destination, Selected, select
from export_session.record import ContainerRecord, RunRecord, SessionRecord, Status
from export_session.report import closing_lines, write_reports
from export_session.session.files import Run
from export_session.session.provenance import GEAR
from export_session.session.result import Route
from export_session.session.story import export_session
from export_session.session.subjects import Subjects
from export_session.session.transfer import Handling
from export_session.settings import Settings
from export_session.site import Patience, PatientSite, connect
from export_session.site.model import Project, Session
from export_session.support.cancellation import Cancellation, Cancelled
from export_session.support.parallel import Workers
from export_session.support.progress import Progress
from export_session.support.scratch import make_scratch
from export_session.support.wording import visible

log = logging.getLogger("export_session")

DONE, SOME_FAILED, CANNOT_START = 0, 1, 2  # exit codes
RUN_PATIENCE = 1800.0  # seconds a whole run may lose to failed calls and the waits between them
PATIENCE_VARIABLE = "SESSION_EXPORT_PATIENCE"  # sets another, for slow or doubtful sites
MOST_THUMBNAILS = 500  # of a run, about
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
            context = open_gear(gear or Path.cwd())
            chosen = settings.parse(context.document)
            if chosen.config.debug:
                log.setLevel(logging.DEBUG)
            succeeded = _run(chosen, context.work, context.output, cancellation)
    except Cancelled as cancelled:
        return cancelled.code
    except ConfigError as error:
        for problem in error.problems:
            log.error(problem)
        return CANNOT_START
    except ExportError as error:
        log.error(str(error))
        return CANNOT_START
    return DONE if succeeded else SOME_FAILED


def _run(chosen: Settings, work: Path, output: Path, cancellation: Cancellation) -> bool:
    """Export what the settings select, write the reports, and tell whether all went well."""
    config = chosen.config
    started = _now()
    plain = connect(chosen.api_key, writable=not config.dry_run, cancellation=cancellation)
    site = PatientSite(plain, _patience(), sleep=cancellation.sleep)
    with _scratch(work, cancellation) as scratch, Workers(config.transfers) as workers:
        destination, route = preflight.check(site.with_patience(START_PATIENCE), chosen, workers)
        title, stem = _names(route, destination)
        log.info("%s of %s to %s", "Preview" if config.dry_run else "Export", title, route.export.path)
        if config.fan_out and not isinstance(destination, Session):
            fan_out(site, chosen, destination, route, output / f"{stem}_fan_out.csv")
            return True
        run = Run(
            site,
            config,
            chosen.mapping,
            functools.cache(site.classification_schema),
            Handling(scratch, config.verify == "readback", config.log_values == "full", chosen.job),
            Progress(log=log),
        )
        cancellation.then(run.progress.close)  # which says how much is left
        sessions = tuple(_export_all(run, route, destination, workers))
        run.progress.close()
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
    )
    write_reports(record, output)
    for line in closing_lines(record):
        log.info(line)
    return record.succeeded


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _export_all(run: Run, route: Route, destination: Destination, workers: Workers) -> Iterator[SessionRecord]:
    subjects = Subjects()
    files = 0
    for selected in select(run.site, destination, route, run.config):
        if selected.skipped:
            yield _skipped(route, selected)
            continue
        record, subjects = export_session(run, route, selected.session, workers, subjects)
        files += len(record.files)
        if files > MOST_THUMBNAILS:  # they are kept until the report is written
            run = replace(run, handling=replace(run.handling, thumbnails=False))
        yield record


def _skipped(route: Route, selected: Selected) -> SessionRecord:
    session = selected.session
    subject = session.subject_label
    path = f"{route.origin.path}/{subject}/{session.label}"
    container = ContainerRecord("session", session.label, Status.SKIPPED, path, notes=(selected.skipped,))
    log.info("%s: %s", path, selected.skipped)
    return SessionRecord(subject, session.label, Status.SKIPPED, (container,))


def _names(route: Route, destination: Destination) -> tuple[str, str]:
    """Return the run's title and a stem for its outputs that any file system takes."""
    labels = [destination.label]
    if isinstance(destination, Session):
        labels.insert(0, destination.subject_label)
    title = "/".join([route.origin.path, *([] if isinstance(destination, Project) else labels)])
    stem = "-".join(re.sub(r"[^\w.+=@ -]", "_", label).strip(" .") or "_" for label in labels)
    return title, stem.encode()[:180].decode(errors="ignore")


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
