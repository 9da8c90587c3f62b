"""Blobs are found by names of the site's own only."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_site.storage.blobs import BlobFolder


@pytest.mark.parametrize("name", ["../api_key", "x", ""])
def test_only_the_sites_own_names_are_blobs(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        BlobFolder(tmp_path).path(name)
