"""A plan that a person approved: found, compared with what a run would do now, and held to."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from export_session import plan
from export_session.errors import AccessDenied, NotFound, PreflightError, SiteError
from export_session.launch.selection import Destination, Selection, select
from export_session.plan import Plan
from export_session.record import SessionRecord
from export_session.report.plan import ENDING
from export_session.session.files import Run
from export_session.session.planned import Approved
from export_session.session.provenance import GEAR, QC, object_at
from export_session.session.quality import RESULT, said_of
from export_session.session.result import Route
from export_session.sessions import export_all
from export_session.settings import Config
from export_session.site import PatientSite, ReadSite, equals
from export_session.site.model import EXPORTED, Analysis, File, Session
from export_session.support.parallel import Workers
from export_session.support.progress import Progress

log = logging.getLogger(__name__)

NAMED = 50  # differences
LOOKED_INTO = 100  # plan files
# What of the settings decides on bytes or their place. Which sessions are selected is said by the sessions themselves.
DECIDING = (
    *("mode", "archive_mode", "export_attachments", "on_existing", "on_refused_edit", "edit_varying", "edit_uids"),
    *("record_original_attributes", "assume_charset"),
)


@dataclass(frozen=True)
class NoRecord:
    """Takes the records of sessions that are only looked at."""

    def keep(self, session: SessionRecord) -> None:
        """Do nothing."""

    def settle(self, session: SessionRecord) -> None:
        """Do nothing."""


def plan_of(run: Run, route: Route, sessions: Iterable[SessionRecord], done: Mapping[str, str] | None = None) -> Plan:
    """Return the plan of a preview, whose sessions have been looked at."""
    projects = {"export_project": route.export, "archive_project": route.archive}
    decided = {
        "gear": GEAR,
        "image": run.handling.image,
        "settings": {name: getattr(run.config, name) for name in DECIDING},
        "mapping": dict(run.mapping.rows),
        **{role: [project.id, project.path] if project else None for role, project in projects.items()},
    }
    parts = {part.key: part for session in sessions for part in session.parts}
    return Plan(decided, tuple(parts[key] for key in sorted(parts)), done or {})


def approved(
    run: Run, route: Route, destination: Destination, workers: Workers, *, given: Path | None, reader: PatientSite
) -> Approved:
    """Look at all that a run would do, as a preview does, and compare it with the plan that was approved for it.

    Parameters
    ----------
    given
        The file of the plan, where it was given as an input.
    reader
        The site, as one that cannot write.

    Raises
    ------
    PreflightError
        What would be done is not what was approved: what differs, and where. Nothing was written.
    """
    wanted = run.config.approved_plan or ""
    log.info("Comparing with the approved plan %s", wanted)
    progress = Progress(log=log)
    preview = replace(run, site=reader, config=replace(run.config, dry_run=True), progress=progress)
    selection = select(reader, destination, route, preview.config)
    sessions, error = export_all(preview, route, selection, workers, NoRecord())
    progress.close()
    if error:
        raise PreflightError([f"The run could not be compared with the approved plan: {error}"])
    now = plan_of(run, route, sessions)
    now = replace(now, done=_done(reader, selection, route, run.config, now))
    document = known_plan(reader, destination, given, wanted, run.handling.scratch)
    if now.digest != wanted:
        raise PreflightError(refusal(document, now, wanted))
    return Approved(wanted, str((document or {}).get("job") or ""), {part.key: part for part in now.parts})


def refusal(document: Mapping[str, Any] | None, now: Plan, wanted: str) -> list[str]:
    """Say what of an approved plan is no longer so, and where, as far as the plan itself is at hand."""
    head = f"The plan that was approved ({wanted}) is not what would be done now ({now.digest}); nothing was written."
    if document is None:
        return [f"{head} What differs cannot be told, as the plan was not found: give it as the input approved-plan."]
    found = list(plan.differences(document, now))
    more = [f"and {len(found) - NAMED:,} more"] if len(found) > NAMED else []
    advice = "Preview it again, and have that approved."
    return [head, *found[:NAMED], *more, advice]


def _done(site: ReadSite, selection: Selection, route: Route, config: Config, now: Plan) -> dict[str, str]:
    """Return what a run has finished by this plan already: such sessions bear the tag, and say so."""
    there = {part.key for part in now.parts}
    sessions = [entry.id for entry in selection.entries if f"session:{entry.id}" not in there]
    if route.archive and config.archive_mode == "move":
        key = f"info.qc.{QC}.{RESULT}.plan"
        rows = site.children("project", route.archive.id, Session, equals(key, config.approved_plan or ""))
        sessions += [row.id for row in rows]
    done: dict[str, str] = {}
    for session_id in dict.fromkeys(sessions):
        try:
            session = site.read(Session, session_id)
        except (NotFound, AccessDenied):
            continue
        said = said_of(session.info)
        if EXPORTED in session.tags and said.get("plan") == config.approved_plan:
            done |= {str(key): str(value) for key, value in object_at(said, "parts").items()}
    return done


def known_plan(
    site: ReadSite, destination: Destination, given: Path | None, wanted: str, scratch: Path
) -> Mapping[str, Any] | None:
    """Find the plan of this digest: the file that was given, or one among those of the analyses on the destination."""
    contents = [given.read_bytes()] if given else _contents(site, destination, scratch)
    for content in contents:
        try:
            document = json.loads(content)
        except ValueError:
            continue
        if isinstance(document, Mapping) and plan.digest_of(document) == wanted:
            return document
    return None


def _contents(site: ReadSite, destination: Destination, scratch: Path) -> Iterator[bytes]:
    """Give the plans that previews left on the destination, the newest first."""
    try:
        for number, file in enumerate(_files(site, destination)):
            if number == LOOKED_INTO:
                return
            target = scratch / "plan.json"
            site.fetch(file, target)
            yield target.read_bytes()
            target.unlink()
    except SiteError as error:
        log.warning("the approved plan was looked for among the analyses, which cannot be read: %s", error)


def _files(site: ReadSite, destination: Destination) -> Iterator[File]:
    yield from (file for file in destination.files if file.name.endswith(ENDING))
    for row in reversed(list(site.children(destination.level, destination.id, Analysis))):
        analysis = row if row.files else site.read(Analysis, row.id)
        yield from (file for file in analysis.files if file.name.endswith(ENDING))
