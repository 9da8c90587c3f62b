"""A second run does only what is left to do, and nothing where nothing is."""

from __future__ import annotations

from pathlib import Path

import flywheel
import pytest

from local_site import LocalSite
from tests.faults.conftest import Play
from tests.faults.judge import differences
from tests.faults.scene import ARCHIVE, EXPORT, files_in, seed

MODES = ("copy", "move")


@pytest.mark.parametrize("mode", [*MODES, "in_place"])
def test_a_second_run_writes_nothing(play: Play, mode: str) -> None:
    assert play.export(mode).code == 0
    before = play.site.dump()
    for forced in (False, True):
        play.site.clear_requests()
        assert play.export(mode, force_export=forced).code == 0
        assert play.writes() == []
    assert list(differences(before, play.site.dump())) == []


@pytest.mark.parametrize("mode", MODES)
def test_a_forced_second_run_moves_no_file_content(play: Play, mode: str) -> None:
    play.export(mode)
    play.site.clear_requests()
    play.export(mode, force_export=True)
    content = [call for call in play.calls() if call.endswith("/files/{name}") or "signed" in call]
    assert content == []


@pytest.mark.parametrize("mode", MODES)
def test_a_run_goes_on_after_a_move_or_copy_that_was_not_tagged(play: Play, mode: str) -> None:
    wanted = play.undisturbed(mode)
    play.site.fault("status", status=403, method="PATCH", route="^/sessions/[^/]+/tags$", nth=3)
    assert play.export(mode).code == 1
    play.site.clear_faults()
    assert play.export(mode).code == 0
    assert list(differences(wanted, play.site.dump())) == []


def test_a_session_that_was_not_archived_has_a_failed_row(play: Play) -> None:
    play.site.fault("status", status=403, method="POST", route="^/subjects$", nth=2)
    run = play.export("copy")
    assert run.code == 1
    assert [row["Container"] for row in run.log if row["Status"] == "failed"] == ["session"]
    assert not play.tagged()


def test_a_new_correction_makes_a_new_version_of_that_file_alone(play: Play) -> None:
    play.export("copy")
    before = play.site.dump()
    _correct(play)
    run = play.export("copy", force_export=True)
    assert run.code == 0
    for project in (EXPORT, ARCHIVE):
        old, new = files_in(before, project), files_in(play.site.dump(), project)
        assert {path for path in new if new[path]["versions"] != old[path]["versions"]} == (
            {path for path in new if path.endswith("t1.dicom.zip") and project == EXPORT}
        )
    assert {row["Name"] for row in run.log if row["Container"] == "file" and row["Status"] == "updated"} == {
        "t1.dicom.zip"
    }


def _correct(play: Play) -> None:
    client = flywheel.Client(play.site.api_key)
    (file,) = [
        file
        for acquisition in client.get_session(play.scene.sessions[0]).acquisitions()
        for file in acquisition.reload().files
        if file.name == "t1.dicom.zip"
    ]
    header = file.info["header"]
    file.update_info({"header": {**header, "dicom": {**header["dicom"], "PatientBirthDate": "19700201"}}})


def test_a_file_on_the_subject_takes_nothing_from_whichever_session_brought_it(tmp_path: Path) -> None:
    scene = seed(tmp_path / "site", sessions=2, small=True)
    with LocalSite(scene.root) as site:
        play = Play(site, scene, tmp_path, Path(scene.root))
        for analysis in scene.analyses:
            assert play.export(destination=("analysis", analysis)).code == 0
        site.clear_requests()
        for analysis in scene.analyses:
            assert play.export(destination=("analysis", analysis), force_export=True).code == 0
        assert play.writes() == []
        assert [call for call in play.calls() if call.endswith("/files/{name}")] == []


@pytest.mark.parametrize("route", ["^/subjects$", "^/sessions$", "^/acquisitions$", "^/sessions/[^/]+/notes$"])
def test_files_whose_session_failed_before_their_turn_have_their_row(play: Play, route: str) -> None:
    play.site.fault("status", status=403, method="POST", route=route)
    run = play.export()
    assert run.code == 1
    files = [row for row in run.log if row["Container"] == "file"]
    assert sorted(row["Name"] for row in files) == sorted(
        ["consent.txt", "localizer.dcm", "notes.txt", "protocol.txt", "t1.dicom.zip"]
    )
    assert {row["Status"] for row in files} == {"not reached"}
    assert [row["Status"] for row in run.log if row["Container"] == "session"] == ["failed"]


def test_a_session_that_was_moved_but_not_tagged_has_one_row_in_each_run(play: Play) -> None:
    play.site.fault("status", status=403, method="PATCH", route="^/sessions/[^/]+/tags$", nth=3)
    project = ("project", play.scene.quarantine)
    for code in (1, 0):
        run = play.export("move", destination=project)
        assert run.code == code
        names = [row["Name"] for row in run.log if row["Container"] == "file"]
        assert len(names) == len(set(names)) == 5
    assert play.tagged()


def test_a_run_on_a_subject_goes_on_with_its_own_sessions_alone(tmp_path: Path) -> None:
    scene = seed(tmp_path / "site", subjects=["one", "two"], small=True)
    with LocalSite(scene.root) as site:
        play = Play(site, scene, tmp_path, Path(scene.root))
        fault = site.fault("status", status=403, method="PATCH", route="^/sessions/[^/]+/tags$")
        for subject in scene.subjects:
            play.export("move", destination=("subject", subject))
        assert fault.struck
        site.clear_faults()
        run = play.export("move", destination=("subject", scene.subjects[0]))
        assert run.code == 0
        assert {row["Name"] for row in run.log if row["Container"] == "subject"} == {"one"}
