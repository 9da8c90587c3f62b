"""What a run says of a session is so on the site, also where the site's last answers were lost or came late."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults import forked
from tests.faults.conftest import Play
from tests.support.gear import Run
from tests.support.middlebox import Reply, html, middlebox, reset

IMPATIENT = forked.Haste(patience=0.0)  # no call is tried again
LOST: dict[str, dict[str, Any]] = {
    "nothing": {"answer": Reply(200)},
    "a page": {"answer": html()},
    "reset": {"how": reset},
}


def status(run: Run) -> str:
    """What the export log says of the session."""
    (row,) = [row for row in run.log if row["Container"] == "session"]
    return row["Status"]


def noted(play: Play) -> Any:
    """What ``info.qc`` of the origin says."""
    session = play.site.site.store.get("session", play.scene.sessions[0])
    assert session is not None
    return session["info"]["qc"]["session-export"]["export"]["state"]


def own_tags(play: Play) -> str:
    """The route by which the origin is tagged, which is the last of all writes."""
    return f"^/sessions/{play.scene.sessions[0]}/tags$"


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_tag_whose_answer_was_lost_for_good_is_no_failure(how: str, mode: str, play: Play) -> None:
    with middlebox(play.site.api_key) as box:
        act = box.act("PATCH", own_tags(play), forward=True, **LOST[how])
        run = play.export(mode, IMPATIENT, api_key=box.api_key)
    assert act.struck == 1
    assert run.code == 0, run.printed
    assert play.tagged()
    assert status(run) == "created"
    assert noted(play) == "PASS"
    assert "Exported and verified: 1 session" in run.printed


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_tag_that_was_not_set_is_a_failure_and_noted_as_one(mode: str, play: Play) -> None:
    with middlebox(play.site.api_key) as box:
        box.act("PATCH", own_tags(play), answer=html(status=502))
        run = play.export(mode, IMPATIENT, api_key=box.api_key)
    assert not play.tagged()
    assert run.code == 1
    assert status(run) == "failed"
    assert noted(play) == "FAIL"
    assert "failed only after all files were verified" in run.printed
