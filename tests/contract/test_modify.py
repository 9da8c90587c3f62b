"""Changing, tagging, annotating and deleting containers."""

from __future__ import annotations

from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from tests.contract.wire import Wire, conforms


def test_put_answers_counts_and_leaves_the_rest_alone(wire: Wire, session: Any) -> None:
    session.update(operator="someone")
    conforms(wire.put(f"/sessions/{session.id}", {"label": "New"}), "ModifiedResult", "modified", "jobs_spawned")
    found = session.reload()
    assert (found.label, found.operator) == ("New", "someone")


def test_empty_put_is_400_and_gone_is_404(wire: Wire, session: Any) -> None:
    wire.put(f"/sessions/{session.id}", {}, status=400)
    wire.delete(f"/sessions/{session.id}")
    wire.put(f"/sessions/{session.id}", {"label": "x"}, status=404)


@pytest.mark.parametrize(
    ("level", "change"),
    [
        ("session", {"label": "n", "age": 1, "weight": 1.5, "operator": "o", "timezone": "UTC", "tags": ["t"]}),
        ("acquisition", {"label": "n", "uid": "1.2", "timezone": "UTC"}),
        ("subject", {"label": "n", "sex": "other", "firstname": "F", "type": "human", "species": "s"}),
        ("project", {"label": "n", "description": "d", "copyable": False}),
        ("analysis", {"label": "n", "description": "d"}),
    ],
)
def test_fields_of_each_level_can_be_changed(
    request: pytest.FixtureRequest, session: Any, fw: flywheel.Client, level: str, change: dict[str, Any]
) -> None:
    container = session.add_analysis(label="a") if level == "analysis" else request.getfixturevalue(level)
    container.update(change)
    found = fw.get(container.id)
    assert {key: found[key] for key in change} == change


def test_session_uid_cannot_be_changed(wire: Wire, session: Any) -> None:
    assert wire("PUT", f"/sessions/{session.id}", json={"uid": "1.2.3"}).status_code in (400, 422)


def test_info_in_a_put_is_merged_leaf_by_leaf(session: Any) -> None:
    session.update(info={"a": {"x": 1, "y": 2}, "b": 1})
    session.update(info={"a": {"y": 3}})
    assert session.reload().info == {"a": {"x": 1, "y": 3}, "b": 1}


def test_info_in_a_put_can_replace(wire: Wire, session: Any) -> None:
    session.update(info={"a": 1})
    wire.put(f"/sessions/{session.id}", {"info": {"b": 2}}, replace_metadata="true")
    assert session.reload().info == {"b": 2}


def test_info_set_delete_and_replace(session: Any) -> None:
    session.update_info({"a": {"x": 1, "y": 2}, "b": 2, "c": 3})
    session.update_info({"a": {"z": 1}})
    assert session.reload().info == {"a": {"z": 1}, "b": 2, "c": 3}, "a listed top-level key is replaced whole"
    session.delete_info("b")
    assert session.reload().info == {"a": {"z": 1}, "c": 3}
    session.replace_info({"only": [1, "two", None]})
    assert session.reload().info == {"only": [1, "two", None]}


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_info_set_and_delete_combine_with_either_verb(wire: Wire, session: Any, method: str) -> None:
    session.update_info({"a": 1, "b": 2})
    answer = wire(method, f"/sessions/{session.id}/info", json={"set": {"c": 3}, "delete": ["a"]})
    assert answer.json()["modified"] == 1
    assert session.reload().info == {"b": 2, "c": 3}


def test_info_replace_combines_with_nothing(wire: Wire, session: Any) -> None:
    wire.patch(f"/sessions/{session.id}/info", {"replace": {}, "set": {"a": 1}}, status=400)


def test_info_delete_takes_keys_not_paths(wire: Wire, session: Any) -> None:
    session.update_info({"a": {"b": 1}})
    wire.patch(f"/sessions/{session.id}/info", {"delete": ["a.b"]})
    assert session.reload().info == {"a": {"b": 1}}


@pytest.mark.filterwarnings("ignore:Key")
def test_info_keys_are_sanitised_at_every_depth(session: Any) -> None:
    session.update_info({"a.b": [{"$c": {"d.e$f": 1}}]})
    assert session.reload().info == {"a_b": [{"-c": {"d_e-f": 1}}]}


# Tags


def test_adding_a_tag_twice_is_409(wire: Wire, session: Any) -> None:
    assert wire.post(f"/sessions/{session.id}/tags", {"value": "T"})["modified"] == 1
    with pytest.raises(ApiException) as raised:
        session.add_tag("T")
    assert (raised.value.status, session.reload().tags) == (409, ["T"])
    assert "already exists" in raised.value.detail


@pytest.mark.parametrize("tag", ["", "x" * 33])
def test_tag_length_has_bounds(wire: Wire, session: Any, tag: str) -> None:
    wire.post(f"/sessions/{session.id}/tags", {"value": tag}, status=400)


def test_tags_in_bulk_never_conflict(wire: Wire, fw: flywheel.Client, session: Any) -> None:
    assert wire.patch(f"/sessions/{session.id}/tags", ["a", "b"]) is None
    fw.add_session_tags(session.id, ["b", "c"])
    assert session.reload().tags == ["a", "b", "c"]
    fw.delete_session_tags(session.id, ["a", "x"])
    assert session.reload().tags == ["b", "c"]


def test_tag_is_deleted_once_and_again(session: Any) -> None:
    session.add_tag("a b/c")
    session.delete_tag("a b/c")
    session.delete_tag("a b/c")
    assert session.reload().tags == []


def test_tag_rename_needs_a_source_and_a_free_target(wire: Wire, session: Any) -> None:
    wire.patch(f"/sessions/{session.id}/tags", ["a", "b"])
    session.rename_tag("a", "z")
    assert session.reload().tags == ["z", "b"]
    for tag, value in (("missing", "n"), ("b", "z")):
        wire.put(f"/sessions/{session.id}/tags/{tag}", {"value": value}, status=404)


def test_group_tag_changes_reach_the_containers_below(wire: Wire, group: Any, session: Any) -> None:
    for container in (group, session):
        container.add_tag("old")
    group.rename_tag("old", "new")
    assert session.reload().tags == ["new"]
    group.delete_tag("new")
    assert session.reload().tags == []


# Notes


def test_notes_are_added_changed_and_deleted(wire: Wire, session: Any, fw: flywheel.Client) -> None:
    note = wire.post(f"/sessions/{session.id}/notes", {"text": "first"})
    conforms(note, "Note", "_id", "user", "text", "created", "modified")
    assert note["user"] == fw.get_current_user().id
    wire.put(f"/sessions/{session.id}/notes/{note['_id']}", {"text": "second"})
    assert [n.text for n in session.reload().notes] == ["second"]
    assert fw.get_session_note(session.id, note["_id"]).text == "second"
    session.delete_note(note["_id"])
    assert session.reload().notes == []
    wire.delete(f"/sessions/{session.id}/notes/{note['_id']}", status=404)


# Deletion


def test_delete_is_soft_cascades_and_answers_404_the_second_time(
    wire: Wire, fw: flywheel.Client, session: Any, acquisition: Any
) -> None:
    conforms(wire.delete(f"/sessions/{session.id}"), "DeletedResult", "deleted")
    wire.delete(f"/sessions/{session.id}", status=404)
    wire.get(f"/acquisitions/{acquisition.id}", status=404)
    assert fw.get_subject_sessions(session.subject.id) == []


def test_bulk_delete_takes_a_list_of_ids(wire: Wire, session: Any, subject: Any) -> None:
    other = subject.add_session(label="other")
    assert wire.delete("/sessions", [session.id, other.id])["deleted"] == 2
    assert wire.get(f"/subjects/{subject.id}/sessions") == []


def test_delete_reason_is_checked(wire: Wire, session: Any) -> None:
    assert wire("DELETE", f"/sessions/{session.id}?delete_reason=because").status_code in (400, 422)
    wire.delete(f"/sessions/{session.id}", delete_reason="test_data")


def test_audit_trail_site_wants_a_reason(open_site: Any) -> None:
    client = flywheel.Client(open_site(audit_trail=True).api_key)
    client.add_group({"_id": "grp", "label": "Group"})
    session = client.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="x")
    with pytest.raises(ApiException) as raised:
        client.delete_session(session.id)
    assert raised.value.status == 400
    client.delete_session(session.id, delete_reason="test_data")


def test_acquisition_that_an_analysis_used_is_not_deleted(wire: Wire, session: Any, acquisition: Any) -> None:
    wire.upload(f"/acquisitions/{acquisition.id}", "in.txt", b"1")
    session.add_analysis(label="a", inputs=[{"type": "acquisition", "id": acquisition.id, "name": "in.txt"}])
    refusal = wire.delete(f"/acquisitions/{acquisition.id}", status=403)
    assert refusal["reason"] == "analysis_conflict"
    refusal = wire.delete(f"/acquisitions/{acquisition.id}/files/in.txt", status=403)
    assert refusal["reason"] == "analysis_conflict"


def test_container_with_device_data_needs_more_than_rw_to_delete(
    session: Any, acquisition: Any, project: Any, wire: Wire, member: Any
) -> None:
    body = {
        "name": "d.dcm", "parent_ref": {"type": "acquisition", "id": acquisition.id}, "size": 3, "type": "dicom",
        "provider_id": "0" * 24, "uuid": "0b1e0000-0000-4000-8000-000000000001", "origin": {"type": "device", "id": "dev"},
    }  # fmt: skip
    wire.post("/files", body)
    refusal = member(project, "rw").wire.delete(f"/sessions/{session.id}", status=403)
    assert refusal["reason"] == "original_data_present"
    wire.delete(f"/sessions/{session.id}")
