"""Finding documents for a request, and refusing what its sender may not do."""

from __future__ import annotations

from local_site.errors import ForbiddenError, NotFoundError
from local_site.hierarchy import regulated
from local_site.hierarchy.levels import CONTAINERS, LEVELS
from local_site.site import auth
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.store import Doc


def project_of(site: Site, kind: str, doc: Doc) -> Doc | None:
    """Return the project that `doc` is in; None for groups."""
    project_id = doc["_id"] if kind == "project" else doc.get("parents", {}).get("project")
    return site.store.get("project", project_id) if project_id else None


def require(site: Site, who: Identity, kind: str, doc: Doc, action: str) -> None:
    """Refuse unless `who` may take `action` on the container `doc`.

    Raises
    ------
    ForbiddenError
        The right is missing, or the project is denied by a fault, or locked.
    """
    project = project_of(site, kind, doc)
    if project is None:
        needed = "ro" if action.endswith(("view_metadata", "_view", "download")) else "admin"
        group_id = doc["_id"] if kind == "group" else doc.get("parents", {}).get("group", "")
        group = site.store.get("group", group_id) or doc
        permitted = auth.group_access(who, group) >= auth.ACCESS_ORDER[needed]
        if not permitted and needed == "ro":
            permitted = readable_group(site, who, group)
    else:
        permitted = action in auth.actions_on(site.store, who, project)
        permitted = permitted and not site.faults.denies(project["_id"])
    if not permitted:
        sender = who.user_id or who.origin.get("type")
        raise ForbiddenError(f"User {sender} lacks the permission {action} on {kind} {doc['_id']}")
    if project is not None:
        regulated.require_unlocked(project, action)


def readable_group(site: Site, who: Identity, group: Doc) -> bool:
    """Tell whether `who` may see a group: by its permissions, or because a project in it is theirs to read."""
    if auth.group_access(who, group):
        return True
    projects = site.store.select("project", parent=group["_id"])
    return who.project is None and any(
        "containers_view_metadata" in auth.actions_on(site.store, who, project) for project in projects
    )


def require_admin(who: Identity) -> None:
    """Refuse unless `who` is a site administrator.

    Raises
    ------
    ForbiddenError
        They are not.
    """
    if not who.admin or who.read_only:
        raise ForbiddenError("Only a site administrator may do this")


def kind_of(site: Site, plural: str, doc_id: str) -> str:
    """Return the kind that a route names; ``containers`` stands for whatever has the id.

    Raises
    ------
    NotFoundError
        No container has the id.
    """
    if plural != "containers":
        return CONTAINERS[plural]
    kind = site.store.kind_of(doc_id, {*LEVELS, "analysis"})
    if kind is None:
        raise NotFoundError(f"Could not find resource container:{doc_id}")
    return kind


def fetch(site: Site, who: Identity, kind: str, doc_id: str, action: str = "containers_view_metadata") -> Doc:
    """Return a container that `who` may take `action` on.

    Raises
    ------
    NotFoundError
        No container has this id, or no longer.
    ForbiddenError
        The right is missing.
    """
    doc = site.store.get(kind, doc_id)
    if doc is None:
        raise NotFoundError(f"Could not find resource {kind}:{doc_id}")
    require(site, who, kind, doc, action)
    return doc
