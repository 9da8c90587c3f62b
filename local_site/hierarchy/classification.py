"""Checking the classification of files against the site's modalities."""

from __future__ import annotations

from typing import Any

from local_site.errors import BadRequestError, UnprocessableError
from local_site.site.state import Site
from local_site.storage.store import Doc

Classification = dict[str, list[str]]


def after_modality_change(classification: Classification) -> Classification:
    """Return what is left of a classification when the modality changes."""
    return {key: values for key, values in classification.items() if key == "Custom"}


def checked_classification(site: Site, file: Doc, body: Any) -> Doc:
    """Return the new ``modality`` and ``classification`` of a file.

    `body` is ``{"modality"?, "replace": …}`` or ``{"modality"?, "add": …, "delete": …}``. Keys and values are compared
    without case and stored as the modality spells them; ``Custom`` takes anything.

    Raises
    ------
    BadRequestError
        `body` is of another form.
    UnprocessableError
        The modality does not know a key or value.
    """
    if not isinstance(body, dict) or not body or set(body) - {"modality", "replace", "add", "delete"}:
        raise BadRequestError("A classification is changed by replace, or by add and delete")
    if "replace" in body and ("add" in body or "delete" in body):
        raise BadRequestError("replace cannot be combined with add or delete")
    modality = body.get("modality") or file["modality"]
    schema = (site.store.get("modality", modality) or {}).get("classification") if modality else None
    classification: Classification = dict(file["classification"] or {})
    if file["modality"] and modality != file["modality"]:
        classification = after_modality_change(classification)
    if "replace" in body:
        classification = _spelled(schema, modality, body["replace"])
    for key, values in _spelled(schema, modality, body.get("add")).items():
        classification[key] = list(dict.fromkeys([*classification.get(key, []), *values]))
    for key, values in _spelled(schema, modality, body.get("delete")).items():
        classification[key] = [value for value in classification.get(key, []) if value not in values]
        if not classification[key]:
            del classification[key]
    return {"modality": modality, "classification": classification}


def _spelled(schema: Classification | None, modality: str | None, given: Any) -> Classification:
    """Return `given` in the spelling of `schema`."""
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(
        isinstance(values, list) and all(isinstance(value, str) for value in values) for values in given.values()
    ):
        raise BadRequestError("A classification is an object of lists of texts")
    if schema is None and set(given) - {"Custom"}:
        raise UnprocessableError(
            f"Unknown modalities can only use the custom attribute; modality is {modality!r}",
            unaccepted_keys=sorted(set(given) - {"Custom"}),
        )
    spelled: Classification = {}
    unaccepted = []
    for key, values in given.items():
        if key == "Custom":
            spelled[key] = list(values)
            continue
        name = next((known for known in schema or {} if known.lower() == key.lower()), None)
        if name is None:
            unaccepted.append(key)
            continue
        known_values = {value.lower(): value for value in (schema or {})[name]}
        unaccepted += [f"{key}:{value}" for value in values if value.lower() not in known_values]
        spelled[name] = [known_values[value.lower()] for value in values if value.lower() in known_values]
    if unaccepted:
        raise UnprocessableError(
            f"Modality {modality} does not accept {', '.join(unaccepted)}", unaccepted_keys=unaccepted
        )
    return spelled
