"""What ``mode: restore`` brings back, what it leaves, and what it says: judged on the site and in the log.

Versions made in place are played by hand, with the record that one bears.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import flywheel
import pytest

from demo.importer import read_header
from tests.faults import forked
from tests.support.gear import Run
from tests.support.middlebox import Handler, Reply, middlebox
from tests.support.world import NUMBERS, World, image

NAME = "t1.dcm"
QC = {"session-export": {"job_info": {}, "export": {"state": "PASS", "mode": "in_place"}}}


def go(world: World, destination: Any, *, api_key: str = "", **config: Any) -> Run:
    """Run the gear on a container."""
    folder = world.folder / f"gear-{next(NUMBERS)}"
    where = (destination.container_type, destination.id)
    return forked.run(folder, api_key or world.site.api_key, where, world.config(**config))


def sha(content: bytes, kind: str = "sha384") -> str:
    return hashlib.new(kind, content).hexdigest()


def rewritten(content: bytes) -> bytes:
    return content.replace(b"TOSHIBA", b"Toshiba")


def in_place(world: World, container: Any, name: str, **more: Any) -> None:
    """Make the next version of a file as a run in place makes it."""
    old = world.stored(container, name)
    content = bytes(container.read_file(name))
    new = rewritten(content) + b"\0" * old.version
    info = {key: value for key, value in old.info.items() if key != "export"}
    mark = {
        "origin_id": sha(old.file_id.encode(), "sha256"),
        "origin_version": old.version,
        "mode": "in_place",
        "version": old.version + 1,
        "size": len(new),
        "sha384": sha(new),
        "before": {
            "file_id": old.file_id,
            "version": old.version,
            "size": len(content),
            "sha384": sha(content),
            "hash": old.hash,
        },
    }
    header = {**info.get("header", {}), "rewritten": True}
    metadata = {
        "type": old.type,
        "modality": old.modality,
        "classification": old.classification,
        "tags": list(old.tags),
        "info": {**info, "header": header, "export": {**mark, **more}, "qc": QC},
    }
    container.upload_file(flywheel.FileSpec(name, new, "application/octet-stream"), metadata=metadata)


def session_in_place(world: World) -> Any:
    """Add a session that was exported in place, with one file that was changed and one that was not."""
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    world.file(acquisition, NAME, image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR", tags=["keep"])
    world.file(acquisition, "notes.txt", b"moved a little")
    file = world.stored(acquisition, NAME)
    file.replace_classification({"Intent": ["Structural"]})
    file.update_info({"mine": {"rating": 4}, "qc": {"other-gear": {"state": "PASS"}}})
    in_place(world, acquisition, NAME)
    mark_exported(session)
    return session.reload()


def mark_exported(session: Any) -> None:
    session.update_info({"qc": {**QC, "other-gear": {"state": "PASS"}}})
    session.add_tag("EXPORTED")


def of(session: Any) -> Any:
    return session.acquisitions()[0]


def metadata(file: Any) -> dict[str, Any]:
    return {key: getattr(file, key) for key in ("type", "modality", "classification", "tags", "info")}


def row(run: Run, name: str) -> dict[str, str]:
    (found,) = [each for each in run.log if each["Name"] == name]
    return found


@pytest.fixture(autouse=True)
def well_behaved(world: World) -> Iterator[None]:
    """Faults end with their test."""
    yield
    world.site.clear_faults()


def test_bytes_and_metadata_of_the_version_before_come_back(world: World) -> None:
    session = session_in_place(world)
    before = world.client.get_file(world.stored(of(session), NAME).file_id, version=1)
    run = go(world, session, mode="restore", export_project=None)
    assert run.code == 0, run.printed
    file = world.stored(of(session), NAME)
    assert (file.version, sha(of(session).read_file(NAME))) == (3, sha(image()))
    assert metadata(file) == metadata(before)
    assert file.info["header"]["dicom"]["PatientName"] == "Doe^Jane"
    assert row(run, NAME)["Verified"] == "size and hash"
    assert "version 1" in row(run, NAME)["Message"]
    assert (row(run, NAME)["Status"], row(run, "notes.txt")["Status"]) == ("updated", "unchanged")
    session = session.reload()
    assert "EXPORTED" not in session.tags
    assert session.info["qc"] == {"other-gear": {"state": "PASS"}}


def test_a_second_run_writes_nothing(world: World) -> None:
    session = session_in_place(world)
    assert go(world, session, mode="restore").code == 0
    world.site.clear_requests()
    run = go(world, session, mode="restore")
    assert (run.code, world.writes()) == (0, []), run.printed
    assert {each["Status"] for each in run.log} == {"unchanged"}


def test_a_preview_says_what_would_come_back_and_writes_nothing(world: World) -> None:
    session = session_in_place(world)
    world.site.clear_requests()
    run = go(world, session, mode="restore", dry_run=True)
    assert (run.code, world.writes()) == (0, []), run.printed
    assert row(run, NAME)["Status"] == "updated"
    assert "version 1, from before version 2, would come back" in row(run, NAME)["Message"]


def test_where_the_site_cannot_restore_the_version_is_sent_again(world: World) -> None:
    session = session_in_place(world)
    before = world.client.get_file(world.stored(of(session), NAME).file_id, version=1)
    world.site.fault("status", method="POST", route="/files/[0-9a-f]+/restore", status=404)
    run = go(world, session, mode="restore")
    assert run.code == 0, run.printed
    file = world.stored(of(session), NAME)
    assert (file.version, file.restored_from, sha(of(session).read_file(NAME))) == (3, None, sha(image()))
    assert metadata(file) == metadata(before)


def test_a_newer_version_of_somebody_else_stays_and_is_said(world: World) -> None:
    session = session_in_place(world)
    world.file(of(session), NAME, b"newer")
    for _ in range(2):
        world.site.clear_requests()
        run = go(world, session, mode="restore")
        assert (run.code, world.writes()) == (1, [])
        assert "version 3 was put there after version 2" in row(run, NAME)["Message"]
        assert of(session).read_file(NAME) == b"newer"
        assert "EXPORTED" in session.reload().tags  # nothing of it was touched


def test_a_version_that_came_after_a_restore_is_nobody_elses_business(world: World) -> None:
    session = session_in_place(world)
    assert go(world, session, mode="restore").code == 0
    world.file(of(session), NAME, b"newer")
    world.site.clear_requests()
    run = go(world, session, mode="restore")
    assert (run.code, world.writes()) == (0, []), run.printed


def test_metadata_that_were_edited_since_stay_unless_forced(world: World) -> None:
    session = session_in_place(world)
    file = world.stored(of(session), NAME)
    file.update_info({"export": {**file.info["export"], "bears": "of before the edit"}})
    world.edit(of(session), NAME, PatientName="Roe^Jane")
    run = go(world, session, mode="restore")
    assert run.code == 1
    assert "edited after version 2" in row(run, NAME)["Message"]
    assert world.stored(of(session), NAME).version == 2
    run = go(world, session, mode="restore", force_export=True)
    assert run.code == 0, run.printed
    assert world.stored(of(session), NAME).info["header"]["dicom"]["PatientName"] == "Doe^Jane"
    kept = world.client.get_file(file.file_id, version=2)
    assert kept.info["header"]["dicom"]["PatientName"] == "Roe^Jane"


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ({"version": 7}, "version 7, which was there before version 2, is gone"),
        ({"sha384": "0" * 96}, "does not hold the bytes any more"),
        ({"size": 1}, "does not hold the bytes any more"),
        ({"file_id": "6" * 24}, "tells of another file"),
    ],
)
def test_what_cannot_come_back_is_said(before: dict[str, Any], said: str, world: World) -> None:
    session = session_in_place(world)
    file = world.stored(of(session), NAME)
    mark = file.info["export"]
    file.update_info({"export": {**mark, "before": {**mark["before"], **before}}})
    run = go(world, session, mode="restore")
    assert run.code == 1
    assert said in row(run, NAME)["Message"]
    assert world.stored(of(session), NAME).version == 2


def test_one_file_that_cannot_come_back_keeps_none_of_the_others(world: World) -> None:
    session = session_in_place(world)
    acquisition = session.add_acquisition(label="T2")
    world.file(acquisition, "t2.dcm", image(), {}, type="dicom")
    in_place(world, acquisition, "t2.dcm")
    world.file(acquisition, "t2.dcm", b"newer")
    run = go(world, session, mode="restore")
    assert run.code == 1
    assert (row(run, NAME)["Status"], row(run, "t2.dcm")["Status"]) == ("updated", "failed")
    session = session.reload()
    assert "EXPORTED" not in session.tags
    assert session.info["qc"]["session-export"]["export"]["state"] == "FAIL"
    world.site.clear_requests()
    assert (go(world, session, mode="restore").code, world.writes()) == (1, [])
    world.client.restore_file(world.stored(acquisition, "t2.dcm").file_id, 1, evaluate_gear_rules=False)
    assert go(world, session, mode="restore").code == 0  # a person has done it
    assert session.reload().info["qc"] == {"other-gear": {"state": "PASS"}}


def test_a_version_made_in_place_of_one_made_in_place_gives_way_to_that(world: World) -> None:
    session = session_in_place(world)
    second = of(session).read_file(NAME)
    in_place(world, of(session), NAME)
    assert go(world, session, mode="restore").code == 0
    file = world.stored(of(session), NAME)
    assert (file.version, of(session).read_file(NAME)) == (4, second)
    assert (file.info["export"]["version"], file.info["export"]["before"]["version"]) == (4, 1)
    world.site.clear_requests()
    run = go(world, session, mode="restore")
    assert (run.code, world.writes()) == (0, []), run.printed


def test_a_session_in_which_nothing_had_to_change_is_as_before_the_run(world: World) -> None:
    session = world.session()
    world.file(session.add_acquisition(label="T1"), "notes.txt", b"moved a little")
    session.update_info({"qc": QC})
    session.add_tag("EXPORTED")
    assert go(world, session, mode="restore").code == 0
    session = session.reload()
    assert ("EXPORTED" in session.tags, session.info) == (False, {})


def test_an_origin_of_copies_is_left(world: World) -> None:
    session = world.typical_session()
    assert go(world, session).code == 0
    world.site.clear_requests()
    run = go(world, session, mode="restore")
    assert (run.code, world.writes()) == (0, []), run.printed
    assert "EXPORTED" in session.reload().tags


def test_a_session_of_copies_goes_back_by_one_export(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    world.file(acquisition, NAME, image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
    world.file(acquisition, "notes.txt", b"moved a little")
    assert go(world, session).code == 0
    copy = world.copy_of(session)
    before = metadata(world.stored(of(copy), NAME))
    content = of(copy).read_file(NAME)
    world.edit(acquisition, NAME, PatientName="Roe^Jane")
    assert go(world, session, force_export=True).code == 0
    assert of(copy).read_file(NAME) != content
    run = go(world, copy, mode="restore")
    assert run.code == 0, run.printed
    assert of(copy).read_file(NAME) == content
    after = metadata(world.stored(of(copy), NAME))
    assert after["info"]["export"].pop("version") == 3
    assert after["info"]["export"].pop("restored") == before["info"]["export"].pop("version") == 1
    assert after == before
    assert row(run, "notes.txt")["Status"] == "skipped"
    assert "first version" in row(run, "notes.txt")["Message"]
    copy = copy.reload()
    assert ("EXPORTED" in copy.tags, set(copy.info)) == (False, {"export"})
    assert "EXPORTED" in session.reload().tags
    world.site.clear_requests()
    assert (go(world, copy, mode="restore").code, world.writes()) == (0, [])
    assert go(world, session, force_export=True).code == 0  # which takes the copy on again
    assert world.stored(of(copy), NAME).info["header"]["dicom"]["PatientName"] == "Roe^Jane"


def test_a_copy_whose_note_did_not_come_through_is_finished_by_the_next_run(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    world.file(acquisition, NAME, image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
    assert go(world, session).code == 0
    world.edit(acquisition, NAME, PatientName="Roe^Jane")
    assert go(world, session, force_export=True).code == 0
    copy = world.copy_of(session)
    fault = world.site.fault("status", method="PATCH", route=f"/files/{NAME}/info", status=403, times=1)
    assert (go(world, copy, mode="restore").code, fault.struck) == (1, True)
    assert "EXPORTED" not in copy.reload().tags
    run = go(world, copy, mode="restore")
    assert run.code == 0, run.printed
    export = world.stored(of(copy), NAME).info["export"]
    assert (export["version"], export["restored"]) == (3, 1)
    world.site.clear_requests()
    assert (go(world, copy, mode="restore").code, world.writes()) == (0, [])


def test_bytes_that_are_back_without_their_metadata_get_them(world: World) -> None:
    session = session_in_place(world)
    file = world.stored(of(session), NAME)
    before = world.client.get_file(file.file_id, version=1)
    content = flywheel.FileSpec(NAME, image(), "application/octet-stream")
    of(session).upload_file(content, metadata=metadata(file))  # as a site might bring them back that keeps the newest
    run = go(world, session, mode="restore")
    assert run.code == 0, run.printed
    back = world.stored(of(session), NAME)
    assert (back.version, metadata(back)) == (3, metadata(before))


def test_an_upload_of_a_copy_that_arrived_damaged_is_never_brought_back(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    world.file(acquisition, NAME, image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
    assert go(world, session).code == 0
    world.edit(acquisition, NAME, PatientName="Roe^Jane")
    world.site.fault("corrupt", method="PUT", route="^/signed/upload/", times=1)
    assert go(world, session, force_export=True).code == 0
    copy = world.copy_of(session)
    assert world.stored(of(copy), NAME).version == 3
    run = go(world, copy, mode="restore")
    assert run.code == 1
    assert "version 2, which was there before version 3, bears no record" in row(run, NAME)["Message"]
    assert world.stored(of(copy), NAME).version == 3


def test_where_the_site_states_no_hash_all_is_downloaded_and_compared(world: World) -> None:
    session = session_in_place(world)

    def hide(handler: Handler, reply: Reply) -> None:
        handler.send(Reply(reply.status, reply.headers, re.sub(rb'"hash": ?"[^"]*"', b'"hash": ""', reply.body)))

    with middlebox(world.site.api_key) as box:
        box.act("GET|POST", "^/(subjects|sessions|acquisitions|files)/[^/]+(/files|/restore)?$", how=hide, forward=True)
        run = go(world, session, mode="restore", api_key=box.api_key)
        assert run.code == 0, run.printed
        again = go(world, session, mode="restore", api_key=box.api_key)
    assert row(run, NAME)["Verified"] == "read back"
    assert sha(of(session).read_file(NAME)) == sha(image())
    assert (again.code, {each["Status"] for each in again.log}) == (0, {"unchanged"})


def test_an_interrupted_run_in_place_that_sent_twice_is_undone(world: World) -> None:
    session = session_in_place(world)
    sent = metadata(world.stored(of(session), NAME))
    sent["info"]["export"]["pending"] = True
    content = flywheel.FileSpec(NAME, of(session).read_file(NAME), "application/octet-stream")
    of(session).upload_file(content, metadata=sent)  # with the number of the version that it was to be
    run = go(world, session, mode="restore")
    assert run.code == 0, run.printed
    assert (sha(of(session).read_file(NAME)), world.stored(of(session), NAME).version) == (sha(image()), 4)


def test_an_upload_that_an_interrupted_run_covered_is_not_passed_over(world: World) -> None:
    session = session_in_place(world)
    sent, made = metadata(world.stored(of(session), NAME)), of(session).read_file(NAME)
    sent["info"]["export"]["pending"] = True
    for content, described in ((b"newer", {}), (made, sent)):
        of(session).upload_file(flywheel.FileSpec(NAME, content, "application/octet-stream"), metadata=described)
    run = go(world, session, mode="restore")
    assert run.code == 1
    assert "version 3 was put there while version 4 was made" in row(run, NAME)["Message"]
    assert world.stored(of(session), NAME).version == 4


def test_a_subjects_sessions_go_back_and_its_files_once(world: World) -> None:
    sessions = [world.session(label=label) for label in ("Visit 1", "Visit 2")]
    subject = sessions[0].subject.reload()
    world.file(subject, "form.dcm", image(), {}, type="dicom")
    in_place(world, subject, "form.dcm")
    for session in sessions:
        world.file(session.add_acquisition(label="T1"), NAME, image(), {}, type="dicom")
        in_place(world, of(session), NAME)
        mark_exported(session)
    run = go(world, subject, mode="restore")
    assert run.code == 0, run.printed
    assert [sha(of(session).read_file(NAME)) for session in sessions] == [sha(image())] * 2
    assert (sha(subject.read_file("form.dcm")), world.stored(subject, "form.dcm").version) == (sha(image()), 3)
    assert row(run, "form.dcm")["Status"] == "updated"


@pytest.mark.parametrize("corrected", [False, True])
def test_what_gear_rules_made_of_a_new_version_is_no_edit_but_a_correction_is(world: World, corrected: bool) -> None:
    session = world.typical_session()
    original = of(session).read_file("t1.dicom.zip")
    assert go(world, session, mode="in_place").code == 0
    manifest = {
        **dict.fromkeys(("label", "description", "author", "license", "source", "url"), "x"),
        "name": f"importer-{world.group.id}",
        "version": "1",
        "config": {},
        "inputs": {"dicom": {"base": "file", "type": {"enum": ["dicom"]}}},
    }
    gear = world.client.add_gear(manifest["name"], {"category": "utility", "gear": manifest})
    rule = {"name": "r", "any": [], "not": [], "all": [{"type": "file.type", "value": "dicom"}]}
    world.client.add_project_rule(world.quarantine.id, {**rule, "gear_id": getattr(gear, "id", gear)})
    file = world.stored(of(session), "t1.dicom.zip")  # an importer reads it again, and a classifier judges it
    header = read_header(of(session).read_file("t1.dicom.zip"))
    header["dicom"] |= {"PatientName": "Roe^Jane"} if corrected else {}
    file.update_info({"header": header, "score": 3})
    file.replace_classification({"Intent": ["Functional"]})
    run = go(world, session, mode="restore")
    assert run.code == corrected, run.printed
    assert (of(session).read_file("t1.dicom.zip") == original) is not corrected


def test_two_runs_at_once_bring_back_once_what_was_there(world: World) -> None:
    session = session_in_place(world)
    with ThreadPoolExecutor(2) as threads:
        runs = list(threads.map(lambda _: go(world, session, mode="restore"), range(2)))
    again = go(world, session, mode="restore")
    assert [run.code for run in (*runs, again)] == [0] * 3, [run.printed for run in runs]
    assert sha(of(session).read_file(NAME)) == sha(image())
    assert {each["Status"] for each in again.log} == {"unchanged"}
    assert (session.reload().tags, session.reload().info["qc"]) == ([], {"other-gear": {"state": "PASS"}})


def test_the_page_says_what_came_back_and_raises_no_alarm(world: World) -> None:
    session = session_in_place(world)
    run = go(world, session, mode="restore")
    page = next(run.output.glob("*_report.html")).read_text(encoding="utf-8")
    assert "Brought back and verified: 1 file of 1 session." in page
    assert "Version 1, from before version 2, is back with its metadata, as version 3." in page
    assert "Nothing needs attention" in page
    assert "exported" not in page.partition("<main>")[2].partition('<section id="settings"')[0].lower()


@pytest.mark.parametrize("archived", [False, True])
def test_what_a_run_made_in_place_goes_back_and_can_be_made_again(world: World, archived: bool) -> None:
    session = world.typical_session()
    before = state(world, session)
    archive: dict[str, Any] = {"archive_project": f"{world.group.id}/Archive"} if archived else {}
    assert go(world, session, mode="in_place", **archive).code == 0
    there = state(world, session)
    assert there != before
    run = go(world, session, mode="restore")
    assert run.code == 0, run.printed
    assert state(world, session) == before
    (own,) = [each for each in run.log if each["Container"] == "session"]
    assert ("archive project are left" in own["Message"]) is archived
    world.site.clear_requests()
    assert (go(world, session, mode="restore").code, world.writes()) == (0, [])
    assert go(world, session, mode="in_place", **archive).code == 0
    assert state(world, session)[0] == there[0]


def test_an_edit_made_after_the_run_in_place_is_not_hidden(world: World) -> None:
    session = world.typical_session()
    assert go(world, session, mode="in_place").code == 0
    world.edit(of(session), "t1.dicom.zip", PatientName="Roe^Jane")
    run = go(world, session, mode="restore")
    assert run.code == 1
    assert "edited after version 2" in row(run, "t1.dicom.zip")["Message"]
    assert row(run, "loc.dcm")["Status"] == "updated"
    assert world.stored(of(session), "t1.dicom.zip").info["header"]["dicom"]["PatientName"] == "Roe^Jane"


def state(world: World, session: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what there is of a session: the bytes of its files, and its metadata and theirs."""
    session = session.reload()
    containers = [session.subject.reload(), session, *(one.reload() for one in session.acquisitions())]
    files = [(one, file) for one in containers for file in one.files]
    described = {f"{one.label}/{file.name}": metadata(file) for one, file in files}
    borne = {one.label: {"tags": sorted(one.tags), "info": one.info} for one in containers}
    return {f"{one.label}/{file.name}": sha(one.read_file(file.name)) for one, file in files}, {**described, **borne}


def test_other_sessions_whose_subjects_files_come_back_are_named(world: World) -> None:
    session, other = session_in_place(world), world.session(label="Visit 2")
    subject = session.subject.reload()
    world.file(subject, "s.dcm", image(), {}, type="dicom")
    in_place(world, subject, "s.dcm")
    mark_exported(other)
    for preview in (True, False):
        run = go(world, session, mode="restore", dry_run=preview)
        assert run.code == 0, run.printed
        (said,) = [each["Message"] for each in run.log if each["Container"] == "session"]
        assert "files on the subject come back" in said
        assert said.endswith(": Visit 2")
    assert "EXPORTED" in other.reload().tags
    run = go(world, other, mode="restore")
    assert (run.code, "EXPORTED" in other.reload().tags) == (0, False)
    assert "files on the subject" not in "".join(each["Message"] for each in run.log)


@pytest.mark.parametrize("settled", [False, True])
def test_edits_of_a_version_that_a_run_could_not_record_stay_unless_forced(world: World, settled: bool) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T1")
    world.file(acquisition, NAME, image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR", tags=["keep"])
    fault = world.site.fault("status", method="PATCH", route=f"/files/{NAME}/info", status=403)
    assert (go(world, session, mode="in_place").code, fault.struck) == (1, True)
    world.site.clear_faults()
    assert world.stored(acquisition, NAME).info["export"]["pending"]
    if settled:
        assert go(world, session, mode="in_place").code == 0
    assert world.stored(acquisition, NAME).version == 2
    world.edit(acquisition, NAME, PatientName="Roe^Jane")
    run = go(world, session, mode="restore")
    assert (run.code, world.stored(acquisition, NAME).version) == (1, 2), run.printed
    assert "edited after version 2" in row(run, NAME)["Message"]
    world.edit(acquisition, NAME, PatientName="Doe^Jane")
    run = go(world, session, mode="restore")
    assert (run.code, acquisition.read_file(NAME)) == (0, image()), run.printed
