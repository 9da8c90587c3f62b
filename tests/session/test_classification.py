"""A classification keeps what the site allows; what it does not is said, not lost in silence."""

from __future__ import annotations

from typing import Any

import pytest

from export_session.session.classification import allowed


def schema(modality: str) -> dict[str, list[str]] | None:
    return {"Intent": ["Structural", "Functional"]} if modality == "MR" else None


@pytest.mark.parametrize(
    ("given", "modality", "kept", "dropped"),
    [
        ({}, "MR", {}, []),
        ({"Custom": ["mine"]}, None, {"Custom": ["mine"]}, []),
        ({"Intent": ["structural"]}, "MR", {"Intent": ["structural"]}, []),
        ({"Intent": ["Structural", "Odd"]}, "MR", {"Intent": ["Structural"]}, ["Intent: Odd"]),
        ({"Intent": ["Structural"], "Custom": ["mine"]}, "XX", {"Custom": ["mine"]}, ["Intent: Structural"]),
        ({"Intent": None}, "MR", {}, []),
    ],
)
def test_what_is_allowed_is_kept(given: dict[str, Any], modality: str | None, kept: object, dropped: object) -> None:
    assert allowed(given, modality, schema) == (kept, dropped)
