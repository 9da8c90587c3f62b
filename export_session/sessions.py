"""All sessions of a run, one after the other: each has its record on the disk before its tags and the next one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace

from export_session.errors import ExportError
from export_session.launch.selection import Selected
from export_session.record import ContainerRecord, SessionRecord, Status
from export_session.report import Outputs
from export_session.session.files import Run
from export_session.session.story import Route, export_session
from export_session.support.parallel import Workers

log = logging.getLogger(__name__)

MOST_THUMBNAILS = 500  # of a run, about


def export_all(
    run: Run, route: Route, selected: Iterable[Selected], workers: Workers, outputs: Outputs
) -> tuple[tuple[SessionRecord, ...], str]:
    """Export sessions and write the record of each.

    Returns
    -------
    tuple
        The records, and why the run could not go on to its end: empty where it did.
    """
    done: list[SessionRecord] = []
    try:
        for record in _sessions(run, route, selected, workers, outputs):
            done.append(record)
            outputs.settle(record)
    except ExportError as error:  # what is done stays done, and is told
        log.error("the run stops: %s", error)
        return tuple(done), str(error)
    return tuple(done), ""


def _sessions(
    run: Run, route: Route, selected: Iterable[Selected], workers: Workers, outputs: Outputs
) -> Iterator[SessionRecord]:
    subjects_done: set[str] = set()
    files = 0
    for each in selected:
        if each.skipped:
            yield _skipped(route, each)
            continue
        subject = each.session.subject_id
        record = export_session(
            run, route, each.session, workers, outputs.keep, subject_files=subject not in subjects_done
        )
        subjects_done.add(subject)
        files += len(record.files)
        if files > MOST_THUMBNAILS:  # they are kept until the page is written
            run = replace(run, handling=replace(run.handling, thumbnails=False))
        yield record


def _skipped(route: Route, selected: Selected) -> SessionRecord:
    session = selected.session
    subject = session.subject_label
    path = f"{route.origin.path}/{subject}/{session.label}"
    container = ContainerRecord("session", session.label, Status.SKIPPED, path)
    return SessionRecord(subject, session.label, Status.SKIPPED, (container,), skipped=selected.skipped)
