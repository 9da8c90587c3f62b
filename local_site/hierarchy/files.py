"""Files: their versions, metadata, moves and deletion."""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Iterable
from typing import Any

from local_site.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError, UnprocessableError
from local_site.hierarchy import access, deleting, regulated
from local_site.hierarchy.classification import after_modality_change, checked_classification
from local_site.hierarchy.fields import checked
from local_site.hierarchy.file_metadata import guess_type
from local_site.hierarchy.levels import LEVELS, parents_below
from local_site.site import auth
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.blobs import Blob
from local_site.storage.stamps import now
from local_site.storage.store import Doc

CARRIED = ("type", "modality", "classification", "tags", "info")  # by preserve_metadata


def live_file(site: Site, container_id: str, name: str) -> Doc | None:
    """Return the file of a container that has this name."""
    return next(site.store.select("file", parent=container_id, label=name), None)


def fetch_file(site: Site, container_id: str, name: str) -> Doc:
    """Return the file of a container that has this name.

    Raises
    ------
    NotFoundError
        No file is called so.
    """
    file = live_file(site, container_id, name)
    if file is None:
        raise NotFoundError(f"Could not find resource file:{name}")
    return file


def fetch_by_id(site: Site, who: Identity, file_id: str, action: str = "files_view_metadata") -> Doc:
    """Return a file by its stable id, if `who` may take `action` on what holds it.

    Raises
    ------
    ApiError
        No file has this id, or the right is lacking.
    """
    file = site.store.get("file", file_id)
    if file is None:
        raise NotFoundError(f"Could not find resource file:{file_id}")
    require_file(site, who, file, action)
    return file


def require_file(site: Site, who: Identity, file: Doc, action: str) -> None:
    """Refuse unless `who` may take `action` on a file."""
    kind, container_id = file["parent_ref"]["type"], file["parent_ref"]["id"]
    access.fetch(site, who, kind, container_id, action)


def version_of(site: Site, file: Doc, version: str | None) -> Doc:
    """Return one version of a file: the current one if none is asked for.

    Raises
    ------
    NotFoundError
        The file has no such version.
    """
    if not version or version == str(file["version"]):
        return file
    for old in site.store.select("file_version", parent=file["file_id"]):
        if str(old["version"]) == version:
            return {**old, **{key: file[key] for key in ("parent_ref", "parents", "deleted")}}
    raise NotFoundError(f"Could not find version {version} of file {file['name']}")


def versions(site: Site, file: Doc) -> list[Doc]:
    """Return all versions of a file, oldest first."""
    olds = site.store.select("file_version", parent=file["file_id"])
    return sorted([*olds, file], key=lambda doc: int(doc["version"]))


def add_file(  # noqa: PLR0917 - where, who, and what, as everywhere
    site: Site,
    who: Identity,
    kind: str,
    container: Doc,
    blob: Blob,
    metadata: Doc,
    *,
    preserve: bool = False,
    content_hash: str | None = None,
    gear_info: Doc | None = None,
    evaluate: bool = True,
) -> Doc:
    """Add a file, or a new version of one, to a container.

    Parameters
    ----------
    site, who
        Where, and by whom.
    kind, container
        What holds the file.
    blob
        Its stored content.
    metadata
        Checked metadata with ``name``; it goes before what the site guesses.
    preserve
        Carry the metadata of the version before over.
    content_hash
        The hash to show; None: that of the content.
    gear_info
        The gear that made the file.
    evaluate
        Whether gear rules may fire.
    """
    stamp = now()
    name = metadata["name"]
    old = live_file(site, container["_id"], name)
    parents = parents_below(kind, container)
    doc: Doc = {
        "_id": str(uuid.uuid4()),
        "file_id": old["file_id"] if old else site.new_id(),
        "version": old["version"] + 1 if old else 1,
        "name": name,
        "type": guess_type(name),
        "mimetype": mimetypes.guess_type(name)[0] or "application/octet-stream",
        "modality": None,
        "classification": {},
        "tags": [],
        "info": {},
        "zip_member_count": blob.zip_members,
        **({key: old[key] for key in CARRIED} if old and preserve else {}),
        **{key: value for key, value in metadata.items() if key != "size" and value is not None},
        "size": blob.size,
        "hash": f"v0-sha384-{blob.sha384}" if content_hash is None else content_hash,
        "client_hash": None,
        "origin": who.origin,
        "parent_ref": {"type": kind, "id": container["_id"]},
        "parents": {level: parents[level] for level in (*LEVELS, "analysis") if level in parents},
        "provider_id": site.provider_id(),
        "created": old["created"] if old else stamp,
        "modified": stamp,
        "replaced": stamp if old else None,
        "deleted": None,
        "deid_log_id": None,
        "deid_log_skip_reason": None,
        "copy_of": None,
        "original_copy_of": None,
        "gear_info": gear_info,
        "scan_events": [],
        "reference": False,
        "path": None,
        "restored_from": None,
        "restored_by": None,
        "revision": 1,
        "blob": blob.name,
    }
    if old:
        site.store.put("file_version", old)
    site.store.put("file", doc)
    if evaluate:
        site.file_changed("replaced" if old else "added", old, doc, who)
    return doc


def modify_file(site: Site, who: Identity, file: Doc, changes: Doc, *, evaluate: bool = True) -> int:
    """Write changed metadata of a file; return how many jobs that started."""
    changed = {**file, **changes, "modified": now(), "revision": file.get("revision", 1) + 1}
    site.store.put("file", changed)
    return site.file_changed("changed", file, changed, who) if evaluate else 0


def update_file(site: Site, who: Identity, file: Doc, body: Any) -> int:
    """Change type or modality; a changed modality wipes what was classified, except ``Custom``."""
    fields = checked(body, ("type", "modality"))
    if not fields:
        raise BadRequestError("Nothing to change: the body is empty")
    if file["modality"] and fields.get("modality", file["modality"]) != file["modality"]:
        fields["classification"] = after_modality_change(file["classification"])
    return modify_file(site, who, file, fields)


def classify_file(site: Site, who: Identity, file: Doc, body: Any) -> int:
    """Change the classification (and modality) of a file after checking it against the site's modalities."""
    return modify_file(site, who, file, checked_classification(site, file, body))


def delete_file(site: Site, who: Identity, file: Doc, *, reason: str | None, force: bool) -> None:
    """Delete a file softly.

    Raises
    ------
    ApiError
        It is in use, has copies, comes from a device, or the right is lacking.
    """
    project = access.project_of(site, "file", file)
    actions = auth.actions_on(site.store, who, project) if project else frozenset()
    require_file(site, who, file, "files_delete_non_device_data")
    deleting.check_delete_reason(site, reason)
    if file["origin"].get("type") == "device" and "files_delete_device_data" not in actions:
        raise ForbiddenError(f"{file['name']} is original data", reason="original_data_present")
    if any(
        source.get("file_id") == file["file_id"]
        for analysis in site.store.select("analysis", containing=[file["file_id"]])
        for source in analysis["inputs"]
    ):
        raise ForbiddenError(f"{file['name']} is used by an analysis", reason="analysis_conflict")
    if any(
        fixed.get("id") == file["parent_ref"]["id"] and fixed.get("name") == file["name"]
        for rule in site.store.select("rule")
        for fixed in rule.get("fixed_inputs") or []
    ):
        raise ForbiddenError(f"{file['name']} is a fixed input of a gear rule", reason="rule_conflict")
    copied = file["copy_of"] or next(
        (copy for copy in site.store.select("file", containing=[file["blob"]]) if copy["file_id"] != file["file_id"]),
        None,
    )
    if copied and not force:
        raise ConflictError(f"{file['name']} shares its content with copies; use force to delete it")
    site.store.put("file", {**file, "deleted": now(), "delete_reason": reason})


def move_file(site: Site, who: Identity, file: Doc, body: Any) -> int:
    """Move a file to another container of the group, keeping its identity; return how many jobs that started."""
    if not isinstance(body, dict) or not isinstance(body.get("container_reference"), dict):
        raise BadRequestError("A container_reference is needed")
    reference = body["container_reference"]
    require_file(site, who, file, "files_move")
    kind = access.kind_of(site, "containers", str(reference.get("id")))
    target = access.fetch(site, who, kind, str(reference["id"]), "files_move")
    parents = parents_below(kind, target)
    if parents.get("group") != file["parents"].get("group"):
        raise UnprocessableError("Files cannot be moved to another group")
    name = body.get("name") or file["name"]
    rival = live_file(site, target["_id"], name)
    if rival and rival["file_id"] != file["file_id"]:
        raise ConflictError(f"A file called {name} already exists there")
    moved = {
        **file,
        "name": name,
        "parent_ref": {"type": kind, "id": target["_id"]},
        "parents": parents,
        "modified": now(),
        "revision": file.get("revision", 1) + 1,
    }
    site.store.put("file", moved)
    return site.file_changed("moved", file, moved, who) if body.get("run_gear_rules", True) else 0


def restore_file(site: Site, who: Identity, file_id: str, version: str | None) -> Doc:
    """Bring a deleted file back, or make an older version the current one."""
    file = site.store.get("file", file_id, deleted=True)
    if file is None:
        raise NotFoundError(f"Could not find resource file:{file_id}")
    require_file(site, who, file, "files_create_single")
    if file["deleted"] and (not version or version == str(file["version"])):
        if live_file(site, file["parent_ref"]["id"], file["name"]):
            raise ConflictError(f"A file called {file['name']} exists")
        restored = {**file, "deleted": None, "modified": now()}
    else:
        source = version_of(site, file, version)
        stamp = now()
        site.store.put("file_version", file)
        restored = {
            **source,
            "_id": str(uuid.uuid4()),
            "version": file["version"] + 1,
            "parent_ref": file["parent_ref"],
            "parents": file["parents"],
            "name": file["name"],
            "deleted": None,
            "modified": stamp,
            "replaced": stamp,
            "restored_from": source["version"],
            "restored_by": who.origin,
        }
    site.store.put("file", restored)
    return restored


def references(site: Site, who: Identity, items: Iterable[Any]) -> list[Doc]:
    """Return the files that a list of ``{type, id, name}`` points to.

    Raises
    ------
    ApiError
        An item is not such a reference, or points to nothing.
    """
    found: list[Doc] = []
    for item in items:
        if not isinstance(item, dict) or not {"id", "name"} <= set(item):
            raise BadRequestError("An input is given as {type, id, name}")
        kind = access.kind_of(site, "containers", str(item["id"]))
        access.fetch(site, who, kind, str(item["id"]), "files_view_metadata")
        found.append(fetch_file(site, str(item["id"]), str(item["name"])))
        regulated.require_clean(found[-1])
    return found
