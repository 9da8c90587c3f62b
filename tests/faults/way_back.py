"""Every fault at every call of a run that restores: ``python -m tests.faults.way_back [--sample N --seed S]``.

As :mod:`tests.faults.matrix`, of a session that was corrected in place.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_site import LocalSite
from local_site.site.journal import Entry
from tests.faults import forked, judge
from tests.faults.judge import WRITING, Undisturbed
from tests.faults.matrix import Call, Cell, Verdict, calls_of, cells_of, disturbed, faults_of
from tests.faults.matrix import Stage as Calls
from tests.faults.scene import QUARANTINE, Scene, files_in, seed, sessions_in
from tests.support.gear import Run

MODE = "restore"
IN_PLACE = {"mode": "in_place", "transfers": 1}
BACK = {"mode": MODE, "transfers": 1}


@dataclass(frozen=True)
class Stage:
    """A site with a session in place, what it was before, and what an undisturbed way back makes of it."""

    seeded: str
    calls: tuple[Call, ...]
    original: dict[str, Any]
    in_place: dict[str, Any]
    after: dict[str, Any]

    @property
    def cells(self) -> list[Cell]:
        """Every call with every fault."""
        return list(cells_of(Calls(MODE, self.seeded, self.calls, Undisturbed(self.in_place, self.after))))


def rehearse(folder: Path) -> Stage:
    """Seed a site, correct its session in place, and go back on a copy of it with nothing in the way."""
    seeded = folder / "seeded"
    scene = seed(seeded)
    with LocalSite(seeded) as site:
        original = site.dump()
        there = forked.run(folder / "there", site.api_key, scene.destination, IN_PLACE)
        in_place = site.dump()
    with LocalSite(shutil.copytree(seeded, folder / "site")) as site:
        back = forked.run(folder / "back", site.api_key, scene.destination, BACK)
        if there.code or back.code:
            raise RuntimeError(f"an undisturbed run failed:\n{there.printed}\n{back.printed}")
        return Stage(str(seeded), tuple(calls_of(site.requests)), original, in_place, site.dump())


def play(stage: Stage, cell: Cell) -> Verdict:
    """Disturb one run, judge, run again, judge, and once more, which is to write nothing."""
    with tempfile.TemporaryDirectory(prefix="cell-") as folder:
        root = shutil.copytree(stage.seeded, Path(folder, "site"))
        scene = Scene.load(root)
        with LocalSite(root) as site:
            faults = [site.site.faults.add(fault) for fault in faults_of(cell)]
            first = disturbed(site, scene, Path(folder, "first"), cell, faults, BACK)
            site.clear_faults()
            between = site.dump()
            violations = [*_interrupted(between, stage), *_rows(first, between, stage), *judge.left_behind(first)]
            again = forked.run(Path(folder, "again"), site.api_key, scene.destination, BACK)
            after = site.dump()
            if again.code:
                violations.append(f"the clean run ended with {again.code}: {again.printed[-600:]}")
            violations += judge.differences(stage.after, after)
            violations += _rows(again, after, stage)
            site.clear_requests()
            forked.run(Path(folder, "once more"), site.api_key, scene.destination, BACK)
            violations += [f"one more run writes: {call.method} {call.path}" for call in site.requests if _writes(call)]
        return Verdict(cell, any(fault.struck for fault in faults), tuple(violations))


def _writes(call: Entry) -> bool:
    return call.method in WRITING and call.route != "/lookup"


def _interrupted(site: dict[str, Any], stage: Stage) -> Iterator[str]:
    """Tell what must not be after a way back that was cut short at any moment."""
    there, original = files_in(site, QUARANTINE), files_in(stage.original, QUARANTINE)
    for name, made in files_in(stage.in_place, QUARANTINE).items():
        held = {there[name]["sha256"], *there[name]["earlier"]} if name in there else set()
        if original[name]["sha256"] not in held:
            yield f"the original of {name} is out of reach"
        if made["sha256"] not in held:
            yield f"the version of {name} that was made in place is out of reach"
    for path, session in sessions_in(site, QUARANTINE).items():
        gone_back = [name for name in there if name.startswith(f"{path}/") and _is_back(name, site, stage)]
        if "EXPORTED" in session["tags"] and gone_back:
            yield f"{path} bears the tag, though {gone_back[0]} is what it was before"


def _is_back(name: str, site: dict[str, Any], stage: Stage) -> bool:
    """Tell whether a file that was changed in place holds the bytes of before."""
    now, made = files_in(site, QUARANTINE)[name]["sha256"], files_in(stage.in_place, QUARANTINE)[name]["sha256"]
    return bool(now == files_in(stage.original, QUARANTINE)[name]["sha256"] != made)


def _rows(run: Run, site: dict[str, Any], stage: Stage) -> Iterator[str]:
    """Tell where the log and the exit code say something else than the site."""
    if not list(run.output.glob("*_export_log.csv")):
        if run.code == 0:
            yield "exit code 0 without a log"
        return
    there = files_in(site, QUARANTINE)
    for row in (row for row in run.log if row["Container"] == "file"):
        name = "/" + row["Origin Path"].split("/", 2)[2]
        if row["Status"] == "updated" and there[name]["sha256"] != files_in(stage.original, QUARANTINE)[name]["sha256"]:
            yield f"{name} is reported as brought back, but is not"
    failed = any(row["Status"] == "failed" for row in run.log)
    if run.code in {0, 1} and failed == (run.code == 0):
        yield f"exit code {run.code}, though {'a row' if failed else 'no row'} says that something failed"


def main() -> int:
    """Play every cell or a sample, print what came of it, and return 1 where anything was violated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="play only so many cells, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    options = parser.parse_args()
    began, violations, struck = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory(prefix="way-back-") as folder:
        stage = rehearse(Path(folder))
        cells = stage.cells
        if options.sample:
            cells = random.Random(options.seed).sample(cells, min(options.sample, len(cells)))
        for cell in cells:
            verdict = play(stage, cell)
            struck += verdict.struck
            violations += len(verdict.violations) + (not verdict.struck)
            for violation in verdict.violations:
                print(f"{cell.call}, {cell.kind}: {violation}", flush=True)
    print(f"calls: {len(stage.calls)}\nfaults injected: {struck} of {len(cells)}\nviolations: {violations}")
    print(f"[{time.monotonic() - began:.0f} s]")
    return int(bool(violations))


if __name__ == "__main__":
    sys.exit(main())
