"""All sessions of a run, one after the other: each has its record on the disk before its tags and the next one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from export_session.errors import ExportError, OutputError
from export_session.launch.selection import ALREADY, Entry, Selected, Selection, changes_since
from export_session.record import ContainerRecord, SessionRecord, Status
from export_session.restore.story import restore_session
from export_session.session.ending import Story, told
from export_session.session.files import Run
from export_session.session.in_place import change_in_place
from export_session.session.result import Route
from export_session.session.since import EDITED
from export_session.session.story import export_session
from export_session.session.subjects import Subjects
from export_session.site import ReadSite
from export_session.support.parallel import Workers

log = logging.getLogger(__name__)

STORIES: Mapping[str, Story] = {  # by mode
    "copy": export_session,
    "in_place": change_in_place,
    "restore": restore_session,
}

MOST_THUMBNAILS = 500  # of a run, about


class Records(Protocol):
    """Where the records of sessions go."""

    def keep(self, session: SessionRecord) -> None:
        """Take the record of a session before its tags are set."""

    def settle(self, session: SessionRecord) -> None:
        """Take it for good."""


def export_all(
    run: Run, route: Route, selection: Selection, workers: Workers, outputs: Records
) -> tuple[tuple[SessionRecord, ...], str]:
    """Export sessions and write the record of each.

    Returns
    -------
    tuple
        The records, and why the run could not go on to its end: empty where it did.
    """
    done: list[SessionRecord] = []
    try:
        for record in _sessions(run, route, selection, workers, outputs):
            done.append(record)
            outputs.settle(record)
    except OutputError as error:
        log.error("the run stops: %s", error)
        return tuple(done), str(error)
    except ExportError as error:  # what is done stays done, and is told; so is what is not
        log.error("the run stops: %s", error)
        for record in _not_reached(route, selection.entries[len(done) :], str(error)):
            done.append(record)
            outputs.settle(record)
        return tuple(done), str(error)
    return tuple(done), ""


def _not_reached(route: Route, entries: Sequence[Entry], why: str) -> Iterator[SessionRecord]:
    """Give the records of the sessions that a run did not come to: at the first one it stopped."""
    for number, entry in enumerate(entries):
        status, error = (Status.NOT_REACHED, "") if number else (Status.FAILED, why)
        path = f"{route.origin.path}/{entry.subject}/{entry.label}"
        row = ContainerRecord("session", entry.label, status, path, error=error)
        yield SessionRecord(entry.subject, entry.label, status, (row,), error=error)


def _sessions(
    run: Run, route: Route, selection: Selection, workers: Workers, outputs: Records
) -> Iterator[SessionRecord]:
    subjects = Subjects()
    files = 0
    run.progress.expect_sessions(selection.to_do)
    for selected in selection:
        session = selected.session
        if session is None or selected.skipped:
            yield _left_alone(run.site, route, selected)
            continue
        run.progress.begin_session()
        record, subjects = told(STORIES[run.config.mode], run, route, session, workers, subjects, keep=outputs.keep)
        files += len(record.files)
        if files > MOST_THUMBNAILS:  # they are kept until the page is written
            run = replace(run, handling=replace(run.handling, thumbnails=False))
        yield record


def _left_alone(site: ReadSite, route: Route, selected: Selected) -> SessionRecord:
    """Give the record of a session that is passed over or could not be read."""
    entry, since = selected.entry, ""
    status = Status.FAILED if selected.failed else Status.SKIPPED
    path = f"{route.origin.path}/{entry.subject}/{entry.label}"
    if selected.failed:
        log.error("%s: %s", path, selected.failed)
    if selected.skipped == ALREADY:
        since = changes_since(site, selected)
    row = ContainerRecord("session", entry.label, status, path, notes=(since,) if since else ())
    return SessionRecord(
        subject=entry.subject,
        session=entry.label,
        status=status,
        containers=(row,),
        error=selected.failed,
        skipped=selected.skipped,
        edited_since=since.startswith(EDITED),
    )
