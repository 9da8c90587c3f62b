"""From the rows of the wire to what the gear works with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from export_session.site.forms import Form, Row, WrongForm, an_object, list_in, number_in, object_in, text_of
from export_session.site.model import DETAILS, Container, File, Level
from export_session.site.port import Identity, Recorded, Rule

C = TypeVar("C", bound=Container)

# Not among what a container says of itself, or carried by the types of the model in a form of their own
NOT_FIELDS = {"_id", "id", "label", "parents", "info", "tags", "notes", "files", "created", "analyses"}
MOMENT = timedelta(seconds=30)


def container_of(kind: type[C], row: Any) -> C:
    """Return the container that a row describes; WrongForm where it describes none."""
    row = an_object(row)
    level, container_id, info = kind.level, text_of(row, "_id"), object_in(row, "info")
    files = [an_object(file) for file in list_in(row, "files")]
    notes = [an_object(note) for note in list_in(row, "notes")]
    return kind(
        id=container_id,
        label=row.get("label") or row.get("code") or "",
        parents=object_in(row, "parents"),
        details={name: row[name] for name in DETAILS.get(level, ()) if row.get(name) is not None},
        info=info,
        info_is_hidden=not info and bool(row.get("info_exists")),
        tags=tuple(list_in(row, "tags")),
        notes=tuple(note.get("text") or "" for note in notes),
        repeated_notes=tuple(_repeated(notes)),
        files=tuple(file_of(level, container_id, file) for file in files if not file.get("deleted")),
        created=row.get("created") or "",
        _fields={name: value for name, value in row.items() if name not in NOT_FIELDS},
        **_of_level(level, row),
    )


def _repeated(notes: Sequence[Row]) -> Iterator[str]:
    """Give the ids of notes that repeat one of the same author within a moment: no person does, a network may."""
    earlier: dict[tuple[Any, Any], datetime] = {}
    for note in sorted(notes, key=lambda note: str(note.get("created"))):
        try:
            written = datetime.fromisoformat(str(note.get("created")))
            first = earlier.setdefault((note.get("user"), note.get("text")), written)
            repeated = first is not written and written - first <= MOMENT
        except (ValueError, TypeError):  # no time, or times that cannot be compared
            continue
        if repeated and isinstance(note.get("_id"), str):
            yield note["_id"]


def container_with(kind: type[C], container_id: str) -> Form[C]:
    """Take the container of this id, and no other."""

    def form(value: Any) -> C:
        container = container_of(kind, value)
        if container.id != container_id:
            raise WrongForm(f"the {kind.level} that was asked for")
        return container

    return form


def identity_of(value: Any) -> Identity:
    """Take whom the API key speaks for."""
    row = an_object(value)
    origin = object_in(row, "origin")
    if not (origin.get("type") or row.get("user_id")):
        raise WrongForm("an object with origin")
    return Identity(origin.get("type") or "user", str(origin.get("id") or row.get("user_id") or ""))


def rule_of(row: Row) -> Rule:
    """Return a gear rule; of its conditions what it asks of the type of the file itself."""
    conditions = [condition for condition in row.get("all") or () if isinstance(condition, dict)]
    exact = [one for one in conditions if one.get("type") == "file.type" and not one.get("regex")]
    types = [str(one.get("value") or "").lower() for one in exact]
    enabled = not row.get("disabled")
    return Rule(row.get("name") or "", row.get("gear_id") or "", enabled=enabled, file_type=types[0] if types else "")


def _of_level(level: Level, row: Row) -> dict[str, Any]:
    """Return what one level has beside what all have."""
    parents = object_in(row, "parents")
    if level == "project":
        group = parents.get("group") or str(row.get("group") or "")
        return {"group": group, "permissions": _permissions(row), "locked": _lock(row)}
    if level == "session":
        subject = object_in(row, "subject")
        return {
            "subject_id": parents.get("subject") or subject.get("_id") or "",
            "subject_label": str(subject.get("label") or ""),
        }
    if level == "analysis":
        parent = object_in(row, "parent")
        return {"parent_level": text_of(parent, "type"), "parent_id": text_of(parent, "id")}
    return {}


def _lock(row: Row) -> str:
    """Return why a project is locked; sites say so by an object."""
    lock = row.get("locked")
    return str((lock.get("reason") if isinstance(lock, Mapping) else "") or "no reason given") if lock else ""


def _permissions(row: Row) -> dict[str, frozenset[str]]:
    roles: dict[str, frozenset[str]] = {}
    for entry in map(an_object, list_in(row, "permissions")):
        user = str(entry.get("_id"))
        roles[user] = roles.get(user, frozenset()) | frozenset(list_in(entry, "role_ids"))
    return roles


def changes_of(value: Any) -> tuple[Recorded, ...]:
    """Take the changes of a file from the audit trail, in the order of time."""
    row = an_object(value)
    if "changes" not in row:
        raise WrongForm("an object with changes")
    changes = [_change(one) for one in map(an_object, list_in(row, "changes"))]
    return tuple(sorted(changes, key=lambda one: (_moment(one.at), one.version, one.revision)))


def _change(row: Row) -> Recorded:
    origin = object_in(row, "origin")
    return Recorded(
        at=text_of(row, "created"),
        revision=_number_or_none(row, "revision"),
        version=_number_or_none(row, "file_version"),
        kind=str(origin.get("type") or ""),
        author=str(origin.get("id") or ""),
        reason=str(row.get("reason") or ""),
        patch=row.get("patch"),
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongForm("an object whose changes have a time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number_or_none(row: Row, key: str) -> int:
    return number_in(row, key) if row.get(key) is not None else 0


def file_of(level: Level, parent_id: str, row: Any) -> File:
    """Return the file of a container that a row describes; WrongForm where it describes none."""
    row = an_object(row)
    return File(
        file_id=text_of(row, "file_id"),
        uuid=row.get("_id") or row.get("id") or row.get("uuid") or "",
        version=number_in(row, "version", least=1),
        name=text_of(row, "name"),
        size=number_in(row, "size"),
        hash=row.get("hash") or "",
        type=row.get("type"),
        modality=row.get("modality"),
        classification=object_in(row, "classification"),
        info=object_in(row, "info"),
        tags=tuple(list_in(row, "tags")),
        parent_level=level,
        parent_id=parent_id,
        modified=str(row.get("modified") or ""),
        info_is_hidden=bool(row.get("info_exists")) and not row.get("info"),
        threats=tuple(_threats(row)),
    )


def version_of(file: File, number: int = 0, *, above: int = 0) -> Form[File]:
    """Take a version of a file: the one of this number, or any newer than `above`."""

    def form(value: Any) -> File:
        found = file_of(file.parent_level, file.parent_id, value)
        if found.file_id != file.file_id or found.version <= above or (number and found.version != number):
            raise WrongForm("the version that was asked for")
        return found

    return form


def _threats(row: Row) -> Iterator[str]:
    """Yield the names of what a malware scan found in a file."""
    for event in map(an_object, list_in(row, "scan_events")):
        yield from (str(threat.get("name") or "malware") for threat in map(an_object, list_in(event, "threats")))
