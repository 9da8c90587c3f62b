"""What a regulated site does not allow is said before anything is written, each in a line with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flywheel
import pytest

from local_site import LocalSite
from tests.support.world import World, image


@pytest.fixture(scope="module")
def regulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSite]:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch, LocalSite(folder, change_log=True, audit_trail=True) as running:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield running


@pytest.fixture
def world(regulated: LocalSite, tmp_path: Path) -> World:
    return World(regulated, flywheel.Client(regulated.api_key), tmp_path)


def writes(world: World) -> list[Any]:
    reading = ("GET", "HEAD")
    return [one for one in world.site.requests if one.method not in reading and not one.path.endswith("/lookup")]


@pytest.mark.parametrize("which", ["quarantine", "export", "archive"])
def test_a_locked_project_is_named_before_anything_is_written(world: World, which: str) -> None:
    session = world.typical_session()
    world.site.lock(getattr(world, which).id, "study_closed")
    world.site.clear_requests()
    run = world.run(session, archive_project=f"{world.group.id}/Archive")
    assert run.code == 2, run.printed
    (line,) = [line for line in run.printed.splitlines() if "locked" in line]
    assert f"{world.group.id}/{which.capitalize()} is locked (study_closed)" in line
    assert "unlock" in line
    assert writes(world) == []
    world.site.lock(getattr(world, which).id, None)
    assert world.run(session, archive_project=f"{world.group.id}/Archive").code == 0


def test_a_preview_needs_no_project_unlocked(world: World) -> None:
    session = world.typical_session()
    world.site.lock(world.quarantine.id)
    assert world.run(session, dry_run=True).code == 0


@pytest.mark.parametrize("whole_project", [True, False])
def test_malware_in_a_file_is_said_before_its_session_is_copied(world: World, whole_project: bool) -> None:
    bad, good = world.session(), world.session(label="Visit 2")
    for session in (bad, good):
        world.file(session.add_acquisition(label="A"), "a.dcm", image(), type="dicom", modality="MR")
        world.file(session, "a.txt", b"text")
    world.site.flag(world.stored(bad, "a.txt").file_id, "Eicar")
    world.site.flag(world.stored(bad.acquisitions()[0], "a.dcm").file_id, "Trojan")
    world.site.clear_requests()
    run = world.run(world.quarantine.reload() if whole_project else bad)
    assert run.code == (1 if whole_project else 2), run.printed
    for name, threat in (("a.txt", "Eicar"), ("a.dcm", "Trojan")):
        assert f"{name}: the site found malware in it ({threat})" in run.printed
    if whole_project:
        assert [one.label for one in world.export.sessions()] == ["Visit 2"]
        assert "EXPORTED" in good.reload().tags
    else:
        assert writes(world) == []
    assert "EXPORTED" not in bad.reload().tags


def test_a_file_that_is_not_exported_may_hold_anything(world: World) -> None:
    session = world.session()
    world.file(session.add_acquisition(label="A"), "a.txt", b"text")
    world.file(session, "bad.txt", b"bad")
    world.site.flag(world.stored(session, "bad.txt").file_id)
    assert world.run(session, export_attachments=False).code == 0
    world.site.flag(world.stored(session.acquisitions()[0], "a.txt").file_id)
    assert world.run(session, export_attachments=False).code == 0  # nothing is left to do


def test_what_is_deleted_is_deleted_with_a_reason(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    copy = world.copy_of(session)
    twin = copy.subject.reload().add_session(label=copy.label, info={"export": dict(copy.info["export"])})
    run = world.run(session, force_export=True)
    assert run.code == 0, run.printed
    assert [one.id for one in world.export.sessions()] == [copy.id]
    last = world.client.get_change_log("session", twin.id).changes[-1]
    assert (last.method, last.reason) == ("DELETE", "container_is_empty")


def test_a_key_that_may_not_read_files_is_refused(world: World) -> None:
    session = world.typical_session()
    actions = ["containers_view_metadata", "containers_modify_metadata", "files_view_metadata", "tags_manage"]
    role = world.client.add_role({"label": f"No files {world.group.id}", "actions": actions})
    key = world.site.add_user("blind@example.org")
    world.site.grant("blind@example.org", world.export.id, "rw")
    world.quarantine.add_permission({"_id": "blind@example.org", "role_ids": [role.id]})
    run = world.run(session, api_key=key)
    assert run.code == 2, run.printed
    assert f"may not download files in {world.group.id}/Quarantine" in run.printed
