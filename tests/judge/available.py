"""The importers that can be run here."""

from __future__ import annotations

import os

import pytest

from tests.judge.importers import Importer, older, real, showing_private


def importers() -> tuple[Importer, ...]:
    """All of them; where an environment is missing, that is a failure in CI and a reason to skip elsewhere."""
    found = (real(), showing_private(real()), *older())
    missing = "\n".join(importer.missing for importer in found if importer.missing)
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return found
