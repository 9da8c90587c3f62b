"""Routes that fewer programs use: ends of paths, targets, statistics, settings, collections."""

from __future__ import annotations

from itertools import count
from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from tests.contract.requests import manifest
from tests.contract.wire import Wire, conforms, fresh


def test_own_user_has_user_id(wire: Wire) -> None:
    user = wire.get("/users/self")
    assert user["user_id"] == user["_id"]


def test_own_info_is_changed_by_key(fw: flywheel.Client, wire: Wire) -> None:
    wire.patch("/users/self/info", {"set": {"colour": "red"}})
    assert wire.get("/users/self/info")["colour"] == "red"


def test_paths_that_end_in_files_or_analyses_have_these_as_children(
    fw: flywheel.Client, wire: Wire, group: Any, session: Any
) -> None:
    wire.upload(f"/sessions/{session.id}", "f.txt", b"1")
    session.add_analysis(label="An")
    session.add_acquisition(label="Acq")
    path = [group.id, "Proj", "sub-01", "Ses 1"]
    assert [child.name for child in fw.resolve([*path, "files"]).children] == ["f.txt"]
    assert [child.label for child in fw.resolve([*path, "analyses"]).children] == ["An"]
    assert fw.resolve([*path, "files"]).path[-1].id == session.id
    assert len(fw.resolve(path).children) == 3


def test_gears_are_resolved_to_the_newest_of_each(fw: flywheel.Client, wire: Wire) -> None:
    name = fresh("gear")
    for version in ("1.0.0", "1.1.0"):
        wire.post(f"/gears/{name}", {"category": "utility", "gear": manifest(name, version)})
    answer = fw.resolve(["gears"])
    found = [child for child in answer.children if child.gear.name == name]
    assert answer.path == []
    assert [child.gear.version for child in found] == ["1.1.0"]


def test_download_targets_are_the_files_of_the_archive(wire: Wire, session: Any) -> None:
    wire.upload(f"/sessions/{session.id}", "f.txt", b"12")
    wire.upload(f"/sessions/{session.id}", "g.csv", b"1")
    body = {"nodes": [{"level": "session", "_id": session.id}], "filters": [{"types": {"plus": ["text"]}}]}
    (target,) = wire.post("/download/targets", body)
    assert (target["filename"], target["size"], target["container_id"]) == ("f.txt", 2, session.id)
    assert target["dst_path"].endswith("/Ses 1/f.txt")


def test_a_site_without_collections_says_so(fw: flywheel.Client, wire: Wire) -> None:
    assert fw.get_all_collections() == []
    assert fw.collections.find_first() is None
    assert wire.get("/collections/curators") == []
    with pytest.raises(ApiException) as raised:
        fw.get_collection("0" * 24)
    assert raised.value.status == 404
    for below in ("sessions", "acquisitions"):
        wire.get(f"/collections/{'0' * 24}/{below}", status=404)
    assert wire("POST", "/collections", json={"label": "C"}).status_code == 501


def test_jobs_are_counted_by_state(fw: flywheel.Client, wire: Wire, ids: dict[str, str]) -> None:
    found = wire.get("/jobs/stats", unique="true", last=1)
    assert found["states"]["pending"] >= 1
    assert set(found["states"]) == {"pending", "scheduled", "running", "failed", "complete", "cancelled"}
    assert len(found["recent"]) == 1
    assert found["unique"] == sorted(found["unique"])


def test_containers_are_found_whatever_their_type(wire: Wire, project: Any, session: Any) -> None:
    found = wire.get("/containers/find", filter=f"parents.project={project.id}")
    assert {item["container_type"] for item in found} == {"subject", "session"}
    found = wire.get("/containers/find", filter=f"parents.project={project.id}", container_type="session")
    assert [item["_id"] for item in found] == [session.id]


def test_settings_of_a_project(fw: flywheel.Client, wire: Wire, project: Any) -> None:
    wire.put(f"/projects/{project.id}/settings", {"external_routing_id": "r"})
    conforms(wire.get(f"/projects/{project.id}/settings"), "ProjectSettingsOutput", "external_routing_id")


def test_an_analysis_is_changed_and_deleted_below_its_container(fw: flywheel.Client, session: Any) -> None:
    analysis = session.add_analysis(label="An")
    fw.modify_session_analysis(session.id, analysis.id, {"description": "d"})
    assert fw.get_analysis(analysis.id).description == "d"
    fw.delete_session_analysis(session.id, analysis.id)
    assert session.reload().analyses == []


@pytest.mark.parametrize("size", [1, 2, 3])
def test_finders_that_page_by_the_version_of_a_file_end(wire: Wire, session: Any, size: int) -> None:
    """Those of SDK 17 to 19 send the ``_id`` of the last file, which is that of its version."""
    for number in range(5):
        wire.upload(f"/sessions/{session.id}", f"f{number}.txt", b"1")
    wire.upload(f"/sessions/{session.id}", "f2.txt", b"2")
    query: dict[str, Any] = {"filter": f"parents.session={session.id}", "limit": size}
    names: list[str] = []
    for page in count():
        assert page < 7, "the finder never ends"
        results = wire.get("/files", **query)["results"]
        if not results:
            break
        names += [file["name"] for file in results]
        query["after_id"] = results[-1]["_id"]
    assert names == [f"f{number}.txt" for number in range(5)]


def test_a_page_after_a_file_that_never_was_is_empty(wire: Wire, session: Any) -> None:
    wire.upload(f"/sessions/{session.id}", "f.txt", b"1")
    after = "0b1e0000-0000-4000-8000-000000000000"
    assert wire.get("/files", filter=f"parents.session={session.id}", limit=5, after_id=after)["results"] == []
