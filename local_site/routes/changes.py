"""Routes that read the record of changes; 404 where the site keeps none."""

from __future__ import annotations

from typing import Any

from local_site.errors import NotFoundError
from local_site.hierarchy import access, changes, files
from local_site.routing.call import Call
from local_site.routing.table import Routes
from local_site.storage.store import Doc

routes = Routes()


@routes.add("GET", "/changes/{type}/{cid}")
def change_log(call: Call) -> Any:
    """Return all changes of a container or file."""
    return _document(call, _changes(call))


@routes.add("GET", "/changes/{type}/{cid}/fields/{field}")
def field_change_log(call: Call) -> Any:
    """Return the changes of one field, newest first."""
    return _document(call, changes.of_field(_changes(call), call.params["field"]))


def _changes(call: Call) -> list[Doc]:
    kind, doc_id = call.params["type"], call.params["cid"]
    if kind not in changes.KINDS:
        raise NotFoundError(f"No changes of a {kind} are recorded here")
    found = changes.of(call.site, kind, doc_id, call.query.number("version"))
    doc = call.site.store.get(kind, doc_id, deleted=True)
    if doc is None:
        raise NotFoundError(f"Could not find resource {kind}:{doc_id}")
    if kind == "file":
        files.require_file(call.site, call.who, doc, "files_view_metadata")
    else:
        access.require(call.site, call.who, kind, doc, "containers_view_metadata")
    return found


def _document(call: Call, found: list[Doc]) -> Doc:
    kind, doc_id = call.params["type"], call.params["cid"]
    return {
        "container_type": kind,
        "container_id": doc_id,
        "file_version": call.query.number("version"),
        "changes": found,
    }
