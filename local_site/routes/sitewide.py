"""Routes about the site itself: who am I, what can the site do, users, roles, modalities."""

from __future__ import annotations

from typing import Any

from local_site.errors import BadRequestError, ConflictError, NotFoundError
from local_site.hierarchy.access import require_admin
from local_site.hierarchy.fields import checked, updated_info
from local_site.routing import lists
from local_site.routing.call import Call
from local_site.routing.table import Routes
from local_site.storage.stamps import now
from local_site.storage.store import Doc

routes = Routes()
RELEASE = "22.3.9"
AS_STORED = {"users": "user", "roles": "role", "modalities": "modality"}  # listed and returned as they are


@routes.add("GET", "/auth/status")
def auth_status(call: Call) -> Any:
    """Tell clients whom their key stands for."""
    who = call.who
    return {
        "origin": who.origin,
        "user_id": who.user_id,
        "user_is_admin": who.admin,
        "is_device": False,
        "roles": list(who.roles),
    }


@routes.add("GET", "/version", public=True)
def version(_call: Call) -> Any:
    """Tell the versions."""
    return {
        "_id": "version",
        "database": 1,
        "release": RELEASE,
        "flywheel_release": RELEASE,
        "cli_version": RELEASE,
    }


@routes.add("GET", "/config", public=True)
def config(call: Call) -> Any:
    """Tell what the site can do."""
    options = call.site.options
    return {
        "site": {
            "name": "Local site",
            "api_url": f"{call.base_url}/api",
            "redirect_url": call.base_url,
            "registered": True,
            "pagination_limit": 250,
        },
        "features": {
            "signed_url": options.signed_url,
            "multipart_signed_url": False,
            "tags_in_lists": options.tags_in_lists,
            "audit_trail": options.audit_trail,
            "api_enabled_gear_rules": True,
            "job_tickets": False,
        },
        "signed_url": options.signed_url,
        "auth": {},
    }


@routes.add("GET", "/users/self")
def current_user(call: Call) -> Any:
    """Return the sender's user, with the key as sent."""
    user = call.site.store.get("user", call.who.user_id or "")
    if user is None:
        raise NotFoundError("This key belongs to no user")
    header = call.request.headers.get("Authorization", "")
    key = header.rpartition(" ")[2].rpartition(":")[2]
    return {**user, "user_id": user["_id"], "api_key": {"key": key, "created": user["created"]}, "api_keys": []}


@routes.add("GET", "/users/self/info")
def own_info(call: Call) -> Any:
    """Return the info of the sender's user."""
    return _found(call, "user", call.who.user_id or "")["info"]


@routes.add("PATCH", "/users/self/info")
def change_own_info(call: Call) -> Any:
    """Set, delete or replace keys of the info of the sender's user."""
    user = _found(call, "user", call.who.user_id or "")
    call.site.store.put("user", {**user, "info": updated_info(user["info"], call.body), "modified": now()})
    return {"modified": 1}


def _add_reading(plural: str, kind: str) -> None:
    """Add the routes that list the documents of a kind, and return one."""

    @routes.add("GET", f"/{plural}")
    def list_all(call: Call) -> Any:
        return lists.plain(call, list(call.site.store.select(kind)))

    @routes.add("GET", f"/{plural}/{{{kind}_id}}")
    def read(call: Call) -> Any:
        return _found(call, kind, call.params[f"{kind}_id"])


for _plural, _kind in AS_STORED.items():
    _add_reading(_plural, _kind)


@routes.add("POST", "/users")
def add_user(call: Call) -> Any:
    """Add a user."""
    require_admin(call.who)
    allowed = ["_id", "firstname", "lastname", "email", "roles", "disabled", "avatar", "root"]
    fields = checked(call.body, allowed, ("_id", "firstname", "lastname"))
    if call.site.store.get("user", fields["_id"]):
        raise ConflictError(f"User {fields['_id']} already exists")
    call.site.add_user(fields.pop("_id"), **fields)
    return {"_id": call.body["_id"]}


@routes.add("PUT", "/users/{user_id}")
def modify_user(call: Call) -> Any:
    """Change a user."""
    require_admin(call.who)
    user = _found(call, "user", call.params["user_id"])
    fields = checked(call.body, ["firstname", "lastname", "email", "roles", "disabled", "avatar", "root", "info"])
    call.site.store.put("user", {**user, **fields, "modified": now()})
    return {"modified": 1, "jobs_spawned": 0}


@routes.add("DELETE", "/users/{user_id}")
def delete_user(call: Call) -> Any:
    """Delete a user."""
    require_admin(call.who)
    user = _found(call, "user", call.params["user_id"])
    call.site.store.put("user", {**user, "deleted": now()})
    return {"deleted": 1}


@routes.add("GET", "/groups/{cid}/roles")
def roles_of_group(call: Call) -> Any:
    """List the roles that a group may give, which are all."""
    return list(call.site.store.select("role"))


@routes.add("GET", "/groups/{cid}/roles/{role_id}")
def role_of_group(call: Call) -> Any:
    """Return a role."""
    return _found(call, "role", call.params["role_id"])


@routes.add("POST", "/roles")
def add_role(call: Call) -> Any:
    """Add a role."""
    require_admin(call.who)
    fields = checked(call.body, ("label", "actions"), ("label", "actions"))
    role = {"_id": call.site.new_id(), "default_flywheel_role": None, "in_use": False, **fields}
    call.site.store.put("role", role)
    return role


@routes.add("PUT", "/roles/{role_id}")
def modify_role(call: Call) -> Any:
    """Change a role."""
    require_admin(call.who)
    role = _found(call, "role", call.params["role_id"])
    changed = {**role, **checked(call.body, ("label", "actions"))}
    call.site.store.put("role", changed)
    return changed


@routes.add("DELETE", "/roles/{role_id}")
def delete_role(call: Call) -> Any:
    """Delete a role that is not built in."""
    require_admin(call.who)
    role = _found(call, "role", call.params["role_id"])
    if role["default_flywheel_role"]:
        raise BadRequestError("A built-in role cannot be deleted")
    call.site.store.remove("role", role["_id"])
    return {"deleted": 1}


@routes.add("POST", "/modalities")
def add_modality(call: Call) -> Any:
    """Add a modality."""
    require_admin(call.who)
    modality = _modality(call)
    if call.site.store.get("modality", modality["_id"]):
        raise ConflictError(f"Modality {modality['_id']} already exists")
    call.site.store.put("modality", modality)
    return {"_id": modality["_id"]}


@routes.add("PUT", "/modalities/{modality_id}")
def replace_modality(call: Call) -> Any:
    """Replace a modality."""
    require_admin(call.who)
    old = _found(call, "modality", call.params["modality_id"])
    modality = {**_modality(call, old["_id"]), "_id": old["_id"]}
    call.site.store.put("modality", modality)
    return modality


@routes.add("DELETE", "/modalities/{modality_id}")
def delete_modality(call: Call) -> Any:
    """Delete a modality."""
    require_admin(call.who)
    call.site.store.remove("modality", _found(call, "modality", call.params["modality_id"])["_id"])
    return {"deleted": 1}


@routes.add("GET", "/collections", "/collections/curators", "/users/{user_id}/collections")
def collections(call: Call) -> Any:
    """List collections, of which this site has none."""
    return lists.plain(call, [])


@routes.add("GET", *(f"/collections/{{collection_id}}{below}" for below in ("", "/sessions", "/acquisitions")))
def collection(call: Call) -> Any:
    """Return a collection, which is not there whatever its id."""
    return _found(call, "collection", call.params["collection_id"])


def _modality(call: Call, modality_id: str | None = None) -> Doc:
    allowed = ["_id", "classification", "active", "description", "rts_managed"]
    fields = checked(call.body, allowed, () if modality_id else ("_id",))
    return {"_id": modality_id, "classification": {}, "active": True, "description": None, **fields}


def _found(call: Call, kind: str, doc_id: str) -> Doc:
    doc = call.site.store.get(kind, doc_id)
    if doc is None:
        raise NotFoundError(f"Could not find resource {kind}:{doc_id}")
    return doc
