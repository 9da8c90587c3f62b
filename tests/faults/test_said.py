"""What a run says of a session is so on the site, also where the site's last answers were lost or came late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flywheel
import pytest

from local_site import LocalSite
from tests.faults import forked
from tests.faults.conftest import Play
from tests.faults.curator import Curator
from tests.faults.judge import differences
from tests.faults.matrix import config
from tests.faults.scene import ARCHIVE_PATH, EXPORT_PATH, seed
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


@pytest.mark.parametrize("archive", [None, "copy"])
def test_counts_that_an_earlier_run_did_not_come_to_note_are_said_to_be_noted(archive: Any, play: Play) -> None:
    """Of a session that is tagged and whose files are all in place, only what is noted on it may be out of date."""
    assert play.export(archive).code == 0
    Curator(play).add()
    with middlebox(play.site.api_key) as box:
        box.act("PATCH", "^/sessions/[^/]+/info$", answer=html(status=502))
        assert play.export(archive, IMPATIENT, api_key=box.api_key, force_export=True).code == 1
    before = play.site.dump()
    foretold = play.export(archive, force_export=True, dry_run=True)
    assert "What is noted on 1 session would be brought up to date" in foretold.printed
    assert list(differences(before, play.site.dump())) == []
    run = play.export(archive, force_export=True)
    assert run.code == 0
    assert "What is noted on 1 session was brought up to date" in run.printed
    assert list(differences(before, play.site.dump())) != []
    for dry_run in (True, False):
        again = play.export(archive, force_export=True, dry_run=dry_run)
        assert "Nothing to do" in again.printed


def test_a_tag_that_was_taken_from_a_copy_is_said_to_be_set_again(play: Play) -> None:
    assert play.export("copy").code == 0
    client = flywheel.Client(play.site.api_key)
    for path in (EXPORT_PATH, ARCHIVE_PATH):
        client.lookup(f"{path}/sub 1/visit 0").delete_tag("EXPORTED")
    run = play.export("copy", force_export=True)
    assert run.code == 0
    assert "What is noted on 1 session was brought up to date" in run.printed
    assert "Nothing to do" in play.export("copy", force_export=True).printed


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_run_that_stops_early_has_a_row_for_every_session(tmp_path: Path, dry_run: bool) -> None:
    """The one at which it stopped has failed, and why; those after it were not reached."""
    scene = seed(tmp_path / "site", sessions=3, small=True)
    with LocalSite(scene.root) as site, middlebox(site.api_key) as box:
        box.act("GET", f"^/sessions/{scene.sessions[1]}$", how=reset)
        options = config("copy", dry_run=dry_run)
        run = forked.run(tmp_path / "run", box.api_key, ("subject", scene.subjects[0]), options, IMPATIENT)
    assert run.code == 1
    rows = [row for row in run.log if row["Container"] == "session"]
    assert [row["Status"] for row in rows] == ["created", "failed", "not reached"]
    assert "no answer from the site" in rows[1]["Message"]
    done = "1 could be exported" if dry_run else "1 exported"
    assert f"of the 2 sessions that it came to, {done}, 1 failed; 1 not reached." in run.printed


def test_a_session_that_the_run_was_started_on_is_read_once(play: Play) -> None:
    assert play.export(archive_project=None).code == 0
    play.site.clear_requests()
    assert play.export(archive_project=None, destination=("session", play.scene.sessions[0])).code == 0
    assert play.calls("GET").count("GET /sessions/{id}") == 1


def test_a_session_that_cannot_be_read_is_noted_to_have_failed(play: Play) -> None:
    """An earlier run has said PASS; it is no longer so, whatever it is that this run failed at."""
    assert play.export().code == 0
    with middlebox(play.site.api_key) as box:
        box.act("GET", "^/acquisitions/[^/]+$", answer=Reply(200, [("Content-Type", "application/json")], b"[]"))
        foretold = play.export("copy", IMPATIENT, api_key=box.api_key, force_export=True, dry_run=True)
        assert (foretold.code, noted(play)) == (1, "PASS")
        run = play.export("copy", IMPATIENT, api_key=box.api_key, force_export=True)
    assert run.code == 1
    assert status(run) == "failed"
    assert noted(play) == "FAIL"
    assert play.export("copy", force_export=True).code == 0
    assert noted(play) == "PASS"


def test_a_second_copy_that_is_removed_from_the_archive_is_said(play: Play) -> None:
    assert play.export("copy").code == 0
    archived = flywheel.Client(play.site.api_key).lookup(f"{ARCHIVE_PATH}/sub 1/visit 0")
    known = archived.acquisitions()[0].reload()
    archived.add_acquisition(label=known.label, info={"export": known.info["export"]})
    foretold = play.export("copy", force_export=True, dry_run=True)
    assert "Empty second copies of 1 session would be removed from the archive." in foretold.printed
    run = play.export("copy", force_export=True)
    assert run.code == 0
    assert "Empty second copies of 1 session were removed from the archive." in run.printed
    assert len(archived.acquisitions()) == 3
    assert "Nothing to do" in play.export("copy", force_export=True).printed
