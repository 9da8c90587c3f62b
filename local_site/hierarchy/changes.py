"""The record of changes that regulated sites keep: who changed what of a container or file, when, and how.

It is kept while the switch ``change_log`` is on, of whatever the store writes, so that no way of changing something
goes past it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from local_site.errors import NotFoundError
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.stamps import now
from local_site.storage.store import Doc, id_of

KINDS = ("project", "subject", "session", "acquisition", "analysis", "file")
UNRECORDED = frozenset(
    ["_id", "blob", "created", "modified", "revision", "replaced", "version", "deleted", "delete_reason"]
)
SYSTEM: Doc = {"type": "system", "id": None}
_acting: ContextVar[Doc] = ContextVar("acting", default=SYSTEM)


def by(who: Identity) -> None:
    """Record what the present request or job changes from here on as changed by `who`."""
    _acting.set(who.origin or SYSTEM)


def listen(site: Site) -> None:
    """Record changes of this site from now on, while its switch is on."""

    def record(kind: str, doc: Doc) -> None:
        if site.options.change_log and kind in KINDS:
            _record(site, kind, site.store.get(kind, id_of(kind, doc), deleted=True), doc)

    site.store.before_put = record


def of(site: Site, kind: str, doc_id: str, version: int | None) -> list[Doc]:
    """Return the changes of a container or file, oldest first; of a file's version, those of that alone.

    Raises
    ------
    NotFoundError
        This site keeps no record of changes.
    """
    if not site.options.change_log:
        raise NotFoundError("This site keeps no record of changes")
    changes = site.store.select("change", parent=f"{kind}:{doc_id}")
    return [
        {key: value for key, value in change.items() if key not in ("_id", "parent_id")}
        for change in changes
        if version is None or change["file_version"] == version
    ]


def of_field(changes: list[Doc], field: str) -> list[Doc]:
    """Return the changes of one field, which may be a dotted path, newest first."""
    path = field.split(".")
    return [
        {**{key: change[key] for key in ("method", "created", "revision", "origin")}, "value": found[0]}
        for change in reversed(changes)
        if (found := list(_at(change["patch"], path)))
    ]


def patch(before: Any, after: Doc) -> Doc:
    """Return the changed fields of `after` with their new values, nested as they are; None for what is gone."""
    before = before if isinstance(before, dict) else {}
    changed: Doc = {}
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        if old != new:
            changed[key] = patch(old, new) if isinstance(old, dict) and isinstance(new, dict) else new
    return changed


def _record(site: Site, kind: str, before: Doc | None, after: Doc) -> None:
    shown = [{key: value for key, value in (doc or {}).items() if key not in UNRECORDED} for doc in (before, after)]
    changed = patch(*shown)
    method = _method(before, after)
    if method == "UPDATE" and not changed:
        return
    doc_id = id_of(kind, after)
    change = {
        "_id": site.new_id(),
        "parent_id": f"{kind}:{doc_id}",
        "created": now(),
        "origin": _acting.get(),
        "container_type": kind,
        "container_id": doc_id,
        "file_version": after.get("version"),
        "method": method,
        "patch": changed,
        "revision": after.get("revision", 1),
        "esignature_timestamp": None,
        "reason": after.get("delete_reason"),
    }
    site.store.put("change", change)


def _method(before: Doc | None, after: Doc) -> str:
    if before is None:
        return "CREATE"
    if after.get("deleted") and not before.get("deleted"):
        return "DELETE"
    if after.get("version") != before.get("version"):
        return "REPLACE_FILE"
    if len(after.get("notes") or []) < len(before.get("notes") or []):
        return "NOTE_DELETION"
    return "UPDATE"


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    """Yield what a patch says of a path: nothing, or the new value."""
    if not path:
        yield value
    elif isinstance(value, dict):
        if path[0] in value:
            yield from _at(value[path[0]], path[1:])
    else:
        yield None  # the whole above it was replaced or removed
