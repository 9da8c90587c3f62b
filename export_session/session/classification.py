"""The classification of a file: what of it the site allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Schema = Callable[[str], Mapping[str, Sequence[str]] | None]  # the values that a modality allows


def allowed(
    classification: Mapping[str, Any], modality: str | None, schema: Schema
) -> tuple[dict[str, Any], list[str]]:
    """Split a classification into what the site's modality allows and what it does not; Custom takes anything."""
    if not classification.keys() - {"Custom"}:
        return dict(classification), []
    allowed = (schema(modality) if modality else None) or {}
    spelled = {key.lower(): {value.lower(): value for value in values} for key, values in allowed.items()}
    kept: dict[str, Any] = {}
    dropped = []
    for key, values in classification.items():
        if key == "Custom":
            kept[key] = values
            continue
        for value in values or ():
            if str(value).lower() in spelled.get(key.lower(), {}):
                kept.setdefault(key, []).append(value)
            else:
                dropped.append(f"{key}: {value}")
    return kept, dropped
