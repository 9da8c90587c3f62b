"""The gears a site knows."""

from __future__ import annotations

from typing import Any

from local_site.errors import BadRequestError, ConflictError
from local_site.site.state import Site
from local_site.storage.stamps import now
from local_site.storage.store import Doc

LACKING: Doc = {"inputs": {}, "custom": {}, "environment": {}, "command": ""}
EXCHANGE = {"git-commit": "local", "rootfs-hash": "sha384:local", "rootfs-url": "local"}
CATEGORIES = ("analysis", "utility", "converter", "classifier", "qa")


def add_gear(site: Site, body: Any) -> Doc:
    """Register a gear from ``{"category", "gear": manifest, "exchange"?}``, and return it.

    Raises
    ------
    ApiError
        The manifest is not a valid one, or that version of the gear is known.
    """
    manifest = _manifest(body.get("gear") if isinstance(body, dict) else None)
    category = body.get("category") or "utility"
    if category not in CATEGORIES:
        raise BadRequestError(f"Unknown category {category!r}")
    for known in site.store.select("gear", label=manifest["name"]):
        if known["gear"]["version"] == manifest["version"]:
            raise ConflictError(f"Gear {manifest['name']} {manifest['version']} already exists")
    stamp = now()
    gear = {
        "_id": site.new_id(),
        "category": category,
        "label": manifest["name"],
        "gear": {**LACKING, **manifest, "config": manifest.get("config") or {}},
        "exchange": body.get("exchange") or EXCHANGE,
        "created": stamp,
        "modified": stamp,
        "disabled": None,
    }
    site.store.put("gear", gear)
    return gear


def newest(site: Site, name: str, version: str | None = None) -> Doc | None:
    """Return a gear by name: the newest one that is enabled, or a certain version."""
    gears = [gear for gear in site.store.select("gear", label=name) if not gear["disabled"]]
    if version:
        gears = [gear for gear in gears if gear["gear"]["version"] == version]
    return gears[-1] if gears else None


def enabled(site: Site) -> list[Doc]:
    """Return the newest version of each gear that is enabled."""
    return list({gear["gear"]["name"]: gear for gear in site.store.select("gear") if not gear["disabled"]}.values())


def _manifest(value: Any) -> Doc:
    """Return `value` if jobs can be made from it.

    Raises
    ------
    BadRequestError
        It lacks name or version, or a part is of the wrong form.
    """
    if not isinstance(value, dict):
        raise BadRequestError("A gear needs a manifest")
    for key in ("name", "version"):
        if not isinstance(value.get(key), str) or not value[key]:
            raise BadRequestError(f"The manifest of a gear needs a {key}")
    for key in ("inputs", "config"):
        part = value.get(key) or {}
        if not isinstance(part, dict) or not all(isinstance(spec, dict) for spec in part.values()):
            raise BadRequestError(f"{key} in a manifest holds an object for each name")
    if not isinstance(value.get("environment") or {}, dict) or not isinstance(value.get("command") or "", str):
        raise BadRequestError("environment in a manifest is an object, command a text")
    return value
