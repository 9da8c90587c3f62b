"""Changing files: fields, classification, info, tags, deletion, moves."""

from __future__ import annotations

from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from tests.contract.requests import manifest
from tests.contract.wire import Wire, conforms, fresh


@pytest.fixture
def file(acquisition: Any, wire: Wire) -> Any:
    wire.upload(f"/acquisitions/{acquisition.id}", "f.dcm", b"content")
    return acquisition.reload().files[0]


@pytest.fixture(scope="module")
def modality(wire: Wire) -> str:
    name = fresh("MR")
    wire.post(
        "/modalities", {"_id": name, "classification": {"Intent": ["Structural", "Functional"], "Measurement": ["T1"]}}
    )
    return name


def test_file_is_read_by_its_id(file: Any, wire: Wire, fw: flywheel.Client) -> None:
    conforms(wire.get(f"/files/{file.file_id}"), "FileOutput", "file_id", "version", "parent_ref", "parents", "info")
    assert fw.get_file(file.file_id).name == "f.dcm"
    wire.get(f"/files/{'0' * 24}", status=404)


def test_fields_are_updated(file: Any, wire: Wire) -> None:
    path = f"/acquisitions/{file.parent_ref.id}/files/f.dcm"
    conforms(wire.put(path, {"type": "nifti", "modality": "MR"}), "ModifiedResult", "modified", "jobs_spawned")
    found = file.reload()
    assert (found.type, found.modality) == ("nifti", "MR")
    assert found.version == 1, "metadata makes no version"


@pytest.mark.parametrize("body", [{}, {"name": "other"}, {"size": 1}, {"nonsense": 1}])
def test_fields_that_cannot_be_updated(file: Any, wire: Wire, body: dict[str, Any]) -> None:
    answer = wire("PUT", f"/acquisitions/{file.parent_ref.id}/files/f.dcm", json=body)
    assert answer.status_code in (400, 422)


def test_unknown_file_is_404(file: Any, wire: Wire) -> None:
    for method, tail in (("PUT", ""), ("PATCH", "/info"), ("PATCH", "/classification"), ("DELETE", "")):
        answer = wire(method, f"/acquisitions/{file.parent_ref.id}/files/no.dcm{tail}", json={"set": {"a": 1}})
        assert answer.status_code in (400, 404, 422), (method, tail)
    assert wire("GET", f"/acquisitions/{file.parent_ref.id}/files/no.dcm/info").status_code == 404


# Classification


def test_classification_is_checked_and_stored_in_the_modality_spelling(file: Any, modality: str) -> None:
    file.replace_classification({"intent": ["STRUCTURAL"]}, modality=modality)
    assert file.reload().classification == {"Intent": ["Structural"]}
    file.update_classification({"measurement": ["t1"], "Intent": ["functional"]})
    assert file.reload().classification == {"Intent": ["Structural", "Functional"], "Measurement": ["T1"]}
    file.delete_classification({"Intent": ["structural"]})
    assert file.reload().classification == {"Intent": ["Functional"], "Measurement": ["T1"]}


def test_custom_takes_anything_even_without_a_modality(file: Any) -> None:
    file.replace_classification({"Custom": ["what ever"]})
    assert file.reload().classification == {"Custom": ["what ever"]}


def test_bad_values_are_422_and_named(file: Any, modality: str, wire: Wire) -> None:
    file.update(modality=modality)
    path = f"/acquisitions/{file.parent_ref.id}/files/f.dcm/classification"
    refusal = wire.patch(path, {"add": {"Intent": ["Nonsense"]}}, status=422)
    assert "unaccepted_keys" in refusal
    wire.patch(path, {"add": {"Nonsense": ["x"]}}, status=422)
    assert not file.reload().classification


def test_without_modality_only_custom_is_taken(file: Any, wire: Wire) -> None:
    path = f"/acquisitions/{file.parent_ref.id}/files/f.dcm/classification"
    refusal = wire.patch(path, {"replace": {"Intent": ["Structural"]}}, status=422)
    assert "custom" in refusal["message"].lower()
    wire.patch(path, {"modality": "NO-SUCH", "replace": {"Intent": ["Structural"]}}, status=422)


def test_changing_the_modality_drops_all_but_custom(file: Any, modality: str) -> None:
    file.replace_classification({"Intent": ["Structural"], "Custom": ["c"]}, modality=modality)
    file.update(modality="CT")
    assert file.reload().classification == {"Custom": ["c"]}


# Info


def test_info_set_delete_and_replace(file: Any, wire: Wire) -> None:
    file.update_info({"header": {"dicom": {"A": 1}}, "b": 2})
    file.update_info({"header": {"dicom": {"B": 2}}})
    assert file.reload().info == {"header": {"dicom": {"B": 2}}, "b": 2}
    file.delete_info("b")
    assert file.reload().info == {"header": {"dicom": {"B": 2}}}
    file.replace_info({"x": [1.5, None, {"y": "z"}]})
    assert file.reload().info == {"x": [1.5, None, {"y": "z"}]}
    found = wire.get(f"/acquisitions/{file.parent_ref.id}/files/f.dcm/info")
    conforms(found, "FileOutput", "name", "info", "file_id")
    assert found["info"] == {"x": [1.5, None, {"y": "z"}]}


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_info_takes_either_verb_but_not_replace_with_set(file: Any, wire: Wire, method: str) -> None:
    path = f"/acquisitions/{file.parent_ref.id}/files/f.dcm/info"
    assert wire(method, path, json={"set": {"a": 1}}).status_code == 200
    assert wire(method, path, json={"set": {"a": 1}, "replace": {}}).status_code == 400


@pytest.mark.filterwarnings("ignore:Key")
def test_info_keys_are_sanitised(file: Any) -> None:
    file.update_info({"a.b": {"$c": 1}})
    assert file.reload().info == {"a_b": {"-c": 1}}


def test_info_moves_modified_but_makes_no_version(file: Any) -> None:
    file.update_info({"a": 1})
    found = file.reload()
    assert found.version == 1
    assert found.modified >= file.modified


def test_info_by_file_id(file: Any, wire: Wire) -> None:
    wire.patch(f"/files/{file.file_id}/info", {"set": {"a": 1}})
    assert file.reload().info == {"a": 1}


# Tags


def test_tags_add_without_conflict_set_rename_and_delete(file: Any, wire: Wire) -> None:
    assert wire.patch(f"/files/{file.file_id}/tags", ["a"]) == ["a"]
    file.add_tag("a")
    file.add_tags(["b"])
    assert file.reload().tags == ["a", "b"]
    assert wire.put(f"/files/{file.file_id}/tags", ["x", "y"])["modified"] == 1
    file.rename_tag("x", "z")
    file.delete_tag("y")
    assert file.reload().tags == ["z"]
    assert wire("DELETE", f"/files/{file.file_id}/tags", json=["absent"]).status_code == 200
    wire.delete(f"/files/{file.file_id}/tags", ["z"])
    assert file.reload().tags == []


# Deletion


@pytest.mark.parametrize("by", ["name", "id"])
def test_delete_by_name_or_id(file: Any, acquisition: Any, wire: Wire, by: str) -> None:
    path = f"/acquisitions/{acquisition.id}/files/f.dcm" if by == "name" else f"/files/{file.file_id}"
    conforms(wire.delete(path), "DeletedResult", "deleted")
    assert acquisition.reload().files == []
    assert wire("GET", f"/acquisitions/{acquisition.id}/files/f.dcm").status_code == 404
    wire.delete(path, status=404)


def test_audit_trail_site_wants_a_reason_for_files_too(open_site: Any) -> None:
    client = flywheel.Client(open_site(audit_trail=True).api_key)
    client.add_group({"_id": "grp", "label": "Group"})
    session = client.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="x")
    session.upload_file(flywheel.FileSpec("f.txt", b"1"))
    with pytest.raises(ApiException) as raised:
        session.delete_file("f.txt")
    assert raised.value.status == 400
    client.delete_session_file(session.id, "f.txt", delete_reason="test_data")


def test_device_data_needs_more_than_rw_to_delete(session: Any, project: Any, wire: Wire, member: Any) -> None:
    """A file that a device upserted is original data."""
    body = {
        "name": "d.dcm", "parent_ref": {"type": "session", "id": session.id}, "size": 3, "type": "dicom",
        "provider_id": "0" * 24, "uuid": "0b1e0000-0000-4000-8000-000000000000", "origin": {"type": "device", "id": "dev"},
    }  # fmt: skip
    made = wire.post("/files", body)
    conforms(made, "FileOutput", "file_id", "name", "upsert_result")
    assert made["upsert_result"] == "created"
    assert wire.post("/files", body)["upsert_result"] in ("ignored", "updated")
    refusal = member(project, "rw").wire.delete(f"/files/{made['file_id']}", status=403)
    assert refusal["reason"] == "original_data_present"
    wire.delete(f"/files/{made['file_id']}")


def test_fixed_input_of_a_rule_is_not_deleted(acquisition: Any, file: Any, project: Any, wire: Wire) -> None:
    gear = manifest(fresh("gear"))
    gear_id = wire.post(f"/gears/{gear['name']}", {"category": "utility", "gear": gear})["_id"]
    fixed = {"input": "dicom", "type": "acquisition", "id": acquisition.id, "name": file.name}
    rule = {"gear_id": gear_id, "name": "r", "any": [], "all": [], "not": [], "fixed_inputs": [fixed]}
    wire.post(f"/projects/{project.id}/rules", rule)
    wire.delete(f"/files/{file.file_id}", status=403)


# Moves and restores


def test_file_moves_and_keeps_what_it_is(file: Any, session: Any, wire: Wire) -> None:
    file.update_info({"a": 1})
    file.add_tag("t")
    target = session.add_acquisition(label="target")
    body = {"container_reference": {"type": "acquisition", "id": target.id}, "name": "new.dcm"}
    conforms(wire.post(f"/files/{file.file_id}/move", body), "ModifiedResult", "modified", "jobs_spawned")
    (moved,) = target.reload().files
    assert (moved.name, moved.file_id, moved.info, moved.tags) == ("new.dcm", file.file_id, {"a": 1}, ["t"])
    assert (moved.parents.acquisition, moved.read()) == (target.id, b"content")


def test_file_move_to_another_group_is_422_and_forbidden_403(
    file: Any, fw: flywheel.Client, project: Any, group: Any, member: Any, wire: Wire
) -> None:
    other = fresh("oth")
    fw.add_group({"_id": other, "label": "o"})
    far = fw.get_group(other).add_project(label="far")
    wire.post(f"/files/{file.file_id}/move", {"container_reference": {"type": "project", "id": far.id}}, status=422)
    near = group.add_project(label="near")
    someone = member(project, "rw")
    body = {"container_reference": {"type": "project", "id": near.id}}
    assert "files_move" in someone.wire.post(f"/files/{file.file_id}/move", body, status=403)["message"]


def test_older_version_is_restored_as_the_newest(session: Any, wire: Wire, fw: flywheel.Client) -> None:
    for content in (b"one", b"two"):
        wire.upload(f"/sessions/{session.id}", "f.txt", content)
    file = session.reload().files[0]
    fw.restore_file(file.file_id, 1, evaluate_gear_rules=False)
    assert session.reload().read_file("f.txt") == b"one"
    assert fw.get_file(file.file_id).restored_from == 1
