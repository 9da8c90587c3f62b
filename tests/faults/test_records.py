"""No session is finished without its record, whatever kills the run or fills the disk."""

from __future__ import annotations

import os
import resource
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_site import LocalSite
from tests.faults import forked
from tests.faults.conftest import Play
from tests.faults.matrix import config
from tests.faults.scene import Scene, seed, sessions_in
from tests.support.gear import Run, stage


@pytest.fixture(scope="module")
def seeded_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project") / "site"
    seed(root, subjects=("sub 1", "sub 2"), sessions=2, small=True)
    return root


@pytest.fixture
def project(seeded_project: Path, tmp_path: Path) -> Iterator[Play]:
    root = shutil.copytree(seeded_project, tmp_path / "site")
    with LocalSite(root) as site:
        yield Play(site, Scene.load(root), tmp_path, seeded_project, site.dump())


def tagged(play: Play) -> set[str]:
    """Give subject and label of every session that bears the tag, wherever its original is."""
    dump = play.site.dump()
    found = {**sessions_in(dump, "Quarantine"), **sessions_in(dump, "Archive")}
    return {path for path, session in found.items() if "EXPORTED" in session["tags"]}


def recorded(run: Run) -> set[str]:
    """Give subject and label of every session that has its row and those of its files."""
    paths = {row["Origin Path"].removeprefix("lab/Quarantine") for row in run.log if row["Container"] == "session"}
    files = [row["Origin Path"].removeprefix("lab/Quarantine") for row in run.log if row["Container"] == "file"]
    return {path for path in paths if any(file.startswith(f"{path}/") for file in files)}


def exported(play: Play, folder: Path, **options: Any) -> Run:
    mode = options.pop("mode", "copy")
    staged = stage(folder, play.site.api_key, ("project", play.scene.quarantine), config(mode, **options))
    process = forked.start(staged)
    play.pid = process.pid or 0
    return forked.finish(process, staged)


@pytest.mark.parametrize("mode", ["copy", "move"])
@pytest.mark.parametrize("call", [1, 4, 7])
def test_a_killed_run_leaves_the_record_of_every_session_that_it_tagged(
    project: Play, tmp_path: Path, mode: str, call: int
) -> None:
    kill = lambda _method, _path: os.kill(project.pid, signal.SIGKILL)  # noqa: E731 - one line, used once
    project.site.fault("hook_after", method="PATCH", route=r"^/sessions/[^/]+/tags$", nth=call, hook=kill)
    run = exported(project, tmp_path / "killed", mode=mode)
    assert run.code == -signal.SIGKILL
    assert tagged(project) <= recorded(run)
    assert tagged(project) or call == 1  # the copy is tagged before its origin
    (page,) = run.output.glob("*_report.html")
    assert "not ended, or it was killed" in page.read_text()


def test_a_folder_that_cannot_be_written_to_stops_the_run_before_it_begins(project: Play, tmp_path: Path) -> None:
    folder = tmp_path / "readonly"
    (folder / "output" / "Quarantine_export_log.csv").mkdir(parents=True)  # permissions are nothing to root
    project.site.clear_requests()
    run = exported(project, folder)
    assert run.code == 2, run.printed
    assert "cannot be written" in run.printed
    assert "Traceback" not in run.printed
    assert project.writes() == []


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_disk_that_fills_up_ends_the_run_before_the_tags_and_the_next_completes_it(
    project: Play, tmp_path: Path, mode: str
) -> None:
    def fill(_method: str, _path: str) -> None:
        resource.prlimit(project.pid, resource.RLIMIT_FSIZE, (700, resource.RLIM_INFINITY))

    route = r"t1.dicom.zip/info$"  # the record on the last file of the first session
    project.site.fault("hook", method="PATCH", route=route, times=1, hook=fill)
    options = {} if mode == "move" else {"archive_project": None}
    run = exported(project, tmp_path / "full", mode=mode, **options)
    assert run.code == 1, run.printed
    assert "cannot be written" in run.printed
    assert "Traceback" not in run.printed
    assert not tagged(project)
    project.site.clear_faults()
    again = exported(project, tmp_path / "again", mode=mode, **options)
    assert again.code == 0, again.printed
    assert len(tagged(project)) == 4
