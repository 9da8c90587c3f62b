"""Deleting containers softly, with everything below them."""

from __future__ import annotations

from local_site.errors import BadRequestError, ConflictError, ForbiddenError
from local_site.hierarchy import access
from local_site.hierarchy.levels import DELETE_REASONS, LEVELS
from local_site.hierarchy.tree import descend
from local_site.site import auth
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.stamps import now
from local_site.storage.store import id_of


def delete(site: Site, who: Identity, kind: str, doc_id: str, reason: str | None) -> None:
    """Delete a container softly, with everything below it.

    Raises
    ------
    ApiError
        Nothing has the id, the right is lacking, an analysis uses it, copies of it exist, or an audited site got no
        reason.
    """
    action = {"project": "containers_delete_project", "analysis": "analyses_delete"}.get(
        kind, "containers_delete_hierarchy"
    )
    doc = access.fetch(site, who, kind, doc_id, action)
    check_delete_reason(site, reason)
    below = list(descend(site, kind, doc))
    project = access.project_of(site, kind, doc)
    if any(name == "file" and file["origin"].get("type") == "device" for name, file in below) and (
        project is None or "files_delete_device_data" not in auth.actions_on(site.store, who, project)
    ):
        raise ForbiddenError(f"{kind} {doc_id} holds original data", reason="original_data_present")
    if kind == "acquisition" and any(
        source.get("parent_ref", {}).get("id") == doc_id
        for analysis in site.store.select("analysis", containing=[doc_id])
        for source in analysis["inputs"]
    ):
        raise ForbiddenError(f"acquisition {doc_id} is used by an analysis", reason="analysis_conflict")
    _require_no_copies(site, {id_of(name, item) for name, item in [(kind, doc), *below]})
    stamp = now()
    for name, item in [(kind, doc), *below]:
        site.store.put(name, {**item, "deleted": stamp, "delete_reason": reason})


def _require_no_copies(site: Site, doomed: set[str]) -> None:
    """Refuse to delete what has been copied by reference to where it is not deleted along with it."""
    for kind in (*LEVELS[1:], "analysis", "file"):
        for copy in site.store.select(kind, containing=['"copy_of":{' if kind == "file" else '"copy_of":"']):
            origin = copy.get("copy_of")
            origin = origin.get("file_id") if isinstance(origin, dict) else origin
            if origin in doomed and id_of(kind, copy) not in doomed:
                raise ConflictError(f"{kind} {id_of(kind, copy)} is a copy of what would be deleted: delete it first")


def check_delete_reason(site: Site, reason: str | None) -> None:
    """Refuse an unknown reason, and a missing one on an audited site.

    Raises
    ------
    BadRequestError
        The reason is missing or unknown.
    """
    if reason and reason not in DELETE_REASONS:
        raise BadRequestError(f"Unknown delete_reason {reason!r}")
    if site.options.audit_trail and not reason:
        raise BadRequestError("This site keeps an audit trail: a delete_reason is needed")
