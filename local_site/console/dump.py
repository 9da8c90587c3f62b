"""The whole site as JSON that two runs can be compared by.

Ids, which differ from run to run, become the paths of what they name (and SHA-256 digests of ids the digests of
these paths); times become ``<time>``; contents are given by their SHA-256.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from local_site.hierarchy import files
from local_site.hierarchy.levels import CHILD_OF, parent_id
from local_site.site.state import Site
from local_site.storage.stamps import STORED_TIME
from local_site.storage.store import Doc

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


LEVEL_KINDS = ("group", "project", "subject", "session", "acquisition", "analysis")
NAMES = re.compile(
    r"\b(?:[0-9a-f]{24}|[0-9a-f]{64}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b"
)  # an id, its SHA-256, the UUID of a file's version


def dump(site: Site) -> Doc:
    """Return the hierarchy by labels, with what hangs on it."""
    dumper = Dumper(site, stable_names(site))
    return {
        "groups": [dumper.container("group", group) for group in site.store.select("group")],
        "rules": [dumper.stable(rule) for rule in site.store.select("rule")],
    }


def stable_names(site: Site) -> dict[str, str]:
    """Return for each id, digest of an id and UUID of a file what it is called in a dump."""
    paths: dict[str, str] = {}
    for kind in LEVEL_KINDS:
        for doc in site.store.select(kind, deleted=True):
            above = paths.get(parent_id(kind, doc) or "", "")
            paths[doc["_id"]] = doc["_id"] if kind == "group" else f"{above}/{kind}:{doc['label']}"
    for kind in ("file", "file_version"):
        for doc in site.store.select(kind, deleted=True):
            path = f"{paths.get(doc['parent_ref']['id'], '')}/file:{doc['name']}"
            paths[doc["file_id"]] = path
            paths[doc["_id"]] = f"{path}@{doc['version']}"
    digests = {hashlib.sha256(doc_id.encode()).hexdigest(): f"sha256 of {path}" for doc_id, path in paths.items()}
    return {name: f"<{path}>" for name, path in {**paths, **digests}.items()}


@dataclass(frozen=True)
class Dumper:
    """A way from documents to what can be compared.

    Attributes
    ----------
    site
        The site.
    names
        What ids are replaced by.
    """

    site: Site
    names: dict[str, str]

    def container(self, kind: str, doc: Doc) -> Doc:
        """Return a container with all below it."""
        store = self.site.store
        view: Doc = {"id": doc["_id"], **self.stable(doc)} if kind == "group" else self.stable(doc)
        view["type"] = kind
        if "notes" in doc:
            view["notes"] = [{"user": note["user"], "text": note["text"]} for note in doc["notes"]]
        found = store.select("file", parent=doc["_id"])
        view["files"] = sorted((self.file(file) for file in found), key=lambda file: str(file["name"]))
        if kind == "analysis":
            view["inputs"] = [{"name": item["name"], "version": item["version"]} for item in doc["inputs"]]
            view["job"] = bool(doc["job"])
            return view
        analyses = store.select("analysis", parent=doc["_id"])
        view["analyses"] = _ordered(self.container("analysis", analysis) for analysis in analyses)
        if kind in CHILD_OF:
            children = store.select(CHILD_OF[kind], parent=doc["_id"])
            view["children"] = _ordered(self.container(CHILD_OF[kind], child) for child in children)
        return view

    def file(self, file: Doc) -> Doc:
        """Return a file with the digests of its versions."""
        digests = [self._sha256(version) for version in files.versions(self.site, file)]
        return {**self.stable(file), "sha256": digests[-1], "versions": len(digests), "earlier": digests[:-1]}

    def stable(self, doc: Doc) -> Doc:
        """Return what is the same in every run of a document."""
        return {key: self._stable(value, key) for key, value in doc.items() if key not in FORGOTTEN}

    def _stable(self, value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {name: self._stable(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self._stable(item, key) for item in value]
        if not isinstance(value, str) or key in TIMES:
            return value
        return "<time>" if STORED_TIME.fullmatch(value) else NAMES.sub(self._named, value)

    def _named(self, found: re.Match[str]) -> str:
        return self.names.get(found[0], "<id>" if len(found[0]) == 24 else found[0])

    def _sha256(self, file: Doc) -> str:
        with self.site.blobs.path(file["blob"]).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


def _ordered(views: Iterable[Doc]) -> list[Doc]:
    return sorted(views, key=lambda view: (str(view.get("label")), str(view.get("uid")), str(view.get("info"))))
