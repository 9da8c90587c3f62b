"""Find-or-create as devices use it: a whole hierarchy, or a file, in one call."""

from __future__ import annotations

from typing import Any

from local_site.errors import BadRequestError, NotFoundError
from local_site.hierarchy import changing, creating, files
from local_site.hierarchy.fields import SchemaError, checked
from local_site.hierarchy.file_metadata import METADATA_KEYS, upload_metadata
from local_site.hierarchy.levels import CREATE_KEYS, MODIFY_KEYS, PARENT_OF
from local_site.hierarchy.tree import touch
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.blobs import Blob
from local_site.storage.store import Doc

LEVELS = ("subject", "session", "acquisition")
BESIDES = ("source", "routing_field", "_id", "id", "label", "uid")


def upsert_hierarchy(site: Site, who: Identity, project: Doc, body: Any) -> Doc:
    """Find or create a subject, a session in it, an acquisition in that; return what became of each.

    Raises
    ------
    SchemaError
        A level is given without the one above it.
    """
    if not isinstance(body, dict) or not any(level in body for level in LEVELS):
        raise SchemaError(("subject", "field required"))
    parent, result = project, {}
    for level in LEVELS:
        wanted = body.get(level)
        if wanted is None:
            break
        if not isinstance(wanted, dict):
            raise SchemaError((level, "an object is needed"))
        parent, outcome = _upsert(site, who, level, parent, wanted)
        result[level] = {
            "_id": parent["_id"],
            "label": parent["label"],
            "uid": parent.get("uid"),
            "upsert_result": outcome,
        }
    return result


def upsert_file(site: Site, who: Identity, body: Any, *, force: bool) -> Doc:
    """Record a file whose content the site holds already (by its UUID), or is yet to hold."""
    body = checked(body, None, ("parent_ref", "name"))
    reference = body["parent_ref"]
    kind, container_id = str(reference.get("type")), str(reference.get("id"))
    container = site.store.get(kind, container_id)
    if container is None:
        raise NotFoundError(f"Could not find resource {kind}:{container_id}")
    old = files.live_file(site, container_id, body["name"])
    if old and not force and old["client_hash"] == body.get("client_hash") and old["size"] == body.get("size"):
        return {**old, "upsert_result": "ignored"}
    size = body.get("size") or 0
    with site.blobs.writer() as writer:
        blob = writer.keep()
    metadata = upload_metadata({key: body[key] for key in METADATA_KEYS if key in body})
    added = files.add_file(site, who, kind, container, Blob(blob.name, size, blob.sha384), metadata)
    origin = body.get("origin") or added["origin"]
    added = {**added, "client_hash": body.get("client_hash"), "origin": origin}
    site.store.put("file", added)
    return {**added, "upsert_result": "updated" if old else "created"}


def existing_uids(site: Site, kind: str, uids: Any, projects: list[str] | None) -> list[str]:
    """Return which of `uids` the sessions or acquisitions (of some projects) have."""
    if not isinstance(uids, list):
        raise BadRequestError("uids are given as lists")
    found = []
    for uid in uids:
        docs = site.store.select(kind, projects=projects, containing=[f'"{uid}"'])
        if any(doc.get("uid") == uid for doc in docs):
            found.append(uid)
    return found


def _upsert(site: Site, who: Identity, level: str, parent: Doc, wanted: Doc) -> tuple[Doc, str]:
    old = _find(site, level, parent, wanted)
    if old is None:
        body = {key: value for key, value in wanted.items() if key in CREATE_KEYS[level] and key != "tags"}
        body.setdefault("label", wanted.get("uid"))
        body[PARENT_OF[level]] = parent["_id"]
        if level == "session":
            body.update(project=parent["project"], subject={"_id": parent["_id"]})
        created = creating.create(site, who, level, body)
        if wanted.get("tags"):
            touch(site, level, {**created, "tags": list(wanted["tags"])})
        return created, "created"
    changes = {
        key: value
        for key, value in wanted.items()
        if key in MODIFY_KEYS[level] and key not in BESIDES and old.get(key) != value
    }
    if not changes:
        return old, "ignored"
    changing.modify(site, who, level, old["_id"], changes)
    return site.store.get(level, old["_id"]) or old, "updated"


def _find(site: Site, level: str, parent: Doc, wanted: Doc) -> Doc | None:
    wanted_id = wanted.get("_id") or wanted.get("id")
    for doc in site.store.select(level, parent=parent["_id"]):
        if wanted_id:
            if doc["_id"] == wanted_id:
                return doc
        elif wanted.get("uid"):
            if doc.get("uid") == wanted["uid"]:
                return doc
        elif doc["label"] == wanted.get("label"):
            return doc
    return None
