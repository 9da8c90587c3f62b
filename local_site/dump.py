"""The whole site as JSON that two runs can be compared by: paths for ids, SHA-256 for contents, no times."""

from __future__ import annotations

import hashlib
from typing import Any

from local_site import files
from local_site.hierarchy import CHILD_OF
from local_site.site import Site
from local_site.stamps import OBJECT_ID, STORED_TIME
from local_site.store import Doc

FORGOTTEN = frozenset(
    [
        "_id",
        "file_id",
        "created",
        "modified",
        "replaced",
        "revision",
        "parents",
        "parent",
        "project",
        "session",
        "subject",
        "group",
        "parent_ref",
        "provider_id",
        "blob",
        "hash",
        "permissions",
        "notes",
        "origin",
        "permissions_template",
        "code",
        "parent_id",
        "last_modified_by",
    ]
)
TIMES = ("timestamp",)


def dump(site: Site) -> Doc:
    """Return the hierarchy by labels, with what hangs on it."""
    return {
        "groups": [_container(site, "group", group) for group in site.store.select("group")],
        "rules": [_stable(rule) for rule in site.store.select("rule")],
    }


def _container(site: Site, kind: str, doc: Doc) -> Doc:
    view: Doc = {"id": doc["_id"], **_stable(doc)} if kind == "group" else _stable(doc)
    view["type"] = kind
    if "notes" in doc:
        view["notes"] = [{"user": note["user"], "text": note["text"]} for note in doc["notes"]]
    found = site.store.select("file", parent=doc["_id"])
    view["files"] = sorted((_file(site, file) for file in found), key=lambda file: str(file["name"]))
    if kind == "analysis":
        view["inputs"] = [{"name": item["name"], "version": item["version"]} for item in doc["inputs"]]
        view["job"] = bool(doc["job"])
        return view
    analyses = site.store.select("analysis", parent=doc["_id"])
    view["analyses"] = _ordered(_container(site, "analysis", analysis) for analysis in analyses)
    if kind in CHILD_OF:
        children = site.store.select(CHILD_OF[kind], parent=doc["_id"])
        view["children"] = _ordered(_container(site, CHILD_OF[kind], child) for child in children)
    return view


def _file(site: Site, file: Doc) -> Doc:
    return {
        **_stable(file),
        "sha256": _sha256(site, file),
        "versions": len(files.versions(site, file)),
        "earlier": [_sha256(site, old) for old in files.versions(site, file)[:-1]],
    }


def _sha256(site: Site, file: Doc) -> str:
    with site.blobs.path(file["blob"]).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _stable(doc: Doc) -> Doc:
    return {key: _without_ids(value, key) for key, value in doc.items() if key not in FORGOTTEN}


def _without_ids(value: Any, key: str = "") -> Any:
    """Return `value` with what differs from run to run replaced by what it is."""
    if isinstance(value, dict):
        return {name: _without_ids(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_ids(item, key) for item in value]
    if isinstance(value, str) and key not in TIMES:
        if OBJECT_ID.fullmatch(value):
            return "<id>"
        if STORED_TIME.fullmatch(value):
            return "<time>"
    return value


def _ordered(views: Any) -> list[Doc]:
    return sorted(views, key=lambda view: (str(view.get("label")), str(view.get("uid")), str(view.get("info"))))
