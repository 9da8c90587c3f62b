"""Moving containers below another parent, with everything that lies below them."""

from __future__ import annotations

from typing import Any

from local_site.errors import BadRequestError, NotFoundError, UnprocessableError
from local_site.hierarchy import access, deleting
from local_site.hierarchy.fields import checked, texts
from local_site.hierarchy.labels import require_free_code
from local_site.hierarchy.levels import LEVELS, parents_below
from local_site.hierarchy.tree import descend
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.stamps import now
from local_site.storage.store import Doc


def move(site: Site, who: Identity, kind: str, doc: Doc, fields: Doc) -> int:
    """Carry out the part of a change that names another parent, taking it out of `fields`.

    Return how many jobs the move started.

    Raises
    ------
    ApiError
        The target is missing, has a subject of the same label, or may not be written to.
    """
    if kind == "project" and "group" in fields:
        group = _target(site, who, "group", fields.pop("group"))
        return _relocate(site, who, "project", {**doc, "group": group["_id"]}, {"group": group["_id"]})
    if kind == "subject" and "project" in fields:
        project = _target(site, who, "project", fields.pop("project"))
        return move_subject(site, who, doc, project) if project["_id"] != doc["project"] else 0
    if kind == "acquisition" and "session" in fields:
        session = _target(site, who, "session", fields.pop("session"))
        moved = {**doc, "session": session["_id"]}
        return _relocate(site, who, "acquisition", moved, parents_below("session", session))
    if kind == "session":
        return _move_session(site, who, doc, fields)
    return 0


def move_subject(site: Site, who: Identity, subject: Doc, project: Doc) -> int:
    """Move a subject to another project; its label must be free there."""
    require_free_code(site, project["_id"], subject["label"])
    moved = {**subject, "project": project["_id"]}
    return _relocate(site, who, "subject", moved, parents_below("project", project))


def session_to_subject(site: Site, who: Identity, session: Doc, subject: Doc) -> int:
    """Put a session below another subject, in whatever project that is."""
    moved = {**session, "subject": subject["_id"]}
    return _relocate(site, who, "session", moved, parents_below("subject", subject))


def session_to_project(site: Site, who: Identity, session: Doc, project: Doc) -> int:
    """Move a session to another project.

    A subject without other sessions moves along; else a copy of it is made there.
    """
    subject = site.store.get("subject", session["subject"])
    if subject is None:
        raise NotFoundError(f"Could not find resource subject:{session['subject']}")
    siblings = site.store.select("session", parent=subject["_id"])
    if all(sibling["_id"] == session["_id"] for sibling in siblings):
        return move_subject(site, who, subject, project)
    require_free_code(site, project["_id"], subject["label"])
    return session_to_subject(site, who, session, copy_subject(site, subject, project))


def copy_subject(site: Site, subject: Doc, project: Doc) -> Doc:
    """Make a subject like another one in another project, without what lies below it."""
    stamp = now()
    copy = {
        **subject,
        "_id": site.new_id(),
        "project": project["_id"],
        "parents": parents_below("project", project),
        "notes": [],
        "created": stamp,
        "modified": stamp,
        "revision": 1,
    }
    site.store.put("subject", copy)
    return copy


def bulk_move_sessions(site: Site, who: Identity, body: Any) -> list[Doc]:
    """Move sessions (or their acquisitions) and return the conflicts met."""
    body = checked(body, None, ("sources", "destinations", "destination_container_type"))
    sources, destinations = (texts(name, body[name]) for name in ("sources", "destinations"))
    level = {"subjects": "subject", "projects": "project", "sessions": "session"}.get(
        str(body["destination_container_type"])
    )
    mode = body.get("conflict_mode", "skip")
    if level is None or mode not in ("skip", "move", "dry"):
        raise BadRequestError("Unknown destination_container_type or conflict_mode")
    conflicts = []
    for destination_id in destinations:
        target = _target(site, who, level, destination_id)
        for source_id in sources:
            session = access.fetch(site, who, "session", source_id, "containers_modify_metadata")
            conflict = _conflict(site, session, level, target)
            if conflict:
                conflicts.append(conflict)
            if mode != "dry" and not (conflict and mode == "skip"):
                _bulk_move(site, who, session, level, target, remove_source=bool(body.get("remove_source")))
    return conflicts


def _bulk_move(site: Site, who: Identity, session: Doc, level: str, target: Doc, *, remove_source: bool) -> None:
    source = site.store.get("subject", session["subject"])
    if level == "subject":
        session_to_subject(site, who, session, target)
    elif level == "project":
        same = source and next(site.store.select("subject", parent=target["_id"], label=source["label"]), None)
        if same:
            session_to_subject(site, who, session, same)
        else:
            session_to_project(site, who, session, target)
    else:
        for acquisition in list(site.store.select("acquisition", parent=session["_id"])):
            moved = {**acquisition, "session": target["_id"]}
            _relocate(site, who, "acquisition", moved, parents_below("session", target))
        if remove_source:
            deleting.delete(site, who, "session", session["_id"], "container_is_empty")
    left = site.store.count("session", parent=session["subject"])
    if remove_source and left == 0 and site.store.get("subject", session["subject"]):
        deleting.delete(site, who, "subject", session["subject"], "container_is_empty")


def _conflict(site: Site, session: Doc, level: str, target: Doc) -> Doc | None:
    """Return what is in the way of a move, in the words of the bulk route."""
    subject = site.store.get("subject", session["subject"]) or {}
    if level == "subject":
        move_type = ["session"]
        rivals = site.store.select("session", parent=target["_id"], label=session["label"])
    elif level == "project":
        move_type = ["subject"]
        rivals = site.store.select("subject", parent=target["_id"], label=subject.get("label"))
    else:
        return None
    rival = next((rival for rival in rivals if rival["_id"] not in (session["_id"], session["subject"])), None)
    if rival is None:
        return None
    return {
        "move_type": move_type,
        "id": session["_id"],
        "conflict_with": {"type": move_type[0], "id": rival["_id"]},
        "conflict_label": rival["label"],
        "label": session["label"],
        "subject_code": subject.get("code"),
    }


def _move_session(site: Site, who: Identity, session: Doc, fields: Doc) -> int:
    project_id = fields.pop("project", None)
    wanted = fields.pop("subject", None)
    subject_id = wanted.get("_id") if isinstance(wanted, dict) else wanted
    if isinstance(wanted, dict) and not subject_id:
        label = wanted.get("label") or wanted.get("code")
        place = project_id or session["parents"]["project"]
        found = next(site.store.select("subject", parent=place, label=label), None) if label else None
        if found is None:
            raise NotFoundError(f"Could not find resource subject:{label}")
        subject_id = found["_id"]
    if subject_id:
        subject = site.store.get("subject", subject_id)
        if subject is None:
            raise NotFoundError(f"Could not find resource subject:{subject_id}")
        if project_id and subject["project"] != project_id:
            raise UnprocessableError(f"subject {subject_id} is not in project {project_id}")
        if subject_id == session["subject"]:
            return 0
        access.require(site, who, "subject", subject, "containers_create_hierarchy")
        return session_to_subject(site, who, session, subject)
    if project_id and project_id != session["parents"]["project"]:
        return session_to_project(site, who, session, _target(site, who, "project", project_id))
    return 0


def _target(site: Site, who: Identity, kind: str, doc_id: str) -> Doc:
    return access.fetch(site, who, kind, doc_id, "containers_create_hierarchy")


def _relocate(site: Site, who: Identity, kind: str, doc: Doc, parents: Doc) -> int:
    """Write a container below new parents, and the ``parents`` of all that lies below it."""
    below = list(descend(site, kind, doc))
    site.store.put(kind, {**doc, "parents": parents, "modified": now()})
    changed = {**parents, kind: doc["_id"]}
    jobs = 0
    for name, item in below:
        lower = {level: item["parents"][level] for level in LEVELS if level in item["parents"]}
        kept = {key: value for key, value in lower.items() if LEVELS.index(key) > LEVELS.index(kind)}
        moved = {**item, "parents": {**item["parents"], **changed, **kept}}
        site.store.put(name, moved)
        if name == "file":
            jobs += site.file_changed("moved", item, moved, who)
    for job in list(site.store.select("job", containing=[f'"{doc["_id"]}"'])):
        if job.get("parents", {}).get(kind) == doc["_id"]:
            new = {**job["parents"], **changed}
            site.store.put("job", {**job, "parents": new, "project_id": new.get("project")})
    return jobs
