"""The copies of subject, session and acquisitions: found by their origin, or created.

Flywheel allows two sessions or acquisitions of one label, so neither a label nor a moment's absence proves
that there is no copy yet. A copy is known by ``info.export.origin_id``, and after every create the site is
asked again: of several copies made at the same time by several runs the oldest stays, and each run removes
the empty one it made itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .errors import Conflict
from .model import EXPORTED, PARENT, Container, Level, Status
from .parallel import Workers
from .provenance import KEY, carried_info, container_record, is_copy_of, names_of
from .site import Condition, ReadSite, Site, equals
from .tree import CARRIED, Project, Tree

FIXED = frozenset({"uid"})  # may be given to a session only when it is created


@dataclass(frozen=True)
class Twin:
    """An origin container and its copy; no copy means that it is still to be created."""

    origin: Container
    copy: Container | None
    status: Status = Status.UNCHANGED
    notes: tuple[str, ...] = ()  # for the person who reads the report

    @property
    def copy_id(self) -> str:
        """Id of a copy that is known to exist."""
        assert self.copy is not None
        return self.copy.id


@dataclass(frozen=True)
class Twins:
    """A session's containers with their copies in one project."""

    project: Project
    subject: Twin
    session: Twin
    acquisitions: tuple[Twin, ...]

    def all(self) -> tuple[Twin, ...]:
        """Subject, session and acquisitions, in that order."""
        return self.subject, self.session, *self.acquisitions


def find_twins(site: ReadSite, tree: Tree, project: Project, workers: Workers, *, overwrite: bool) -> Twins:
    """Find what exists of a session in another project, and what it lacks."""
    subject, session = workers.both(
        lambda: find_subject(site, tree.subject, project.id, overwrite=overwrite),
        lambda: find_copy(site, "project", project.id, tree.session),
    )
    listed = list(site.children("session", session.id, "acquisition", with_info=True)) if session else []
    listed = workers.map(lambda row: site.read("acquisition", row.id) if row.info_is_hidden else row, listed)
    rows = [_oldest(listed, acquisition) for acquisition in tree.acquisitions]
    found = workers.map(lambda row: site.read("acquisition", row.id) if row else None, rows)
    strays = (row.label for row in listed if row not in rows and KEY in row.info)
    notes = tuple(f"{label}: the origin of this acquisition's copy is gone" for label in strays)
    return Twins(
        project,
        subject,
        replace(_twin(tree.session, session, overwrite=overwrite), notes=notes),
        tuple(_twin(origin, copy, overwrite=overwrite) for origin, copy in zip(tree.acquisitions, found, strict=True)),
    )


def settle_twins(site: Site, twins: Twins, workers: Workers) -> Twins:
    """Create the copies that are missing and bring the metadata of the others up to date."""
    subject = settle(site, twins.subject, twins.project.id)
    session = settle(site, twins.session, subject.copy_id)
    acquisitions = workers.map(lambda twin: settle(site, twin, session.copy_id), twins.acquisitions)
    return replace(twins, subject=subject, session=session, acquisitions=tuple(acquisitions))


def find_subject(site: ReadSite, origin: Container, project_id: str, *, overwrite: bool) -> Twin:
    """Find a subject's copy: by label, which is unique in a project, else by origin (it may have been renamed)."""
    listed = next(site.children("project", project_id, "subject", equals("label", origin.label)), None)
    copy = site.read("subject", listed.id) if listed else find_copy(site, "project", project_id, origin)
    return _twin(origin, copy, overwrite=overwrite)


def find_copy(site: ReadSite, parent: Level, parent_id: str, origin: Container) -> Container | None:
    """Find the copy of a container by its origin; of several the oldest."""
    rows = list(site.children(parent, parent_id, origin.level, _made_from(origin)))
    return site.read(origin.level, min(rows, key=_age).id) if rows else None


def _made_from(origin: Container) -> Condition:
    return equals(f"info.{KEY}.origin_id", names_of(origin)[0])


def _oldest(listed: list[Container], origin: Container) -> Container | None:
    return min((row for row in listed if is_copy_of(row, origin)), key=_age, default=None)


def _age(container: Container) -> tuple[str, str]:
    return container.created, container.id


def _twin(origin: Container, copy: Container | None, *, overwrite: bool) -> Twin:
    if copy is None:
        return Twin(origin, None, Status.CREATED)
    if not overwrite or not (_outdated(origin, copy) or _missing_tags(origin, copy) or _missing_notes(origin, copy)):
        return Twin(origin, copy)
    return Twin(origin, copy, Status.UPDATED)


def settle(site: Site, twin: Twin, parent_id: str) -> Twin:
    """Create a copy that is missing, or bring the metadata of one up to date."""
    if twin.status is Status.CREATED:
        created = _create(site, twin.origin, parent_id)
        _add_what_a_create_cannot(site, twin.origin, created)
        return replace(twin, copy=created)
    if twin.status is Status.UPDATED and twin.copy:
        changes = _outdated(twin.origin, twin.copy)
        info = changes.pop("info", {})
        if info:
            site.set_info(twin.origin.level, twin.copy.id, info)
        if changes:
            site.modify(twin.origin.level, twin.copy.id, changes)
        _add_what_a_create_cannot(site, twin.origin, twin.copy)
        return replace(twin, copy=replace(twin.copy, info={**twin.copy.info, **info}))
    return twin


def _create(site: Site, origin: Container, parent_id: str) -> Container:
    """Create a copy, or return the one that another run has created at the same moment."""
    info = {**carried_info(origin.info), KEY: container_record(origin)}
    body = {
        "label": origin.label,
        **{key: origin.fields[key] for key in CARRIED[origin.level] if origin.fields.get(key) is not None},
        "info": info,
    }
    try:
        copy_id = site.create(origin.level, parent_id, body)
    except Conflict as error:
        if origin.level != "subject":
            raise
        return _created_by_another(site, origin, parent_id, error)
    created = Container(copy_id, origin.level, origin.label, {}, {}, info, (), (), ())
    if origin.level == "subject":  # labels of subjects are unique: no second one can have been made
        return created
    parent = PARENT[origin.level]
    oldest = min(site.children(parent, parent_id, origin.level, _made_from(origin)), key=_age, default=created)
    if oldest.id == copy_id:
        return created
    site.delete(origin.level, copy_id)
    return site.read(origin.level, oldest.id)


def _created_by_another(site: Site, origin: Container, project_id: str, refusal: Conflict) -> Container:
    """Find the subject that another run created at the same moment; a label the filter cannot say is looked for."""
    for conditions in ((equals("label", origin.label),), ()):
        for row in site.children("project", project_id, "subject", *conditions):
            if row.label == origin.label:
                return site.read("subject", row.id)
    raise Conflict(
        f"{refusal}. No subject {origin.label} is listed there; if there is one, ask for a role in that project that "
        "may view all subjects.",
        refusal.status,
    )


def _outdated(origin: Container, copy: Container) -> dict[str, Any]:
    """Return the fields and info in which a copy differs from its origin."""
    changes = {
        key: value
        for key in CARRIED[origin.level]
        if key not in FIXED and (value := origin.fields.get(key)) is not None and not _same(value, copy.fields.get(key))
    }
    if origin.label != copy.label:
        changes["label"] = origin.label
    there = carried_info(copy.info)
    info = {key: value for key, value in carried_info(origin.info).items() if there.get(key) != value}
    if not is_copy_of(copy, origin) and KEY not in copy.info:
        info[KEY] = container_record(origin)
    if info:
        changes["info"] = info
    return changes


def _same(one: Any, other: Any) -> bool:
    """Compare two field values; a time may come back in another notation."""
    if one == other or not (isinstance(one, str) and isinstance(other, str)):
        return bool(one == other)
    try:
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    except (ValueError, TypeError):
        return False


def _missing_tags(origin: Container, copy: Container) -> list[str]:
    return [tag for tag in origin.tags if tag != EXPORTED and tag not in copy.tags]


def _missing_notes(origin: Container, copy: Container) -> list[str]:
    return [note for note in origin.notes if note not in copy.notes]


def _add_what_a_create_cannot(site: Site, origin: Container, copy: Container) -> None:
    if tags := _missing_tags(origin, copy):
        site.add_tags(origin.level, copy.id, tags)
    for note in _missing_notes(origin, copy):
        site.add_note(origin.level, copy.id, note)
