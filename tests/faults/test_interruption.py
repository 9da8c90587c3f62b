"""A cancelled job stops soon, cleans up behind it, and is completed by the next run."""

from __future__ import annotations

import os
import signal

import pytest

from tests.faults.conftest import Play
from tests.faults.judge import differences

MOMENTS = {
    "preflight": ("GET", "/rules$"),
    "download": ("GET", "/files/t1.dicom.zip$"),
    "upload": ("PUT", "^/signed/upload/"),
    "archive": ("POST", "^/subjects$"),
    "tags": ("PATCH", "^/sessions/[^/]+/tags$"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_cancelled_run_cleans_up_and_the_next_completes_it(play: Play, moment: str) -> None:
    method, route = MOMENTS[moment]
    cancel = lambda _method, _path: os.kill(play.pid, signal.SIGTERM)  # noqa: E731 - one line, used once
    play.site.fault("hook", method=method, route=route, times=1, hook=cancel)
    play.site.fault("slow", method=method, route=route, times=1, seconds=0.3)
    run = play.export()
    assert run.code == 128 + signal.SIGTERM
    assert "cancelled" in run.printed
    assert not list((run.folder / "work").rglob("*"))
    assert not play.tagged()
    play.site.clear_faults()
    assert play.export().code == 0
    assert list(differences(play.undisturbed("copy"), play.site.dump())) == []
