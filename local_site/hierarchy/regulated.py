"""States that only the site itself brings about: locked projects, and malware found in files."""

from __future__ import annotations

from local_site.errors import ForbiddenError, NotFoundError
from local_site.site.auth import READING
from local_site.site.state import OWNER, Site
from local_site.storage.stamps import now
from local_site.storage.store import Doc

LOCKING_REASONS = ("data_review", "regulatory_audit", "research_suspended", "study_closed", "other")


def lock(site: Site, project_id: str, reason: str | None) -> Doc:
    """Lock a project, so that nothing in it can be changed; with no reason unlock it. Return the project.

    Raises
    ------
    NotFoundError
        No project has the id.
    """
    with site.store.transaction():
        project = site.store.get("project", project_id)
        if project is None:
            raise NotFoundError(f"Could not find resource project:{project_id}")
        origin = {"type": "user", "id": OWNER}
        locked = {"reason": reason, "timestamp": now(), "origin": origin} if reason else None
        site.store.put("project", {**project, "locked": locked})
    return {**project, "locked": locked}


def require_unlocked(project: Doc, action: str) -> None:
    """Refuse an action that changes something in a locked project.

    Raises
    ------
    ForbiddenError
        It is locked.
    """
    locked = project.get("locked")
    if locked and action not in READING:
        raise ForbiddenError(f"project {project['_id']} is locked: {locked['reason']}", reason="project_locked")


def flag(site: Site, file_id: str, threat: str) -> Doc:
    """Record that malware was found in the present version of a file, and return the file.

    Raises
    ------
    NotFoundError
        No file has the id.
    """
    with site.store.transaction():
        file = site.store.get("file", file_id)
        if file is None:
            raise NotFoundError(f"Could not find resource file:{file_id}")
        stamp = now()
        event = {
            "finding_id": site.new_id(),
            "threats": [{"name": threat, "source": "local"}],
            "detected_at": stamp,
            "received_at": stamp,
        }
        flagged = {**file, "scan_events": [*(file.get("scan_events") or []), event]}
        site.store.put("file", flagged)
    return flagged


def require_clean(file: Doc) -> None:
    """Refuse to hand out the content of a file in which malware was found.

    Raises
    ------
    ForbiddenError
        It was.
    """
    events = file.get("scan_events")
    if events:
        names = ", ".join(threat["name"] for event in events for threat in event["threats"])
        raise ForbiddenError(f"Malware was found in {file['name']}: {names}", reason="malware_found")
