"""What the gear is made to do under fire, and what it comes to when nothing is in its way."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flywheel

from local_site import LocalSite
from tests.faults import forked
from tests.faults.judge import Undisturbed
from tests.faults.matrix import config
from tests.faults.proxy.server import Proxy
from tests.faults.scene import Scene, Shape, seed
from tests.support.gear import Run, stage

REFUSED = {"PatientBirthDate": "letters, no date"}


@dataclass(frozen=True)
class Case:
    """A site and a way of running the gear on it."""

    seed: Callable[[Path], Scene]
    level: str = "session"
    config: Mapping[str, Any] = field(default_factory=dict)
    switches: Mapping[str, Any] = field(default_factory=dict)  # of the site
    page: int = 0  # rows of a listing at most, 0: as many as the gear asks for


def _whole(root: Path) -> Scene:
    return seed(root)


def _two_sessions(root: Path) -> Scene:
    return seed(root, sessions=2, small=True)


def _project(root: Path) -> Scene:
    return seed(root, subjects=("sub 1", "sub 2"), sessions=2, small=True)


def _many(root: Path) -> Scene:
    """More acquisitions than a page holds."""
    return seed(root, shape=Shape(acquisitions=52, files=1))


def _refused(root: Path) -> Scene:
    scene = seed(root, sessions=2, small=True)
    with LocalSite(root) as site:
        client = flywheel.Client(site.api_key)
        acquisition = client.get_session(scene.sessions[0]).acquisitions()[0].reload()
        file = acquisition.files[0]
        header = file.info["header"]
        file.update_info({"header": {**header, "dicom": {**header["dicom"], **REFUSED}}})
    return scene


def _unhashed(root: Path) -> Scene:
    """No file has a hash that the site computed."""
    scene = seed(root)
    with LocalSite(root) as site:
        for file in list(site.site.store.select("file")):
            site.site.store.put("file", {**file, "hash": ""})
    return scene


def _corrected(root: Path) -> Scene:
    """Everything was exported; then a value was corrected and a file was added."""
    scene = seed(root, sessions=2, small=True)
    with LocalSite(root) as site:
        done = forked.run(root.parent / "earlier", site.api_key, ("subject", scene.subjects[0]), config("copy"))
        if done.code:
            raise RuntimeError(f"the earlier run failed:\n{done.printed}")
        client = flywheel.Client(site.api_key)
        session = client.get_session(scene.sessions[1])
        acquisition = session.acquisitions()[0].reload()
        file = acquisition.files[0]
        header = file.info["header"]
        file.update_info({"header": {**header, "dicom": {**header["dicom"], "PatientBirthDate": "19991231"}}})
        session.upload_file(flywheel.FileSpec("late.txt", "came late", "text/plain"))
    return scene


CASES: dict[str, Case] = {
    "session copy": Case(_whole),
    "session move": Case(_whole, config={"archive_mode": "move"}),
    "no archive": Case(_whole, config={"archive_project": None}),
    "subject copy": Case(_two_sessions, "subject"),
    "subject move": Case(_two_sessions, "subject", {"archive_mode": "move"}),
    "project copy": Case(_project, "project"),
    "project move": Case(_project, "project", {"archive_mode": "move", "transfers": 3}),
    "preview": Case(_project, "project", {"archive_mode": "move", "dry_run": True}),
    "refused edits": Case(_refused, "subject", {"on_invalid_edit": "skip"}),
    "no hash": Case(_unhashed, switches={"hash_after_signed": False}),
    "no hash, read back": Case(
        _unhashed, config={"verify": "readback", "archive_mode": "move"}, switches={"hash_after_signed": False}
    ),
    "redirected": Case(_whole, config={"archive_mode": "move"}, switches={"redirect_downloads": True}),
    "form uploads": Case(_whole, switches={"signed_url": False}),
    "corrected": Case(_corrected, "subject", {"force_export": True}),
    "pages": Case(_many, page=50),
}


@dataclass(frozen=True)
class Rehearsed:
    """A seeded site to copy, and what undisturbed runs make of it."""

    name: str
    seeded: str
    calls: tuple[tuple[str, str, int], ...]  # method, route, how often: of the run that will be disturbed
    undisturbed: Undisturbed
    seconds: float  # that the run took

    @property
    def case(self) -> Case:
        """The case by its name."""
        return CASES[self.name]


def rehearse(name: str, folder: Path) -> Rehearsed:
    """Seed a site and run the gear on a copy of it with nothing in its way."""
    case = CASES[name]
    folder.mkdir(parents=True)
    seeded = folder / "seeded"
    case.seed(seeded)
    with LocalSite(shutil.copytree(seeded, folder / "site"), **case.switches) as site:
        before = site.dump()
        scene = Scene.load(folder / "site")
        with Proxy(int(site.url.rpartition(":")[2]), page=case.page) as proxy:
            began = time.monotonic()
            settled(run(case, scene, proxy.key(site.api_key), folder / "first"))
            seconds = time.monotonic() - began
            calls = Counter(proxy.calls)
        if case.config.get("dry_run"):
            settled(run(case, scene, site.api_key, folder / "second", dry_run=False))
        counted = tuple(sorted((method, route, times) for (method, route), times in calls.items()))
        return Rehearsed(name, str(seeded), counted, Undisturbed(before, site.dump()), seconds)


def settled(done: Run) -> Run:
    """Return a run that went well."""
    if done.code:
        raise RuntimeError(f"an undisturbed run ended with {done.code}:\n{done.printed}")
    return done


def staged(
    case: Case, scene: Scene, key: str, folder: Path, *, destination: tuple[str, str] | None = None, **more: Any
) -> Path:
    """Make the directory of a run of the gear, on what the case says if not on another destination."""
    ids = {"subject": scene.subjects[0], "project": scene.quarantine}
    if not destination:
        destination = scene.destination if case.level == "session" else (case.level, ids[case.level])
    return stage(folder, key, destination, config("copy", **{**case.config, **more}))


def run(case: Case, scene: Scene, key: str, folder: Path, **more: Any) -> Run:
    """Run the gear with nothing in its way."""
    staged(case, scene, key, folder, **more)
    return forked.finish(forked.start(folder), folder)
