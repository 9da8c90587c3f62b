"""Routes for what hangs on containers: tags, notes, info, permissions."""

from __future__ import annotations

from typing import Any

from local_site.errors import BadRequestError, ConflictError, NotFoundError
from local_site.hierarchy import access
from local_site.hierarchy.fields import checked, checked_tag, texts, updated_info
from local_site.hierarchy.levels import DEFAULTS
from local_site.hierarchy.tree import descend, touch
from local_site.routing.call import Call
from local_site.routing.table import Routes
from local_site.site import auth
from local_site.storage.stamps import now
from local_site.storage.store import Doc

routes = Routes()
TAGS = "/{cont}/{cid}/tags"
NOTES = ("/{tree}/{cid}/notes", "/{tree}/{parent_cid}/analyses/{cid}/notes")
NOTE = ("/{tree}/{cid}/notes/{note_id}", "/{tree}/{parent_cid}/analyses/{cid}/notes/{note_id}")
PERMISSION = (
    "/groups/{cid}/permissions/templates/{user_id}",
    "/{level}/{cid}/permissions/{user_id}",
)
MODIFIED = {"modified": 1}


@routes.add("POST", TAGS)
def add_tag(call: Call) -> Any:
    """Add a tag that must not be there yet."""
    kind, doc = _container(call, "tags_manage")
    tag = checked_tag(call.body.get("value") if isinstance(call.body, dict) else None)
    if tag in doc["tags"]:
        raise ConflictError(f"Tag already exists: {tag}", key=tag)
    touch(call.site, kind, {**doc, "tags": [*doc["tags"], tag]})
    return MODIFIED


@routes.add("PATCH", TAGS)
def add_tags(call: Call) -> Any:
    """Add tags, whether or not some are there."""
    kind, doc = _container(call, "tags_manage")
    tags = [checked_tag(tag) for tag in _list(call.body)]
    touch(call.site, kind, {**doc, "tags": list(dict.fromkeys([*doc["tags"], *tags]))})


@routes.add("DELETE", TAGS)
def delete_tags(call: Call) -> Any:
    """Remove tags, whether or not they are there."""
    kind, doc = _container(call, "tags_manage")
    doomed = _list(call.body)
    touch(call.site, kind, {**doc, "tags": [tag for tag in doc["tags"] if tag not in doomed]})


@routes.add("GET", TAGS)
def tags(call: Call) -> Any:
    """Return the tags of a container."""
    return _container(call, "containers_view_metadata")[1]["tags"]


@routes.add("GET", TAGS + "/{value}")
def tag(call: Call) -> Any:
    """Return a tag if the container has it."""
    _, doc = _container(call, "containers_view_metadata")
    return _present(doc, call.params["value"])


@routes.add("PUT", TAGS + "/{value}")
def rename_tag(call: Call) -> Any:
    """Rename a tag; below a group everywhere."""
    kind, doc = _container(call, "tags_manage")
    old = _present(doc, call.params["value"])
    new = checked_tag(call.body.get("value") if isinstance(call.body, dict) else None)
    if new in doc["tags"]:
        raise NotFoundError(f"Tag {new} exists already")
    _replace_tag(call, kind, doc, old, new)
    return new


@routes.add("DELETE", TAGS + "/{value}")
def delete_tag(call: Call) -> Any:
    """Remove a tag if it is there; below a group everywhere."""
    kind, doc = _container(call, "tags_manage")
    _replace_tag(call, kind, doc, call.params["value"], None)
    return {"deleted": 1, "modified": 1}


@routes.add("POST", *NOTES)
def add_note(call: Call) -> Any:
    """Add a note."""
    kind, doc = _container(call, "notes_manage")
    stamp = now()
    user = call.who.user_id or call.who.origin.get("id")
    note = {"_id": call.site.new_id(), "user": user, "text": _text(call.body), "created": stamp, "modified": stamp}
    touch(call.site, kind, {**doc, "notes": [*doc["notes"], note]})
    return note


@routes.add("GET", *NOTES)
def notes(call: Call) -> Any:
    """Return the notes of a container."""
    return _container(call, "notes_view")[1]["notes"]


@routes.add("GET", *NOTE)
def note(call: Call) -> Any:
    """Return a note."""
    return _note(_container(call, "notes_view")[1], call.params["note_id"])


@routes.add("PUT", *NOTE)
def modify_note(call: Call) -> Any:
    """Change the text of a note."""
    kind, doc = _container(call, "notes_manage")
    old = _note(doc, call.params["note_id"])
    changed = {**old, "text": _text(call.body), "modified": now()}
    touch(call.site, kind, {**doc, "notes": [changed if item is old else item for item in doc["notes"]]})
    return 1


@routes.add("DELETE", *NOTE)
def delete_note(call: Call) -> Any:
    """Remove a note."""
    kind, doc = _container(call, "notes_manage")
    doomed = _note(doc, call.params["note_id"])
    touch(call.site, kind, {**doc, "notes": [item for item in doc["notes"] if item is not doomed]})
    return {"deleted": 1, "modified": 1}


@routes.add("PATCH", "/{tree}/{cid}/info")
@routes.add("POST", "/{tree}/{cid}/info")
def change_info(call: Call) -> Any:
    """Set, delete or replace keys of a container's info."""
    kind, doc = _container(call, "containers_modify_metadata")
    touch(call.site, kind, {**doc, "info": updated_info(doc["info"], call.body)})
    return MODIFIED


@routes.add("GET", "/{tree}/{cid}/info")
def info(call: Call) -> Any:
    """Return a container's info."""
    return _container(call, "containers_view_metadata")[1]["info"]


@routes.add("POST", "/groups/{cid}/permissions/templates", "/{level}/{cid}/permissions")
def add_permission(call: Call) -> Any:
    """Give a user roles on a project, or access to a group."""
    kind, doc, field = _permitting(call)
    entry = _entry(call, kind, checked(call.body, None, ("_id",))["_id"])
    if any(known["_id"] == entry["_id"] for known in doc[field]):
        raise ConflictError(f"User {entry['_id']} has permissions here already")
    touch(call.site, kind, {**doc, field: [*doc[field], entry]})
    return entry


@routes.add("GET", *PERMISSION)
def permission(call: Call) -> Any:
    """Return a user's permission."""
    _, doc, field = _permitting(call, "containers_view_metadata")
    return _permission(doc, field, call.params["user_id"])


@routes.add("PUT", *PERMISSION)
def modify_permission(call: Call) -> Any:
    """Change a user's permission."""
    kind, doc, field = _permitting(call)
    old = _permission(doc, field, call.params["user_id"])
    entry = {**old, **_entry(call, kind, old["_id"])}
    touch(call.site, kind, {**doc, field: [entry if item is old else item for item in doc[field]]})
    return entry


@routes.add("DELETE", *PERMISSION)
def delete_permission(call: Call) -> Any:
    """Take a user's permission away."""
    kind, doc, field = _permitting(call)
    doomed = _permission(doc, field, call.params["user_id"])
    touch(call.site, kind, {**doc, field: [item for item in doc[field] if item is not doomed]})
    return {"deleted": 1, "modified": 1}


def _container(call: Call, action: str) -> tuple[str, Doc]:
    plural = call.params.get("cont") or call.params.get("tree") or call.params.get("level") or "groups"
    if "parent_cid" in call.params:
        plural = "analyses"
    kind = access.kind_of(call.site, plural, call.params["cid"])
    if kind == "group" and action not in ("containers_view_metadata", "project_permissions_manage"):
        action = "containers_modify_metadata"
    doc = access.fetch(call.site, call.who, kind, call.params["cid"], action)
    return kind, {**DEFAULTS[kind], **doc}


def _list(body: Any) -> list[Any]:
    if not isinstance(body, list):
        raise BadRequestError("A list of tags is needed")
    return body


def _text(body: Any) -> str:
    text = body.get("text") if isinstance(body, dict) else None
    if not isinstance(text, str) or not text:
        raise BadRequestError("A note needs a text")
    return text


def _present(doc: Doc, tag: str) -> str:
    if tag not in doc["tags"]:
        raise NotFoundError(f"Tag {tag} does not exist")
    return tag


def _replace_tag(call: Call, kind: str, doc: Doc, old: str, new: str | None) -> None:
    targets = [(kind, doc)]
    if kind == "group":
        targets += list(descend(call.site, kind, doc))
    for name, item in targets:
        if old in item.get("tags", []):
            tags = [new if tag == old else tag for tag in item["tags"]]
            touch(call.site, name, {**item, "tags": [tag for tag in dict.fromkeys(tags) if tag is not None]})


def _note(doc: Doc, note_id: str) -> Doc:
    for note in doc["notes"]:
        if note["_id"] == note_id:
            found: Doc = note
            return found
    raise NotFoundError(f"Could not find resource note:{note_id}")


def _permitting(call: Call, action: str = "project_permissions_manage") -> tuple[str, Doc, str]:
    kind, doc = _container(call, action)
    if kind not in ("group", "project"):
        raise NotFoundError(f"Permissions are kept on groups and projects, not on a {kind}")
    return kind, doc, _permission_field(call)


def _permission_field(call: Call) -> str:
    """Tell permissions on a group from those that its new projects get."""
    return "permissions_template" if "templates" in call.request.path.split("/") else "permissions"


def _entry(call: Call, kind: str, user_id: str | None) -> Doc:
    body = checked(call.body, None)
    if not user_id or not call.site.store.get("user", user_id):
        raise BadRequestError(f"User {user_id} does not exist")
    if kind == "group" and _permission_field(call) == "permissions":
        level = body.get("access")
        if level not in auth.ACCESS_ORDER:
            raise BadRequestError("access is one of ro, rw, admin")
        return {"_id": user_id, "access": level}
    role_ids = texts("role_ids", body.get("role_ids"))
    if "role_ids" not in body or not all(call.site.store.get("role", role) for role in role_ids):
        raise BadRequestError("role_ids is a list of ids of roles")
    return {"_id": user_id, "role_ids": role_ids}


def _permission(doc: Doc, field: str, user_id: str) -> Doc:
    for entry in doc[field]:
        if entry["_id"] == user_id:
            found: Doc = entry
            return found
    raise NotFoundError(f"User {user_id} has no permission here")
