"""The ``config.json`` of a job: what a gear finds beside it when it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local_site.engine import manifests
from local_site.hierarchy.levels import LEVELS
from local_site.site.state import Site
from local_site.storage.store import Doc

GEAR_HOME = "/flywheel/v0"  # where the image of a gear has its code, its input and its output
FILE_FACTS = (
    "type", "mimetype", "modality", "classification", "tags", "info", "size", "zip_member_count", "version", "file_id",
    "origin", "hash", "created", "modified",
)  # fmt: skip


def described_inputs(site: Site, gear: Doc, files: dict[str, Doc], parents: Doc) -> Doc:
    """Return the inputs as a job's ``config.json`` describes them, without the API key.

    Parameters
    ----------
    site, gear
        Where, and what is run.
    files
        The file of each file input.
    parents
        Ids of the destination and the containers above it, where values of context inputs are looked up.
    """
    inputs: Doc = {name: _file_input(name, file) for name, file in files.items()}
    inputs |= {name: {"base": "api-key"} for name in manifests.inputs_of(gear, "api-key")}
    inputs |= {name: _context(site, name, parents) for name in manifests.inputs_of(gear, "context")}
    return inputs


def staged(site: Site, job: Doc, home: Path, key: str) -> Doc:
    """Return the ``config.json`` of a job that starts: with paths in `home`, and its API key."""
    inputs: Doc = {}
    for name, entry in job["config"]["inputs"].items():
        if entry["base"] == "api-key":
            inputs[name] = {"base": "api-key", "key": key_string(site, key)}
        elif entry["base"] == "file":
            path = str(input_path(home, name, entry))
            inputs[name] = {**entry, "location": {**entry["location"], "path": path}}
        else:
            inputs[name] = entry
    return {**job["config"], "inputs": inputs, "job": {"id": job["_id"]}}


def input_path(home: Path, name: str, entry: Doc) -> Path:
    """Return where the file of an input is laid for the gear; a slash in its name cannot leave the directory."""
    file_name: str = entry["location"]["name"]
    return home / "input" / name / file_name.replace("/", "_")


def key_string(site: Site, key: str) -> str:
    """Return a key as the SDK needs it to reach a site without TLS."""
    return f"{urlsplit(site.url).netloc}:__force_insecure:{key}"


def _file_input(name: str, file: Doc) -> Doc:
    return {
        "base": "file",
        "hierarchy": file["parent_ref"],
        "location": {"name": file["name"], "path": f"{GEAR_HOME}/input/{name}/{file['name']}"},
        "object": {key: file.get(key) for key in FILE_FACTS},
    }


def _context(site: Site, name: str, parents: Doc) -> Doc:
    """Look a context value up from the nearest container to the farthest."""
    for level in reversed(LEVELS):
        container: Any = site.store.get(level, parents.get(level, "")) or {}
        context = (container.get("info") or {}).get("context") or {}
        if name in context:
            return {"base": "context", "found": True, "value": context[name]}
    return {"base": "context", "found": False, "value": None}
