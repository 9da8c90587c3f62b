"""Copies made by the server, and bulk helpers."""

from __future__ import annotations

import time
from typing import Any

import flywheel
import pytest

from tests.contract.wire import Wire, conforms, fresh, key_of

EVERYTHING: dict[str, Any] = {"filter": {"exclude_empty_containers": False}}


@pytest.fixture
def elsewhere(group: Any) -> Any:
    return group.add_project(label="Elsewhere")


@pytest.fixture
def source(session: Any, acquisition: Any, wire: Wire) -> Any:
    """A tagged session: one acquisition with two files (one of them twice), one empty acquisition."""
    session.add_tag("t")
    session.add_note("n")
    for content in (b"old", b"new"):
        wire.upload(f"/acquisitions/{acquisition.id}", "a.dcm", content)
    wire.upload(f"/acquisitions/{acquisition.id}", "b.txt", b"text")
    acquisition.reload().get_file("a.dcm").update_info({"k": 1})
    session.add_acquisition(label="empty")
    return session


def names(container: Any) -> list[str]:
    return sorted(f.name for f in container.reload().files)


def test_session_copy_is_by_reference_and_synchronous(
    source: Any, elsewhere: Any, wire: Wire, fw: flywheel.Client
) -> None:
    made = wire.post(f"/sessions/{source.id}/copy", {"dst_project_id": elsewhere.id, "filter": {}})
    conforms(made, "Session", "_id", "label", "copy_of", "copy_status")
    copy = fw.get_session(made["_id"])
    assert (copy.label, copy.project, copy.copy_of, copy.original_copy_of) == (
        "Ses 1",
        elsewhere.id,
        source.id,
        source.id,
    )
    assert copy.subject.label == "sub-01"
    assert (copy.tags, [n.text for n in copy.notes]) == (["t"], ["n"])
    (acquisition,) = copy.acquisitions()
    assert acquisition.label == "Acq 1", "empty containers are left out by default"
    copied = acquisition.reload().get_file("a.dcm")
    original = fw.lookup(f"{source.group}/Proj/sub-01/Ses 1/Acq 1").get_file("a.dcm")
    assert (copied.read(), copied.version, copied.hash, copied.info) == (b"new", 1, original.hash, {"k": 1})
    assert copied.file_id != original.file_id
    assert (copied.copy_of.file_id, copied.copy_of.version) == (original.file_id, 2)


def test_copied_file_is_not_deleted_without_force(source: Any, elsewhere: Any, wire: Wire, fw: flywheel.Client) -> None:
    made = wire.post(f"/sessions/{source.id}/copy", {"dst_project_id": elsewhere.id, **EVERYTHING})
    acquisition = next(a for a in fw.get_session_acquisitions(made["_id"]) if a.label == "Acq 1")
    path = f"/acquisitions/{acquisition.id}/files/a.dcm"
    wire.delete(path, status=409)
    wire.delete(path, force="true")
    assert fw.lookup(f"{source.group}/Proj/sub-01/Ses 1/Acq 1").read_file("a.dcm") == b"new"


def test_source_is_not_deleted_while_copies_of_it_exist(
    source: Any, elsewhere: Any, wire: Wire, fw: flywheel.Client
) -> None:
    made = wire.post(f"/sessions/{source.id}/copy", {"dst_project_id": elsewhere.id, "filter": {}})
    (acquisition,) = fw.get_session_acquisitions(made["_id"])
    source_acquisition = next(one for one in source.acquisitions() if one.label == "Acq 1")
    for path in (f"/sessions/{source.id}", f"/subjects/{source.subject.id}", f"/acquisitions/{source_acquisition.id}"):
        assert "copy" in wire.delete(path, status=409)["message"]
    wire.delete(f"/acquisitions/{source_acquisition.id}/files/a.dcm", status=409)
    assert acquisition.reload().read_file("a.dcm") == b"new"
    fw.delete_session(made["_id"])
    fw.delete_session(source.id)


def test_source_and_copy_are_deleted_together(source: Any, wire: Wire, fw: flywheel.Client) -> None:
    wire.post(f"/sessions/{source.id}/copy", {"dst_session_label": "twin", "filter": {}})
    fw.delete_subject(source.subject.id)


@pytest.mark.parametrize(("rights", "status"), [(("none", "rw"), 403), (("ro", "ro"), 403), (("ro", "rw"), 200)])
def test_copying_needs_downloads_there_and_creation_here(
    source: Any, elsewhere: Any, fw: flywheel.Client, site: Any, wire: Wire, rights: tuple[str, str], status: int
) -> None:
    viewer = wire.post("/roles", {"label": fresh("viewer"), "actions": ["containers_view_metadata"]})["_id"]
    name = f"{fresh('user')}@example.org"
    client = Wire.connect(site.url, key_of(site.add_user(name)))
    roles = {role["default_flywheel_role"]: role["_id"] for role in wire.get("/roles")} | {"none": viewer}
    for project_id, right in zip((source.parents.project, elsewhere.id), rights, strict=True):
        fw.add_project_permission(project_id, {"_id": name, "role_ids": [roles[right]]})
    client.post(f"/sessions/{source.id}/copy", {"dst_project_id": elsewhere.id, "filter": {}}, status=status)


def test_copying_to_what_is_not_there_is_404(source: Any, wire: Wire) -> None:
    for key in ("dst_project_id", "dst_subject_id"):
        wire.post(f"/sessions/{source.id}/copy", {key: "0" * 24, "filter": {}}, status=404)


def test_session_copy_to_a_subject_with_a_label(source: Any, elsewhere: Any, fw: flywheel.Client) -> None:
    subject = elsewhere.add_subject(label="target")
    made = fw.session_copy(
        source.id, {"dst_subject_id": subject.id, "dst_session_label": "renamed", "filter": {"exclude_tags": True}}
    )
    found = fw.get_session(made.id)
    assert (found.subject.id, found.label, found.tags) == (subject.id, "renamed", [])


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"include_rules": ["file.type=dicom"]}, ["a.dcm"]), ({"exclude_rules": ["file.type=dicom"]}, ["b.txt"]),
        ({"include_rules": ["file.name=~txt$", "file.type=dicom"], "exclude_rules": ["file.name=b.txt"]}, ["a.dcm"]),
        ({"include_rules": ["session.label=~x"]}, []), ({"include_rules": ["file.size>3"]}, ["b.txt"]),
    ],
)  # fmt: skip
def test_rules_choose_the_files(
    source: Any, elsewhere: Any, wire: Wire, fw: flywheel.Client, rules: Any, expected: Any
) -> None:
    body = {"dst_project_id": elsewhere.id, "filter": rules | {"exclude_empty_containers": False}}
    made = wire.post(f"/sessions/{source.id}/copy", body)
    (acquisition,) = [a for a in fw.get_session_acquisitions(made["_id"]) if a.label == "Acq 1"]
    assert names(acquisition) == expected


def test_acquisition_and_subject_copies(
    source: Any, acquisition: Any, subject: Any, elsewhere: Any, fw: flywheel.Client
) -> None:
    target = elsewhere.add_subject(label="t").add_session(label="x")
    made = fw.acquisition_copy(acquisition.id, {"dst_session_id": target.id, "label": "renamed", "filter": {}})
    found = fw.get_acquisition(made.id)
    assert (found.session, found.label, names(found)) == (target.id, "renamed", ["a.dcm", "b.txt"])
    body = {"dst_project_id": elsewhere.id, "dst_subject_label": "copied", "filter": {}}
    copied = fw.get_subject(fw.subject_copy(subject.id, body).id)
    assert (copied.label, copied.copy_of) == ("copied", subject.id)
    assert [s.label for s in copied.sessions()] == ["Ses 1"]


def test_copy_without_filter_is_422_before_rights_are_asked(source: Any, elsewhere: Any, member: Any) -> None:
    stranger = member()
    stranger.wire.post(f"/sessions/{source.id}/copy", {"dst_project_id": elsewhere.id}, status=422)
    stranger.wire.post(f"/sessions/{source.id}/copy", {"dst_project_id": elsewhere.id, "filter": {}}, status=403)


def test_copy_needs_create_rights_on_the_destination(source: Any, project: Any, elsewhere: Any, member: Any) -> None:
    someone = member(project, "rw")
    body = {"dst_project_id": elsewhere.id, "filter": {}}
    assert (
        "containers_create_hierarchy" in someone.wire.post(f"/sessions/{source.id}/copy", body, status=403)["message"]
    )


def test_project_copy_is_a_task_whose_status_is_asked(
    source: Any, project: Any, group: Any, wire: Wire, fw: flywheel.Client
) -> None:
    body = {"group_id": group.id, "project_label": "Copy", "filter": {}}
    task = wire.post(f"/projects/{project.id}/copy", body)
    assert {"task_id", "snapshot_id", "project_id"} <= set(task)
    deadline = time.monotonic() + 20
    while wire.get(f"/projects/{task['project_id']}/copy/{task['snapshot_id']}/status")["copy_status"] != "completed":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [s.label for s in fw.get_project_sessions(task["project_id"])] == ["Ses 1"]


def test_project_that_is_not_copyable_is_403(project: Any, group: Any, wire: Wire) -> None:
    project.update(copyable=False)
    body = {"group_id": group.id, "project_label": "Copy", "filter": {}}
    wire.post(f"/projects/{project.id}/copy", body, status=403)


def test_uids_that_exist_are_told(subject: Any, project: Any, wire: Wire) -> None:
    session = subject.add_session(label="s", uid=f"1.2.{project.id}")
    session.add_acquisition(label="a", uid=f"1.3.{project.id}")
    body = {"sessions": [f"1.2.{project.id}", "9.9"], "acquisitions": [f"1.3.{project.id}", "9.9"]}
    found = wire.post("/uids", body | {"project_id": project.id})
    conforms(found, "UidCheckOutput", "sessions", "acquisitions")
    assert found == {"sessions": [f"1.2.{project.id}"], "acquisitions": [f"1.3.{project.id}"]}
    assert wire.post("/uids", body | {"project_ids": [project.id]}) == found
    assert wire.post("/uids", body | {"project_id": "0" * 24})["sessions"] == []


def test_hierarchy_upsert_creates_then_ignores_or_updates(project: Any, wire: Wire) -> None:
    body = {
        "subject": {"label": "u"}, "session": {"uid": "1.2", "label": "s"}, "acquisition": {"uid": "1.3", "label": "a"},
    }  # fmt: skip
    made = wire.post(f"/projects/{project.id}/upsert-hierarchy", body)
    for level in ("subject", "session", "acquisition"):
        assert {"_id", "label", "upsert_result"} <= set(made[level])
        assert made[level]["upsert_result"] == "created"
    again = wire.post(f"/projects/{project.id}/upsert-hierarchy", body)
    assert [again[level]["_id"] for level in made] == [made[level]["_id"] for level in made]
    assert {again[level]["upsert_result"] for level in again} <= {"ignored", "updated"}
    changed = body | {"session": {"uid": "1.2", "label": "s", "operator": "o"}}
    assert wire.post(f"/projects/{project.id}/upsert-hierarchy", changed)["session"]["upsert_result"] == "updated"
    assert wire.get(f"/sessions/{made['session']['_id']}")["operator"] == "o"
