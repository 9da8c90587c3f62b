"""Every fault at every call of a run: ``python -m tests.faults.matrix [--sample N --seed S]``.

A run that nothing disturbs says which calls there are. Then for each call and each kind of fault: a fresh site, a
run in which that call suffers that fault, the judge's word on what is there, a clean run, and the comparison of the
whole site with what the undisturbed run left.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_site import LocalSite
from local_site.site.faults import Fault
from local_site.site.journal import Entry
from tests.faults import forked, judge
from tests.faults.judge import WRITING, Undisturbed
from tests.faults.scene import ARCHIVE_PATH, EXPORT, EXPORT_PATH, QUARANTINE, Scene, seed
from tests.support.gear import Run, stage

MODES = ("copy", "move", "in_place")  # how originals are archived; or archived, and then changed in place
KINDS: dict[str, tuple[str, ...]] = {
    "500": ("status",),
    "500 after commit": ("status_after",),
    "403": ("status",),
    "reset before commit": ("reset_before",),
    "reply lost": ("reset_after",),
    "killed before commit": ("hook", "reset_before"),
    "killed after commit": ("hook_after", "reset_after"),
}
ONLY_WRITING = {"500 after commit"}  # on a read it is a 500


@dataclass(frozen=True)
class Call:
    """One call of the undisturbed run: the nth of its method and route."""

    index: int
    method: str
    route: str
    nth: int

    @property
    def pattern(self) -> str:
        """A regular expression for the paths of the route."""
        return "^" + re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(self.route)) + "$"

    def __str__(self) -> str:
        return f"call {self.index}: {self.method} {self.route} ({self.nth})"


@dataclass(frozen=True)
class Cell:
    """One call with one fault, in one mode."""

    mode: str
    call: Call
    kind: str


@dataclass(frozen=True)
class Verdict:
    """What became of a cell."""

    cell: Cell
    struck: bool
    violations: tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """A seeded site to copy, and what an undisturbed run makes of it."""

    mode: str
    seeded: str
    calls: tuple[Call, ...]
    undisturbed: Undisturbed


def config(mode: str, **more: Any) -> dict[str, Any]:
    """Return the gear's configuration; one file at a time, so that the calls come in one order."""
    base: dict[str, Any] = {"archive_project": ARCHIVE_PATH, "transfers": 1}
    copying = {"export_project": EXPORT_PATH, "archive_mode": mode}
    return {**base, **({"mode": mode} if mode == "in_place" else copying), **more}


def holder(mode: str) -> str:
    """Return the project that holds the corrected files."""
    return QUARANTINE if mode == "in_place" else EXPORT


def rehearse(folder: Path, mode: str) -> Stage:
    """Seed a site, and run the gear on a copy of it with nothing in its way."""
    seeded = folder / "seeded"
    scene = seed(seeded)
    with LocalSite(shutil.copytree(seeded, folder / "site")) as site:
        before = site.dump()
        run = forked.run(folder / "gear", site.api_key, scene.destination, config(mode))
        if run.code:
            raise RuntimeError(f"the undisturbed run failed:\n{run.printed}")
        return Stage(mode, str(seeded), tuple(calls_of(site.requests)), Undisturbed(before, site.dump(), holder(mode)))


def calls_of(entries: Iterable[Entry]) -> Iterator[Call]:
    """Number the calls of a run."""
    seen: Counter[tuple[str, str]] = Counter()
    for index, entry in enumerate(entries):
        seen[entry.method, entry.route] += 1
        yield Call(index, entry.method, entry.route, seen[entry.method, entry.route])


def cells_of(stage: Stage) -> Iterator[Cell]:
    """Give every call with every fault."""
    for call in stage.calls:
        for kind in KINDS:
            if kind not in ONLY_WRITING or (call.method in WRITING and call.route != "/lookup"):
                yield Cell(stage.mode, call, kind)


def play(stage_of: Stage, cell: Cell) -> Verdict:
    """Disturb one run, judge, run again, judge."""
    with tempfile.TemporaryDirectory(prefix="cell-") as folder:
        root = shutil.copytree(stage_of.seeded, Path(folder, "site"))
        scene = Scene.load(root)
        with LocalSite(root) as site:
            faults = [site.site.faults.add(fault) for fault in faults_of(cell)]
            first = disturbed(site, scene, Path(folder, "first"), cell, faults, config(cell.mode))
            site.clear_faults()
            between = site.dump()
            violations = [
                *judge.interrupted(between, stage_of.undisturbed),
                *judge.rows(first, between, stage_of.undisturbed),
                *judge.left_behind(first),
            ]
            site.clear_requests()
            again = forked.run(Path(folder, "again"), site.api_key, scene.destination, config(cell.mode))
            after = site.dump()
            if again.code:
                violations.append(f"the clean run ended with {again.code}: {again.printed[-600:]}")
            violations += judge.repeated(after, stage_of.undisturbed)
            violations += judge.sent_again(between, after, site.requests, stage_of.undisturbed.holds)
            violations += judge.rows(again, after, stage_of.undisturbed)
            violations += judge.left_behind(again)
        return Verdict(cell, any(fault.struck for fault in faults), tuple(violations))


def faults_of(cell: Cell) -> list[Fault]:
    """Return what the site is to do in a cell; processes to kill are named once they run."""
    status = int(cell.kind[:3]) if cell.kind[:3].isdigit() else 500
    return [
        Fault(kind, method=cell.call.method, route=cell.call.pattern, nth=cell.call.nth, status=status)
        for kind in KINDS[cell.kind]
    ]


def disturbed(
    site: LocalSite, scene: Scene, folder: Path, cell: Cell, faults: Sequence[Fault], chosen: dict[str, Any]
) -> Run:
    """Run the gear with the faults set."""
    stage(folder, site.api_key, scene.destination, chosen)
    process = forked.start(folder)
    for fault in faults:
        fault.hook = lambda _method, _path: os.kill(process.pid or 0, signal.SIGKILL)
    return forked.finish(process, folder)


def play_all(stages: Sequence[Stage], cells: Sequence[Cell], processes: int) -> Iterator[Verdict]:
    """Play cells in parallel."""
    by_mode = {stage.mode: stage for stage in stages}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_settle, initargs=(by_mode,)) as pool:
        yield from pool.map(_play, cells, chunksize=max(1, min(8, len(cells) // (4 * processes))))


_STAGES: dict[str, Stage] = {}


def _settle(stages: dict[str, Stage]) -> None:
    _STAGES.update(stages)


def _play(cell: Cell) -> Verdict:
    return play(_STAGES[cell.mode], cell)


def main() -> int:
    """Play the matrix, print what came of it, and return 1 where anything was violated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="play only so many cells, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--soak", action="store_true", help="then the soak: 50 sessions, faults at 5 %% of the calls")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="matrix-") as folder:
        stages = [rehearse(Path(folder, mode), mode) for mode in MODES]
        cells = [cell for stage_of in stages for cell in cells_of(stage_of)]
        if options.sample:
            cells = random.Random(options.seed).sample(cells, min(options.sample, len(cells)))
        verdicts = []
        for verdict in play_all(stages, cells, options.processes):
            verdicts.append(verdict)
            if len(verdicts) % 100 == 0:
                print(f"{len(verdicts)} of {len(cells)}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            for violation in verdict.violations:
                print(f"mode {verdict.cell.mode}, {verdict.cell.call}, {verdict.cell.kind}: {violation}", flush=True)
    code = report(stages, verdicts, time.monotonic() - began)
    if options.soak:
        from tests.faults import soak  # which imports this module

        code |= soak.main(["--seed", str(options.seed)])
    return code


def report(stages: Sequence[Stage], verdicts: Sequence[Verdict], seconds: float) -> int:
    """Print the figures of the matrix and return 1 where anything was violated."""
    struck = Counter(verdict.cell.kind for verdict in verdicts if verdict.struck)
    calls = ", ".join(f"{len(stage_of.calls)} in mode {stage_of.mode}" for stage_of in stages)
    violations = sum(len(verdict.violations) for verdict in verdicts)
    print(f"calls: {calls}")
    print(f"faults injected: {sum(struck.values())} ({', '.join(f'{kind}: {struck[kind]}' for kind in KINDS)})")
    print(f"violations: {violations}   [{seconds:.0f} s]")
    missed = [verdict for verdict in verdicts if not verdict.struck]
    if missed:
        print(f"{len(missed)} faults met no call, first {missed[0].cell}")
    return int(bool(violations or missed or not verdicts))


if __name__ == "__main__":
    sys.exit(main())
