"""Edited UIDs go through the whole session: references in other files follow, or nothing is written."""

from __future__ import annotations

from typing import Any

import flywheel
import pytest

from demo.importer import read_header
from tests.support import related
from tests.support.gear import Run
from tests.support.related import FRAME, ROOT, SERIES, SLICES, STUDY
from tests.support.world import World, instances

NEW_STUDY, NEW_SERIES, NEW_FRAME = f"{ROOT}.1001", f"{ROOT}.1002", f"{ROOT}.1003"
NEW_SLICES = [f"{ROOT}.1004.{number}" for number in (7, 8, 9)]
ALL_NEW = {"StudyInstanceUID": NEW_STUDY, "SeriesInstanceUID": NEW_SERIES, "FrameOfReferenceUID": NEW_FRAME}
OLD = {STUDY, SERIES, FRAME, *SLICES}
OPTIONS: dict[str, Any] = {"edit_uids": True, "force_export": True, "map_flywheel_to_dicom": False}


def uploaded(container: Any, name: str, content: bytes, **metadata: Any) -> None:
    """Add a file of which no importer has made anything."""
    container.upload_file(flywheel.FileSpec(name, content, "application/octet-stream"), metadata=metadata)


def a_session(world: World, *, edited: bool = True) -> Any:
    """Add a CT series, edited in all its UIDs, and what refers to it; not all of that has been imported."""
    session = world.session()
    ct = session.add_acquisition(label="CT")
    world.file(ct, "ct.dicom.zip", related.zipped(related.ct_slices()), type="dicom", modality="CT")
    objects = session.add_acquisition(label="objects")
    for name, data in related.derived().items():
        if name == "sr.dcm":
            uploaded(objects, name, data, type="dicom")
        elif name == "ko.dcm":
            uploaded(objects, name, data)
        else:
            world.file(objects, name, data, type="dicom")
    uploaded(session, "notes.txt", SLICES[0].encode())
    if edited:
        edit_ct(world, session, SOPInstanceUID=NEW_SLICES, **ALL_NEW)
    return session


def edit_ct(world: World, session: Any, SOPInstanceUID: list[str] | None = None, **uids: str) -> None:  # noqa: N803
    acquisition = next(one for one in session.acquisitions() if one.label == "CT")
    file = world.stored(acquisition, "ct.dicom.zip")
    header = file.info["header"]
    arrays = dict(header.get("dicom_array") or {}) | ({"SOPInstanceUID": SOPInstanceUID} if SOPInstanceUID else {})
    file.update_info({"header": {**header, "dicom": {**header["dicom"], **uids}, "dicom_array": arrays}})


def exported(world: World, session: Any) -> dict[str, Any]:
    """The instances of every DICOM file of the export project, by name."""
    found = {}
    for acquisition in world.copy_of(session).acquisitions():
        for file in acquisition.reload().files:
            found[file.name] = instances(bytes(acquisition.read_file(file.name)))
    return found


def left(world: World, session: Any, *uids: str) -> dict[str, set[str]]:
    """Where old UIDs are left in the export project."""
    places = {
        name: {place for one in read for place, uid in related.uids(one) if uid in (uids or OLD)}
        for name, read in exported(world, session).items()
    }
    return {name: found for name, found in places.items() if found}


def versions(world: World, session: Any) -> dict[str, int]:
    return {file.name: file.version for one in world.copy_of(session).acquisitions() for file in one.reload().files}


def messages(run: Run) -> dict[str, str]:
    return {row["Name"]: row["Message"] for row in run.log if row["Container"] == "file"}


def changed(run: Run) -> list[dict[str, str]]:
    return [{**row, "Run": ""} for row in run.changes]


OBJECTS = ("rtstruct.dcm", "seg.dcm", "sr.dcm", "ko.dcm", "reg.dcm", "pr.dcm")


def test_references_follow_in_their_own_files_and_a_second_run_writes_nothing(world: World) -> None:
    session = a_session(world)
    preview = world.run(session, dry_run=True, **OPTIONS)
    run = world.run(session, **OPTIONS)
    assert run.code == 0, run.printed
    assert left(world, session) == {name: {"StudyInstanceUID"} for name in OBJECTS}
    ct = exported(world, session)["ct.dicom.zip"]
    assert [(str(one.SOPInstanceUID), str(one.StudyInstanceUID)) for one in ct] == [(u, NEW_STUDY) for u in NEW_SLICES]
    causes = {(row["File"], row["Cause"]) for row in run.changes}
    of_ct = {("ct.dicom.zip", "edit"), ("ct.dicom.zip", "per-slice edit")}
    assert causes == of_ct | {(name, "reference") for name in OBJECTS}
    assert "6" in messages(run)["ct.dicom.zip"]
    assert changed(preview) == changed(run)
    world.site.clear_requests()
    again = world.run(session, **OPTIONS)
    assert again.code == 0, again.printed
    assert world.writes() == []
    assert {row["Status"] for row in again.log} == {"unchanged"}


def test_the_metadata_of_followed_files_agree_with_their_bytes(world: World) -> None:
    session = a_session(world)
    assert world.run(session, **OPTIONS).code == 0
    objects = next(one for one in world.copy_of(session).acquisitions() if one.label == "objects")
    for name in ("rtstruct.dcm", "seg.dcm", "reg.dcm"):
        assert read_header(bytes(objects.read_file(name))) == world.stored(objects, name).info["header"], name


def test_one_more_edited_uid_reaches_the_files_that_refer_to_it_alone(world: World) -> None:
    session = a_session(world, edited=False)
    edit_ct(world, session, SeriesInstanceUID=NEW_SERIES)
    assert world.run(session, **OPTIONS).code == 0
    assert left(world, session, SERIES) == {}
    before = versions(world, session)
    edit_ct(world, session, FrameOfReferenceUID=NEW_FRAME)
    run = world.run(session, **OPTIONS)
    assert run.code == 0, run.printed
    assert left(world, session, SERIES, FRAME) == {}
    again = {name for name, version in versions(world, session).items() if version > before[name]}
    assert again == {"ct.dicom.zip", "rtstruct.dcm", "seg.dcm", "reg.dcm"}


def test_uids_that_are_put_back_lead_references_back(world: World) -> None:
    session = a_session(world)
    assert world.run(session, **OPTIONS).code == 0
    edit_ct(
        world,
        session,
        SOPInstanceUID=list(SLICES),
        StudyInstanceUID=STUDY,
        SeriesInstanceUID=SERIES,
        FrameOfReferenceUID=FRAME,
    )
    assert world.run(session, **OPTIONS).code == 0
    for name, data in related.derived().items():
        assert [list(related.uids(one)) for one in exported(world, session)[name]] == [
            list(related.uids(one)) for one in instances(data)
        ]


def test_edits_that_contradict_one_another_stop_the_session_before_anything_is_written(world: World) -> None:
    session = a_session(world)
    other = session.add_acquisition(label="CT 2")
    data = related.ct_slices([f"{ROOT}.5"], f"{ROOT}.6")[0]
    world.file(other, "other.dcm", data, {"StudyInstanceUID": f"{ROOT}.4711"}, type="dicom", modality="CT")
    for dry_run in (True, False):
        run = world.run(session, dry_run=dry_run, **OPTIONS)
        assert run.code == 1
        assert {row["Status"] for row in run.log if row["Container"] == "file"} == {"not reached"}
        (said,) = [row["Message"] for row in run.log if row["Container"] == "session"] or [""]
        assert "two new UIDs" in said + run.printed
        assert "other.dcm" in run.printed
        assert world.export.subjects() == []


def test_a_dangling_reference_is_told_by_every_run(world: World) -> None:
    session = a_session(world)
    objects = next(one for one in session.acquisitions() if one.label == "objects")
    file = world.stored(objects, "seg.dcm")
    header = file.info["header"]
    header["dicom"]["ReferencedSeriesSequence"][0]["ReferencedInstanceSequence"][0]["ReferencedSOPInstanceUID"] = "1.2"
    file.update_info({"header": header})
    for _ in range(2):
        run = world.run(session, **OPTIONS)
        assert run.code == 0, run.printed
        assert "dangling" in messages(run)["seg.dcm"]


@pytest.mark.parametrize("route", ["ct.dicom.zip", "seg.dcm"])
def test_a_run_that_fails_in_the_middle_is_completed_by_the_next(world: World, route: str) -> None:
    session = a_session(world)
    objects = next(one for one in session.acquisitions() if one.label == "objects")
    container = objects if route == "seg.dcm" else next(one for one in session.acquisitions() if one.label == "CT")
    world.site.fault("status", method="GET", route=f"{container.id}/files/{route}$", status=403, nth=2)
    try:
        run = world.run(session, **OPTIONS)
    finally:
        world.site.clear_faults()
    assert run.code == 1
    assert "EXPORTED" not in session.reload().tags
    run = world.run(session, **OPTIONS)
    assert run.code == 0, run.printed
    assert left(world, session) == {name: {"StudyInstanceUID"} for name in OBJECTS}
    assert not list((run.folder / "work").rglob("*.dcm"))


def test_all_uids_of_a_file_that_an_older_importer_read_are_edited_at_once(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="CT")
    (data,) = related.ct_slices(SLICES[:1])
    file = world.file(acquisition, "ct.dcm", data, type="dicom", modality="CT")
    shown = {key: value for key, value in file.info["header"]["dicom"].items() if key != "TransferSyntaxUID"}
    shown = {key: value for key, value in shown.items() if not key.startswith(("Media", "FileMeta", "Implementation"))}
    edited = {**shown, **ALL_NEW, "SOPInstanceUID": NEW_SLICES[0], "PatientName": "Roe^Jane"}
    file.replace_info({"header": {"dicom": edited}})
    run = world.run(session, **OPTIONS)
    assert run.code == 0, run.printed
    (read,) = exported(world, session)["ct.dcm"]
    assert (read.StudyInstanceUID, read.SOPInstanceUID) == (NEW_STUDY, NEW_SLICES[0])
    assert read.file_meta.MediaStorageSOPInstanceUID == NEW_SLICES[0]
    refused = world.run(session, force_export=True)
    assert refused.code == 1
    assert "edit_uids" in messages(refused)["ct.dcm"]


def test_without_edit_uids_no_content_is_read_twice(world: World) -> None:
    session = a_session(world, edited=False)
    world.site.clear_requests()
    assert world.run(session, force_export=True, map_flywheel_to_dicom=False).code == 0
    for name in ("ct.dicom.zip", "seg.dcm", "sr.dcm", "ko.dcm"):
        fetches = [one for one in world.site.requests if one.method == "GET" and one.path.endswith(f"/files/{name}")]
        assert len(fetches) == 1, name


def test_a_file_that_fails_is_completed_by_the_run_after_it_was_mended(world: World) -> None:
    session = a_session(world)
    edit_ct(world, session, StudyDate="yesterday")
    run = world.run(session, **OPTIONS)
    assert run.code == 1
    assert "StudyDate" in messages(run)["ct.dicom.zip"]
    assert "EXPORTED" not in session.reload().tags
    edit_ct(world, session, StudyDate="20240312")
    run = world.run(session, **OPTIONS)
    assert run.code == 0, run.printed
    assert left(world, session) == {name: {"StudyInstanceUID"} for name in OBJECTS}
