"""Routes that create, read, change, delete and list containers."""

from __future__ import annotations

from typing import Any

from local_site.errors import BadRequestError, NotFoundError
from local_site.hierarchy import access, changing, creating, deleting, moving
from local_site.hierarchy.fields import checked
from local_site.hierarchy.levels import CONTAINERS
from local_site.hierarchy.tree import touch
from local_site.listing.paging import envelope
from local_site.routing import lists
from local_site.routing.call import Call
from local_site.routing.table import Routes
from local_site.storage.store import Doc

routes = Routes()
CREATED = ("groups", "projects", "subjects", "sessions", "acquisitions")


@routes.add("GET", "/{level}")
def list_all(call: Call) -> Any:
    """List all containers of a type that the sender may see."""
    return lists.containers(call, CONTAINERS[call.params["level"]])


@routes.add("POST", "/{level}")
def create(call: Call) -> Any:
    """Create a container."""
    plural = call.params["level"]
    if plural not in CREATED:
        raise NotFoundError(f"Analyses are created below a container, not at /{plural}")
    return {"_id": creating.create(call.site, call.who, CONTAINERS[plural], call.body)["_id"]}


@routes.add("DELETE", "/{level}")
def delete_many(call: Call) -> Any:
    """Delete several containers."""
    ids = call.body
    if not isinstance(ids, list) or not ids:
        raise BadRequestError("A list of ids is needed")
    reason = call.query.get("delete_reason")
    for doc_id in ids:
        deleting.delete(call.site, call.who, CONTAINERS[call.params["level"]], str(doc_id), reason)
    return {"deleted": len(ids)}


@routes.add("GET", "/{cont}/{cid}")
def read(call: Call) -> Any:
    """Return a container."""
    kind, doc = _addressed(call)
    return lists.views(call).typed(kind, doc)


@routes.add("PUT", "/{cont}/{cid}")
def modify(call: Call) -> Any:
    """Change or move a container."""
    kind = access.kind_of(call.site, call.params["cont"], call.params["cid"])
    replace = call.query.flag("replace_metadata")
    jobs = changing.modify(call.site, call.who, kind, call.params["cid"], call.body, replace_info=replace)
    return {"modified": 1, "jobs_spawned": jobs}


@routes.add("DELETE", "/{cont}/{cid}")
def delete(call: Call) -> Any:
    """Delete a container with all below it."""
    kind = access.kind_of(call.site, call.params["cont"], call.params["cid"])
    deleting.delete(call.site, call.who, kind, call.params["cid"], call.query.get("delete_reason"))
    return {"deleted": 1}


@routes.add("GET", "/projects/catalog-list")
def catalog(call: Call) -> Any:
    """List projects, always in an envelope."""
    docs, total = lists.page(call, "project", enveloped=True)
    shown = lists.views(call)
    return envelope([shown.listed("project", doc) for doc in docs], total)


@routes.add("GET", "/projects/groups")
def groups_with_projects(call: Call) -> Any:
    """List the groups that the sender sees projects of."""
    return lists.containers(call, "group")


@routes.add("GET", "/projects/{cid}/delete-status")
def delete_status(call: Call) -> Any:
    """Tell how far the deletion of a project is, which on this site is done at once."""
    deleted = call.site.store.get("project", call.params["cid"], deleted=True)
    if deleted is None:
        raise NotFoundError(f"Could not find resource project:{call.params['cid']}")
    access.require(call.site, call.who, "project", deleted, "containers_view_metadata")
    return {"delete_status": "completed" if deleted.get("deleted") else "static", "delete_failure_reason": None}


@routes.add("GET", "/projects/{cid}/settings")
def settings(call: Call) -> Any:
    """Return the settings of a project."""
    return access.fetch(call.site, call.who, "project", call.params["cid"], "settings_view")["settings"]


@routes.add("PUT", "/projects/{cid}/settings")
def change_settings(call: Call) -> Any:
    """Change settings of a project, and return all of them."""
    project = access.fetch(call.site, call.who, "project", call.params["cid"], "settings_modify")
    settings = {**project["settings"], **checked(call.body, None)}
    touch(call.site, "project", {**project, "settings": settings})
    return settings


@routes.add("GET", "/containers/find")
def find(call: Call) -> Any:
    """List the containers of all types, or of the one in ``container_type``, that a filter admits."""
    wanted = call.query.get("container_type")
    if wanted and wanted not in CONTAINERS.values():
        raise BadRequestError(f"Unknown container_type {wanted!r}")
    shown = lists.views(call)
    return [
        {**shown.listed(kind, doc), "container_type": kind}
        for kind in ([wanted] if wanted else CONTAINERS.values())
        for doc in lists.page(call, kind)[0]
    ]


@routes.add("GET", "/groups/{cid}/projects")
def projects_of_group(call: Call) -> Any:
    """List the projects of a group."""
    access.fetch(call.site, call.who, "group", call.params["cid"])
    return lists.containers(call, "project", parent=call.params["cid"])


@routes.add("GET", "/projects/{cid}/subjects")
def subjects_of_project(call: Call) -> Any:
    """List the subjects of a project."""
    return _within_project(call, "subject")


@routes.add("GET", "/projects/{cid}/sessions")
def sessions_of_project(call: Call) -> Any:
    """List the sessions of a project."""
    return _within_project(call, "session")


@routes.add("GET", "/projects/{cid}/acquisitions")
def acquisitions_of_project(call: Call) -> Any:
    """List the acquisitions of a project."""
    return _within_project(call, "acquisition")


@routes.add("GET", "/subjects/{cid}/sessions")
def sessions_of_subject(call: Call) -> Any:
    """List the sessions of a subject."""
    access.fetch(call.site, call.who, "subject", call.params["cid"])
    return lists.containers(call, "session", parent=call.params["cid"])


@routes.add("GET", "/sessions/{cid}/acquisitions")
def acquisitions_of_session(call: Call) -> Any:
    """List the acquisitions of a session."""
    access.fetch(call.site, call.who, "session", call.params["cid"])
    return lists.containers(call, "acquisition", parent=call.params["cid"])


@routes.add("POST", "/bulk/move/sessions")
def bulk_move(call: Call) -> Any:
    """Move several sessions."""
    return moving.bulk_move_sessions(call.site, call.who, call.body)


def _within_project(call: Call, kind: str) -> Any:
    project = access.fetch(call.site, call.who, "project", call.params["cid"])
    return lists.containers(call, kind, projects=[project["_id"]])


def _addressed(call: Call) -> tuple[str, Doc]:
    kind = access.kind_of(call.site, call.params["cont"], call.params["cid"])
    return kind, access.fetch(call.site, call.who, kind, call.params["cid"])
