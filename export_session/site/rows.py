"""From the rows of the wire to what the gear works with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from export_session.site.model import DETAILS, Container, File, Level

C = TypeVar("C", bound=Container)
Row = Mapping[str, Any]

# Not among what a container says of itself, or carried by the types of the model in a form of their own
NOT_FIELDS = {"_id", "id", "label", "parents", "info", "tags", "notes", "files", "created", "analyses"}


def container_of(kind: type[C], row: Row) -> C:
    """Return the container that a row describes."""
    level, container_id, info = kind.level, row["_id"], row.get("info") or {}
    return kind(
        id=container_id,
        label=row.get("label") or row.get("code") or "",
        parents=row.get("parents") or {},
        details={name: row[name] for name in DETAILS.get(level, ()) if row.get(name) is not None},
        info=info,
        info_is_hidden=not info and bool(row.get("info_exists")),
        tags=tuple(row.get("tags") or ()),
        notes=tuple(note.get("text") or "" for note in row.get("notes") or ()),
        files=tuple(file_of(level, container_id, file) for file in row.get("files") or () if not file.get("deleted")),
        created=row.get("created") or "",
        _fields={name: value for name, value in row.items() if name not in NOT_FIELDS},
        **_of_level(level, row),
    )


def _of_level(level: Level, row: Row) -> dict[str, Any]:
    """Return what one level has beside what all have."""
    parents = row.get("parents") or {}
    if level == "project":
        return {"group": parents.get("group") or str(row.get("group") or ""), "permissions": _permissions(row)}
    if level == "session":
        subject = row.get("subject") or {}
        return {
            "subject_id": parents.get("subject") or subject.get("_id") or "",
            "subject_label": str(subject.get("label") or ""),
        }
    if level == "analysis":
        return {"parent_level": row["parent"]["type"], "parent_id": row["parent"]["id"]}
    return {}


def _permissions(row: Row) -> dict[str, frozenset[str]]:
    roles: dict[str, frozenset[str]] = {}
    for entry in row.get("permissions") or ():
        user = str(entry.get("_id"))
        roles[user] = roles.get(user, frozenset()) | frozenset(entry.get("role_ids") or ())
    return roles


def file_of(level: Level, parent_id: str, row: Row) -> File:
    """Return the file of a container that a row describes."""
    return File(
        file_id=row.get("file_id") or "",
        uuid=row.get("_id") or row.get("id") or row.get("uuid") or "",
        version=row.get("version") or 1,
        name=row["name"],
        size=row.get("size") or 0,
        hash=row.get("hash") or "",
        type=row.get("type"),
        modality=row.get("modality"),
        classification=row.get("classification") or {},
        info=row.get("info") or {},
        tags=tuple(row.get("tags") or ()),
        parent_level=level,
        parent_id=parent_id,
        modified=str(row.get("modified") or ""),
    )
