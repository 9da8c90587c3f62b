"""Which sessions a run exports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from export_session.session.result import Route
from export_session.settings import Config
from export_session.site import ReadSite, equals
from export_session.site.model import EXPORTED, Project, Session, Subject

Destination = Project | Subject | Session  # what a run works on


@dataclass(frozen=True)
class Selected:
    """A session and, where it is passed over, why."""

    session: Session
    skipped: str = ""


def select(site: ReadSite, destination: Destination, route: Route, config: Config) -> Iterator[Selected]:
    """Give the sessions of a run one at a time, in the order of their creation.

    Listings are read page by page and each session in full only at its turn, so that a project of any size
    needs no more memory than one page.
    """
    for session in _candidates(site, destination, route, config):
        if EXPORTED in session.tags and not config.force_export:
            yield Selected(session, "already EXPORTED; set force_export to export it again")
        elif config.select_tag and not isinstance(destination, Session) and config.select_tag not in session.tags:
            continue
        else:
            yield Selected(session)


def _candidates(site: ReadSite, destination: Destination, route: Route, config: Config) -> Iterator[Session]:
    if isinstance(destination, Session):
        yield destination
        return
    if route.archive and config.archive_mode == "move":  # first, or what this run moves would be found again
        yield from _moved_but_not_tagged(site, destination, route.archive.id)
    wanted = [equals("tags", config.select_tag)] if config.select_tag else []
    for row in site.children(destination.level, destination.id, Session, *wanted):
        known_exported = EXPORTED in row.tags and not config.force_export
        yield row if known_exported else site.read(Session, row.id)


def _moved_but_not_tagged(site: ReadSite, destination: Destination, archive_id: str) -> Iterator[Session]:
    """Find sessions that an interrupted run moved to the archive before it could tag them."""
    project = destination.id if isinstance(destination, Project) else destination.parents["project"]
    from_here = equals("info.export.origin_project", project)
    for row in site.children("project", archive_id, Session, from_here):
        if EXPORTED in row.tags:
            continue
        session = site.read(Session, row.id)
        elsewhere = isinstance(destination, Subject) and session.subject_label != destination.label
        if EXPORTED not in session.tags and not elsewhere:
            yield session
