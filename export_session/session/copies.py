"""The copies of subject, session and acquisitions: found by their origin, or created.

Flywheel allows two sessions or acquisitions of one label, so neither a label nor a moment's absence proves
that there is no copy yet. A copy is known by ``info.export.origin_id``, and after creating any the site is
asked again: of several copies made at the same time by several runs the oldest stays, and each run removes
the empty one it made itself. One that was left all the same is the business of :mod:`.twins` in a later run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from export_session.errors import Conflict
from export_session.record import Status
from export_session.session.origin import Origin
from export_session.session.pairs import Pair, Pairs
from export_session.session.provenance import (
    KEY,
    carried_info,
    container_provenance,
    is_copy,
    is_copy_of,
    origin_ids_of,
)
from export_session.session.twins import settle_twins
from export_session.site import Condition, ReadSite, Site, equals
from export_session.site.model import EXPORTED, PARENT, Acquisition, Container, Level, Project, Session, Subject
from export_session.support.parallel import Workers

C = TypeVar("C", Subject, Session, Acquisition)

FIXED = frozenset({"uid"})  # may be given to a session only when it is created


def pairs_above(
    site: Site,
    subject: Subject,
    session: Session,
    project: Project,
    workers: Workers,
    *,
    overwrite: bool,
    write: bool,
) -> tuple[Pair[Subject], Pair[Session]]:
    """Find the copies of a subject and its session; with `write` create them or bring their metadata up to date."""
    above, below = workers.both(
        lambda: find_subject(site, subject, project.id, overwrite=overwrite),
        lambda: _find_session(site, session, project.id, overwrite=overwrite, write=write),
    )
    astray = _is_astray(above, below)
    if astray:
        below = _to_be_moved(below, overwrite=overwrite, write=write)
    if write:
        above = create_or_update(site, above, project.id)
        if astray and overwrite:
            site.move_session(below.known_copy.id, above.known_copy.id)
        below = create_or_update(site, below, above.known_copy.id)
    return above, below


def _is_astray(above: Pair[Subject], below: Pair[Session]) -> bool:
    """Tell whether a session's copy is below another subject than its subject's copy, to which it was given since."""
    return below.copy is not None and (above.copy is None or below.copy.subject_id != above.copy.id)


def _to_be_moved(pair: Pair[Session], *, overwrite: bool, write: bool) -> Pair[Session]:
    copy = pair.known_copy
    where, whose = f"below the subject {copy.subject_label}", f"that of {pair.origin.subject_label}"
    if not overwrite:
        note = f"{copy.label}: the copy is {where}, not {whose}; it is left there, as on_existing is not update"
        return replace(pair, notes=(*pair.notes, note))
    said = f"was {where}, and is moved below {whose}" if write else f"is {where}, and would be moved below {whose}"
    return replace(pair, status=Status.UPDATED, notes=(*pair.notes, f"{copy.label}: the copy {said}"))


def pairs_below(
    site: Site,
    origin: Origin,
    above: tuple[Pair[Subject], Pair[Session]],
    workers: Workers,
    *,
    overwrite: bool,
    write: bool,
) -> Pairs:
    """Do the same for the acquisitions of the session, and return all of its containers."""
    subject, session = above
    existing = None if session.status is Status.CREATED else session.copy
    listed = list(site.children("session", existing.id, Acquisition, with_info=True)) if existing else []
    listed = workers.map(lambda row: site.read(Acquisition, row.id) if row.info_is_hidden else row, listed)
    copies = [_oldest_first(row for row in listed if is_copy_of(row, one)) for one in origin.acquisitions]
    found = workers.map(lambda rows: site.read(Acquisition, rows[0].id) if rows else None, copies)
    notes, cleared = settle_twins(site, (twin for rows in copies for twin in rows[1:]), write=write)
    known = {row.id for rows in copies for row in rows}
    orphaned = (row.label for row in listed if row.id not in known and is_copy(row))
    gone = [f"{label}: the origin of this acquisition's copy is gone from this session" for label in orphaned]
    both = zip(origin.acquisitions, found, strict=True)
    acquisitions = [_pair(acquisition, copy, overwrite=overwrite) for acquisition, copy in both]
    if write:
        there = {row.id for row in listed}
        acquisitions = _create_or_update_all(site, acquisitions, session.known_copy.id, there, workers)
    session = replace(session, notes=(*session.notes, *notes, *gone), cleared=session.cleared or cleared)
    return Pairs(subject, session, tuple(acquisitions))


def _create_or_update_all(
    site: Site, pairs: list[Pair[Acquisition]], session_id: str, listed: set[str], workers: Workers
) -> list[Pair[Acquisition]]:
    """Do :func:`create_or_update` for acquisitions; one look tells whether another run is at work, too."""

    def created(pair: Pair[Acquisition]) -> Pair[Acquisition]:
        return replace(pair, copy=_create(site, pair.origin, session_id)) if pair.copy is None else pair

    there = workers.map(created, pairs)
    if any(pair.copy is None for pair in pairs):
        known = listed | {pair.known_copy.id for pair in there}
        if any(row.id not in known for row in site.children("session", session_id, Acquisition)):
            there = workers.map(lambda pair: _unless_second(site, pair, session_id), there)
    return workers.map(lambda pair: _update(site, pair), there)


def find_subject(site: ReadSite, origin: Subject, project_id: str, *, overwrite: bool) -> Pair[Subject]:
    """Find a subject's copy: by label, which is unique in a project, else by origin (it may have been renamed)."""
    listed = next(site.children("project", project_id, Subject, equals("label", origin.label)), None)
    copy = site.read(Subject, listed.id) if listed else find_copy(site, "project", project_id, origin)
    return _pair(origin, copy, overwrite=overwrite)


def _find_session(site: Site, origin: Session, project_id: str, *, overwrite: bool, write: bool) -> Pair[Session]:
    """Find a session's copy, and settle what else claims to be one."""
    rows = _copies(site, "project", project_id, origin)
    pair = _pair(origin, site.read(Session, rows[0].id) if rows else None, overwrite=overwrite)
    notes, cleared = settle_twins(site, rows[1:], write=write)
    return replace(pair, notes=notes, cleared=cleared)


def find_copy(site: ReadSite, parent: Level, parent_id: str, origin: C) -> C | None:
    """Find the copy of a container by its origin; of several the oldest."""
    rows = _copies(site, parent, parent_id, origin)
    return site.read(type(origin), rows[0].id) if rows else None


def _copies(site: ReadSite, parent: Level, parent_id: str, origin: C) -> list[C]:
    return _oldest_first(site.children(parent, parent_id, type(origin), _made_from(origin)))


def _made_from(origin: Container) -> Condition:
    return equals(f"info.{KEY}.origin_id", origin_ids_of(origin)[0])


def _oldest_first(rows: Iterable[C]) -> list[C]:
    return sorted(rows, key=_age)


def _age(container: Container) -> tuple[str, str]:
    return container.created, container.id


def _pair(origin: C, copy: C | None, *, overwrite: bool) -> Pair[C]:
    if copy is None:
        return Pair(origin, None, Status.CREATED)
    differs = _outdated(origin, copy) or _missing_tags(origin, copy) or _missing_notes(origin, copy)
    return Pair(origin, copy, Status.UPDATED if overwrite and (differs or copy.repeated_notes) else Status.UNCHANGED)


def create_or_update(site: Site, pair: Pair[C], parent_id: str) -> Pair[C]:
    """Create a copy that is missing, or bring the metadata of one up to date."""
    if pair.copy is None:
        pair = _unless_second(site, replace(pair, copy=_create(site, pair.origin, parent_id)), parent_id)
    return _update(site, pair)


def _update(site: Site, pair: Pair[C]) -> Pair[C]:
    """Bring the metadata of a copy up to date, and add what cannot be given to a create."""
    origin, copy = pair.origin, pair.copy
    if copy is None or pair.status is Status.UNCHANGED:
        return pair
    if pair.status is Status.UPDATED:
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
    for note_id in copy.repeated_notes:  # a request was carried out twice
        site.delete_note(origin.level, copy.id, note_id)
    return replace(pair, copy=copy)


def _create(site: Site, origin: C, parent_id: str) -> C:
    """Create a copy; of a subject, whose label is unique, return the one that another run has just created."""
    info = {**carried_info(origin.info), KEY: container_provenance(origin)}
    body = {"label": origin.label, **origin.details, "info": info}
    try:
        copy_id = site.create(origin.level, parent_id, body)
    except Conflict as error:
        if origin.level != "subject":
            raise
        return _created_by_another(site, origin, parent_id, error)
    # What was asked for; the site is not asked what it made of it.
    return replace(
        origin, id=copy_id, parents={}, info=info, tags=(), notes=(), repeated_notes=(), files=(), created=""
    )


def _unless_second(site: Site, pair: Pair[C], parent_id: str) -> Pair[C]:
    """Remove a copy just created where another run has created one earlier, and take that one."""
    origin, created = pair.origin, pair.copy
    if created is None or pair.status is not Status.CREATED or origin.level == "subject":
        return pair
    rows = site.children(PARENT[origin.level], parent_id, type(origin), _made_from(origin))
    oldest = min(rows, key=_age, default=created)
    if oldest.id == created.id:
        return pair
    site.delete(origin.level, created.id)
    return replace(pair, copy=site.read(type(origin), oldest.id))


def _created_by_another(site: Site, origin: C, project_id: str, refusal: Conflict) -> C:
    """Find the subject that another run created at the same moment; a label the filter cannot say is looked for."""
    for conditions in ((equals("label", origin.label),), ()):
        for row in site.children("project", project_id, type(origin), *conditions):
            if row.label == origin.label:
                return site.read(type(origin), row.id)
    raise Conflict(
        f"{refusal}. No subject {origin.label} is listed there; if there is one, ask for a role in that project that "
        "may view all subjects.",
        refusal.status,
    )


def _outdated(origin: Container, copy: Container) -> dict[str, Any]:
    """Return the fields and info in which a copy differs from its origin."""
    changes = {
        key: value
        for key, value in origin.details.items()
        if key not in FIXED and not _same(value, copy.details.get(key))
    }
    if origin.label != copy.label:
        changes["label"] = origin.label
    there = carried_info(copy.info)
    info = {key: value for key, value in carried_info(origin.info).items() if there.get(key) != value}
    if not is_copy(copy):
        info[KEY] = container_provenance(origin)
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
