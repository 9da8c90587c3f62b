"""What a gear's manifest asks of a job: its inputs, its configuration, the directory it is run from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from local_site.engine import gears
from local_site.errors import BadRequestError
from local_site.site.state import Site
from local_site.storage.store import Doc

CONFIG_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def fetch(site: Site, gear_id: Any) -> Doc:
    """Return the gear that a request for a job names.

    Raises
    ------
    BadRequestError
        It names none, or one that the site does not have or has disabled.
    """
    if not gear_id:
        raise BadRequestError("Job must specify gear")
    gear = site.store.get("gear", str(gear_id))
    if gear is None or gear["disabled"]:
        raise BadRequestError(f"Gear {gear_id} does not exist or is disabled")
    return gear


def inputs_of(gear: Doc, base: str) -> dict[str, Doc]:
    """Return the inputs of a gear that have a base: ``file``, ``api-key`` or ``context``."""
    return {name: spec for name, spec in gear["gear"]["inputs"].items() if spec.get("base") == base}


def required_files(gear: Doc) -> list[str]:
    """Return the names of the file inputs that a job cannot do without."""
    return [name for name, spec in inputs_of(gear, "file").items() if not spec.get("optional")]


def admits(spec: Doc, file: Doc) -> bool:
    """Tell whether a file is of a type that an input asks for."""
    types = (spec.get("type") or {}).get("enum")
    return not types or file["type"] in types


def check_inputs(gear: Doc, names: set[str]) -> None:
    """Refuse a set of file inputs that the gear does not have or that lacks a required one.

    Raises
    ------
    BadRequestError
        An input is unknown or missing.
    """
    unknown = sorted(names - set(gear["gear"]["inputs"]))
    missing = [name for name in required_files(gear) if name not in names]
    if unknown:
        raise BadRequestError(f"Gear {gear['gear']['name']} has no input {', '.join(unknown)}")
    if missing:
        raise BadRequestError(f"Gear {gear['gear']['name']} requires the input {', '.join(missing)}")


def full_config(gear: Doc, given: Any) -> Doc:
    """Return a job's configuration: the gear's defaults with what is given laid over them.

    Raises
    ------
    BadRequestError
        A value is of the wrong type or none of those allowed, or a required one is missing.
    """
    if not isinstance(given, dict):
        raise BadRequestError("config must be an object")
    specs: dict[str, Doc] = gear["gear"]["config"]
    config = {name: spec["default"] for name, spec in specs.items() if spec.get("default") is not None}
    config.update({name: value for name, value in given.items() if value is not None})
    for name, spec in specs.items():
        if name not in config:
            if not spec.get("optional"):
                raise BadRequestError(f"config: {name} is required")
            continue
        value, types = config[name], CONFIG_TYPES.get(str(spec.get("type")), (object,))
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types and object not in types):
            raise BadRequestError(f"config: {name} must be of type {spec['type']}")
        if spec.get("enum") and value not in spec["enum"]:
            raise BadRequestError(f"config: {name} must be one of {spec['enum']}")
    return config


def add_gear_directory(site: Site, directory: Path) -> Doc:
    """Register the gear in a directory, from its ``manifest.json``, to be run from there.

    The same name and version registered again replaces nothing but the place: what is returned is the gear known.

    Raises
    ------
    BadRequestError
        The manifest is missing, or not a valid one.
    """
    path = directory.resolve() / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadRequestError(f"{path} cannot be read as a gear's manifest: {error}") from error
    builder = manifest.get("custom", {}).get("gear-builder", {}) if isinstance(manifest, dict) else {}
    exchange = {
        "git-commit": "local",
        "rootfs-hash": "sha384:local",
        "rootfs-url": directory.resolve().as_uri(),
    }
    with site.store.transaction():
        for known in list(site.store.select("gear", label=str(manifest.get("name")))):
            if known["gear"]["version"] == manifest.get("version"):
                moved: Doc = {**known, "exchange": exchange, "gear": {**known["gear"], **manifest}}
                site.store.put("gear", moved)
                return moved
        category = builder.get("category") or "utility"
        return gears.add_gear(site, {"category": category, "gear": manifest, "exchange": exchange})


def directory_of(gear: Doc) -> Path | None:
    """Return the directory that a gear is run from; None if it has none on this machine."""
    url = urlsplit(str((gear.get("exchange") or {}).get("rootfs-url") or ""))
    return Path(unquote(url.path)) if url.scheme == "file" else None
