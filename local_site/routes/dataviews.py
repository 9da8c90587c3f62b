"""Routes for data views: saved ones, their execution, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import quote

from aiohttp import web

from local_site.dataviews.columns import aliases
from local_site.dataviews.formats import Table, table
from local_site.dataviews.rows import rows
from local_site.dataviews.spec import KEYS, View, checked_view
from local_site.errors import BadRequestError, ForbiddenError, NotFoundError, UnprocessableError
from local_site.hierarchy import access, files
from local_site.hierarchy.fields import SchemaError, checked
from local_site.hierarchy.file_metadata import file_name
from local_site.hierarchy.levels import parents_below
from local_site.routing import lists
from local_site.routing.call import Call
from local_site.routing.table import Routes
from local_site.storage.stamps import now, stored_time
from local_site.storage.store import Doc

routes = Routes()
VIEW = "/views/{view_id}"
EXECUTION = "/data_view_executions/{execution_id}"
KEPT_DAYS = 7


@routes.add("GET", "/views/columns")
def columns(_call: Call) -> Any:
    """List the columns that have a description."""
    return aliases()


@routes.add("POST", "/containers/{owner}/views")
def add_view(call: Call) -> Any:
    """Save a view with a container, a user or the site."""
    body = checked_view(call.body if call.body is not None else {})
    if not body.get("label"):
        raise BadRequestError("A saved view needs a label")
    View.parse(body)
    owner = call.params["owner"]
    parents = _owned(call, owner, manage=True)
    stamp = now()
    view = {
        "includeIds": True,
        "includeLabels": True,
        "sort": True,
        "public": False,
        **body,
        "_id": call.site.new_id(),
        "parent": owner,
        "parent_id": owner,
        "parents": parents,
        "origin": call.who.origin,
        "created": stamp,
        "modified": stamp,
    }
    call.site.store.put("dataview", view)
    return {"_id": view["_id"]}


@routes.add("GET", "/containers/{owner}/views")
def views(call: Call) -> Any:
    """List the views of a container, a user or the site that the sender may see."""
    found = call.site.store.select("dataview", parent=call.params["owner"])
    return lists.plain(call, [_shown(view) for view in found if _may_see(call, view)])


@routes.add("GET", VIEW)
def view(call: Call) -> Any:
    """Return a saved view."""
    return _shown(_view(call, call.params["view_id"]))


@routes.add("PUT", VIEW)
def modify_view(call: Call) -> Any:
    """Change a saved view."""
    old = _view(call, call.params["view_id"])
    changes = checked_view(call.body if call.body is not None else {})
    if not changes or {"_id", "parent", "origin"} & set(changes):
        raise BadRequestError("Nothing to change, or what cannot be changed")
    _owned(call, old["parent"], manage=True)
    changed = {**old, **changes, "modified": now()}
    View.parse({key: changed[key] for key in KEYS if key in changed})
    call.site.store.put("dataview", changed)
    return {"modified": 1}


@routes.add("DELETE", VIEW)
def delete_view(call: Call) -> Any:
    """Delete a saved view."""
    old = _view(call, call.params["view_id"])
    _owned(call, old["parent"], manage=True)
    call.site.store.remove("dataview", old["_id"])
    return {"deleted": 1}


@routes.add("POST", "/views/queue")
def queue(call: Call) -> Any:
    """Execute a view that the body holds, and return the execution, which is complete."""
    return _execution(call, call.body, None)


@routes.add("POST", VIEW + "/queue")
def queue_saved(call: Call) -> Any:
    """Execute a saved view, and return the execution."""
    saved = _view(call, call.params["view_id"])
    return _execution(call, _spec(saved), saved["_id"])


@routes.add("POST", "/views/data")
def evaluate(call: Call) -> Any:
    """Execute a view that the body holds, and send its rows."""
    return _sent(call, *_evaluated(call, call.body, _container_id(call)), call.query.get("format"), "view-data")


@routes.add("GET", VIEW + "/data")
def evaluate_saved(call: Call) -> Any:
    """Execute a saved view, and send its rows."""
    spec = _spec(_view(call, call.params["view_id"]))
    return _sent(call, *_evaluated(call, spec, _container_id(call)), call.query.get("format"), "view-data")


@routes.add("POST", "/views/save")
def save(call: Call) -> Any:
    """Execute a view, and save its rows as a file of a container."""
    body = checked(call.body, None, ("containerId", "filename"))
    spec = _spec(_view(call, str(body["viewId"]))) if body.get("viewId") else body.get("view")
    form = call.query.get("format") or "csv"
    found, parsed = _evaluated(call, spec, _container_id(call))
    return _stored(call, str(body["containerId"]), str(body["filename"]), table(found, parsed.names, form))


@routes.add("GET", "/data_view_executions")
def executions(call: Call) -> Any:
    """List the sender's executions."""
    found = call.site.store.select("execution")
    return lists.plain(call, [_told(doc) for doc in found if doc["user_id"] == call.who.user_id or call.who.admin])


@routes.add("GET", EXECUTION)
def execution(call: Call) -> Any:
    """Return an execution."""
    return _told(_executed(call))


@routes.add("GET", EXECUTION + "/data")
def data(call: Call) -> Any:
    """Send the rows of an execution."""
    done = _executed(call)
    form = call.query.get("file_format") or "json"
    made = table(done["rows"], done["names"], form)
    return _answer(made, call.query.get("file_name") or f"view-data{made.suffix}")


@routes.add("GET", EXECUTION + "/data/columns")
def data_columns(call: Call) -> Any:
    """Return the heads of the columns of an execution."""
    return _executed(call)["names"]


@routes.add("POST", EXECUTION + "/save")
def save_execution(call: Call) -> Any:
    """Save the rows of an execution as a file of its project."""
    done = _executed(call)
    made = table(done["rows"], done["names"], call.query.get("file_format") or "csv")
    name = f"{done['data_view_label'] or 'view-data'}-{done['_id']}{made.suffix}"
    return _stored(call, done["project_id"], name.replace("/", "_"), made)


@routes.add("POST", EXECUTION + "/delete")
def delete_execution(call: Call) -> Any:
    """Delete an execution."""
    call.site.store.remove("execution", _executed(call)["_id"])
    return {"deleted": 1}


def _container_id(call: Call) -> str:
    container_id = call.query.get("containerId")
    if not container_id:
        raise BadRequestError("containerId is needed: what the view is executed on")
    return container_id


def _evaluated(call: Call, spec: Any, container_id: str) -> tuple[list[Doc], View]:
    if call.query.get("sort"):
        raise UnprocessableError("Data views cannot be sorted")
    if not isinstance(spec, dict):
        raise SchemaError(("", "a data view is needed"))
    parsed = View.parse(spec, call.query.get("filter") or "")
    kind = access.kind_of(call.site, "containers", container_id)
    container = access.fetch(call.site, call.who, kind, container_id)
    skip, limit = (call.query.number(name) for name in ("skip", "limit"))
    found = rows(call.site, call.who, parsed, kind, container)
    return list(islice(found, skip or 0, (skip or 0) + limit if limit else None)), parsed


def _execution(call: Call, spec: Any, view_id: str | None) -> Doc:
    container_id = _container_id(call)
    found, parsed = _evaluated(call, spec, container_id)
    kind = access.kind_of(call.site, "containers", container_id)
    project = access.project_of(call.site, kind, call.site.store.get(kind, container_id) or {})
    stamp = now()
    done = {
        "_id": call.site.new_id(),
        "created": stamp,
        "modified": stamp,
        "timestamp_ran": stamp,
        "user_id": call.who.user_id,
        "project_id": project["_id"] if project else None,
        "state": "completed",
        "data_view_label": parsed.label,
        "data_view_id": view_id,
        "storage_file_id": None,
        "task_id": None,
        "expires_on": stored_time(datetime.now(UTC) + timedelta(days=KEPT_DAYS)),
        "revision": 1,
        "rows": found,
        "names": parsed.names,
    }
    call.site.store.put("execution", done)
    return _told(done)


def _executed(call: Call) -> Doc:
    done = call.site.store.get("execution", call.params["execution_id"])
    if done is None:
        raise NotFoundError(f"Could not find resource data_view_execution:{call.params['execution_id']}")
    if done["user_id"] != call.who.user_id and not call.who.admin:
        raise ForbiddenError(f"data_view_execution {done['_id']} is another user's")
    return done


def _told(done: Doc) -> Doc:
    return {key: value for key, value in done.items() if key not in ("rows", "names")}


def _sent(call: Call, found: list[Doc], parsed: View, form: str | None, stem: str) -> web.Response:
    made = table(found, parsed.names, form or "json")
    return _answer(made, call.query.get("filename") or f"{stem}{made.suffix}")


def _answer(made: Table, name: str) -> web.Response:
    plain = name.encode("ascii", "replace").decode().translate({ord(char): "_" for char in '"\r\n'})
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    headers = {"Content-Disposition": disposition}
    return web.Response(text=made.text, content_type=made.media_type, charset="utf-8", headers=headers)


def _stored(call: Call, container_id: str, name: str, made: Table) -> Doc:
    kind = access.kind_of(call.site, "containers", container_id)
    container = access.fetch(call.site, call.who, kind, container_id, "files_create_single")
    with call.site.blobs.writer() as writer:
        writer.write(made.text.encode())
        blob = writer.keep()
    file = files.add_file(call.site, call.who, kind, container, blob, {"name": file_name(name)})
    version = {"file_id": file["file_id"], "version": file["version"]}  # which this route calls the id of a file
    return {**lists.views(call).file(file), "_id": version, "id": version, "uuid": file["_id"]}


def _owned(call: Call, owner: str, *, manage: bool) -> Doc:
    """Return the ``parents`` of a view that a container, user or the site has, refusing whoever has no right to it."""
    if owner == "site":
        access.require_admin(call.who)
        return {}
    if call.site.store.get("user", owner):
        if owner != call.who.user_id:
            raise ForbiddenError(f"The views of user {owner} are their own")
        return {}
    kind = access.kind_of(call.site, "containers", owner)
    doc = access.fetch(call.site, call.who, kind, owner, "data_views_manage" if manage else "data_views_view")
    return parents_below(kind, doc)


def _may_see(call: Call, view: Doc) -> bool:
    if view.get("public"):
        return True
    try:
        _owned(call, view["parent"], manage=False)
    except (ForbiddenError, NotFoundError):
        return False
    return True


def _view(call: Call, view_id: str) -> Doc:
    found = call.site.store.get("dataview", view_id)
    if found is None:
        raise NotFoundError(f"Could not find resource view:{view_id}")
    if not _may_see(call, found):
        raise ForbiddenError(f"The view {view_id} is for others")
    return found


def _shown(view: Doc) -> Doc:
    return {key: value for key, value in view.items() if key not in ("parent_id", "parents")}


def _spec(view: Doc) -> Doc:
    return {key: view[key] for key in KEYS if key in view}
