"""What a curator changes just before the move, just after it, or in a copy: told, and never tagged as exported."""

from __future__ import annotations

import flywheel
import pytest

from tests.faults.conftest import Play
from tests.faults.curator import Curator
from tests.faults.scene import ARCHIVE, EXPORT_PATH, files_in, sessions_in
from tests.faults.test_races import meddle
from tests.support.gear import Run

DEEDS = ("add", "edit", "annotate", "reclassify", "retag", "edit_session_info", "edit_subject_file", "add_subject_file")
# The last of what may take long in move mode: the first version of the subject's file is recorded in the archive
SUBJECT_ARCHIVED = {"method": "PATCH", "route": "^/subjects/[^/]+/files/consent.txt/info$", "nth": 2}
MOVED = {"method": "PUT", "route": "^/sessions/[^/]+$"}
LAST_UPLOAD = {"method": "PATCH", "route": "^/acquisitions/[^/]+/files/notes.txt/info$", "times": 1}


def session_row(run: Run) -> dict[str, str]:
    (row,) = [row for row in run.log if row["Container"] == "session"]
    return row


@pytest.mark.parametrize("deed", DEEDS)
def test_what_changes_just_before_the_move_is_not_moved_away(play: Play, deed: str) -> None:
    done = meddle(play, deed, SUBJECT_ARCHIVED)
    run = play.export("move")
    assert done() == 1
    assert run.code == 1
    assert "during the export" in session_row(run)["Message"]
    assert not sessions_in(play.site.dump(), ARCHIVE)
    assert not play.tagged()


@pytest.mark.parametrize("deed", DEEDS)
def test_what_changes_in_the_moment_of_the_move_is_told_and_exported_by_the_next_run(play: Play, deed: str) -> None:
    done = meddle(play, deed, MOVED)
    run = play.export("move")
    assert done() == 1
    assert run.code == 1
    assert "moved to the archive project, but not tagged" in session_row(run)["Message"]
    assert not play.tagged()
    play.site.clear_faults()
    project = ("project", play.scene.quarantine)
    run = play.export("move", destination=project)
    assert run.code == 0
    assert play.tagged()
    dump = play.site.dump()
    names = {*files_in(dump, ARCHIVE), *files_in(dump, "Quarantine")}
    assert names == set(play.exported)
    for path, file in files_in(dump, "Quarantine").items():
        assert file["info"].get("withdrawn") == play.exported[path]["info"].get("withdrawn")


@pytest.mark.parametrize("deed", DEEDS)
def test_what_changes_after_the_last_file_is_noticed_in_copy_mode(play: Play, deed: str) -> None:
    done = meddle(play, deed, LAST_UPLOAD)
    run = play.export(archive_project=None)
    assert done() == 1
    assert run.code == 1
    assert "during the export" in session_row(run)["Message"]
    assert not play.tagged()


@pytest.mark.parametrize("name", ["consent.txt", "protocol.txt", "t1.dicom.zip"])
@pytest.mark.parametrize("how", ["replaced", "deleted"])
@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_copy_that_somebody_altered_is_not_tagged(play: Play, name: str, how: str, mode: str) -> None:
    client = flywheel.Client(play.site.api_key)
    done: list[str] = []

    def alter(_method: str, _path: str) -> None:
        if done:
            return
        done.append(name)
        store = play.site.site.store
        project = client.lookup(EXPORT_PATH.split("/"))
        (file,) = [
            one for one in store.select("file") if one["name"] == name and one["parents"]["project"] == project.id
        ]
        changed = {"deleted": "2024-01-01T00:00:00.000000+00:00"} if how == "deleted" else {"version": 2, "hash": ""}
        store.put("file", {**file, **changed})

    # The client would wait for the site, which waits for the hook: ask before.
    project = client.lookup(EXPORT_PATH.split("/"))
    client.lookup = lambda _path: project
    play.site.fault("hook_after", **LAST_UPLOAD, hook=alter)
    run = play.export(mode)
    assert done == [name]
    assert run.code == 1
    assert name in session_row(run)["Message"]
    assert "changed by somebody else" in session_row(run)["Message"]
    rows = {row["Name"]: row for row in run.log if row["Container"] == "file"}
    assert [one for one, row in rows.items() if row["Status"] == "failed"] == [name]
    assert not rows[name]["Verified"]
    assert not play.tagged()
    assert not sessions_in(play.site.dump(), ARCHIVE)
    play.site.clear_faults()
    assert play.export(mode).code == 0
    assert play.tagged()


@pytest.mark.parametrize("name", ["consent.txt", "t1.dicom.zip"])
@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_copy_whose_bytes_were_sent_once_more_is_recorded_once_more(play: Play, name: str, mode: str) -> None:
    """A request that a middlebox held up makes a version without record over the one that was verified."""
    project = flywheel.Client(play.site.api_key).lookup(EXPORT_PATH.split("/")).id
    done: list[str] = []

    def send_again(_method: str, _path: str) -> None:
        store = play.site.site.store
        (file,) = [one for one in store.select("file") if (one["name"], one["parents"]["project"]) == (name, project)]
        info = {key: value for key, value in file["info"].items() if key not in {"export", "qc"}}
        if not done:
            store.put("file", {**file, "version": 2, "info": info})
        done.append(name)

    play.site.fault("hook_after", **LAST_UPLOAD, hook=send_again)
    run = play.export(mode)
    assert done
    assert run.code == 0, run.printed
    assert play.tagged()
    (copy,) = [file for path, file in play.exported.items() if path.endswith(f"/{name}")]
    assert copy.get("version", 2) == copy["info"]["export"]["version"] == 2
    play.site.clear_requests()
    assert play.export(mode, force_export=True).code == 0
    assert play.writes() == []


def test_a_tag_or_note_of_this_gear_is_no_change(play: Play) -> None:
    """The result of another gear may come while a session is exported; it is no reason to hold it back."""
    curator = Curator(play)

    def note(_method: str, _path: str) -> None:
        store = play.site.site.store
        session = store.get("session", curator.session.id)
        assert session is not None
        store.put("session", {**session, "info": {**session["info"], "qc": {"other": {"state": "PASS"}}}})

    play.site.fault("hook_after", **LAST_UPLOAD, hook=note)
    assert play.export().code == 0
    assert play.tagged()
