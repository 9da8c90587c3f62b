"""Creating, changing and deleting containers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from local_site import access, auth, moving
from local_site.auth import Identity
from local_site.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError, UnprocessableError
from local_site.fields import SchemaError, checked, merged
from local_site.hierarchy import CHILD_OF, CREATE_KEYS, DEFAULTS, DELETE_REASONS, MODIFY_KEYS, parents_below
from local_site.site import Site
from local_site.stamps import now
from local_site.store import Doc

GROUP_ID = re.compile(r"[0-9a-z][0-9a-z.@_-]{0,30}[0-9a-z]")


def create(site: Site, who: Identity, kind: str, body: Any) -> Doc:
    """Create a container from a request body and return it.

    Raises
    ------
    ApiError
        The body breaks the schema, the parent is missing, the label taken, or the right lacking.
    """
    if kind == "group":
        return _create_group(site, who, body)
    if kind == "project":
        return _create_project(site, who, body)
    if kind == "subject":
        return _create_subject(site, who, body)
    if kind == "session":
        return _create_session(site, who, body)
    fields = checked(body, CREATE_KEYS["acquisition"], ("label", "session"))
    session = _parent(site, who, "session", fields["session"])
    return _insert(site, "acquisition", fields, parents_below("session", session))


def modify(site: Site, who: Identity, kind: str, doc_id: str, body: Any, *, replace_info: bool = False) -> int:
    """Change a container, moving it when its parent is among the changes; return how many jobs that started.

    Raises
    ------
    ApiError
        The body breaks the schema, nothing has the id, the new label or place is taken, or the right lacking.
    """
    doc = access.fetch(site, who, kind, doc_id, "containers_modify_metadata")
    fields = checked(body, MODIFY_KEYS[kind])
    if not fields:
        raise BadRequestError("Nothing to change: the body is empty")
    for key in ("label", "code"):
        if key in fields and fields[key] is None and kind != "analysis":
            raise SchemaError((key, "none is not an allowed value"))
    if "info" in fields:
        fields["info"] = (fields["info"] or {}) if replace_info else merged(doc["info"], fields["info"] or {})
    if kind == "subject":
        _settle_subject_label(site, doc, fields)
    if kind == "project" and fields.get("label", doc["label"]) != doc["label"]:
        _require_free_label(site, doc["group"], fields["label"])
    jobs = moving.move(site, who, kind, doc, fields)
    doc = site.store.get(kind, doc_id) or doc
    touch(site, kind, {**doc, **fields})
    return jobs


def touch(site: Site, kind: str, doc: Doc) -> None:
    """Write a changed container with a new revision."""
    site.store.put(kind, {**doc, "modified": now(), "revision": doc.get("revision", 1) + 1})


def delete(site: Site, who: Identity, kind: str, doc_id: str, reason: str | None) -> None:
    """Delete a container softly, with everything below it.

    Raises
    ------
    ApiError
        Nothing has the id, the right is lacking, an analysis uses it, or an audited site got no reason.
    """
    action = {"project": "containers_delete_project", "analysis": "analyses_delete"}.get(
        kind, "containers_delete_hierarchy"
    )
    doc = access.fetch(site, who, kind, doc_id, action)
    check_delete_reason(site, reason)
    below = list(descend(site, kind, doc))
    project = access.project_of(site, kind, doc)
    if any(name == "file" and file["origin"].get("type") == "device" for name, file in below) and (
        project is None or "files_delete_device_data" not in auth.actions_on(site.store, who, project)
    ):
        raise ForbiddenError(f"{kind} {doc_id} holds original data", reason="original_data_present")
    if kind == "acquisition" and any(
        source.get("parent_ref", {}).get("id") == doc_id
        for analysis in site.store.select("analysis", containing=[doc_id])
        for source in analysis["inputs"]
    ):
        raise ForbiddenError(f"acquisition {doc_id} is used by an analysis", reason="analysis_conflict")
    stamp = now()
    for name, item in [(kind, doc), *below]:
        site.store.put(name, {**item, "deleted": stamp, "delete_reason": reason})


def check_delete_reason(site: Site, reason: str | None) -> None:
    """Refuse a reason that is none, and a missing one on an audited site.

    Raises
    ------
    BadRequestError
        The reason is missing or unknown.
    """
    if reason and reason not in DELETE_REASONS:
        raise BadRequestError(f"Unknown delete_reason {reason!r}")
    if site.options.audit_trail and not reason:
        raise BadRequestError("This site keeps an audit trail: a delete_reason is needed")


def descend(site: Site, kind: str, doc: Doc) -> Iterator[tuple[str, Doc]]:
    """Yield all that lies below a container: files, analyses, and lower containers with theirs."""
    for file in site.store.select("file", parent=doc["_id"]):
        yield "file", file
    for analysis in site.store.select("analysis", parent=doc["_id"]):
        yield "analysis", analysis
        for file in site.store.select("file", parent=analysis["_id"]):
            yield "file", file
    if kind in CHILD_OF:
        for child in site.store.select(CHILD_OF[kind], parent=doc["_id"]):
            yield CHILD_OF[kind], child
            yield from descend(site, CHILD_OF[kind], child)


def require_free_code(site: Site, project_id: str, label: str, *, besides: str | None = None) -> None:
    """Refuse a subject label that another subject of the project has.

    Raises
    ------
    UnprocessableError
        It is taken.
    """
    for subject in site.store.select("subject", parent=project_id, label=label):
        if subject["_id"] != besides:
            raise UnprocessableError(f'subject code "{label}" already exists in project {project_id}')


def _insert(site: Site, kind: str, fields: Doc, parents: Doc) -> Doc:
    stamp = now()
    doc = {
        "_id": site.new_id(),
        **DEFAULTS[kind],
        **{key: value for key, value in fields.items() if value is not None},
        "parents": parents,
        "created": stamp,
        "modified": stamp,
        "revision": 1,
    }
    site.store.put(kind, doc)
    return doc


def _parent(site: Site, who: Identity, kind: str, doc_id: str) -> Doc:
    return access.fetch(site, who, kind, doc_id, "containers_create_hierarchy")


def _create_group(site: Site, who: Identity, body: Any) -> Doc:
    access.require_admin(who)
    if isinstance(body, dict) and "id" in body:
        body = {"_id": body["id"], **{key: value for key, value in body.items() if key != "id"}}
    fields = checked(body, CREATE_KEYS["group"], ("_id",))
    if not GROUP_ID.fullmatch(fields["_id"]):
        raise SchemaError(("_id", "2 to 32 of 0-9 a-z . @ _ -, beginning and ending with a letter or digit"))
    stamp = now()
    old = site.store.get("group", fields["_id"])
    doc = old or {**DEFAULTS["group"], "created": stamp, "revision": 0}
    fields.setdefault("label", doc.get("label") or fields["_id"])
    if old is None:
        doc["permissions"] = [{"_id": who.user_id, "access": "admin"}]
    doc = {**doc, **fields, "modified": stamp, "revision": doc["revision"] + 1}
    site.store.put("group", doc)
    return doc


def _require_free_label(site: Site, group_id: str, label: str) -> None:
    if next(site.store.select("project", parent=group_id, label=label), None):
        raise ConflictError(f"Project with label {label} already exists in group {group_id}")


def _create_project(site: Site, who: Identity, body: Any) -> Doc:
    fields = checked(body, CREATE_KEYS["project"], ("label", "group"))
    group = site.store.get("group", fields["group"])
    if group is None:
        raise NotFoundError(f"Could not find resource group:{fields['group']}")
    access.require(site, who, "group", group, "containers_create_hierarchy")
    _require_free_label(site, group["_id"], fields["label"])
    if not fields.get("permissions"):
        own = [{"_id": who.user_id, "role_ids": [site.built_in_role("admin")]}] if who.user_id else []
        template = [entry for entry in group.get("permissions_template") or [] if entry["_id"] != who.user_id]
        fields["permissions"] = own + template
    project = _insert(site, "project", fields, {"group": group["_id"]})
    for rule in list(site.store.select("rule", parent="site")):
        copy = {**rule, "_id": site.new_id(), "project_id": project["_id"], "parent_id": project["_id"]}
        site.store.put("rule", copy)
    return project


def _create_subject(site: Site, who: Identity, body: Any) -> Doc:
    fields = checked(body, CREATE_KEYS["subject"], ("project",))
    label = fields.get("label") or fields.get("code")
    if not label:
        raise SchemaError(("label", "field required"))
    project = _parent(site, who, "project", fields["project"])
    require_free_code(site, project["_id"], label)
    fields.update(label=label, code=label)
    return _insert(site, "subject", fields, parents_below("project", project))


def _settle_subject_label(site: Site, subject: Doc, fields: Doc) -> None:
    label = fields.get("label") or fields.get("code")
    if label:
        fields.update(label=label, code=label)
        require_free_code(site, fields.get("project") or subject["project"], label, besides=subject["_id"])


def _create_session(site: Site, who: Identity, body: Any) -> Doc:
    fields = checked(body, CREATE_KEYS["session"])
    wanted = fields.pop("subject", None) or {}
    if isinstance(wanted, str):
        wanted = {"_id": wanted}
    if not isinstance(wanted.get("_id", ""), str):
        raise SchemaError(("subject", "its _id is a text"))
    project_id = fields.pop("project", None)
    if project_id is None and wanted.get("_id"):
        project_id = (site.store.get("subject", wanted["_id"]) or {}).get("project")
    if project_id is None:
        raise SchemaError(("project", "field required"))
    project = _parent(site, who, "project", project_id)
    fields.setdefault("label", fields.get("uid") or "unknown")
    subject = _subject_of_session(site, who, project, wanted)
    return _insert(site, "session", {**fields, "subject": subject["_id"]}, parents_below("subject", subject))


def _subject_of_session(site: Site, who: Identity, project: Doc, wanted: Doc) -> Doc:
    """Find the subject that a new session embeds, by id, master code, or label; else create it."""
    if wanted.get("_id"):
        subject = access.fetch(site, who, "subject", wanted["_id"])
        if subject["project"] != project["_id"]:
            raise UnprocessableError(f"subject {subject['_id']} is not in project {project['_id']}")
    else:
        subjects = site.store.select("subject", parent=project["_id"])
        master, label = wanted.get("master_code"), wanted.get("label") or wanted.get("code")
        subject = next(
            (s for s in subjects if (master and s["master_code"] == master) or (label and s["label"] == label)),
            {},
        )
    updates = checked(
        {key: value for key, value in wanted.items() if key not in ("_id", "age", "project", "label", "code")},
        CREATE_KEYS["subject"] | {"parents", "permissions", "created", "modified", "revision", "files", "notes"},
    )
    updates = {key: value for key, value in updates.items() if key in CREATE_KEYS["subject"] and value is not None}
    if not subject:
        label = wanted.get("label") or wanted.get("code") or f"unknown-{site.new_id()}"
        return _create_subject(site, who, {**updates, "label": label, "project": project["_id"]})
    changed = {key: value for key, value in updates.items() if value != subject.get(key)}
    if changed:
        touch(site, "subject", {**subject, **changed})
    return subject
