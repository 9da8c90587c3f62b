"""What a whole run of the gear costs: until it speaks to the site, and with several files in flight."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flywheel

from benchmarks.figures import Figure, Ratio, best
from benchmarks.inputs import Input, packed_series
from local_site import LocalSite

HOME = Path(__file__).resolve().parent.parent
ACQUISITIONS = 20
ENVIRONMENT = os.environ | {"NO_PROXY": "127.0.0.1,localhost"}
LATENCY = 0.05  # seconds, of every call


def start_up(folder: Path) -> Iterator[Figure]:
    """Start run.py and wait for its first call."""
    rounds = itertools.count()

    def first_call() -> None:
        # a server for each round: calls of the round before that are still waiting would be taken for the first
        with socket.create_server(("127.0.0.1", 0)) as server:
            key = f"127.0.0.1:{server.getsockname()[1]}:__force_insecure:{'k' * 20}"
            with start(stage(folder / f"start-up-{next(rounds)}", key, "0" * 24)) as process:
                server.accept()[0].close()
                process.kill()

    (seconds,) = best(first_call)
    yield Figure("start-up to first call", (Ratio(seconds, "s", 1.5, 4.5),), seconds)


def overlap(folder: Path) -> Iterator[Figure]:
    """Export a session of 20 acquisitions on a slow line, with four files in flight and with one."""
    given = packed_series(folder, 4, 64)
    took = {}
    for transfers in (1, 4):
        with LocalSite(folder / f"site-{transfers}") as site:
            analysis = session_of(flywheel.Client(site.api_key), given, ACQUISITIONS)
            gear = stage(folder / f"transfers-{transfers}", site.api_key, analysis, transfers=transfers)
            site.fault("slow", seconds=LATENCY)
            site.clear_requests()
            with start(gear) as process:
                printed, _ = process.communicate(timeout=600)
            if process.returncode:
                raise SystemExit(printed.decode())
            calls = site.requests
            took[transfers] = calls[-1].time - calls[0].time  # start-up has a figure of its own
    ratio = Ratio(took[1] / took[4], "x one at a time", 3.5, 2.0, higher_is_better=True)
    yield Figure(f"{ACQUISITIONS} acquisitions, {LATENCY * 1000:.0f} ms a call, 4 transfers", (ratio,), took[4])


def stages(folder: Path) -> Iterator[Figure]:
    """Export a session of large series over loopback, and see where its files spend their time."""
    with LocalSite(folder / "site") as site:
        given = packed_series(folder, 100, 512)
        analysis = session_of(flywheel.Client(site.api_key), given, 4)
        gear = stage(folder / "gear", site.api_key, analysis)
        command = [sys.executable, "-m", "benchmarks.stages", str(gear), str(folder / "stages.json")]
        run = subprocess.run(command, check=False, cwd=HOME, env=ENVIRONMENT, capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(run.stdout + run.stderr)
    seconds = json.loads((folder / "stages.json").read_text())
    session = f"session of {seconds.pop('bytes') / 1e6:.0f} MB over loopback"
    yield Figure(session, (), seconds.pop("session"))
    for name, measured in seconds.items():
        yield Figure(f"  {name}, all files", (), measured)


def session_of(client: flywheel.Client, given: Input, acquisitions: int) -> str:
    """Create a session with corrected files, and the project to export to; return the id of an analysis on it."""
    group = client.get_group(client.add_group({"_id": "bench", "label": "Bench"}))
    group.add_project(label="Export")
    session = group.add_project(label="Quarantine").add_subject(label="S1").add_session(label="Visit")
    for index in range(acquisitions):
        acquisition = session.add_acquisition(label=f"Series {index}")
        spec = flywheel.FileSpec("series.dicom.zip", given.source.read_bytes(), "application/zip")
        acquisition.upload_file(spec, metadata={"type": "dicom", "modality": "CT"})
        acquisition.reload().files[0].update_info({"header": given.header})
    analysis = session.add_analysis(label="Session Export", inputs=[])
    return analysis if isinstance(analysis, str) else str(analysis.id)


def stage(gear: Path, api_key: str, analysis: str, **config: Any) -> Path:
    """Make a gear directory."""
    for name in ("input", "output", "work"):
        (gear / name).mkdir(parents=True)
    shutil.copy(HOME / "manifest.json", gear)
    document = {
        "config": {"export_project": "bench/Export", **config},
        "inputs": {"api-key": {"base": "api-key", "key": api_key}},
        "destination": {"type": "analysis", "id": analysis},
    }
    (gear / "config.json").write_text(json.dumps(document))
    return gear


def start(gear: Path) -> subprocess.Popen[bytes]:
    """Start the gear in its directory."""
    command = [sys.executable, str(HOME / "run.py")]
    return subprocess.Popen(command, cwd=gear, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
