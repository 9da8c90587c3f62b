"""What the pages let a person do: correct the header of a file, launch a gear.

Both go the way of the API, with the rights of the key in the cookie. Forms come from these pages only: the cookie is
not sent along by other sites (``SameSite=Strict``), and an ``Origin`` that is not this site's is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from local_site.engine import jobs, manifests
from local_site.errors import ApiError, BadRequestError, ForbiddenError, NotFoundError
from local_site.hierarchy import access, changes, files
from local_site.hierarchy.fields import safe_keys
from local_site.hierarchy.levels import LEVELS
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.store import Doc

FIELD, CONFIG, INPUT = "dicom.", "config.", "input."
NEW_KEY, NEW_VALUE = "new.key", "new.value"


def act(site: Site, who: Identity, request: web.Request, parts: list[str], form: Mapping[str, Any]) -> str:
    """Do what a form asks for, and return the path of the page to see next.

    Raises
    ------
    ApiError
        Nothing takes such a form, or what it asks for is refused.
    """
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.host:
        raise ForbiddenError("This form comes from another site")
    changes.by(who)
    given = {name: value for name, value in form.items() if isinstance(value, str)}
    with site.store.transaction():
        match parts:
            case ["file", file_id]:
                _correct(site, who, file_id, given)
                return f"/file/{file_id}"
            case ["launch", gear_id, kind, container_id]:
                return f"/job/{_launch(site, who, gear_id, kind, container_id, given)}"
            case _:
                raise ApiError(405, "This page is for looking")


def dicom_header(file: Doc) -> Doc:
    """Return ``info.header.dicom`` of a file, empty if it has none."""
    header = (file.get("info") or {}).get("header")
    dicom = header.get("dicom") if isinstance(header, dict) else None
    return dicom if isinstance(dicom, dict) else {}


def written(value: Any) -> str:
    """Return a value as the form shows it: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def choices(site: Site, gear: Doc, kind: str, container: Doc) -> dict[str, list[Doc]]:
    """Return the files that each file input of a gear may be given: those of the container and of what is above it."""
    holders = [container["_id"], *(container["parents"][level] for level in LEVELS if level in container["parents"])]
    if kind == "session":
        holders += [acquisition["_id"] for acquisition in site.store.select("acquisition", parent=container["_id"])]
    found = [file for holder in holders for file in site.store.select("file", parent=holder)]
    inputs = gear["gear"]["inputs"]
    return {name: found for name, spec in inputs.items() if spec.get("base") == "file"}


def _correct(site: Site, who: Identity, file_id: str, form: dict[str, str]) -> None:
    """Write the fields of the form that differ from what they showed; an emptied one holds an empty text."""
    file = files.fetch_by_id(site, who, file_id, "files_modify_metadata")
    old = dicom_header(file)
    new = {name: _read(form[FIELD + name], value) if FIELD + name in form else value for name, value in old.items()}
    if form.get(NEW_KEY):
        new[form[NEW_KEY].strip()] = form.get(NEW_VALUE, "")
    if new != old:
        info = file["info"] or {}
        header = info["header"] if isinstance(info.get("header"), dict) else {}
        changed = {**info, "header": {**header, "dicom": safe_keys(new)}}
        files.modify_file(site, who, file, {"info": changed}, evaluate=False)


def _read(text: str, old: Any) -> Any:
    """Return what is meant by the text of a field that showed `old`."""
    text = _lines(text)
    if text == _lines(written(old)):  # browsers have line ends of their own
        return old
    if isinstance(old, str):
        return text
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except ValueError:
        if isinstance(old, dict | list):
            raise BadRequestError(f"{text!r} is not JSON, as this value has to be") from None
        return text


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _launch(site: Site, who: Identity, gear_id: str, kind: str, container_id: str, form: dict[str, str]) -> str:  # noqa: PLR0917 - where, who and what
    gear = manifests.fetch(site, gear_id)
    container = access.fetch(site, who, kind, container_id)
    wanted = {
        "gear_id": gear_id,
        "config": _config(gear, form),
        "inputs": {
            name: _reference(site, form[INPUT + name]) for name in gear["gear"]["inputs"] if form.get(INPUT + name)
        },
    }
    if gear["category"] == "analysis":
        label = form.get("label") or gear["gear"].get("label")
        return str(jobs.start_analysis(site, who, kind, container, {"label": label, "job": wanted})["job"])
    return str(jobs.add(site, who, {**wanted, "destination": {"type": kind, "id": container_id}})["_id"])


def _config(gear: Doc, form: dict[str, str]) -> Doc:
    config: Doc = {}
    for name, spec in gear["gear"]["config"].items():
        text = form.get(CONFIG + name, "")
        if spec.get("type") == "boolean":
            config[name] = text == "on"
        elif text and spec.get("type") in ("integer", "number"):
            try:
                config[name] = int(text) if spec["type"] == "integer" else float(text)
            except ValueError:
                raise BadRequestError(f"{name} is a number, not {text!r}") from None
        elif text:
            config[name] = text
    return config


def _reference(site: Site, file_id: str) -> Doc:
    file = site.store.get("file", file_id)
    if file is None:
        raise NotFoundError(f"Could not find resource file:{file_id}")
    return {**file["parent_ref"], "name": file["name"]}
