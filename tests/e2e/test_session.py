"""A session from quarantine to export, seen from outside: the site through the SDK, the bytes through pydicom."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.support.world import World, image, instances, slices

EXPORTED = "EXPORTED"


def test_an_edit_is_in_every_instance_and_nothing_else_changes(world: World) -> None:
    session = world.typical_session()
    run = world.run(session)
    assert run.code == 0, run.printed
    before, after = instances(slices()), instances(world.content(world.copy_of(session), "T1", "t1.dicom.zip"))
    assert [str(one.PatientName) for one in after] == ["Doe^Jane"] * 3
    for old, new in zip(before, after, strict=True):
        changed = {element.keyword for element in new if old.get(element.tag) != element}
        assert changed <= {"PatientName", "PatientID", "PatientAge", "SeriesDescription", "StudyID"}
        assert old.PixelData == new.PixelData


def test_what_is_not_dicom_arrives_byte_for_byte(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    copy = world.copy_of(session)
    assert world.content(copy, "Notes", "notes.txt") == b"moved a little"
    assert copy.read_file("protocol.txt") == b"version 3"
    assert copy.subject.reload().read_file("consent.txt") == b"signed"


def test_attachments_stay_behind_when_not_wanted(world: World) -> None:
    session = world.typical_session()
    assert world.run(session, export_attachments=False).code == 0
    copy = world.copy_of(session)
    assert not copy.files
    assert not copy.subject.reload().files


def test_originals_stay_as_they_are(world: World) -> None:
    session = world.typical_session()
    assert world.run(session, archive_project=f"{world.group.id}/Archive").code == 0
    session = session.reload()
    assert session.project == world.quarantine.id
    assert world.content(session, "T1", "t1.dicom.zip") == slices()
    assert [file.version for one in session.acquisitions() for file in one.reload().files] == [1, 1, 1]


def test_containers_keep_their_metadata(world: World) -> None:
    session = world.typical_session()
    session.update(weight=61.5, operator="MT", timestamp="2024-02-01T09:30:00.000+00:00", timezone="Europe/Berlin")
    session.update_info({"visit": {"number": 1, "a.b": "dotted"}})
    session.subject.reload().update(sex="female", cohort="Study", firstname="Jane")
    assert world.run(session).code == 0
    session, copy = session.reload(), world.copy_of(session)
    for key in ("label", "age", "weight", "operator", "timestamp", "timezone"):
        assert copy[key] == session[key], key
    assert copy.info["visit"] == session.info["visit"]
    assert [note.text for note in copy.notes] == ["checked on paper"]
    assert set(copy.tags) == {"baseline", EXPORTED}
    subject = copy.subject.reload()
    assert (subject.sex, subject.cohort, subject.firstname) == ("female", "Study", "Jane")
    series = next(one for one in copy.acquisitions() if one.label == "T1")
    assert series.timestamp.isoformat() == "2024-02-01T10:00:00+00:00"


def test_files_keep_their_metadata_as_far_as_the_modality_allows(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    file = world.file(acquisition, "t1.dcm", image(), type="dicom", modality="MR", tags=["good"])
    file.update_classification({"Intent": ["Structural"], "Custom": ["mine"]})
    world.stored(acquisition, "t1.dcm").update_info({"rating": 5})
    assert world.run(session).code == 0
    (copied,) = world.copy_of(session).acquisitions()
    copied = world.stored(copied, "t1.dcm")
    assert (copied.type, copied.modality, copied.tags) == ("dicom", "MR", ["good"])
    assert copied.classification == {"Intent": ["Structural"], "Custom": ["mine"]}
    assert copied.info["rating"] == 5


def test_classification_a_modality_does_not_know_is_left_out_and_said(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="A")
    world.file(acquisition, "a.txt", b"a", classification={"Intent": ["Structural"], "Custom": ["mine"]})
    run = world.run(session)
    assert run.code == 0, run.printed
    (copied,) = world.copy_of(session).acquisitions()
    assert world.stored(copied, "a.txt").classification == {"Custom": ["mine"]}


def test_exported_is_on_origin_copy_and_archive(world: World) -> None:
    session = world.typical_session()
    assert world.run(session, archive_project=f"{world.group.id}/Archive").code == 0
    for one in (session.reload(), world.copy_of(session), world.copy_of(session, "Archive")):
        assert EXPORTED in one.tags
        assert one.info["qc"]["session-export"]["export"]["state"] == "PASS"


def test_the_archive_holds_the_untouched_originals(world: World) -> None:
    session = world.typical_session()
    run = world.run(session, archive_project=f"{world.group.id}/Archive")
    assert run.code == 0, run.printed
    archived = world.copy_of(session, "Archive")
    assert world.content(archived, "T1", "t1.dicom.zip") == slices()
    assert world.content(archived, "Localizer", "loc.dcm") == image()
    assert archived.subject.reload().read_file("consent.txt") == b"signed"
    (row,) = [row for row in run.log if row["Name"] == "loc.dcm"]
    assert row["Archive Path"].startswith(f"{world.group.id}/Archive/sub-001/")


def test_a_move_turns_the_quarantine_into_a_queue(world: World) -> None:
    session = world.typical_session()
    config: dict[str, Any] = {"archive_project": f"{world.group.id}/Archive", "archive_mode": "move"}
    assert world.run(session, **config).code == 0
    assert not world.quarantine.sessions()
    moved = session.reload()
    assert moved.parents.project == world.archive.id
    assert EXPORTED in moved.tags
    assert world.content(moved, "T1", "t1.dicom.zip") == slices()
    assert moved.subject.reload().read_file("consent.txt") == b"signed"


def test_every_copy_names_its_origin(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    copy = world.copy_of(session)
    assert copy.info["export"]["origin_id"] == hashlib.sha256(session.id.encode()).hexdigest()
    origins = {file.name: file for one in session.acquisitions() for file in one.reload().files}
    for acquisition in copy.acquisitions():
        for file in acquisition.reload().files:
            origin = origins[file.name]
            assert file.info["export"]["origin_id"] == hashlib.sha256(origin.file_id.encode()).hexdigest()


def test_the_copys_header_describes_its_bytes(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    copy = world.copy_of(session)
    series = next(one for one in copy.acquisitions() if one.label == "T1")
    header = world.stored(series, "t1.dicom.zip").info["header"]["dicom"]
    assert header["PatientName"] == "Doe^Jane"
    assert header["PatientID"] == "sub-001"
    assert instances(world.content(copy, "T1", "t1.dicom.zip"))[0].PatientID == "sub-001"


def test_each_origin_file_is_in_exactly_one_row(world: World) -> None:
    session = world.typical_session()
    run = world.run(session)
    rows = [row for row in run.log if row["Container"] == "file"]
    assert sorted(row["Name"] for row in rows) == [
        "consent.txt",
        "loc.dcm",
        "notes.txt",
        "protocol.txt",
        "t1.dicom.zip",
    ]
    assert list(run.log[0])[:6] == ["Container", "Name", "Status", "Origin Path", "Export Path", "Archive Path"]


def test_the_change_log_says_what_changed_and_why(world: World) -> None:
    session = world.typical_session()
    changes = world.run(session).changes
    (name,) = [row for row in changes if "PatientName" in row.values()]
    assert {"Doe^Jane", "edit", "applied"} <= set(name.values())
    (age,) = {tuple(row.values()) for row in changes if "PatientAge" in row.values() and "t1.dicom.zip" in str(row)}
    assert "mapping" in age


def test_an_exported_session_is_passed_over_unless_forced(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    world.edit(session.acquisitions()[0], "t1.dicom.zip", PatientName="Roe^Jane")
    passed_over = world.run(session)
    assert passed_over.code == 0
    assert "force_export" in passed_over.printed
    assert str(instances(world.content(world.copy_of(session), "T1", "t1.dicom.zip"))[0].PatientName) == "Doe^Jane"
    assert world.run(session, force_export=True).code == 0
    assert str(instances(world.content(world.copy_of(session), "T1", "t1.dicom.zip"))[0].PatientName) == "Roe^Jane"


def test_a_new_correction_makes_a_new_version_of_that_file_alone(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    world.edit(session.acquisitions()[0], "t1.dicom.zip", PatientName="Roe^Jane")
    assert world.run(session, force_export=True).code == 0
    versions = {file.name: file.version for one in world.copy_of(session).acquisitions() for file in one.reload().files}
    assert versions == {"t1.dicom.zip": 2, "loc.dcm": 1, "notes.txt": 1}


def test_a_failing_file_keeps_its_session_from_being_tagged_or_archived(world: World) -> None:
    session = world.typical_session()
    world.file(session.add_acquisition(label="Broken"), "broken.dcm", b"no dicom at all" * 20, type="archive")
    broken = next(one for one in session.acquisitions() if one.label == "Broken")
    world.stored(broken, "broken.dcm").update_info({"header": {"dicom": {"PatientName": "X"}}})
    run = world.run(session, archive_project=f"{world.group.id}/Archive")
    assert run.code == 1
    assert EXPORTED not in session.reload().tags
    assert not world.archive.sessions()
    (row,) = [row for row in run.log if row["Name"] == "broken.dcm"]
    assert row["Status"] == "failed"


def test_a_session_without_any_file_is_skipped_until_there_is_one(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    run = world.run(session)
    assert run.code == 0, run.printed
    (row,) = run.log
    assert row["Status"] == "skipped"
    assert "no file in it" in row["Message"]
    assert EXPORTED not in session.reload().tags
    assert not world.export.sessions()
    world.file(acquisition, "late.txt", b"late")
    assert world.run(session).code == 0
    assert EXPORTED in session.reload().tags
    assert world.content(world.copy_of(session), "T1", "late.txt") == b"late"


def test_a_session_of_attachments_alone_is_exported(world: World) -> None:
    session = world.session()
    world.file(session, "protocol.txt", b"version 3")
    assert world.run(session).code == 0
    assert EXPORTED in session.reload().tags


def test_awkward_names_arrive(world: World) -> None:
    session = world.session('a,b "c" = 1', "1001")
    acquisition = session.add_acquisition(label="T2* / 100% ünï 🧠")
    world.file(acquisition, "odd name, 'x' & é.txt", b"x")
    world.file(acquisition, "empty.txt", b"")
    configs: list[dict[str, Any]] = [{}, {"force_export": True}]
    for config in configs:
        run = world.run(session, **config)
        assert run.code == 0, run.printed
    (copied,) = world.export.sessions()
    assert copied.label == "1001"
    (acquisition,) = copied.acquisitions()
    assert sorted(file.name for file in acquisition.reload().files) == ["empty.txt", "odd name, 'x' & é.txt"]
    assert len(world.export.subjects()) == 1


def test_debug_logs_each_call_and_nothing_less_does(world: World) -> None:
    session = world.typical_session()
    quiet, told = world.run(session, dry_run=True), world.run(session, dry_run=True, debug=True)
    for line in (f"GET /sessions/{session.id}", "POST /lookup"):
        assert line in told.printed
        assert line not in quiet.printed
    assert len(told.printed.splitlines()) > len(quiet.printed.splitlines()) + 10
