"""What a second run does: nothing that is done already, and exactly what is missing."""

from __future__ import annotations

import hashlib
from typing import Any

import flywheel
import pytest

from tests.support.gear import Run
from tests.support.world import World, image, instances


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def rows(run: Run, name: str) -> list[dict[str, str]]:
    return [row for row in run.log if row["Name"] == name]


def test_a_forced_second_run_writes_nothing_and_moves_no_content(world: World) -> None:
    session = world.typical_session()
    config: dict[str, Any] = {"archive_project": f"{world.group.id}/Archive", "force_export": True}
    assert world.run(session, **config).code == 0
    world.site.clear_requests()
    run = world.run(session, **config)
    assert run.code == 0, run.printed
    assert world.writes() == []
    assert not [one for one in world.site.requests if "/files/" in one.path]
    assert {row["Status"] for row in run.log} == {"unchanged"}


def test_copies_that_version_2_of_the_gear_made_are_adopted(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    origin = world.file(acquisition, "t1.dcm", image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
    subject = world.export.add_subject(label="sub-001", info={"export": {"origin_id": sha256(session.subject.id)}})
    copy = subject.add_session(label="Visit 1", info={"export": {"origin_id": sha256(session.id)}})
    copied = copy.add_acquisition(label="T1", info={"export": {"origin_id": sha256(acquisition.id)}})
    world.file(copied, "t1.dcm", image(), info={"export": {"origin_id": sha256(origin.id)}})
    run = world.run(session)
    assert run.code == 0, run.printed
    assert [one.id for one in world.export.sessions()] == [copy.id]
    assert [one.id for one in copy.acquisitions()] == [copied.id]
    file = world.stored(copied, "t1.dcm")
    assert file.version == 2
    assert file.info["export"]["origin_id"] == sha256(origin.file_id)
    assert str(instances(copied.read_file("t1.dcm"))[0].PatientName) == "Doe^Jane"


def test_a_new_version_at_the_origin_is_exported(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    notes = next(one for one in session.acquisitions() if one.label == "Notes")
    world.file(notes, "notes.txt", b"second thoughts")
    assert world.run(session, force_export=True).code == 0
    assert world.content(world.copy_of(session), "Notes", "notes.txt") == b"second thoughts"


def test_metadata_that_changed_at_the_origin_follows_without_the_bytes(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    series = next(one for one in session.acquisitions() if one.label == "T1")
    world.stored(series, "t1.dicom.zip").update_info({"rating": 4})
    session.update(operator="MT")
    world.site.clear_requests()
    run = world.run(session, force_export=True)
    assert run.code == 0, run.printed
    copy = world.copy_of(session)
    assert copy.operator == "MT"
    copied = next(one for one in copy.acquisitions() if one.label == "T1")
    file = world.stored(copied, "t1.dicom.zip")
    assert (file.version, file.info["rating"], file.info["header"]["dicom"]["PatientName"]) == (1, 4, "Doe^Jane")


def test_skip_leaves_a_copy_that_differs_and_does_not_tag(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    session.delete_tag("EXPORTED")
    world.edit(session.acquisitions()[0], "t1.dicom.zip", PatientName="Roe^Jane")
    run = world.run(session, on_existing="skip")
    assert run.code == 0, run.printed
    assert rows(run, "t1.dicom.zip")[0]["Status"] == "skipped"
    assert str(instances(world.content(world.copy_of(session), "T1", "t1.dicom.zip"))[0].PatientName) == "Doe^Jane"
    assert "EXPORTED" not in session.reload().tags


def test_fail_refuses_a_copy_that_differs(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    world.edit(session.acquisitions()[0], "t1.dicom.zip", PatientName="Roe^Jane")
    run = world.run(session, on_existing="fail", force_export=True)
    assert run.code == 1
    assert "on_existing" in rows(run, "t1.dicom.zip")[0]["Message"]
    assert str(instances(world.content(world.copy_of(session), "T1", "t1.dicom.zip"))[0].PatientName) == "Doe^Jane"


def test_a_renamed_and_a_removed_origin_file_are_reported(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="A")
    for name in ("old.txt", "gone.txt"):
        world.file(acquisition, name, name.encode())
    assert world.run(session).code == 0
    acquisition.delete_file("gone.txt")
    world.file(acquisition, "old.txt", b"old.txt")
    run = world.run(session, force_export=True)
    assert run.code == 0, run.printed
    (row,) = rows(run, "A")
    assert "gone.txt: its origin is gone" in row["Message"]


def test_an_acquisition_that_is_gone_at_the_origin_is_reported(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    world.client.delete_acquisition(next(one.id for one in session.acquisitions() if one.label == "Notes"))
    run = world.run(session, force_export=True)
    assert run.code == 0, run.printed
    (row,) = [row for row in run.log if row["Container"] == "session"]
    assert "Notes: the origin of this acquisition's copy is gone" in row["Message"]


def test_metadata_read_from_an_older_version_of_the_file_is_refused(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    file = world.file(acquisition, "t1.dcm", image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
    header = file.info["header"]
    acquisition.upload_file(flywheel.FileSpec("t1.dcm", image(), "application/dicom"), metadata={"type": "dicom"})
    seen = {"file_id": file.file_id, "version": 1, "file_name": "t1.dcm"}
    qc = {
        "file-metadata-importer": {
            "job_info": {"inputs": {"input-file": seen}},
            "metadata-extraction": {"state": "PASS"},
        }
    }
    world.stored(acquisition, "t1.dcm").update_info({"header": header, "qc": qc})
    run = world.run(session)
    assert run.code == 1
    assert "file-metadata-importer" in rows(run, "t1.dcm")[0]["Message"]


def test_no_verdict_denies_that_originals_go_to_the_archive(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    to_archive: dict[str, Any] = {"archive_project": f"{world.group.id}/Archive", "force_export": True}
    for mode, verb in (("copy", "copied"), ("move", "moved")):
        to_archive["archive_mode"] = mode
        preview = world.run(session, dry_run=True, **to_archive)
        assert f"The originals of 1 session would be {verb} to the archive." in preview.printed
        run = world.run(session, **to_archive)
        assert f"The originals of 1 session were {verb} to the archive." in run.printed
        for again in (world.run(session, dry_run=True, **to_archive), world.run(session, **to_archive)):
            assert "Nothing to do: 1 session already exported" in again.printed
        for copy in world.archive.sessions():  # a session that has a copy there is not moved
            world.client.delete_session(copy.id)


def test_a_preview_foretells_that_the_archive_holds_a_copy_already(world: World) -> None:
    session = world.typical_session()
    to_archive: dict[str, Any] = {"archive_project": f"{world.group.id}/Archive", "force_export": True}
    assert world.run(session, **to_archive).code == 0
    for dry_run in (True, False):
        run = world.run(session, dry_run=dry_run, archive_mode="move", **to_archive)
        assert run.code == 1
        (row,) = [row for row in run.log if row["Container"] == "session"]
        assert "holds a copy of this session already" in row["Message"]


def test_what_an_earlier_run_changed_is_told_again_without_its_values(world: World) -> None:
    session = world.typical_session()
    first = world.run(session)
    made = [(row["File"], row["Path"], row["Cause"], row["Instances"]) for row in first.changes]
    assert made
    again = world.run(session, force_export=True)
    told = [(row["File"], row["Path"], row["Cause"], row["Instances"]) for row in again.changes]
    assert told == made
    assert {row["Outcome"] for row in again.changes} == {"applied earlier"}
    assert not any(row["Old"] or row["New"] or row["Change"] for row in again.changes)
    assert all("earlier run" in row["Reason"] for row in again.changes)
    assert "0 changes" in again.printed


@pytest.mark.parametrize("archived", [False, True])
def test_a_session_that_was_given_to_another_subject_is_below_its_copy(world: World, *, archived: bool) -> None:
    """PatientID follows the subject, so the copy must not stay below the one whose data it no longer is."""
    keep: dict[str, Any] = {"archive_project": f"{world.group.id}/Archive"} if archived else {}
    session = world.session("wrong", "Visit 1")
    world.file(session.add_acquisition(label="A"), "a.dcm", image(), type="dicom", modality="MR")
    assert world.run(session, **keep).code == 0
    copies = [world.copy_of(session, project) for project in (["Export", "Archive"] if archived else ["Export"])]
    right = world.quarantine.add_subject(label="right")
    session.update(subject={"_id": right.id})
    session = session.reload()
    preview = world.run(session, force_export=True, dry_run=True, **keep)
    assert {copy.reload().subject.label for copy in copies} == {"wrong"}
    run = world.run(session, force_export=True, **keep)
    assert run.code == 0, run.printed
    assert [copy.reload().subject.label for copy in copies] == ["right"] * len(copies)
    assert copies[0].acquisitions()[0].reload().files[0].version == 2  # with the other PatientID
    rows = {way: next(row for row in way.log if row["Container"] == "session") for way in (preview, run)}
    assert {row["Status"] for row in rows.values()} == {"updated"}
    assert "is below the subject wrong, and would be moved" in rows[preview]["Message"]
    assert "was below the subject wrong, and is moved" in rows[run]["Message"]
    again = world.run(session, force_export=True, **keep)
    assert {row["Status"] for row in again.log} == {"unchanged"}


def test_a_copy_below_another_subject_is_left_and_said_where_copies_are_to_be_left(world: World) -> None:
    session = world.session("wrong", "Visit 1")
    world.file(session.add_acquisition(label="A"), "a.txt", b"text")
    assert world.run(session).code == 0
    copy = world.copy_of(session)
    session.update(subject={"_id": world.quarantine.add_subject(label="right").id})
    run = world.run(session.reload(), force_export=True, on_existing="skip")
    assert copy.reload().subject.label == "wrong"
    (row,) = [row for row in run.log if row["Container"] == "session"]
    assert "is below the subject wrong" in row["Message"]
    assert "on_existing" in row["Message"]
