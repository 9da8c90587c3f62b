"""A session whose corrected files become the next versions of themselves."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.support.gear import Run
from tests.support.world import World, image, instances, slices

EXPORTED = "EXPORTED"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def series(session: Any, label: str = "T1") -> Any:
    return next(one for one in session.acquisitions() if one.label == label)


def version(world: World, container: Any, name: str, number: int) -> bytes:
    """Return the bytes of one version of a file, as anybody may download them."""
    file = world.stored(container, name)
    path = f"/{container.container_type}s/{container.id}/files/{name}"
    response = world.client.api_client.call_api(
        path,
        "GET",
        {},
        [("version", number)],
        auth_settings=["ApiKey"],
        _preload_content=False,
        _return_http_data_only=True,
    )
    assert file.file_id
    return bytes(response.content)


def row(run: Run, name: str) -> dict[str, str]:
    (found,) = [row for row in run.log if row["Name"] == name]
    return found


def metadata(file: Any) -> dict[str, Any]:
    info = {key: value for key, value in file.info.items() if key not in ("export", "qc", "header")}
    return {key: getattr(file, key) for key in ("type", "modality", "classification", "tags")} | {"info": info}


def in_place(world: World, session: Any, **config: Any) -> Run:
    run = world.run(session, mode="in_place", **config)
    assert run.code == 0, run.printed
    return run


def test_a_corrected_file_becomes_the_next_version_of_itself(world: World) -> None:
    session = world.typical_session()
    acquisition = series(session)
    world.stored(acquisition, "t1.dicom.zip").update_info({"rating": 4})
    world.stored(acquisition, "t1.dicom.zip").add_tag("seen")
    world.stored(acquisition, "t1.dicom.zip").update_classification({"Custom": ["mine"]})
    before = world.stored(acquisition, "t1.dicom.zip")
    run = in_place(world, session, map_flywheel_to_dicom=False)
    after = world.stored(acquisition, "t1.dicom.zip")
    assert (after.file_id, after.version) == (before.file_id, 2)
    assert metadata(after) == metadata(before)
    read = instances(acquisition.read_file("t1.dicom.zip"))
    assert {str(one.PatientName) for one in read} == {"Doe^Jane"}
    assert after.info["header"]["dicom"]["PatientName"] == "Doe^Jane"
    assert version(world, acquisition, "t1.dicom.zip", 1) == slices()
    named = after.info["export"]
    assert named["mode"] == "in_place"
    assert named["before"] == {
        "file_id": before.file_id,
        "version": 1,
        "size": before.size,
        "sha384": hashlib.sha384(slices()).hexdigest(),
        "hash": before.hash,
    }
    assert EXPORTED in session.reload().tags
    assert {one["Status"] for one in run.log if one["Container"] == "file" and one["Name"] != "t1.dicom.zip"} == {
        "unchanged"
    }
    told = row(run, "t1.dicom.zip")
    assert (told["Status"], told["Export Path"], told["Archive Path"]) == ("updated", told["Origin Path"], "")


def test_the_version_before_keeps_the_metadata_it_had(world: World) -> None:
    session = world.typical_session()
    acquisition = series(session)
    before = world.stored(acquisition, "t1.dicom.zip")
    in_place(world, session)
    kept = world.client.api_client.call_api(
        f"/files/{before.file_id}",
        "GET",
        {},
        [("version", 1)],
        auth_settings=["ApiKey"],
        _preload_content=False,
        _return_http_data_only=True,
    ).json()
    assert kept["info"] == before.info
    assert kept["hash"] == before.hash


def test_files_without_changes_are_left_alone_and_nothing_is_copied(world: World) -> None:
    session = world.typical_session()
    untouched = [(series(session, "Notes"), "notes.txt"), (session, "protocol.txt"), (session.subject, "consent.txt")]
    before = [world.stored(*place).to_dict() for place in untouched]
    in_place(world, session)
    assert [world.stored(*place).to_dict() for place in untouched] == before
    assert not world.export.reload().subjects()
    assert not world.archive.reload().subjects()


def test_a_forced_second_run_writes_nothing(world: World) -> None:
    session = world.typical_session()
    in_place(world, session)
    world.site.clear_requests()
    run = in_place(world, session, force_export=True)
    assert world.writes() == []
    assert {one["Status"] for one in run.log} == {"unchanged"}
    assert "Nothing to do" in run.printed


def test_what_is_corrected_later_becomes_the_version_after(world: World) -> None:
    session = world.typical_session()
    acquisition = series(session)
    in_place(world, session)
    second = acquisition.reload().read_file("t1.dicom.zip")
    world.edit(acquisition, "t1.dicom.zip", PatientName="Roe^Richard")
    in_place(world, session, force_export=True)
    file = world.stored(acquisition, "t1.dicom.zip")
    assert (file.version, file.info["export"]["before"]["version"]) == (3, 2)
    assert {str(one.PatientName) for one in instances(acquisition.read_file("t1.dicom.zip"))} == {"Roe^Richard"}
    assert [version(world, acquisition, "t1.dicom.zip", number) for number in (1, 2)] == [slices(), second]


@pytest.mark.parametrize("late", [False, True])
def test_an_archive_gets_the_originals_whenever_it_is_named(world: World, late: bool) -> None:
    session = world.typical_session()
    acquisition = series(session)
    before = world.stored(acquisition, "t1.dicom.zip")
    archive = {"archive_project": f"{world.group.id}/Archive"}
    if late:
        in_place(world, session)
        world.edit(acquisition, "t1.dicom.zip", PatientName="Roe^Richard")
        in_place(world, session, force_export=True)
    in_place(world, session, force_export=True, **archive)
    kept = series(world.copy_of(session, "Archive"))
    assert kept.read_file("t1.dicom.zip") == slices()
    assert world.stored(kept, "t1.dicom.zip").info["header"] == before.info["header"]
    assert EXPORTED in world.copy_of(session, "Archive").tags
    world.site.clear_requests()
    in_place(world, session, force_export=True, **archive)
    assert world.writes() == []


def test_the_originals_are_archived_before_anything_is_changed(world: World) -> None:
    session = world.typical_session()
    world.site.clear_requests()
    in_place(world, session, archive_project=f"{world.group.id}/Archive")
    uploads = [one.path for one in world.site.requests if one.method == "POST" and one.path.endswith("/files")]
    own = {one.id for one in session.acquisitions()}
    places = [path.split("/")[2] in own for path in uploads]
    assert places == sorted(places)
    assert True in places


def test_a_preview_writes_nothing_and_says_what_the_history_will_hold(world: World) -> None:
    session = world.typical_session()
    world.site.clear_requests()
    preview = in_place(world, session, dry_run=True)
    assert world.writes() == []
    run = in_place(world, session)
    assert [one["Status"] for one in preview.log] == [one["Status"] for one in run.log]
    size = world.stored(series(session, "Localizer"), "loc.dcm")
    assert size.version == 2
    held = len(slices()) + len(image())
    page = next(preview.output.glob("*.html")).read_text()
    assert f"{held:,} bytes" in preview.printed
    assert f"{held:,} bytes" in page


def test_metadata_that_an_importer_had_read_from_the_version_before_stay_current(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    file = world.file(acquisition, "t1.dcm", image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
    seen = {"file_id": file.file_id, "version": 1, "file_name": "t1.dcm"}
    said = {"job_info": {"inputs": {"input-file": seen}}, "metadata-extraction": {"state": "PASS"}}
    file.update_info({"qc": {"file-metadata-importer": said}})
    in_place(world, session)
    world.edit(acquisition, "t1.dcm", PatientName="Roe^Jane")
    in_place(world, session, force_export=True)
    assert world.stored(acquisition, "t1.dcm").version == 3
    assert str(instances(acquisition.read_file("t1.dcm"))[0].PatientName) == "Roe^Jane"


@pytest.mark.parametrize("edit_uids", [False, True])
def test_metadata_that_came_back_with_the_bytes_they_were_read_from_are_current(world: World, edit_uids: bool) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    edits = {"PatientName": "Doe^Jane", "StudyInstanceUID": "1.2.3.4"} if edit_uids else {"PatientName": "Doe^Jane"}
    file = world.file(acquisition, "t1.dcm", image(), edits, type="dicom", modality="MR")
    seen = {"file_id": file.file_id, "version": 1, "file_name": "t1.dcm"}
    said = {"job_info": {"inputs": {"input-file": seen}}, "metadata-extraction": {"state": "PASS"}}
    file.update_info({"qc": {"file-metadata-importer": said}})
    in_place(world, session, edit_uids=edit_uids)
    corrected = acquisition.reload().read_file("t1.dcm")
    assert world.run(session, mode="restore").code == 0
    in_place(world, session, edit_uids=edit_uids)
    assert world.stored(acquisition, "t1.dcm").version == 4
    assert acquisition.read_file("t1.dcm") == corrected


def test_metadata_that_were_read_late_from_the_version_before_are_refused(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    file = world.file(acquisition, "t1.dcm", image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
    in_place(world, session)
    old = {**file.info["header"], "dicom": {**file.info["header"]["dicom"], "PatientName": "CompressedSamples^MR1"}}
    seen = {"file_id": file.file_id, "version": 1, "file_name": "t1.dcm"}
    said = {"job_info": {"inputs": {"input-file": seen}}, "metadata-extraction": {"state": "PASS"}}
    world.stored(acquisition, "t1.dcm").update_info({"qc": {"file-metadata-importer": said}, "header": old})
    run = world.run(session, mode="in_place", force_export=True)
    assert run.code == 1
    assert "file-metadata-importer" in row(run, "t1.dcm")["Message"]
    assert world.stored(acquisition, "t1.dcm").version == 2


def test_a_file_with_a_refused_edit_keeps_its_version_and_its_session_untagged(world: World) -> None:
    session = world.typical_session()
    acquisition = series(session, "Localizer")
    world.edit(acquisition, "loc.dcm", StudyDate="no date at all")
    before = world.stored(acquisition, "loc.dcm").to_dict()
    run = world.run(session, mode="in_place")
    assert run.code == 1
    assert world.stored(acquisition, "loc.dcm").to_dict() == before
    assert EXPORTED not in session.reload().tags
    assert world.stored(series(session), "t1.dicom.zip").version == 2
    world.edit(acquisition, "loc.dcm", StudyDate="20200131")
    in_place(world, session)
    assert instances(acquisition.read_file("loc.dcm"))[0].StudyDate == "20200131"
    assert EXPORTED in session.reload().tags


def test_gear_rules_of_the_project_are_named_before_anything_is_written(world: World) -> None:
    session = world.typical_session()
    rule = {
        "gear_id": "6" * 24,
        "name": "import metadata",
        "any": [],
        "not": [],
        "all": [{"type": "file.type", "value": "dicom"}],
    }
    gear = gear_id(world)
    world.client.add_project_rule(world.quarantine.id, {**rule, "gear_id": gear})
    of_nifti = {"name": "only for nifti", "all": [{"type": "file.type", "value": "nifti"}]}
    world.client.add_project_rule(world.quarantine.id, {**rule, **of_nifti, "gear_id": gear})
    world.site.clear_requests()
    run = world.run(session, mode="in_place")
    assert run.code == 2
    assert "import metadata" in run.printed
    assert "nifti" not in run.printed
    assert world.writes() == []


def gear_id(world: World) -> str:
    manifest = {
        **dict.fromkeys(("label", "description", "author", "license", "source", "url"), "x"),
        "name": f"gear-{world.group.id}",
        "version": "1",
        "inputs": {"api-key": {"base": "api-key"}},
        "config": {},
    }
    gear = world.client.add_gear(f"gear-{world.group.id}", {"category": "utility", "gear": manifest})
    return str(getattr(gear, "id", gear))


def test_a_subjects_sessions_are_changed_and_its_files_once(world: World) -> None:
    first, second = world.typical_session(), world.typical_session(label="Visit 2")
    subject = first.subject.reload()
    world.file(subject, "head.dcm", image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
    run = in_place(world, subject)
    assert all(EXPORTED in one.reload().tags for one in (first, second))
    assert world.stored(subject, "head.dcm").version == 2
    assert sum(one["Name"] == "head.dcm" for one in run.log) == 1
    again = in_place(world, world.quarantine, force_export=True)
    assert {one["Status"] for one in again.log} == {"unchanged"}
