"""The copies of subject, session and acquisitions: found by their origin, or created.

Flywheel allows two sessions or acquisitions of one label, so neither a label nor a moment's absence proves
that there is no copy yet. A copy is known by ``info.export.origin_id``, and after creating any the site is
asked again: of several copies made at the same time by several runs the oldest stays, and each run removes
the empty one it made itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from export_session.errors import Conflict
from export_session.record import Status
from export_session.session.origin import CARRIED, Project, Tree
from export_session.session.provenance import KEY, carried_info, container_record, is_copy_of, names_of
from export_session.site import Condition, ReadSite, Site, equals
from export_session.site.model import EXPORTED, PARENT, Container, Level
from export_session.support.parallel import Workers

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

    subject: Twin
    session: Twin
    acquisitions: tuple[Twin, ...]

    def all(self) -> tuple[Twin, ...]:
        """Subject, session and acquisitions, in that order."""
        return self.subject, self.session, *self.acquisitions


def twins_above(
    site: Site,
    subject: Container,
    session: Container,
    project: Project,
    workers: Workers,
    *,
    overwrite: bool,
    write: bool,
) -> tuple[Twin, Twin]:
    """Find the copies of a subject and its session; with `write` create them or bring their metadata up to date."""
    above, below = workers.both(
        lambda: find_subject(site, subject, project.id, overwrite=overwrite),
        lambda: _twin(session, find_copy(site, "project", project.id, session), overwrite=overwrite),
    )
    if write:
        above = settle(site, above, project.id)
        below = settle(site, below, above.copy_id)
    return above, below


def twins_below(
    site: Site, tree: Tree, above: tuple[Twin, Twin], workers: Workers, *, overwrite: bool, write: bool
) -> Twins:
    """Do the same for the acquisitions of the session, and return all of its containers."""
    subject, session = above
    existing = None if session.status is Status.CREATED else session.copy
    listed = list(site.children("session", existing.id, "acquisition", with_info=True)) if existing else []
    listed = workers.map(lambda row: site.read("acquisition", row.id) if row.info_is_hidden else row, listed)
    rows = [_oldest(listed, acquisition) for acquisition in tree.acquisitions]
    found = workers.map(lambda row: site.read("acquisition", row.id) if row else None, rows)
    strays = (row.label for row in listed if row not in rows and KEY in row.info)
    notes = tuple(f"{label}: the origin of this acquisition's copy is gone" for label in strays)
    pairs = zip(tree.acquisitions, found, strict=True)
    acquisitions = [_twin(origin, copy, overwrite=overwrite) for origin, copy in pairs]
    if write:
        acquisitions = _settle_all(site, acquisitions, session.copy_id, {row.id for row in listed}, workers)
    return Twins(subject, replace(session, notes=notes), tuple(acquisitions))


def _settle_all(site: Site, twins: list[Twin], parent_id: str, listed: set[str], workers: Workers) -> list[Twin]:
    """Do for acquisitions what :func:`settle` does for one; one look tells whether another run is at work, too."""

    def created(twin: Twin) -> Twin:
        return replace(twin, copy=_create(site, twin.origin, parent_id)) if twin.copy is None else twin

    settled = workers.map(created, twins)
    if any(twin.copy is None for twin in twins):
        known = listed | {twin.copy_id for twin in settled}
        if any(row.id not in known for row in site.children("session", parent_id, "acquisition")):
            settled = workers.map(lambda twin: _unless_second(site, twin, parent_id), settled)
    return workers.map(lambda twin: _update(site, twin), settled)


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
    if twin.copy is None:
        twin = _unless_second(site, replace(twin, copy=_create(site, twin.origin, parent_id)), parent_id)
    return _update(site, twin)


def _update(site: Site, twin: Twin) -> Twin:
    """Bring the metadata of a copy up to date, and add what cannot be given to a create."""
    origin, copy = twin.origin, twin.copy
    if copy is None or twin.status is Status.UNCHANGED:
        return twin
    if twin.status is Status.UPDATED:
        changes = _outdated(origin, copy)
        info = changes.pop("info", {})
        if info:
            site.set_info(origin.level, copy.id, info)
        if changes:
            site.modify(origin.level, copy.id, changes)
        copy = replace(copy, info={**copy.info, **info})
    if tags := _missing_tags(origin, copy):
        site.add_tags(origin.level, copy.id, tags)
    for note in _missing_notes(origin, copy):
        site.add_note(origin.level, copy.id, note)
    return replace(twin, copy=copy)


def _create(site: Site, origin: Container, parent_id: str) -> Container:
    """Create a copy; of a subject, whose label is unique, return the one that another run has just created."""
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
    return Container(copy_id, origin.level, origin.label, {}, {}, info, (), (), ())


def _unless_second(site: Site, twin: Twin, parent_id: str) -> Twin:
    """Remove a copy just created where another run has created one earlier, and take that one."""
    origin, created = twin.origin, twin.copy
    if created is None or twin.status is not Status.CREATED or origin.level == "subject":
        return twin
    rows = site.children(PARENT[origin.level], parent_id, origin.level, _made_from(origin))
    oldest = min(rows, key=_age, default=created)
    if oldest.id == created.id:
        return twin
    site.delete(origin.level, created.id)
    return replace(twin, copy=site.read(origin.level, oldest.id))


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
