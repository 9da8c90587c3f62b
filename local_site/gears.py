"""The gears a site knows."""

from __future__ import annotations

from typing import Any

from local_site.errors import BadRequestError, ConflictError
from local_site.site import Site
from local_site.stamps import now
from local_site.store import Doc

LACKING: Doc = {"inputs": {}, "custom": {}, "environment": {}, "command": ""}
EXCHANGE = {"git-commit": "local", "rootfs-hash": "sha384:local", "rootfs-url": "local"}
CATEGORIES = ("analysis", "utility", "converter", "classifier", "qa")


def add_gear(site: Site, body: Any) -> Doc:
    """Register a gear from ``{"category", "gear": manifest, "exchange"?}``, and return it.

    Raises
    ------
    ApiError
        The manifest lacks its name or version, or that version is known.
    """
    manifest = body.get("gear") if isinstance(body, dict) else None
    if not isinstance(manifest, dict) or not manifest.get("name") or not manifest.get("version"):
        raise BadRequestError("A gear needs a manifest with name and version")
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
