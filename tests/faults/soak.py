"""A whole project through a bad network: ``python -m tests.faults.soak [--sessions N --rate 0.05 --seed S]``.

Random faults at a share of all calls, the gear run again and again until it says that all is done; then nothing may
be lost, nothing be there twice, and no row of any run may have said what was not so.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from local_site import LocalSite
from tests.faults import forked, judge
from tests.faults.judge import Undisturbed
from tests.faults.matrix import MODES, config, holder
from tests.faults.scene import Scene, files_in, seed, walk
from tests.support.gear import stage

SESSIONS_EACH = 2  # of one subject
MOST_RUNS = 60
# How a call can go wrong, with its share among the faults.
TROUBLE: tuple[tuple[float, str, dict[str, Any]], ...] = (
    (0.25, "reset_before", {}),
    (0.2, "reset_after", {}),
    (0.15, "status", {"status": 500}),
    (0.15, "status", {"status": 503}),
    (0.05, "status", {"status": 429, "headers": {"Retry-After": "0"}}),
    (0.1, "status_after", {"status": 500}),
    (0.1, "status", {"status": 403}),
)
# What happens to content is drawn for these calls alone.
CONTENT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("cut", {"method": "GET", "route": "/files/[^/]+$"}),
    ("corrupt", {"method": "PUT", "route": "^/signed/upload/"}),
    ("truncate", {"method": "PUT", "route": "^/signed/upload/"}),
)


KILLS = 0.02  # of the faults: the process is killed


@dataclass
class _Killer:
    """Kills the run at hand."""

    process: BaseProcess | None = None

    def strike(self, _method: str, _path: str) -> None:
        """Kill it with a signal that it cannot catch."""
        if self.process and self.process.pid and self.process.exitcode is None:
            os.kill(self.process.pid, signal.SIGKILL)


@dataclass
class Outcome:
    """What a soak came to."""

    calls: int = 0
    runs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    misreported: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """Everything that must not be."""
        return self.lost + self.duplicated + self.misreported


def soak(folder: Path, sessions: int, rate: float, seed_of: int, mode: str) -> Outcome:
    """Export a project under faults until it is done, then judge."""
    subjects = [f"sub {number}" for number in range(-(-sessions // SESSIONS_EACH))]
    seed(folder / "seeded", subjects=subjects, sessions=SESSIONS_EACH, small=True)
    undisturbed = _undisturbed(folder, mode)
    outcome = Outcome()
    with LocalSite(shutil.copytree(folder / "seeded", folder / "site")) as site:
        scene = Scene.load(folder / "site")
        faults = []
        for number, (share, kind, details) in enumerate(TROUBLE):
            faults.append(site.fault(kind, probability=rate * share, seed=1000 * seed_of + number, **details))
        for number, (kind, details) in enumerate(CONTENT):
            faults.append(site.fault(kind, probability=rate, seed=1000 * seed_of + 100 + number, **details))
        killer = _Killer()
        faults.append(site.fault("hook_after", probability=rate * KILLS, seed=1000 * seed_of + 200, hook=killer.strike))
        for number in itertools.count():
            gear = stage(
                folder / f"run{number}", site.api_key, ("project", scene.quarantine), config(mode, transfers=4)
            )
            killer.process = forked.start(gear)
            done = forked.finish(killer.process, gear, timeout=600)
            outcome.misreported += [f"run {number}: {text}" for text in judge.rows(done, site.dump(), undisturbed)]
            outcome.misreported += [f"run {number}: {text}" for text in judge.left_behind(done)]
            outcome.lost += [f"run {number}: {text}" for text in judge.interrupted(site.dump(), undisturbed)]
            if done.code == 0 or number == MOST_RUNS:
                break
        outcome.runs, outcome.calls = number + 1, len(site.requests)
        for fault in faults:
            outcome.faults[fault.kind] += fault.struck
        after = site.dump()
    if done.code:
        outcome.lost.append(f"still not done after {number + 1} runs: {done.printed[-1500:]}")
    outcome.lost += _lost(after, undisturbed)
    outcome.duplicated += _duplicated(after, undisturbed.holds)
    outcome.lost += list(judge.differences(settled(undisturbed.after), settled(after)))
    return outcome


def _undisturbed(folder: Path, mode: str) -> Undisturbed:
    root = shutil.copytree(folder / "seeded", folder / "calm")
    with LocalSite(root) as site:
        before = site.dump()
        destination = ("project", Scene.load(root).quarantine)
        run = forked.run(folder / "calm-run", site.api_key, destination, config(mode, transfers=4))
        if run.code:
            raise RuntimeError(f"the undisturbed run failed:\n{run.printed}")
        return Undisturbed(before, site.dump(), holder(mode))


def _lost(after: dict[str, Any], undisturbed: Undisturbed) -> list[str]:
    there, expected = (files_in(dump, undisturbed.holds) for dump in (after, undisturbed.after))
    return [
        f"{path} is not in {undisturbed.holds} as it should be"
        for path, file in expected.items()
        if there.get(path, {}).get("sha256") != file["sha256"]
    ]


def _duplicated(after: dict[str, Any], project: str) -> list[str]:
    paths = Counter(path for path, _ in walk(after, project))
    return [f"{path} is there {times} times" for path, times in paths.items() if times > 1]


def settled(view: Any) -> Any:
    """Forget how many uploads it took: content that was damaged on its way stays as an earlier version."""
    if isinstance(view, dict):
        counted = {"versions", "earlier", "version"} if "sha384" in view or "sha256" in view else set()
        counted |= {"content"} if "until" in view else set()  # a digest of versions, among others
        return {key: settled(value) for key, value in view.items() if key not in counted}
    return [settled(item) for item in view] if isinstance(view, list) else view


def report(outcome: Outcome, title: str, seconds: float) -> int:
    """Print the figures of a soak and return 1 where anything was violated."""
    for violation in outcome.violations:
        print(f"{title}: {violation}")
    share = sum(outcome.faults.values()) / max(1, outcome.calls)
    print(
        f"{title}: {outcome.calls} calls in {outcome.runs} runs, {sum(outcome.faults.values())} faults ({share:.1%}): "
        f"{len(outcome.lost)} lost, {len(outcome.duplicated)} duplicated, {len(outcome.misreported)} wrongly reported"
        f"   [{seconds:.0f} s]",
        flush=True,
    )
    return int(bool(outcome.violations))


def main(arguments: list[str] | None = None) -> int:
    """Soak once in each mode."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--rate", type=float, default=0.05, help="share of the calls that go wrong")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    code = 0
    for mode in MODES:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            outcome = soak(Path(folder), options.sessions, options.rate, options.seed, mode)
        code |= report(outcome, f"soak of {options.sessions} sessions, mode {mode}", time.monotonic() - began)
    return code


if __name__ == "__main__":
    sys.exit(main())
