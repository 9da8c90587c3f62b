"""One local site for the run of the suite; a world of its own for every test. Folders name what they use in conftest.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flywheel
import pytest

from local_site import LocalSite
from tests.support.world import World


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSite]:
    with pytest.MonkeyPatch.context() as patch, LocalSite(tmp_path_factory.mktemp("site")) as running:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield running


@pytest.fixture
def world(site: LocalSite, tmp_path: Path) -> World:
    return World(site, flywheel.Client(site.api_key), tmp_path)
