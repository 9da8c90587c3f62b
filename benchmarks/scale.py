"""Project calls and hours for projects of 1,000 to 100,000 sessions, inline and fanned out.

Usage: ``python -m benchmarks.scale``. One typical session is exported for real against a local site that takes
50 ms for every call; its calls and its time are what the projection multiplies. What is assumed of a site, and
cannot be measured here, stands at the top.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import flywheel

from benchmarks.inputs import packed_series
from benchmarks.running import LATENCY, session_of, stage, start
from local_site import LocalSite

PAGE = 250  # sessions a listing call returns at most
JOBS_AT_ONCE = 20  # of one gear, on an engine of usual size
JOB_START = 45.0  # seconds from the queue to the gear's first call: scheduling, pulling, starting the container
CALLS_PER_SECOND = 200.0  # a site answers before it slows down
ACQUISITIONS = 10
SESSIONS = (1_000, 10_000, 100_000)


@dataclass(frozen=True)
class Sample:
    """One session as measured."""

    calls: int
    seconds: float  # from its first call to its last


@dataclass(frozen=True)
class Projection:
    """One way to export so many sessions."""

    sessions: int
    way: str
    calls: int
    seconds: float
    bound: str


def measure(folder: Path) -> Sample:
    """Export one session of ten series on a slow line."""
    with LocalSite(folder / "site") as site:
        analysis = session_of(flywheel.Client(site.api_key), packed_series(folder, 4, 64), ACQUISITIONS)
        site.fault("slow", seconds=LATENCY)
        site.clear_requests()
        with start(stage(folder / "gear", site.api_key, analysis)) as process:
            printed, _ = process.communicate(timeout=600)
        if process.returncode:
            raise SystemExit(printed.decode())
        calls = site.requests
        return Sample(len(calls), calls[-1].time - calls[0].time)


def project(sample: Sample) -> Iterator[Projection]:
    """Multiply, and name the narrowest of what must be passed."""
    for sessions in SESSIONS:
        pages = math.ceil(sessions / PAGE)
        calls = sessions * (sample.calls + 1) + pages
        yield _slowest(sessions, "inline", calls, {"one session after another": sessions * sample.seconds})
        launching = sessions * 2 + 3 * pages  # read, start; the jobs' states before and after
        fanned = calls + launching
        slots = sessions / JOBS_AT_ONCE * (JOB_START + sample.seconds)
        ways = {"the engine's job slots": slots, "starting the jobs": launching * LATENCY}
        yield _slowest(sessions, f"fan-out, {JOBS_AT_ONCE} jobs at once", fanned, ways)


def _slowest(sessions: int, way: str, calls: int, ways: dict[str, float]) -> Projection:
    ways = ways | {"the site's calls per second": calls / CALLS_PER_SECOND}
    bound = max(ways, key=lambda name: ways[name])
    return Projection(sessions, way, calls, ways[bound], bound)


def main() -> int:
    """Measure, project, print."""
    with tempfile.TemporaryDirectory(prefix="session-export-scale-") as folder:
        sample = measure(Path(folder))
    print(
        f"One session of {ACQUISITIONS} series: {sample.calls} calls, {sample.seconds:.1f} s at {LATENCY * 1e3:.0f} ms"
    )
    print(
        f"Assumed: {JOB_START:.0f} s to start a job, {CALLS_PER_SECOND:.0f} calls a second at most, pages of {PAGE}\n"
    )
    print(f"{'sessions':>9}  {'way':24}  {'calls':>11}  {'hours':>8}  bound by")
    for one in project(sample):
        print(f"{one.sessions:>9,}  {one.way:24}  {one.calls:>11,}  {one.seconds / 3600:>8,.1f}  {one.bound}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
