"""A site that does not answer costs a bounded time, and the run says so."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import flywheel
import pytest

from tests.faults import forked
from tests.faults.conftest import Play
from tests.faults.scene import ARCHIVE, sessions_in
from tests.support.gear import Run

SHORT = forked.Haste(first_wait=0.01, patience=1.5, answer=0.7)
LONGEST = 45.0  # seconds on a busy machine; without a bound these runs never end
ALWAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "hangs": ("slow", {"seconds": 3600.0}),
    "resets": ("reset_before", {}),
    "fails": ("status", {"status": 500}),
    "asks to come back late": ("status", {"status": 503, "headers": {"Retry-After": "100"}}),
    "asks to come back at once": ("status", {"status": 429, "headers": {"Retry-After": "0"}}),
}
MOMENTS = {
    "from the start": ("GET", ""),
    "at the first create": ("POST", "^/subjects$"),
    "at the first download": ("GET", "/files/[^/]+$"),
    "at the first upload": ("PUT", "^/signed/upload/"),
    "at the last record": ("PATCH", "^/acquisitions/[^/]+/files/notes.txt/info$"),
    "at the archive": ("PATCH", "^/sessions/[^/]+/tags$"),
}


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def dies(play: Play, moment: tuple[str, str], how: str) -> None:
    """Let the site answer nothing any more from the first such call on."""
    kind, details = ALWAYS[how]
    method, route = moment
    dead: list[str] = []

    def die(_method: str, _path: str) -> None:
        if not dead:
            dead.append(how)
            play.site.fault(kind, **details)

    play.site.fault("hook", method=method, route=route, hook=die)
    if moment == MOMENTS["from the start"]:
        die("", "")


def said(run: Run) -> str:
    return run.printed + "".join(row["Message"] for row in (run.log if list(run.output.glob("*_log.csv")) else ()))


@pytest.mark.parametrize(
    ("moment", "how"),
    [(moment, how) for moment in MOMENTS for how in ALWAYS if moment == "at the first upload" or how == "hangs"],
)
def test_a_site_that_dies_ends_the_run_in_bounded_time(play: Play, moment: str, how: str) -> None:
    dies(play, MOMENTS[moment], how)
    with within(LONGEST):
        run = play.export(haste=SHORT)
    assert run.code == (2 if moment == "from the start" else 1)
    assert "no patience left" in said(run)
    assert not list((run.folder / "work").rglob("*"))
    play.site.clear_faults()
    assert not sessions_in(play.site.dump(), ARCHIVE) or moment == "at the archive"
    assert not play.tagged()
    assert play.export().code == 0
    assert play.tagged()


def test_a_site_that_nobody_serves_is_named_as_such(play: Play) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with within(LONGEST):
        run = play.export(haste=SHORT, api_key=f"127.0.0.1:{port}:__force_insecure:{'k' * 30}")
    assert run.code == 2
    assert "no answer from the site" in run.printed
    assert "k" * 30 not in run.printed


def test_one_dead_file_fails_its_session_and_no_other(play: Play) -> None:
    play.site.fault("slow", method="GET", route="/files/t1.dicom.zip$", seconds=3600.0)
    with within(LONGEST):
        run = play.export(haste=SHORT)
    assert run.code == 1
    states: dict[str, Any] = {row["Name"]: row["Status"] for row in run.log if row["Container"] == "file"}
    assert states.pop("t1.dicom.zip") == "failed"
    assert set(states.values()) == {"created"}
    assert not play.tagged()


def test_many_files_at_a_dead_end_cost_no_more_than_a_few(play: Play) -> None:
    count = 40
    acquisition = flywheel.Client(play.site.api_key).get_session(play.scene.sessions[0]).acquisitions()[0]
    for number in range(count):
        acquisition.upload_file(flywheel.FileSpec(f"f{number}.txt", b"text", "text/plain"))
    play.site.fault("slow", method="PUT", route="^/signed/upload/", seconds=3600.0)
    play.site.clear_requests()
    run = play.export(haste=replace(SHORT, reserve=1.5))
    assert run.code == 1
    assert sum(entry.method == "PUT" for entry in play.site.requests) < count / 2
    states = [row for row in run.log if row["Container"] == "file"]
    assert {row["Status"] for row in states} == {"failed"}
    assert len(states) >= count
    assert "not tried any more, as no patience is left" in states[-1]["Message"]
    play.site.clear_faults()
    assert play.export().code == 0


def test_the_rights_are_left_open_where_the_roles_may_not_be_read(play: Play) -> None:
    play.site.fault("status", status=403, method="GET", route="^/roles$")
    assert play.export().code == 0
