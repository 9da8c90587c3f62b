"""On a site with an audit trail each correction names who made it, when and why; what jobs wrote is none."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flywheel
import pytest

from demo.importer import read_header
from local_site import LocalSite
from local_site.hierarchy import changes, files
from local_site.site.auth import Identity, issue_key
from tests.faults import forked
from tests.support.gear import Run
from tests.support.world import NUMBERS, World, image, instances, slices

JOB = {"type": "job", "id": "65f0c0ffee65f0c0ffee65f0"}
WHO = ("Corrected By", "Corrected At", "Correction Reason", "Correction Source")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSite]:
    with pytest.MonkeyPatch.context() as patch, LocalSite(tmp_path_factory.mktemp("site"), change_log=True) as running:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield running


@pytest.fixture
def world(audited: LocalSite, tmp_path: Path) -> World:
    return World(audited, flywheel.Client(audited.api_key), tmp_path)


def write(world: World, file: Any, origin: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> None:
    """Let somebody change ``info.header`` of a file."""
    site = world.site.site

    def apply() -> None:
        who = Identity("", None, origin=origin, admin=True)
        changes.by(who)
        with site.store.transaction():
            doc = site.store.get("file", file.file_id)
            assert doc
            header = json.loads(json.dumps(doc["info"].get("header") or {}))
            change(header)
            files.modify_file(site, who, doc, {"info": {**doc["info"], "header": header}})

    contextvars.copy_context().run(apply)


def person(name: str) -> dict[str, Any]:
    return {"type": "user", "id": f"{name}@example.org"}


def imported(world: World, content: bytes = b"", name: str = "a.dcm") -> tuple[Any, Any]:
    """Add a session with a file whose header a job has written."""
    content = content or image()
    session = world.session()
    acquisition = session.add_acquisition(label="A")
    acquisition.upload_file(flywheel.FileSpec(name, content, "application/octet-stream"), metadata={"type": "dicom"})
    file = world.stored(acquisition, name)
    write(world, file, JOB, lambda header: header.update(read_header(content)))
    return session, world.stored(acquisition, name)


def setting(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda header: header["dicom"].update(values)


def run_of(world: World, session: Any, **config: Any) -> Run:
    return world.run(session, map_flywheel_to_dicom=False, **config)


def authors(run: Run) -> dict[str, str]:
    return {row["Path"]: row["Corrected By"] for row in run.changes}


def asked(world: World) -> list[str]:
    return [one.path for one in world.site.requests if one.path.startswith("/changes")]


def test_each_correction_names_who_made_it_and_when(world: World) -> None:
    session, file = imported(world)
    write(world, file, person("ada"), setting(PatientName="Doe^Jane"))
    write(world, file, person("bob"), setting(PatientComments="checked"))
    world.site.clear_requests()
    run = run_of(world, session)
    assert run.code == 0, run.printed
    assert authors(run) == {"PatientName": "ada@example.org", "PatientComments": "bob@example.org"}
    for row in run.changes:
        assert row["Corrected At"].endswith("+00:00")
        assert row["Correction Source"] == "audit trail"
    assert len(asked(world)) == 1
    (page,) = run.output.glob("*_report.html")
    assert "ada@example.org" in page.read_text("utf-8")
    assert "Authors are unknown" not in page.read_text("utf-8")


def test_what_a_job_wrote_last_is_no_correction_and_the_log_says_so(world: World) -> None:
    session, file = imported(world)
    write(world, file, person("ada"), setting(PatientName="Doe^Jane"))
    write(world, file, JOB, setting(PatientComments="segmented by a gear", PatientName="Roe^Rob"))
    run = run_of(world, session)
    assert run.code == 0, run.printed
    assert run.changes == []
    (row,) = [row for row in run.log if row["Container"] == "file"]
    assert f"PatientComments: last written by job {JOB['id']}" in row["Message"]
    assert "PatientName: last written by job" in row["Message"]
    (acquisition,) = world.copy_of(session).acquisitions()
    assert acquisition.read_file("a.dcm") == image()
    header = world.stored(acquisition, "a.dcm").info["header"]["dicom"]
    assert header["PatientName"] == read_header(image())["dicom"]["PatientName"]
    assert "PatientComments" not in header


def test_a_file_without_edits_is_not_asked_for(world: World) -> None:
    session, _ = imported(world, slices(), "a.zip")
    world.site.clear_requests()
    assert run_of(world, session).code == 0
    assert asked(world) == []


def test_a_file_whose_version_is_older_than_the_trail_is_asked_for_once(world: World) -> None:
    session, _ = imported(world)
    (acquisition,) = session.acquisitions()
    world.site.configure(change_log=False)
    try:
        file = world.file(acquisition, "a.dcm", image(), {"PatientName": "Doe^Jane"}, type="dicom")
    finally:
        world.site.configure(change_log=True)
    assert file.version == 2
    world.site.clear_requests()
    assert authors(run_of(world, session)) == {"PatientName": ""}
    assert len(asked(world)) == 1


def test_a_value_that_comes_back_by_a_persons_hand_is_exported_again(world: World) -> None:
    session, file = imported(world)
    write(world, file, JOB, setting(PatientComments="checked"))
    assert run_of(world, session).changes == []
    write(world, file, person("ada"), setting(PatientComments="wrong"))
    write(world, file, person("ada"), setting(PatientComments="checked"))
    run = run_of(world, session, force_export=True)
    assert authors(run) == {"PatientComments": "ada@example.org"}
    (acquisition,) = world.copy_of(session).acquisitions()
    (instance,) = instances(acquisition.read_file("a.dcm"))
    assert instance.PatientComments == "checked"
    world.site.clear_requests()
    run_of(world, session, force_export=True)
    assert not [one for one in world.site.requests if one.method in ("PUT", "PATCH", "DELETE")]


def test_a_later_run_tells_the_authors_of_what_an_earlier_one_made(world: World) -> None:
    session, file = imported(world)
    write(world, file, person("ada"), setting(PatientName="Doe^Jane", PatientBirthDate="no date"))
    first = run_of(world, session, on_refused_edit="export")
    again = run_of(world, session, on_refused_edit="export", force_export=True)
    for run in (first, again):
        assert authors(run) == dict.fromkeys(("PatientName", "PatientBirthDate"), "ada@example.org")
    whole = [sorted(tuple(row[name] for name in WHO) for row in run.changes) for run in (first, again)]
    assert whole[0] == whole[1]


def test_entries_of_slices_and_items_name_their_authors(world: World) -> None:
    session, file = imported(world, slices(), "a.zip")

    def correct(header: dict[str, Any]) -> None:
        header["dicom"]["RequestAttributesSequence"] = [{"ScheduledProcedureStepID": "7"}]

    write(world, file, person("ada"), correct)
    write(world, file, person("bob"), lambda header: header.update(dicom_array={"SliceLocation": [1.5, None, None]}))
    run = run_of(world, session, on_refused_edit="export")
    assert run.code == 0, run.printed
    assert {path.split("[")[0].split(".")[0]: who for path, who in authors(run).items()} == {
        "RequestAttributesSequence": "ada@example.org",
        "SliceLocation": "bob@example.org",
    }


def test_what_a_person_wrote_is_exported_though_an_importer_could_have(world: World) -> None:
    """Without a trail a text cut off where its VR ends may be an importer's."""
    content = with_value("PatientComments", "x" * 10_300)
    session, file = imported(world, content)
    cut = setting(PatientComments="x" * 10_240)
    write(world, file, person("ada"), cut)
    run = run_of(world, session)
    assert authors(run) == {"PatientComments": "ada@example.org"}
    session, file = imported(world, content)
    write(world, file, JOB, cut)
    assert run_of(world, session).changes == []


def with_value(keyword: str, value: str) -> bytes:
    (instance,) = instances(image())
    setattr(instance, keyword, value)
    import io

    target = io.BytesIO()
    instance.save_as(target)
    return target.getvalue()


@pytest.mark.parametrize("level", ["hash", "none"])
def test_names_are_told_where_values_are_not(world: World, level: str) -> None:
    session, file = imported(world)
    write(world, file, person("ada"), setting(PatientName="Doe^Jane"))
    run = run_of(world, session, log_values=level)
    assert authors(run) == {"PatientName": "ada@example.org"}
    assert "Doe^Jane" not in str(run.changes)


def test_without_an_audit_trail_everything_is_as_before_and_authors_are_unknown(world: World) -> None:
    session, file = imported(world)
    write(world, file, JOB, setting(PatientComments="by a job"))
    other = world.file(session.add_acquisition(label="B"), "b.dcm", image(), {"PatientName": "Doe^Jane"}, type="dicom")
    assert other
    world.site.configure(change_log=False)
    world.site.clear_requests()
    try:
        run = run_of(world, session)
    finally:
        world.site.configure(change_log=True)
    assert authors(run) == {"PatientComments": "", "PatientName": ""}
    assert len(asked(world)) == 1
    (page,) = run.output.glob("*_report.html")
    assert "Authors are unknown" in page.read_text("utf-8")


@pytest.mark.parametrize("status", [403, 404, 501])
def test_a_site_that_shows_no_audit_trail_is_asked_once(world: World, status: int) -> None:
    session, file = imported(world)
    write(world, file, person("ada"), setting(PatientName="Doe^Jane"))
    world.file(session.add_acquisition(label="B"), "b.dcm", image(), {"PatientName": "Doe^Jane"}, type="dicom")
    world.site.fault("status", method="GET", route="^/changes/", status=status)
    world.site.clear_requests()
    try:
        run = run_of(world, session)
    finally:
        world.site.clear_faults()
    assert run.code == 0, run.printed
    assert len(run.changes) == 2
    assert len(asked(world)) == 1
    assert "Authors are unknown" in run.printed


@pytest.mark.parametrize("can_restore", [True, False])
@pytest.mark.parametrize(("typed", "later"), [("2024-02-01", ""), ("20240201", "20240303")])
def test_a_correction_that_a_job_brought_back_is_still_the_curators(
    world: World, typed: str, later: str, can_restore: bool
) -> None:
    session, file = imported(world)
    (acquisition,) = session.acquisitions()
    user, _, _ = world.site.api_key.rpartition(":")
    key = issue_key(world.site.site.store, world.client.get_current_user().id, origin=JOB)

    def go(**config: Any) -> Run:
        folder, where = world.folder / f"gear-{next(NUMBERS)}", ("session", session.id)
        return forked.run(folder, f"{user}:{key}", where, {"map_flywheel_to_dicom": False, **config})

    write(world, file, person("ada"), setting(StudyDate=typed))
    assert go(mode="in_place").code == 0
    if later:
        write(world, file, person("bob"), setting(StudyDate=later))
    if not can_restore:
        world.site.fault("status", method="POST", route="/files/[0-9a-f]+/restore", status=404)
    run = go(mode="restore", force_export=bool(later))
    world.site.clear_faults()
    assert (run.code, acquisition.read_file("a.dcm")) == (0, image()), run.printed
    run = go(mode="in_place")
    assert (run.code, authors(run)) == (0, {"StudyDate": "ada@example.org"}), run.printed
    (instance,) = instances(acquisition.read_file("a.dcm"))
    assert instance.StudyDate == "20240201"
