"""A run that is bound to an approved plan does what was previewed, or writes nothing and says what differs."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable
from typing import Any

import flywheel
import pytest

from tests.faults import forked
from tests.support import quick
from tests.support.gear import Run, stage
from tests.support.world import World, image, instances, slices

Change = Callable[[World, Any], Any]


def digest_of(run: Run) -> str:
    (path,) = run.output.glob("*_plan.json")
    digest = str(json.loads(path.read_text())["digest"])
    assert f"Plan: {digest}" in run.printed
    (page,) = run.output.glob("*_report.html")
    assert digest in page.read_text()
    return digest


def with_plan(world: World, session: Any, preview: Run) -> None:
    """Leave the preview's plan in an analysis on the session, as Flywheel does."""
    (path,) = preview.output.glob("*_plan.json")
    analysis = session.add_analysis(label="Preview")
    analysis.upload_output(flywheel.FileSpec(path.name, path.read_bytes()))


def acquisition(session: Any, label: str) -> Any:
    return next(one for one in session.acquisitions() if one.label == label)


def header_value(world: World, session: Any) -> None:
    world.edit(acquisition(session, "T1"), "t1.dicom.zip", PatientName="Roe^Jane")


def info_of_a_file(world: World, session: Any) -> None:
    world.stored(acquisition(session, "Notes"), "notes.txt").update_info({"rating": 4})


def new_version(world: World, session: Any) -> None:
    world.file(acquisition(session, "Notes"), "notes.txt", b"moved a lot")


def new_file(world: World, session: Any) -> None:
    world.file(acquisition(session, "Notes"), "more.txt", b"more")


def file_removed(world: World, session: Any) -> None:
    acquisition(session, "Notes").delete_file("notes.txt")


def mapped_field(world: World, session: Any) -> None:
    session.subject.reload().update(sex="female")


def acquisition_renamed(world: World, session: Any) -> None:
    acquisition(session, "Notes").update(label="Remarks")


def subject_renamed(world: World, session: Any) -> None:
    session.subject.reload().update(label="sub-002")


def new_acquisition(world: World, session: Any) -> None:
    world.file(session.add_acquisition(label="T2"), "t2.dcm", image(), type="dicom", modality="MR")


def file_on_subject(world: World, session: Any) -> None:
    world.file(session.subject.reload(), "consent.txt", b"signed anew")


def file_at_the_target(world: World, session: Any) -> None:
    copy = world.export.add_subject(label="sub-001")
    world.file(copy, "consent.txt", b"not ours")


DISTURBANCES: dict[Change, str] = {
    header_value: "T1/t1.dicom.zip: other changes of PatientName",
    info_of_a_file: "Notes/notes.txt: its metadata were edited",
    new_version: "Notes/notes.txt: is at version 2, was at 1",
    new_file: "Notes/more.txt: was not there",
    file_removed: "Notes/notes.txt: is gone",
    mapped_field: "sub-001: its fields or info were changed",
    acquisition_renamed: "sub-001/Visit 1/Remarks: was sub-001/Visit 1/Notes",
    subject_renamed: "sub-002: was sub-001",
    new_acquisition: "sub-001/Visit 1/T2: was not there",
    file_on_subject: "sub-001/consent.txt: is at version 2, was at 1",
    file_at_the_target: "sub-001/consent.txt: another file, or another version of it, is where it would be written",
}


def small_session(world: World) -> Any:
    session = world.session(age=1_000_000_000)
    world.file(session.subject.reload(), "consent.txt", b"signed")
    series = session.add_acquisition(label="T1")
    world.file(series, "t1.dicom.zip", slices(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
    world.file(session.add_acquisition(label="Notes"), "notes.txt", b"moved a little")
    return session.reload()


def test_a_plan_that_nothing_disturbed_is_carried_out_and_named(world: World) -> None:
    session = small_session(world)
    preview = quick.run(world, session, dry_run=True, job="preview-1", log_values="none")
    with_plan(world, session, preview)
    session.add_tag("approved by MT")
    session.add_note("the plan is fine")
    run = quick.run(world, session, approved_plan=digest_of(preview), verify="readback", transfers=1)
    assert run.code == 0, run.printed
    assert [row["Outcome"] for row in run.changes if row["Keyword"] == "PatientName"] == ["applied"]
    (evidence,) = run.output.glob("*_evidence.zip")
    assert b'"preview_job": "preview-1"' in evidence.read_bytes()
    assert digest_of(preview).encode() in evidence.read_bytes()
    again = quick.run(world, session, approved_plan=digest_of(preview), force_export=True)
    assert again.code == 0, again.printed


@pytest.mark.parametrize("disturb", DISTURBANCES, ids=lambda one: one.__name__)
def test_whatever_disturbs_the_site_is_found_and_nothing_is_written(world: World, disturb: Change) -> None:
    session = small_session(world)
    preview = quick.run(world, session, dry_run=True, log_values="hash")
    (path,) = preview.output.glob("*_plan.json")
    assert not re.search("Doe|CompressedSamples", path.read_text())  # log_values is hash
    with_plan(world, session, preview)
    disturb(world, session)
    before = world.site.dump()
    world.site.clear_requests()
    run = quick.run(world, session, approved_plan=digest_of(preview))
    assert run.code == 2, run.printed
    assert DISTURBANCES[disturb] in run.printed
    assert "Roe" not in run.printed
    assert world.writes() == []
    assert world.site.dump() == before


def test_another_setting_is_found_whatever_it_is(world: World) -> None:
    session = small_session(world)
    preview = quick.run(world, session, dry_run=True)
    with_plan(world, session, preview)
    settings: dict[str, Any] = {
        "edit_varying": "all",
        "export_attachments": False,
        "map_flywheel_to_dicom": False,
        "export_project": f"{world.group.id}/Archive",
        "archive_project": f"{world.group.id}/Archive",
        "on_refused_edit": "export",
    }
    world.site.clear_requests()
    for name, value in settings.items():
        # A preview says the same, in its job log and by its exit code.
        run = quick.run(
            world, session, approved_plan=digest_of(preview), **{name: value}, dry_run=name == "on_refused_edit"
        )
        assert run.code == (1 if name == "on_refused_edit" else 2), run.printed
        words = {"map_flywheel_to_dicom": "mapping PatientID: was subject.label, is None"}
        assert words.get(name, f"{name}: was ") in run.printed
    assert world.writes() == []


def test_another_image_of_the_gear_is_found(world: World) -> None:
    session = small_session(world)
    preview = quick.run(world, session, dry_run=True)
    with_plan(world, session, preview)
    config = world.config(approved_plan=digest_of(preview))
    staged = stage(world.folder / "gear-other", world.site.api_key, ("session", session.id), config)
    manifest = json.loads((staged / "manifest.json").read_text())
    manifest["custom"]["gear-builder"]["image"] = "elsewhere/session-export:9"
    (staged / "manifest.json").unlink()
    (staged / "manifest.json").write_text(json.dumps(manifest))
    world.site.clear_requests()
    run = forked.finish(forked.start(staged), staged)
    assert run.code == 2, run.printed
    assert "image: was flywheel/session-export:" in run.printed
    assert "is elsewhere/session-export:9" in run.printed
    assert world.writes() == []


def test_a_digest_whose_plan_is_nowhere_is_refused_all_the_same(world: World) -> None:
    session = small_session(world)
    run = quick.run(world, session, approved_plan="0" * 64)
    assert run.code == 2
    assert "the plan was not found" in run.printed


def test_a_run_that_was_killed_goes_on_by_the_same_plan(world: World) -> None:
    """In a project, half of which is done: sessions moved away and tagged, and one of which some files are there."""
    for label in ("Visit 1", "Visit 2", "Visit 3"):
        session = world.session(label=label)
        world.file(session.add_acquisition(label="T1"), "t1.dcm", image(), {"PatientName": "A^B"}, type="dicom")
        world.file(session.add_acquisition(label="Notes"), "notes.txt", label.encode())
    world.file(session.subject.reload(), "consent.txt", b"signed")
    project = world.quarantine.reload()
    options: dict[str, Any] = {"archive_project": f"{world.group.id}/Archive", "archive_mode": "move"}
    digest = digest_of(quick.run(world, project, dry_run=True, **options))
    route = "^/acquisitions/[^/]+/files/notes.txt/info$"
    world.site.fault("status", method="PATCH", route=route, status=403, nth=2, times=1)
    try:
        first = quick.run(world, project, approved_plan=digest, **options)
    finally:
        world.site.clear_faults()
    assert first.code == 1, first.printed
    assert len(list(world.archive.sessions())) == 2
    second = quick.run(world, project, approved_plan=digest, **options)
    assert second.code == 0, second.printed
    assert len(list(world.archive.sessions())) == 3
    assert "Exported and verified: 1 session" in second.printed
    copies = [one for session in world.export.sessions() for one in session.acquisitions() if one.label == "T1"]
    assert {str(instances(copy.read_file("t1.dcm"))[0].PatientName) for copy in copies} == {"A^B"}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "corrupt", "method": "PUT", "route": "^/signed/upload/"},
        {"kind": "status", "method": "PATCH", "route": "/files/t1.dcm/info$", "status": 403},
    ],
    ids=["damaged", "not recorded"],
)
def test_a_run_in_place_that_was_interrupted_goes_on_by_the_same_plan(world: World, fault: dict[str, Any]) -> None:
    session = world.session()
    one, other = (session.add_acquisition(label=label) for label in ("T1", "T2"))
    world.file(one, "t1.dcm", image(), {"PatientName": "A^B"}, type="dicom")
    world.file(other, "t2.dcm", image(), {"PatientName": "A^B"}, type="dicom")
    digest = digest_of(quick.run(world, session, mode="in_place", dry_run=True))
    world.site.fault(**fault)
    try:
        first = quick.run(world, session, mode="in_place", approved_plan=digest)
    finally:
        world.site.clear_faults()
    assert first.code == 1, first.printed
    second = quick.run(world, session, mode="in_place", approved_plan=digest)
    assert second.code == 0, second.printed
    for container, name in ((one, "t1.dcm"), (other, "t2.dcm")):
        assert str(instances(container.read_file(name))[0].PatientName) == "A^B"
    assert "EXPORTED" in session.reload().tags


def info_of_the_session(_: World, session: Any) -> None:
    session.update_info({"rating": 4})


def info_of_an_acquisition(_: World, session: Any) -> None:
    acquisition(session, "Notes").update_info({"rating": 4})


def info_of_the_subject(_: World, session: Any) -> None:
    session.subject.reload().update_info({"rating": 4})


def empty_acquisition(_: World, session: Any) -> None:
    session.add_acquisition(label="T2")


def file_of_the_subject_removed(_: World, session: Any) -> None:
    session.subject.reload().delete_file("consent.txt")


@pytest.mark.parametrize("mode", ["copy", "in_place"])
@pytest.mark.parametrize(
    "disturb",
    [
        header_value,
        info_of_the_session,
        info_of_an_acquisition,
        info_of_the_subject,
        empty_acquisition,
        file_of_the_subject_removed,
    ],
    ids=lambda one: one.__name__,
)
def test_a_session_that_is_edited_after_the_comparison_is_not_exported(
    world: World, disturb: Change, mode: str
) -> None:
    session = small_session(world)
    options = {"mode": mode, "export_project": f"{world.group.id}/Export" if mode == "copy" else ""}
    digest = digest_of(quick.run(world, session, dry_run=True, **options))
    config = world.config(approved_plan=digest, **options)
    staged = stage(world.folder / "gear-stopped", world.site.api_key, ("session", session.id), config)
    process: list[Any] = []

    def work() -> None:
        try:
            disturb(world, session)
        finally:
            os.kill(process[0].pid, signal.SIGCONT)

    def act(_method: str, _path: str) -> None:
        # The gear stands still until the edit is made, while the site goes on.
        os.kill(process[0].pid, signal.SIGSTOP)
        threading.Thread(target=work).start()

    # This file is fetched for the comparison first.
    world.site.fault("hook_after", method="GET", route="/files/t1.dicom.zip$", times=1, hook=act)
    try:
        process.append(forked.start(staged))
        run = forked.finish(process[0], staged)
    finally:
        world.site.clear_faults()
    assert run.code == 1, run.printed
    assert "edited after it had been found to agree with the approved plan" in run.printed
    assert not [file for one in world.export.sessions() for item in one.acquisitions() for file in item.files]
    assert {file.version for item in session.acquisitions() for file in item.files} == {1}
    assert "EXPORTED" not in session.reload().tags


def test_a_plan_may_be_given_as_an_input(world: World) -> None:
    session = small_session(world)
    preview = quick.run(world, session, dry_run=True)
    (path,) = preview.output.glob("*_plan.json")
    header_value(world, session)
    staged = world.folder / "gear-with-plan"
    shutil.copytree(preview.folder, staged)
    document = json.loads((staged / "config.json").read_text())
    document["config"] |= {"dry_run": False, "approved_plan": digest_of(preview).upper()}
    document["inputs"]["approved-plan"] = {"base": "file", "location": {"path": str(path), "name": path.name}}
    (staged / "config.json").write_text(json.dumps(document))
    run = forked.finish(forked.start(staged), staged)
    assert run.code == 2
    assert "T1/t1.dicom.zip: other changes of PatientName" in run.printed
    assert not re.search("Roe|Doe", run.printed)
