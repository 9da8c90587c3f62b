"""Routes for gear rules and gears; evaluating rules and running jobs are elsewhere."""

from __future__ import annotations

from typing import Any

from local_site.engine import gears
from local_site.engine.rules import check
from local_site.errors import NotFoundError
from local_site.hierarchy import access
from local_site.hierarchy.fields import checked
from local_site.routing import lists
from local_site.routing.call import Call
from local_site.routing.table import Routes
from local_site.storage.stamps import now
from local_site.storage.store import Doc

routes = Routes()
RULES = ("/projects/{cid}/rules", "/site/rules")
RULE = ("/projects/{cid}/rules/{rule_id}", "/site/rules/{rule_id}")
RULE_KEYS = [
    "project_id",
    "gear_id",
    "role_id",
    "name",
    "config",
    "fixed_inputs",
    "priority",
    "auto_update",
    "any",
    "all",
    "not",
    "disabled",
    "compute_provider_id",
    "triggering_input",
    "tags",
]


@routes.add("GET", *RULES)
def rules(call: Call) -> Any:
    """List the rules of a project, or of the site."""
    owner = _owner(call, "gear_rules_view")
    return lists.plain(call, [_shown(rule) for rule in call.site.store.select("rule", parent=owner)])


@routes.add("POST", *RULES)
def add_rule(call: Call) -> Any:
    """Add a rule."""
    owner = _owner(call, "gear_rules_manage")
    fields = checked(call.body, RULE_KEYS, ("gear_id", "name"))
    check(fields)
    stamp = now()
    rule = {
        "_id": call.site.new_id(),
        "role_id": None,
        "config": {},
        "fixed_inputs": [],
        "priority": "medium",
        "auto_update": False,
        "any": [],
        "all": [],
        "not": [],
        "disabled": False,
        "compute_provider_id": None,
        "triggering_input": None,
        "tags": [],
        **fields,
        "project_id": owner,
        "parent_id": owner,
        "last_modified_by": call.who.origin,
        "created": stamp,
        "modified": stamp,
        "revision": 1,
    }
    call.site.store.put("rule", rule)
    return _shown(rule)


@routes.add("GET", *RULE)
def rule(call: Call) -> Any:
    """Return a rule."""
    return _shown(_rule(call, "gear_rules_view"))


@routes.add("PUT", *RULE)
def modify_rule(call: Call) -> Any:
    """Change a rule."""
    old = _rule(call, "gear_rules_manage")
    fields = checked(call.body, [key for key in RULE_KEYS if key != "project_id"])
    check(fields)
    stamp = {"modified": now(), "revision": old["revision"] + 1, "last_modified_by": call.who.origin}
    rule = {**old, **fields, **stamp}
    call.site.store.put("rule", rule)
    return _shown(rule)


@routes.add("DELETE", *RULE)
def delete_rule(call: Call) -> Any:
    """Delete a rule."""
    call.site.store.remove("rule", _rule(call, "gear_rules_manage")["_id"])
    return {"deleted": 1}


@routes.add("GET", "/gears")
def list_gears(call: Call) -> Any:
    """List gears: the newest version of each, and only enabled ones, unless more is asked for."""
    found = list(call.site.store.select("gear"))
    if not call.query.flag("include_invalid"):
        found = [gear for gear in found if not gear["disabled"]]
    if not call.query.flag("all_versions"):
        newest = {gear["gear"]["name"]: gear["_id"] for gear in found}
        found = [gear for gear in found if newest[gear["gear"]["name"]] == gear["_id"]]
    return lists.plain(call, found)


@routes.add("GET", "/gears/{gear_id}")
def gear(call: Call) -> Any:
    """Return a gear."""
    return _gear(call)


@routes.add("POST", "/gears/{name}")
def add_gear(call: Call) -> Any:
    """Register a gear."""
    access.require_admin(call.who)
    return {"_id": gears.add_gear(call.site, call.body)["_id"]}


@routes.add("DELETE", "/gears/{gear_id}")
def disable_gear(call: Call) -> Any:
    """Disable a gear."""
    access.require_admin(call.who)
    call.site.store.put("gear", {**_gear(call), "disabled": now()})
    return {"deleted": 1}


@routes.add("GET", "/gears/{gear_id}/invocation")
def invocation(call: Call) -> Any:
    """Return the JSON schema of a gear's configuration and inputs."""
    manifest = _gear(call)["gear"]
    specs = manifest["config"]
    config = {
        name: {key: spec[key] for key in ("type", "default", "enum") if key in spec} for name, spec in specs.items()
    }
    required = [name for name, spec in specs.items() if "default" not in spec and not spec.get("optional")]
    needed = [name for name, spec in manifest["inputs"].items() if not spec.get("optional")]
    inputs = {name: {"type": "object"} for name in manifest["inputs"]}
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "title": f"Invocation manifest for {manifest.get('label', manifest['name'])}",
        "type": "object",
        "properties": {
            "config": {"type": "object", "properties": config, "required": required},
            "inputs": {"type": "object", "properties": inputs, "required": needed},
        },
        "required": ["config", "inputs"],
    }


def _owner(call: Call, action: str) -> str:
    if "cid" not in call.params:
        if action == "gear_rules_manage":
            access.require_admin(call.who)
        return "site"
    return str(access.fetch(call.site, call.who, "project", call.params["cid"], action)["_id"])


def _rule(call: Call, action: str) -> Doc:
    owner = _owner(call, action)
    rule = call.site.store.get("rule", call.params["rule_id"])
    if rule is None or rule["parent_id"] != owner:
        raise NotFoundError(f"Could not find resource rule:{call.params['rule_id']}")
    return rule


def _shown(rule: Doc) -> Doc:
    return {key: value for key, value in rule.items() if key != "parent_id"}


def _gear(call: Call) -> Doc:
    gear = call.site.store.get("gear", call.params["gear_id"])
    if gear is None:
        raise NotFoundError(f"Could not find resource gear:{call.params['gear_id']}")
    return gear
