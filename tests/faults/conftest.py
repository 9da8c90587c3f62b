"""A fresh copy of a seeded site for every test, and the gear to run against it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local_site import LocalSite
from tests.faults import forked
from tests.faults.judge import WRITING
from tests.faults.matrix import config
from tests.faults.scene import EXPORT, Scene, files_in, seed
from tests.support.gear import Run, stage


@dataclass
class Play:
    """A running site with a session to export."""

    site: LocalSite
    scene: Scene
    folder: Path
    seeded: Path  # the site as it was before anything happened
    before: dict[str, Any] = field(default_factory=dict)
    runs: int = 0
    pid: int = 0  # of the present run

    def export(self, mode: str = "copy", haste: forked.Haste = forked.HASTY, **options: Any) -> Run:
        """Run the gear in a fresh directory as the analysis on the session; None as the mode: no archive."""
        self.runs += 1
        destination = options.pop("destination", self.scene.destination)
        api_key = options.pop("api_key", self.site.api_key)
        folder = stage(self.folder / f"run{self.runs}", api_key, destination, config(mode, **options))
        process = forked.start(folder, haste)
        self.pid = process.pid or 0
        return forked.finish(process, folder)

    @property
    def exported(self) -> dict[str, dict[str, Any]]:
        """The files in the export project."""
        return files_in(self.site.dump(), EXPORT)

    def tagged(self) -> bool:
        """Tell whether the origin session is tagged, wherever it is."""
        session = self.site.site.store.get("session", self.scene.sessions[0])
        return session is not None and "EXPORTED" in session["tags"]

    def calls(self, method: str | None = None) -> list[str]:
        """The calls so far, as method and route."""
        return [f"{call.method} {call.route}" for call in self.site.requests if method in (None, call.method)]

    def writes(self) -> list[str]:
        """The calls so far that write."""
        lookup = "POST /lookup"
        return [call for method in WRITING for call in self.calls(method) if call != lookup]

    def undisturbed(self, mode: str) -> dict[str, Any]:
        """What a run leaves on a second copy of the site."""
        root = shutil.copytree(self.seeded, self.folder / "undisturbed")
        with LocalSite(root) as site:
            other = Play(site, Scene.load(root), self.folder / "other", self.seeded)
            assert other.export(mode).code == 0
            return site.dump()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("seeded") / "site"
    seed(root)
    return root


@pytest.fixture
def play(seeded: Path, tmp_path: Path) -> Iterator[Play]:
    root = shutil.copytree(seeded, tmp_path / "site")
    with LocalSite(root) as site:
        yield Play(site, Scene.load(root), tmp_path, seeded, site.dump())
