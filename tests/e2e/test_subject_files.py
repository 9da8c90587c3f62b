"""Files on a subject belong to all its sessions: none is exported before they are, and each has one row."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.gear import Run
from tests.support.world import World, image


@pytest.fixture
def visits(world: World) -> list[Any]:
    """Two sessions of a subject with a file of its own."""
    sessions = [world.session(label=f"Visit {number}") for number in (1, 2)]
    for session in sessions:
        world.file(session.add_acquisition(label="Notes"), "notes.txt", session.label.encode())
    world.file(sessions[0].subject.reload(), "consent.txt", b"signed")
    return sessions


def config(world: World, mode: str) -> dict[str, Any]:
    return {"archive_project": f"{world.group.id}/Archive", "archive_mode": mode}


def rows(run: Run, name: str) -> list[dict[str, str]]:
    return [row for row in run.log if row["Name"] == name]


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_no_session_is_archived_or_tagged_while_a_file_on_its_subject_fails(
    world: World, visits: list[Any], mode: str
) -> None:
    subject = visits[0].subject.reload()
    fault = world.site.fault("status", method="GET", route=f"^/subjects/{subject.id}/files/", status=403)
    try:
        run = world.run(world.quarantine.reload(), **config(world, mode))
    finally:
        world.site.clear_faults()
    assert fault.struck
    assert run.code == 1
    assert [row["Status"] for row in run.log if row["Container"] == "session"] == ["failed", "failed"]
    assert "consent.txt" in rows(run, "Visit 2")[0]["Message"]
    assert len(rows(run, "consent.txt")) == 1
    assert not world.archive.sessions()
    assert not any("EXPORTED" in session.reload().tags for session in visits)
    run = world.run(world.quarantine.reload(), **config(world, mode))
    assert run.code == 0, run.printed
    assert all("EXPORTED" in session.reload().tags for session in visits)
    assert world.archive.subjects()[0].reload().read_file("consent.txt") == b"signed"


def test_a_session_is_archived_with_its_subject_s_files_though_the_first_session_failed(
    world: World, visits: list[Any]
) -> None:
    wrong = {"PatientBirthDate": "not a date"}
    world.file(visits[0].add_acquisition(label="Bad"), "bad.dcm", image(), wrong, type="dicom", modality="MR")
    run = world.run(world.quarantine.reload(), **config(world, "copy"))
    assert run.code == 1
    assert "EXPORTED" in visits[1].reload().tags
    assert world.archive.subjects()[0].reload().read_file("consent.txt") == b"signed"
    assert len(rows(run, "consent.txt")) == 1


def test_a_file_that_changes_between_two_sessions_of_a_run_stops_the_second(world: World, visits: list[Any]) -> None:
    subject = visits[0].subject.reload()

    def change(_method: str, _path: str) -> None:
        store = world.site.site.store
        (file,) = [one for one in store.select("file", parent=subject.id) if one["name"] == "consent.txt"]
        store.put("file", {**file, "info": {"withdrawn": True}})

    fault = world.site.fault("hook", method="PATCH", route=f"^/sessions/{visits[0].id}/tags$", times=1, hook=change)
    try:
        run = world.run(world.quarantine.reload())
    finally:
        world.site.clear_faults()
    assert fault.struck
    assert run.code == 1
    assert "Run the gear again" in rows(run, "Visit 2")[0]["Message"]
    assert "EXPORTED" not in visits[1].reload().tags
    assert len(rows(run, "consent.txt")) == 1


def test_a_run_killed_between_move_and_tag_leaves_one_row_for_each_file(world: World, visits: list[Any]) -> None:
    world.site.fault("status", method="PATCH", route=f"^/sessions/{visits[0].id}/tags$", status=403)
    try:
        assert world.run(visits[0].reload(), **config(world, "move")).code == 1
    finally:
        world.site.clear_faults()
    assert visits[0].reload().parents.project == world.archive.id
    run = world.run(world.quarantine.reload(), **config(world, "move"))
    assert run.code == 0, run.printed
    assert len(rows(run, "consent.txt")) == 1
    assert len(world.export.subjects()) == 1
    assert all("EXPORTED" in session.reload().tags for session in visits)
