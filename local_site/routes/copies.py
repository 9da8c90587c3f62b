"""Routes for server-side copies, uid checks and upserts."""

from __future__ import annotations

import asyncio
from typing import Any

from local_site.errors import ForbiddenError, NotFoundError
from local_site.hierarchy import access, creating, moving, upserts
from local_site.hierarchy.copying import Copier, CopyFilter
from local_site.hierarchy.fields import SchemaError
from local_site.hierarchy.labels import require_free_code
from local_site.routing import lists
from local_site.routing.call import Call
from local_site.routing.table import Routes
from local_site.storage.store import Doc

routes = Routes()
COPY_SECONDS = 0.2  # a project is copied after the reply, as a task


@routes.add("POST", "/sessions/{cid}/copy")
def copy_session(call: Call) -> Any:
    """Copy a session to a project or subject."""
    copier, session = _copier(call, "session")
    if call.body.get("dst_subject_id"):
        subject = _target(call, "subject", call.body["dst_subject_id"])
    else:
        project_id = call.body.get("dst_project_id") or session["parents"]["project"]
        subject = _same_subject(call, session, _target(call, "project", project_id))
    copy = copier.copy("session", session, subject, call.body.get("dst_session_label"))
    return lists.views(call).whole("session", copy)


@routes.add("POST", "/subjects/{cid}/copy")
def copy_subject(call: Call) -> Any:
    """Copy a subject to a project."""
    copier, subject = _copier(call, "subject")
    project = _target(call, "project", _needed(call, "dst_project_id"))
    label = call.body.get("dst_subject_label") or subject["label"]
    require_free_code(call.site, project["_id"], label)
    return lists.views(call).whole("subject", copier.copy("subject", subject, project, label))


@routes.add("POST", "/acquisitions/{cid}/copy")
def copy_acquisition(call: Call) -> Any:
    """Copy an acquisition to a session."""
    copier, acquisition = _copier(call, "acquisition")
    session = _target(call, "session", _needed(call, "dst_session_id"))
    copy = copier.copy("acquisition", acquisition, session, call.body.get("label"))
    return lists.views(call).whole("acquisition", copy)


@routes.add("POST", "/projects/{cid}/copy")
def copy_project(call: Call) -> Any:
    """Start copying a project; its copy is empty at first, and tells when it is done."""
    copier, source = _copier(call, "project")
    if not source["copyable"]:
        raise ForbiddenError(f"project {source['_id']} is not copyable")
    body = {"label": _needed(call, "project_label"), "group": _needed(call, "group_id")}
    copy = creating.create(call.site, call.who, "project", body)
    snapshot = call.body.get("snapshot_id") or call.site.new_id()
    copy.update(
        copy_of=source["_id"],
        original_copy_of=source.get("original_copy_of") or source["_id"],
        copy_status="copying",
        info=source["info"],
        snapshot=snapshot,
    )
    call.site.store.put("project", copy)

    def finish() -> None:
        with call.site.store.transaction():
            copier.fill("project", source, copy)
            call.site.store.put("project", {**copy, "copy_status": "completed"})

    asyncio.get_running_loop().call_later(COPY_SECONDS, finish)
    return {"task_id": call.site.new_id(), "snapshot_id": snapshot, "project_id": copy["_id"]}


@routes.add("GET", "/projects/{cid}/copy/{snapshot_id}/status")
def copy_status(call: Call) -> Any:
    """Tell how far the copying of a project is."""
    project = access.fetch(call.site, call.who, "project", call.params["cid"])
    if project.get("snapshot") != call.params["snapshot_id"]:
        raise NotFoundError(f"Could not find resource snapshot:{call.params['snapshot_id']}")
    return {"copy_status": project["copy_status"]}


@routes.add("POST", "/uids")
def check_uids(call: Call) -> Any:
    """Tell which uids of sessions and acquisitions exist."""
    if not isinstance(call.body, dict):
        raise SchemaError(("sessions", "field required"))
    projects = call.body.get("project_ids")
    if call.body.get("project_id"):
        projects = [call.body["project_id"]]
    return {
        kind + "s": upserts.existing_uids(call.site, kind, call.body.get(kind + "s") or [], projects)
        for kind in ("session", "acquisition")
    }


@routes.add("POST", "/projects/{cid}/upsert-hierarchy")
def upsert_hierarchy(call: Call) -> Any:
    """Find or create subject, session and acquisition."""
    project = access.fetch(call.site, call.who, "project", call.params["cid"], "containers_create_hierarchy")
    return upserts.upsert_hierarchy(call.site, call.who, project, call.body)


@routes.add("POST", "/files")
def upsert_file(call: Call) -> Any:
    """Record a file as devices do."""
    reference = call.body.get("parent_ref") if isinstance(call.body, dict) else None
    if not isinstance(reference, dict) or not isinstance(reference.get("id"), str):
        raise SchemaError(("parent_ref", "field required"))
    kind = access.kind_of(call.site, "containers", reference["id"])
    access.fetch(call.site, call.who, kind, reference["id"], "files_create_single")
    file = upserts.upsert_file(call.site, call.who, call.body, force=call.query.flag("force_update"))
    outcome = file.pop("upsert_result")
    return {**lists.views(call).file(file), "upsert_result": outcome}


def _copier(call: Call, kind: str) -> tuple[Copier, Doc]:
    copy_filter = CopyFilter.parse(call.body)
    source = access.fetch(call.site, call.who, kind, call.params["cid"], "files_download")
    return Copier(call.site, call.who, copy_filter), source


def _needed(call: Call, name: str) -> str:
    value = call.body.get(name)
    if not isinstance(value, str):
        raise SchemaError((name, "field required"))
    return value


def _target(call: Call, kind: str, doc_id: str) -> Doc:
    return access.fetch(call.site, call.who, kind, doc_id, "containers_create_hierarchy")


def _same_subject(call: Call, session: Doc, project: Doc) -> Doc:
    """Return the project's subject of the same label as the session's, made if needed."""
    subject = call.site.store.get("subject", session["subject"]) or {}
    found = next(call.site.store.select("subject", parent=project["_id"], label=subject["label"]), None)
    return found or moving.copy_subject(call.site, subject, project)
