"""Several runs at once on one subject or one session leave the same site as one after the other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local_site import LocalSite
from tests.faults import forked
from tests.faults.conftest import Play
from tests.faults.judge import differences
from tests.faults.matrix import config
from tests.faults.scene import ARCHIVE, EXPORT, Scene, files_in, seed, walk
from tests.faults.soak import settled
from tests.support.gear import Run, stage


def at_once(site: LocalSite, folder: Path, destinations: list[tuple[str, str]], mode: str = "copy") -> list[Run]:
    """Start one run for each destination at the same moment."""
    folders = [folder / f"gear{number}" for number in range(len(destinations))]
    for path, destination in zip(folders, destinations, strict=True):
        stage(path, site.api_key, destination, config(mode, transfers=2))
    processes = [forked.start(path) for path in folders]
    return [forked.finish(process, path) for process, path in zip(processes, folders, strict=True)]


def duplicates(site: LocalSite) -> list[str]:
    """Paths that are in the export or archive project more than once."""
    dump = site.dump()
    paths = Counter((project, path) for project in (EXPORT, ARCHIVE) for path, _ in walk(dump, project))
    return [f"{project}{path}" for (project, path), times in paths.items() if times > 1]


def once_noted(view: Any) -> Any:
    """Forget how often a note is there: Flywheel knows nothing by which to refuse the second of two."""
    if isinstance(view, dict):
        return {
            key: sorted({note["text"] for note in value})
            if key == "notes" and isinstance(value, list)
            else once_noted(value)
            for key, value in view.items()
        }
    return [once_noted(item) for item in view] if isinstance(view, list) else view


@pytest.mark.parametrize("jobs", [2, 4])
def test_sessions_of_one_subject_at_once(tmp_path: Path, jobs: int) -> None:
    scene = seed(tmp_path / "site", sessions=jobs, small=True)
    with LocalSite(scene.root) as site:
        runs = at_once(site, tmp_path, [("analysis", analysis) for analysis in scene.analyses])
        assert [run.code for run in runs] == [0] * jobs, "\n".join(run.printed for run in runs)
        assert duplicates(site) == []
        quarantine = files_in(site.dump(), "Quarantine")
        assert set(files_in(site.dump(), EXPORT)) == set(files_in(site.dump(), ARCHIVE)) == set(quarantine)


@pytest.mark.parametrize("jobs", [2, 4])
def test_the_same_session_at_once(play: Play, jobs: int) -> None:
    runs = at_once(play.site, play.folder, [play.scene.destination] * jobs)
    assert duplicates(play.site) == []
    again = play.export()
    assert again.code == 0, again.printed
    assert all(run.code == 0 for run in runs) or play.tagged()
    assert duplicates(play.site) == []
    wanted, got = (once_noted(settled(dump)) for dump in (play.undisturbed("copy"), play.site.dump()))
    assert list(differences(wanted, got)) == []


def test_runs_that_meet_between_looking_and_creating(tmp_path: Path) -> None:
    """The site is slow to create, so that every run looks before any has created."""
    scene = seed(tmp_path / "site", sessions=3, small=True)
    with LocalSite(scene.root) as site:
        for route in ("^/subjects$", "^/sessions$", "^/acquisitions$"):
            site.fault("slow", method="POST", route=route, seconds=0.7)
        runs = at_once(site, tmp_path, [("analysis", scene.analyses[0])] * 2 + [("analysis", scene.analyses[1])])
        assert [run.code for run in runs] == [0, 0, 0], "\n".join(run.printed for run in runs)
        assert duplicates(site) == []


def test_moves_of_sessions_of_one_subject_at_once(tmp_path: Path) -> None:
    scene = seed(tmp_path / "site", sessions=3, small=True)
    with LocalSite(scene.root) as site:
        runs = at_once(site, tmp_path, [("analysis", analysis) for analysis in scene.analyses], mode="move")
        assert [run.code for run in runs] == [0, 0, 0], "\n".join(run.printed for run in runs)
        assert duplicates(site) == []
        assert len([path for path, item in walk(site.dump(), ARCHIVE) if item["type"] == "session"]) == 3
        assert Scene.load(Path(scene.root)).sessions == scene.sessions
