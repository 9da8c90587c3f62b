"""What came of many sessions, read off the notes that runs left on them; nothing is written to the site."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from export_session.launch.names import stem_of, title_of
from export_session.launch.selection import Destination
from export_session.report.disclosure import Gate
from export_session.report.outputs import UNFINISHED, GrowingTable, write_page
from export_session.report.summary import COLUMNS, Edited, Row, State, Summary, page
from export_session.report.table_page import render
from export_session.report.workbook import Sheet, write_workbook
from export_session.session.origin import acquisitions_below
from export_session.session.provenance import GEAR, QC, object_at
from export_session.session.quality import said_of
from export_session.session.result import Route
from export_session.session.since import changes_among
from export_session.settings import Config
from export_session.site import ReadSite, equals
from export_session.site.model import EXPORTED, Acquisition, Session, Subject
from export_session.support.wording import counted

log = logging.getLogger(__name__)

FEW = 250  # acquisitions, a page of a listing: so many are always looked at


def summarize(site: ReadSite, config: Config, destination: Destination, route: Route, folder: Path) -> bool:
    """Write a table, a page and a workbook of all sessions below the destination, and return True.

    It takes two calls for each page of sessions at most: one lists the sessions with their info, one lists
    acquisitions, to tell whether a file was edited since. Where there are more acquisitions than that, they are not
    looked at, and that is said.
    """
    stem = f"{stem_of(destination)}_summary"
    csv, html, book = (folder / f"{stem}.{ending}" for ending in ("csv", "html", "xlsx"))
    table = GrowingTable(csv, COLUMNS)
    write_page(html, UNFINISHED)
    gate = Gate(config.log_values)
    sessions = list(_sessions(site, destination, route))
    log.info("%s listed", counted(len(sessions), "session"))
    listed, complete = _acquisitions(site, destination, len(sessions), wanted=any(map(_comparable, sessions)))
    rows = [_row(session, listed.get(session.id, []), gate, complete=complete) for session in sessions]
    summary = Summary(title_of(destination, route), rows)
    table.keep([row.cells() for row in rows])
    table.settle()
    table.close()
    figures = [(tile.name, tile.number, tile.remark) for tile in summary.figures]
    sheets = {
        "Sessions": Sheet(COLUMNS, [row.cells() for row in rows], len(rows)),
        "Figures": Sheet(("Figure", "Value", "Remark"), figures, len(figures)),
    }
    write_workbook(book, sheets)
    write_page(html, render(page(summary, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, {GEAR}", csv.name)))
    for line in (summary.verdict.sentence, *summary.advice):
        log.info(line)
    return True


def _sessions(site: ReadSite, destination: Destination, route: Route) -> Iterator[Session]:
    """Give the sessions with their info: those that are there, then those that were moved to the archive."""
    if isinstance(destination, Session):
        yield destination
        return
    for row in site.children(destination.level, destination.id, Session, with_info=True):
        yield _with_info(site, row)
    if route.archive is None or route.archive.id == route.origin.id:
        return
    from_here = equals("info.export.origin_project", route.origin.id)
    for row in site.children("project", route.archive.id, Session, from_here, with_info=True):
        if not isinstance(destination, Subject) or row.subject_label == destination.label:
            yield _with_info(site, row)


def _with_info(site: ReadSite, row: Session) -> Session:
    """Read a session whose info a listing keeps to itself, as some sites do whatever they are asked for."""
    return site.read(Session, row.id) if row.info_is_hidden else row


def _acquisitions(
    site: ReadSite, destination: Destination, sessions: int, *, wanted: bool
) -> tuple[Mapping[str, list[Acquisition]], bool]:
    """List acquisitions by session, no more pages of them than there are of sessions, and tell whether that is all."""
    found: dict[str, list[Acquisition]] = defaultdict(list)
    if not wanted:
        return found, True
    most, number = max(FEW, sessions), 0
    for row in islice(acquisitions_below(site, destination), most):
        found[row.parents.get("session", "")].append(row)
        number += 1
    return found, number < most


def _comparable(session: Session) -> bool:
    return EXPORTED in session.tags and "content" in said_of(session.info)


def _row(session: Session, listed: list[Acquisition], gate: Gate, *, complete: bool) -> Row:
    said = said_of(session.info)
    state, why = _state(session, said)
    made_by = object_at(session.info, "qc", QC, "job_info")
    changed = changes_among(session, listed) if complete and _comparable(session) else ""
    return Row(
        subject=session.subject_label,
        session=session.label,
        state=state,
        why=gate.sentence("; ".join(filter(None, (why, changed)))),
        edited=_edited(session, changed, complete=complete),
        archived=_text(said, "archived"),
        files=_number(said, "files"),
        bytes=_number(said, "bytes"),
        changes=_number(said, "changes"),
        refused=_number(said, "refused"),
        notes=_number(said, "notes"),
        tags=", ".join(session.tags),
        version=_text(made_by, "version"),
        job=_text(made_by, "job_id"),
        session_id=session.id,
    )


def _state(session: Session, said: Mapping[str, Any]) -> tuple[State, str]:
    """Tell how far a session is, and why."""
    tagged = EXPORTED in session.tags
    if reason := _text(said, "reason"):
        return State.FAILED, reason + ("; an earlier run exported it" if tagged else "")
    if tagged and _number(said, "refused"):
        return State.REFUSED, "the report of its job says why"
    if tagged:
        return State.EXPORTED, "" if said else "what its run came to was not noted on it"
    if said.get("state") == "PASS" or _number(said, "refused"):
        return State.NOT_TAGGED, "exported once, but its tag was taken away or not reached: the next run looks at it"
    return (State.FAILED, "its run noted no reason") if said else (State.OPEN, "")


def _edited(session: Session, changed: str, *, complete: bool) -> Edited:
    if EXPORTED not in session.tags:
        return Edited.NOTHING
    if changed:
        return Edited.YES
    return Edited.NO if complete and _comparable(session) else Edited.UNKNOWN


def _text(said: Mapping[str, Any], key: str) -> str:
    """Return a text of what is noted; people and gears write into info what they like."""
    value = said.get(key)
    return value if isinstance(value, str) else ""


def _number(said: Mapping[str, Any], key: str) -> int:
    value = said.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
