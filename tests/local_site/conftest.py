"""A site of each test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flywheel
import pytest

from local_site import LocalSite


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSite]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with LocalSite(tmp_path / "site") as running:
        yield running


@pytest.fixture
def client(site: LocalSite) -> flywheel.Client:
    return flywheel.Client(site.api_key)


@pytest.fixture
def session(client: flywheel.Client) -> flywheel.SessionOutput:
    client.add_group({"_id": "grp", "label": "Group"})
    project = client.get_group("grp").add_project(label="Proj")
    return project.add_subject(label="sub").add_session(label="ses")
