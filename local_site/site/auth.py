"""Who a request comes from, and what they may do.

Users have roles on projects (``role_ids``) and access levels on groups. Keys are stored as SHA-256 only. A key
may be narrowed: to reading, to one project with one role (as the key of a gear rule's job is).
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

from local_site.errors import ApiError, ForbiddenError
from local_site.storage.stamps import now
from local_site.storage.store import Doc, Store

READING = frozenset(
    [
        "containers_view_metadata",
        "analyses_view_metadata",
        "files_view_metadata",
        "files_view_contents",
        "files_download",
        "tags_view",
        "notes_view",
        "project_permissions_view",
        "gear_rules_view",
        "data_views_view",
        "session_templates_view",
        "jobs_view",
        "settings_view",
    ]
)
WRITING = READING | frozenset(
    [
        "containers_create_hierarchy",
        "containers_modify_metadata",
        "containers_delete_hierarchy",
        "copy_by_reference",
        "analyses_create_sdk",
        "analyses_create_job",
        "analyses_modify_metadata",
        "analyses_delete",
        "files_create_bulk",
        "files_create_single",
        "files_modify_metadata",
        "files_move",
        "files_delete_non_device_data",
        "tags_manage",
        "notes_manage",
        "data_views_manage",
        "jobs_manage",
    ]
)
EVERYTHING = WRITING | frozenset(
    [
        "containers_delete_project",
        "files_delete_device_data",
        "project_permissions_manage",
        "project_sharing_manage",
        "gear_rules_manage",
        "session_templates_manage",
        "jobs_manage_others",
        "settings_modify",
    ]
)
BUILT_IN_ROLES = {"admin": ("Admin", EVERYTHING), "rw": ("Read-Write", WRITING), "ro": ("Read-Only", READING)}
ACCESS_ORDER = {"ro": 1, "rw": 2, "admin": 3}


@dataclass(frozen=True)
class Identity:
    """The one a request comes from.

    Attributes
    ----------
    key_id
        Names the key without giving it away.
    user_id
        The user, or None for the job of a gear rule.
    origin
        What the site records as the origin of what is written.
    admin
        Whether this is a site administrator, who may do everything.
    roles
        The site roles shown to clients.
    read_only
        Whether the key only reads.
    project
        The one project the key is for, or None.
    role_ids
        The roles that a scoped key has there.
    """

    key_id: str
    user_id: str | None
    origin: Doc = field(default_factory=dict)
    admin: bool = False
    roles: tuple[str, ...] = ("user",)
    read_only: bool = False
    project: str | None = None
    role_ids: tuple[str, ...] = ()


def random_key() -> str:
    """Return a new key."""
    return secrets.token_hex(24)


def issue_key(store: Store, user_id: str | None, *, key: str | None = None, **scope: Any) -> str:
    """Make a key and return it; the store keeps its hash.

    Parameters
    ----------
    store
        Where to record it.
    user_id
        Whose key it is; None for a gear rule's job.
    key
        The key, if it is made already.
    scope
        ``read_only``, ``project``, ``role_ids``, ``origin``: see :class:`Identity`; ``job``: the job it is for.
    """
    key = key or random_key()
    with store.transaction():
        store.put("key", {"_id": _hashed(key), "user": user_id, "created": now(), **scope})
    return key


def authenticate(store: Store, header: str | None) -> Identity:
    """Return who the ``Authorization`` header stands for.

    Both schemes (``scitran-user``, ``Bearer``) are understood; what precedes the last colon is ignored.

    Raises
    ------
    ApiError
        403 without header, 401 for an unknown key, 402 for an unknown or disabled user.
    """
    if not header:
        raise ForbiddenError("Authentication required: no Authorization header")
    scheme, _, credential = header.strip().partition(" ")
    key = credential.strip().rpartition(":")[2]
    record = store.get("key", _hashed(key)) if scheme in ("scitran-user", "Bearer", "bearer") and key else None
    if record is None:
        raise ApiError(401, "Invalid API key")
    user_id = record["user"]
    user = store.get("user", user_id) if user_id else None
    if user_id and (user is None or user.get("disabled")):
        raise ApiError(402, f"User {user_id} does not exist or is disabled")
    roles = tuple((user or {}).get("roles") or ["user"])
    return Identity(
        key_id=record["_id"][:12],
        user_id=user_id,
        origin=record.get("origin") or {"type": "user", "id": user_id},
        admin="site_admin" in roles and not record.get("project"),
        roles=roles,
        read_only=bool(record.get("read_only")),
        project=record.get("project"),
        role_ids=tuple(record.get("role_ids") or ()),
    )


def actions_on(store: Store, who: Identity, project: Doc) -> frozenset[str]:
    """Return the names of the actions that `who` may take in `project`."""
    if who.admin:
        actions = EVERYTHING
    else:
        if who.project is not None:
            role_ids = list(who.role_ids) if who.project == project["_id"] else []
        else:
            entries = project.get("permissions") or []
            role_ids = [role for entry in entries if entry["_id"] == who.user_id for role in entry["role_ids"]]
        roles = (store.get("role", role_id) for role_id in role_ids)
        actions = frozenset(action for role in roles if role for action in role["actions"])
    return actions & READING if who.read_only else actions


def readable_projects(store: Store, who: Identity) -> frozenset[str] | None:
    """Return the projects that `who` may read; None means all."""
    if who.admin:
        return None
    return frozenset(
        project["_id"]
        for project in store.select("project")
        if "containers_view_metadata" in actions_on(store, who, project)
    )


def group_access(who: Identity, group: Doc) -> int:
    """Return the access level of `who` on a group: 0 none, 1 read, 2 write, 3 administer."""
    if who.admin:
        level = ACCESS_ORDER["admin"]
    elif who.project is not None:
        level = 0
    else:
        entries = group.get("permissions") or []
        level = max((ACCESS_ORDER[e["access"]] for e in entries if e["_id"] == who.user_id), default=0)
    return min(level, ACCESS_ORDER["ro"]) if who.read_only else level


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
