"""Changing containers; a change that names another parent moves them."""

from __future__ import annotations

from typing import Any

from local_site.errors import BadRequestError
from local_site.hierarchy import access, moving
from local_site.hierarchy.fields import SchemaError, checked, merged
from local_site.hierarchy.labels import require_free_code, require_free_label
from local_site.hierarchy.levels import MODIFY_KEYS
from local_site.hierarchy.tree import touch
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.store import Doc


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
        require_free_label(site, doc["group"], fields["label"])
    jobs = moving.move(site, who, kind, doc, fields)
    doc = site.store.get(kind, doc_id) or doc
    touch(site, kind, {**doc, **fields})
    return jobs


def _settle_subject_label(site: Site, subject: Doc, fields: Doc) -> None:
    label = fields.get("label") or fields.get("code")
    if label:
        fields.update(label=label, code=label)
        require_free_code(site, fields.get("project") or subject["project"], label, besides=subject["_id"])
