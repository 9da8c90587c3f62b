"""What regulated sites have: a record of changes, locked projects, delete reasons, malware findings."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from local_site.hierarchy import changes
from tests.contract.requests import WRITES, filled, manifest
from tests.contract.wire import Wire, conforms, fresh, key_of

# The record of changes


@pytest.fixture
def audited(open_site: Any) -> Any:
    site = open_site(change_log=True)
    client = flywheel.Client(site.api_key)
    client.add_group({"_id": "grp", "label": "Group"})
    session = client.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="Ses")
    wire = Wire.connect(site.url, key_of(site.api_key))
    wire.upload(f"/sessions/{session.id}", "f.dcm", b"1")
    return SimpleNamespace(site=site, fw=client, wire=wire, session=session, file=session.reload().files[0])


def test_a_site_keeps_no_record_unless_asked(fw: flywheel.Client, session: Any) -> None:
    with pytest.raises(ApiException) as raised:
        fw.get_change_log("session", session.id)
    assert raised.value.status == 404


def test_changes_tell_who_what_when_and_how(audited: Any) -> None:
    audited.session.update(label="New")
    found = audited.wire.get(f"/changes/session/{audited.session.id}")
    conforms(found, "ChangeLogDocument", "container_type", "container_id", "changes")
    created, renamed = found["changes"]
    conforms(renamed, "Change", "created", "origin", "method", "patch", "revision")
    assert (created["method"], created["patch"]["label"]) == ("CREATE", "Ses")
    assert (renamed["method"], renamed["patch"]) == ("UPDATE", {"label": "New"})
    assert renamed["origin"] == {"type": "user", "id": audited.site.owner}
    assert audited.fw.get_change_log("session", audited.session.id).changes[1].patch["label"] == "New"


def test_a_corrected_value_is_found_by_its_path(audited: Any) -> None:
    client = flywheel.Client(audited.site.add_user("curator@example.org", admin=True))
    audited.file.update_info({"header": {"dicom": {"PatientAge": "010Y", "Rows": 2}}})
    client.get_file(audited.file.file_id).update_info({"header": {"dicom": {"PatientAge": "011Y", "Rows": 2}}})
    field = "info.header.dicom.PatientAge"
    found = audited.wire.get(f"/changes/file/{audited.file.file_id}/fields/{field}")
    conforms(found, "FieldChangeLogDocument", "changes")
    newest, older = audited.fw.get_field_change_log("file", audited.file.file_id, field).changes
    assert (newest.value, older.value) == ("011Y", "010Y")
    assert (newest.origin.type, newest.origin.id) == ("user", "curator@example.org")
    assert newest.created >= older.created
    assert len(audited.wire.get(f"/changes/file/{audited.file.file_id}/fields/info.header.dicom.Rows")["changes"]) == 1


def test_changes_of_a_file_are_kept_by_version(audited: Any) -> None:
    audited.file.update_info({"a": 1})
    audited.wire.upload(f"/sessions/{audited.session.id}", "f.dcm", b"2")
    path = f"/changes/file/{audited.file.file_id}"
    methods = [(change["method"], change["file_version"]) for change in audited.wire.get(path)["changes"]]
    assert methods == [("CREATE", 1), ("UPDATE", 1), ("REPLACE_FILE", 2)]
    assert len(audited.wire.get(path, version=1)["changes"]) == 2
    assert audited.wire.get(path, version=2)["file_version"] == 2


def test_deletions_are_recorded_with_their_reason(audited: Any) -> None:
    audited.fw.delete_session(audited.session.id, delete_reason="test_data")
    last = audited.wire.get(f"/changes/session/{audited.session.id}")["changes"][-1]
    assert (last["method"], last["reason"]) == ("DELETE", "test_data")


def test_the_record_is_for_those_who_may_see_the_container(audited: Any) -> None:
    stranger = Wire.connect(audited.site.url, key_of(audited.site.add_user("stranger@example.org")))
    assert stranger("GET", f"/changes/session/{audited.session.id}").status_code == 403
    assert audited.wire("GET", f"/changes/session/{'0' * 24}").status_code == 404
    assert audited.wire("GET", f"/changes/planet/{audited.session.id}").status_code == 404


def test_a_patch_holds_what_changed_and_no_more() -> None:
    before = {"info": {"a": 1, "b": {"c": 2, "d": 3}}, "tags": ["x"], "label": "l"}
    after = {"info": {"b": {"c": 2, "d": 4}}, "tags": ["x", "y"], "label": "l"}
    assert changes.patch(before, after) == {"info": {"a": None, "b": {"d": 4}}, "tags": ["x", "y"]}


# Locked projects


@pytest.fixture
def locked(open_site: Any) -> Any:
    """A locked project with one of everything in it, and another beside it."""
    site = open_site()
    wire = Wire.connect(site.url, key_of(site.api_key))
    wire.post("/groups", {"_id": "grp", "label": "G"})
    made = {"group": "grp", "other": wire.post("/projects", {"group": "grp", "label": "Other"})["_id"]}
    made["project"] = wire.post("/projects", {"group": "grp", "label": "P"})["_id"]
    made["subject"] = wire.post("/subjects", {"project": made["project"], "label": "S"})["_id"]
    embedded = {"_id": made["subject"]}
    made["session"] = wire.post("/sessions", {"project": made["project"], "subject": embedded, "label": "X"})["_id"]
    made["acquisition"] = wire.post("/acquisitions", {"session": made["session"], "label": "A"})["_id"]
    for level in ("project", "subject", "session", "acquisition"):
        wire.upload(f"/{level}s/{made[level]}", "f.txt", b"content")
        wire.post(f"/{level}s/{made[level]}/tags", {"value": "u"})
    made["file"] = wire.get(f"/sessions/{made['session']}")["files"][0]["file_id"]
    gear = manifest(fresh("lock"), inputs={"api-key": {"base": "api-key"}})
    made["gear"] = wire.post(f"/gears/{gear['name']}", {"category": "utility", "gear": gear})["_id"]
    site.lock(made["project"], "study_closed")
    return SimpleNamespace(site=site, wire=wire, ids=made)


def test_a_lock_is_shown_on_the_project(locked: Any) -> None:
    found = locked.wire.get(f"/projects/{locked.ids['project']}")
    conforms(found, "ProjectOutput", "locked")
    assert found["locked"]["reason"] == "study_closed"
    assert set(found["locked"]) == {"reason", "timestamp", "origin"}


@pytest.mark.parametrize("level", ["project", "subject", "session", "acquisition"])
def test_every_write_below_a_locked_project_is_refused(locked: Any, level: str) -> None:
    path = f"/{level}s/{locked.ids[level]}"
    writes: list[tuple[str, str, Any]] = [
        (method, template.replace("/{level}", path), body) for method, template, body in WRITES if "{level}" in template
    ]
    writes += [("PUT", path, {"label": "new"}), ("DELETE", path, None), ("POST", f"{path}/analyses", {"label": "a"})]
    writes += [("DELETE", f"{path}/files/f.txt", None)]
    before = locked.site.dump()
    for method, where, body in writes:
        answer = locked.wire(method, where, json=body)
        assert answer.status_code == 403, (method, where, answer.text)
        assert answer.json()["reason"] == "project_locked"
    assert locked.site.dump() == before


def test_nothing_is_made_in_moved_out_of_or_copied_into_a_locked_project(locked: Any) -> None:
    ids = locked.ids
    outside = locked.wire.post("/sessions", {"project": ids["other"], "label": "out"})["_id"]
    writes: list[tuple[str, str, Any]] = [
        ("POST", "/subjects", {"project": "{project}", "label": "n"}),
        ("POST", "/sessions", {"project": "{project}", "label": "n"}),
        ("POST", "/acquisitions", {"session": "{session}", "label": "n"}),
        ("PUT", "/sessions/{session}", {"project": "{other}"}),
        ("PUT", f"/sessions/{outside}", {"subject": {"_id": "{subject}"}}),
        ("POST", f"/sessions/{outside}/copy", {"dst_project_id": "{project}", "filter": {}}),
        ("POST", "/files/{file}/move", {"container_reference": {"type": "session", "id": outside}}),
        ("PATCH", "/files/{file}/tags", ["t"]),
        ("PATCH", "/files/{file}/info", {"set": {"a": 1}}),
        ("DELETE", "/files/{file}", None),
        ("POST", "/projects/{project}/rules", {"gear_id": "{gear}", "name": "r", "any": [], "all": [], "not": []}),
        ("POST", "/projects/{project}/upsert-hierarchy", {"subject": {"label": "n"}}),
        ("POST", "/jobs/add", {"gear_id": "{gear}", "destination": {"type": "session", "id": "{session}"}}),
    ]
    for method, template, body in writes:
        path = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], template)
        answer = locked.wire(method, path, json=filled(body, ids))
        assert answer.status_code == 403, (method, path, answer.text)


def test_a_locked_project_is_read_and_copied_from(locked: Any) -> None:
    locked.wire.get(f"/sessions/{locked.ids['session']}")
    assert locked.wire("GET", f"/sessions/{locked.ids['session']}/files/f.txt").content == b"content"
    body = {"dst_project_id": locked.ids["other"], "filter": {}}
    locked.wire.post(f"/sessions/{locked.ids['session']}/copy", body)


def test_a_lock_is_set_and_taken_away_by_administration(locked: Any) -> None:
    url, project = f"{locked.site.url}/__admin__/locks", locked.ids["project"]
    refused = locked.wire.http.put(url, json={"project": project, "reason": "bored"})
    assert refused.status_code == 400
    assert locked.wire.http.put(url, json={"project": project, "reason": None}).json() == {"locked": None}
    locked.wire.put(f"/sessions/{locked.ids['session']}", {"label": "free"})


# Malware findings


@pytest.fixture
def flagged(site: Any, wire: Wire, session: Any) -> Any:
    wire.upload(f"/sessions/{session.id}", "bad.zip", b"1")
    file = session.reload().files[0]
    site.flag(file.file_id, "Eicar")
    return file


def test_a_finding_is_shown_on_the_file(flagged: Any, wire: Wire) -> None:
    (event,) = wire.get(f"/files/{flagged.file_id}")["scan_events"]
    conforms(event, "FileScanEvent", "finding_id", "threats", "detected_at", "received_at")
    assert event["threats"][0]["name"] == "Eicar"


def test_content_of_a_flagged_file_is_not_handed_out(flagged: Any, wire: Wire, session: Any) -> None:
    path = f"/sessions/{session.id}/files/bad.zip"
    for query in ("", "?ticket=", "?info=true", "?member=a", "?version=1", "?view=true"):
        answer = wire("GET", path + query)
        assert (answer.status_code, answer.json()["reason"]) == (403, "malware_found"), query
    assert wire("GET", f"/files/{flagged.file_id}/zip_info").status_code == 403
    wire.post("/download", {"nodes": [{"level": "session", "_id": session.id}]}, status=403)
    with pytest.raises(ApiException) as raised:
        flagged.read()
    assert raised.value.status == 403


def test_a_ticket_from_before_the_finding_is_worth_nothing(site: Any, wire: Wire, session: Any) -> None:
    wire.upload(f"/sessions/{session.id}", "f.txt", b"1")
    path = f"/sessions/{session.id}/files/f.txt"
    ticket = wire.get(path, ticket="")["ticket"]
    site.flag(session.reload().files[0].file_id)
    assert wire("GET", path, params={"ticket": ticket}).status_code == 403


def test_a_new_version_is_clean_again(flagged: Any, wire: Wire, session: Any) -> None:
    wire.upload(f"/sessions/{session.id}", "bad.zip", b"2")
    path = f"/sessions/{session.id}/files/bad.zip"
    assert wire("GET", path).content == b"2"
    assert wire("GET", path, params={"version": 1}).status_code == 403


def test_metadata_of_a_flagged_file_can_be_read_and_changed(flagged: Any) -> None:
    flagged.update_info({"a": 1})
    assert flagged.reload().info["a"] == 1
