"""Creating containers."""

from __future__ import annotations

import re
from typing import Any

from local_site.errors import NotFoundError, UnprocessableError
from local_site.hierarchy import access
from local_site.hierarchy.fields import SchemaError, checked
from local_site.hierarchy.labels import require_free_code, require_free_label
from local_site.hierarchy.levels import CREATE_KEYS, DEFAULTS, parents_below
from local_site.hierarchy.tree import touch
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.stamps import now
from local_site.storage.store import Doc

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


def _create_project(site: Site, who: Identity, body: Any) -> Doc:
    fields = checked(body, CREATE_KEYS["project"], ("label", "group"))
    group = site.store.get("group", fields["group"])
    if group is None:
        raise NotFoundError(f"Could not find resource group:{fields['group']}")
    access.require(site, who, "group", group, "containers_create_hierarchy")
    require_free_label(site, group["_id"], fields["label"])
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


def _parent(site: Site, who: Identity, kind: str, doc_id: str) -> Doc:
    return access.fetch(site, who, kind, doc_id, "containers_create_hierarchy")


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
