"""A cancelled run ends within ten seconds wherever it stands, leaves nothing on disk, and says what is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults import forked
from tests.faults.conftest import Play
from tests.faults.judge import differences
from tests.faults.matrix import config
from tests.support.gear import Run, stage
from tests.support.middlebox import Middlebox, Reply, middlebox, stall, trickle, trickle_headers

LONGEST = 10.0  # seconds
PATIENT = forked.Haste(first_wait=0.5, patience=3600.0, answer=600.0)
STUCK: dict[str, dict[str, Any]] = {
    "in silence": {"how": stall},
    "byte by byte": {"how": trickle, "forward": True},
    "in headers": {"how": trickle_headers},
    "asked to come back": {"answer": Reply(503, [("Retry-After", "100")])},
}
CALLS = {
    "the preflight": ("GET", "/rules$"),
    "a listing": ("GET", "^/sessions/[^/]+/acquisitions$"),
    "downloads": ("GET", "/files/[^/]+$"),
    "uploads": ("PUT", "^/signed/upload/"),
    "the last tag": ("PATCH", "^/sessions/[^/]+/tags$"),
}


def cancelled(
    play: Play, box: Middlebox, number: int, until: Callable[[], bool], haste: forked.Haste = PATIENT, **options: Any
) -> tuple[Run, float]:
    """Cancel a run at a moment; return it and how long it took to end."""
    play.runs += 1
    folder = stage(play.folder / f"run{play.runs}", box.api_key, play.scene.destination, config("copy", **options))
    process = forked.start(folder, haste)
    began = time.monotonic()
    while not until():
        assert process.is_alive(), Path(folder, "printed.txt").read_text()
        assert time.monotonic() - began < 60
        time.sleep(0.02)
    time.sleep(0.3)
    began = time.monotonic()
    os.kill(process.pid or 0, number)
    run = forked.finish(process, folder, timeout=60.0)
    return run, time.monotonic() - began


@pytest.mark.parametrize("how", STUCK)
@pytest.mark.parametrize("calls", CALLS)
def test_a_run_that_waits_for_the_site_ends_soon(calls: str, how: str, play: Play) -> None:
    number = signal.SIGINT if how == "in silence" else signal.SIGTERM
    with middlebox(play.site.api_key) as box:
        act = box.act(*CALLS[calls], **STUCK[how])
        run, seconds = cancelled(play, box, number, lambda: act.struck > 0, transfers=16)
    assert run.code == 128 + number, run.printed
    assert seconds < 4.0, "everything that waits is woken"
    assert "run again to go on" in run.printed
    assert "Traceback" not in run.printed
    assert not list((run.folder / "work").iterdir())
    assert not play.tagged()


@pytest.mark.parametrize("calls", CALLS)
def test_a_run_that_has_no_patience_left_is_cancelled_as_any_other(calls: str, play: Play) -> None:
    """What cannot be tried again fails at once: then, too, the run was cancelled, and nothing failed."""
    haste = forked.Haste(first_wait=0.5, patience=0.0, answer=600.0)
    with middlebox(play.site.api_key) as box:
        act = box.act(*CALLS[calls], how=stall)
        run, _ = cancelled(play, box, signal.SIGINT, lambda: act.struck > 0, haste)
    assert run.code == 128 + signal.SIGINT, run.printed
    assert "run again to go on" in run.printed
    assert "failed" not in run.printed
    assert not any(",failed," in log.read_text() for log in run.output.glob("*_export_log.csv"))


def test_the_next_run_completes_a_cancelled_one(play: Play) -> None:
    with middlebox(play.site.api_key) as box:
        act = box.act("PUT", "^/signed/upload/", how=stall, after=2)
        cancelled(play, box, signal.SIGTERM, lambda: act.struck > 0)
    assert play.export().code == 0
    assert list(differences(play.undisturbed("copy"), play.site.dump())) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_cannot_be_woken_is_ended_as_it_stands(
    number: int, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    haste = forked.Haste(first_wait=0.5, patience=3600.0, answer=600.0, rewrite=3600.0)
    with middlebox(play.site.api_key) as box:
        until = lambda: any("/files/t1.dicom.zip" in call for call in box.calls)  # noqa: E731 - one line, used once
        run, seconds = cancelled(play, box, number, until, haste, transfers=16)
    assert run.code == 128 + number, run.printed
    assert 4.0 < seconds < LONGEST
    assert "run again to go on" in run.printed
    assert "Traceback" not in run.printed
    assert not list((run.folder / "work").iterdir())
