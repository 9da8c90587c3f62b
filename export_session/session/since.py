"""Whether an exported session was edited since, as far as one listing of its acquisitions tells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from export_session.session.quality import said_of
from export_session.site import ReadSite
from export_session.site.model import Acquisition, Container, Session
from export_session.support.digests import digest

NAMED = 3  # files in a message
EDITED = "edited since it was exported"
FORCE = "set force_export to export it as it is now"


def as_seen(session: Session, acquisitions: Iterable[Container]) -> dict[str, Any]:
    """Return what is kept of a session when it is tagged: which files in which versions, and the last change of any.

    Both come of the site's own answers, so that no clocks are compared.
    """
    containers = (session, *acquisitions)
    files = [[item.id, file.file_id, file.version] for item in containers for file in item.files]
    modified = [file.modified for item in containers for file in item.files]
    return {"content": digest(sorted(files)), "until": max(modified, default="")}


def changes_since_export(site: ReadSite, session: Session) -> str:
    """Say what has happened to a tagged session since it was exported, at the price of one listing.

    Parameters
    ----------
    session
        As listed or read; where a listing has left out its info it is read.
    """
    if session.info_is_hidden:
        session = site.read(Session, session.id)
    if "content" not in said_of(session.info):
        return changes_among(session, ())
    return changes_among(session, site.children("session", session.id, Acquisition))


def changes_among(session: Session, acquisitions: Iterable[Container]) -> str:
    """Say how a session and its acquisitions, as listed now, differ from when it was tagged; empty where not at all.

    That is files that were added, replaced, removed or edited. Fields and info of the session, its subject and
    acquisitions, and files on the subject, are not looked at.
    """
    said, listed = said_of(session.info), tuple(acquisitions)
    if said.get("reason"):
        return f"its last export failed: {said['reason']}; {FORCE}"
    if "content" not in said:
        return "not looked at whether it was edited since: it was exported before the gear kept what it was like"
    until = str(said.get("until") or "")
    edited = [file.name for item in (session, *listed) for file in item.files if until and file.modified > until]
    if not edited and as_seen(session, listed)["content"] == said["content"]:
        return ""
    named = ", ".join(edited[:NAMED]) + (f" and {len(edited) - NAMED} more" if len(edited) > NAMED else "")
    return f"{EDITED}: {named or 'files were added, replaced or removed'}; {FORCE}"
