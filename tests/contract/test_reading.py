"""Lookup, containers and files as they are read."""

from __future__ import annotations

import re
from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from tests.contract.wire import Wire, conforms

BASICS = ("_id", "label", "created", "modified", "revision", "tags")
CONTAINER = (*BASICS, "parents", "info", "notes", "permissions", "files", "analyses", "copy_of", "copy_status")
KEYS = {
    "group": ("GroupOutput", (*BASICS, "permissions", "permissions_template", "roles")),
    "project": (
        "ProjectOutput",
        (*CONTAINER, "group", "description", "group_info", "templates", "copyable", "locked", "settings", "editions", "providers"),
    ),
    "subject": (
        "SubjectOutput",
        (
            *CONTAINER, "project", "code", "firstname", "lastname", "sex", "cohort", "mlset", "type", "race", "ethnicity",
            "species", "strain", "date_of_birth", "master_code", "state",
        ),
    ),
    "session": (
        "SessionOutput",
        (
            *CONTAINER, "group", "project", "subject", "uid", "timestamp", "timezone", "age", "weight", "operator",
            "satisfies_template", "project_has_template",
        ),
    ),
    "acquisition": (
        "AcquisitionOutput",
        (*CONTAINER, "session", "uid", "timestamp", "timezone", "metadata", "collections"),
    ),
    "analysis": (
        "AnalysisOutput",
        (*BASICS, "parent", "parents", "info", "notes", "inputs", "files", "description", "job", "gear_info"),
    ),
}  # fmt: skip
PARENTS = {
    "project": {"group"},
    "subject": {"group", "project"},
    "session": {"group", "project", "subject"},
    "acquisition": {"group", "project", "subject", "session"},
    "analysis": {"group", "project", "subject", "session"},
}
FILE_KEYS = (
    "_id", "file_id", "version", "name", "type", "mimetype", "size", "hash", "client_hash", "modality",
    "classification", "tags", "info", "info_exists", "zip_member_count", "origin", "parent_ref", "parents",
    "provider_id", "created", "modified", "replaced", "deleted", "deid_log_id", "deid_log_skip_reason", "copy_of",
    "original_copy_of", "gear_info", "reference", "path", "restored_from", "restored_by", "revision",
)  # fmt: skip


@pytest.fixture
def tree(group: Any, project: Any, subject: Any, session: Any, acquisition: Any, wire: Wire) -> dict[str, Any]:
    """One container of each type, with something in every collection of it."""
    analysis = session.add_analysis(label="An 1")
    for container in (project, subject, session, acquisition):
        container.add_tag("t")
        container.add_note("n")
        container.update_info({"a": {"b": [1, None]}})
        wire.upload(f"/{container.container_type}s/{container.id}", "f.txt", b"12")
    session.update(timestamp="2020-01-01T10:00:00.123+00:00", timezone="Europe/Berlin", age=1577880000, weight=70.5)
    return {
        "group": group, "project": project, "subject": subject, "session": session, "acquisition": acquisition,
        "analysis": analysis,
    }  # fmt: skip


def plural(level: str) -> str:
    return "analyses" if level == "analysis" else level + "s"


@pytest.mark.parametrize("level", KEYS)
def test_container_carries_what_the_sdk_reads(tree: dict[str, Any], wire: Wire, level: str) -> None:
    kind, keys = KEYS[level]
    found = wire.get(f"/{plural(level)}/{tree[level].id}")
    conforms(found, kind, *keys)
    assert set(found.get("parents") or {}) >= PARENTS.get(level, set())


@pytest.mark.parametrize("level", KEYS)
def test_any_container_is_found_by_id_alone(tree: dict[str, Any], fw: flywheel.Client, wire: Wire, level: str) -> None:
    found = fw.get(tree[level].id)
    assert (found.container_type, found.id) == (level, tree[level].id)
    assert wire.get(f"/containers/{tree[level].id}")["container_type"] == level


def test_session_embeds_its_whole_subject_with_the_session_age(tree: dict[str, Any], wire: Wire) -> None:
    embedded = wire.get(f"/sessions/{tree['session'].id}")["subject"]
    conforms(embedded, "SubjectOutput", "_id", "label", "code", "info", "age")
    assert embedded["_id"] == tree["subject"].id
    assert embedded["age"] == 1577880000


def test_listed_sessions_embed_their_subject(tree: dict[str, Any], fw: flywheel.Client) -> None:
    (listed,) = fw.get_project_sessions(tree["project"].id)
    assert (listed.subject.id, listed.subject.label) == (tree["subject"].id, "sub-01")


def test_subject_label_and_code_are_equal(project: Any, wire: Wire) -> None:
    for key in ("label", "code"):
        made = wire.post("/subjects", {"project": project.id, key: f"by-{key}"})["_id"]
        found = wire.get(f"/subjects/{made}")
        assert found["label"] == found["code"] == f"by-{key}"


def test_analyses_come_with_the_body_and_are_no_finder(tree: dict[str, Any], fw: flywheel.Client) -> None:
    assert [a.id for a in fw.get_session(tree["session"].id).analyses] == [tree["analysis"].id]
    assert fw.get_acquisition(tree["acquisition"].id).analyses == []


def test_analysis_knows_parent_and_ancestors(tree: dict[str, Any], fw: flywheel.Client) -> None:
    analysis = fw.get_analysis(tree["analysis"].id)
    assert (analysis.parent.type, analysis.parent.id) == ("session", tree["session"].id)
    on_acquisition = tree["acquisition"].add_analysis(label="deep")
    assert on_acquisition.parents.acquisition == tree["acquisition"].id


def test_revision_and_modified_move_with_a_change(session: Any) -> None:
    before = session.reload()
    session.update(label="Changed")
    after = session.reload()
    assert after.revision > before.revision
    assert after.modified >= before.modified
    assert after.created == before.created


def test_file_carries_what_the_sdk_reads(acquisition: Any, wire: Wire) -> None:
    (uploaded,) = wire.upload(f"/acquisitions/{acquisition.id}", "1.2.3.dicom.zip", b"not really")
    conforms(uploaded, "FileOutput", *FILE_KEYS)
    found = wire.get(f"/acquisitions/{acquisition.id}")["files"][0]
    conforms(found, "FileOutput", *FILE_KEYS)
    assert re.fullmatch(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", found["_id"])
    assert re.fullmatch(r"[0-9a-f]{24}", found["file_id"])
    assert (found["version"], found["size"], found["type"]) == (1, 10, "dicom")
    assert re.fullmatch(r"v0-sha384-[0-9a-f]{96}", found["hash"])
    assert found["origin"]["type"] == "user"
    assert found["parent_ref"] == {"type": "acquisition", "id": acquisition.id}
    assert found["parents"]["acquisition"] == acquisition.id
    assert found["parents"]["project"] == acquisition.parents.project


def test_info_exists_tells_whether_there_is_info(acquisition: Any, wire: Wire) -> None:
    wire.upload(f"/acquisitions/{acquisition.id}", "f.txt", b"")
    assert acquisition.reload().files[0].info_exists is False
    acquisition.reload().files[0].update_info({"a": 1})
    assert acquisition.reload().files[0].info_exists is True


# Lookup and resolve


def test_lookup_answers_the_whole_container_with_its_type(
    tree: dict[str, Any], wire: Wire, fw: flywheel.Client
) -> None:
    path = [tree["group"].id, "Proj", "sub-01", "Ses 1", "Acq 1"]
    for depth, level in enumerate(("group", "project", "subject", "session", "acquisition"), 1):
        found = wire.post("/lookup", {"path": path[:depth]})
        conforms(found, KEYS[level][0], "container_type", *KEYS[level][1])
        assert (found["container_type"], found["_id"]) == (level, tree[level].id)
        assert fw.lookup("/".join(path[:depth])).id == tree[level].id


def test_lookup_takes_labels_with_slashes_in_a_list(group: Any, fw: flywheel.Client) -> None:
    odd = group.add_project(label="a/b, c")
    assert fw.lookup([group.id, "a/b, c"]).id == odd.id


def test_lookup_reaches_files_analyses_and_ids(tree: dict[str, Any], fw: flywheel.Client, wire: Wire) -> None:
    path = [tree["group"].id, "Proj", "sub-01", "Ses 1"]
    found = wire.post("/lookup", {"path": [*path, "files", "f.txt"]})
    assert (found["container_type"], found["name"]) == ("file", "f.txt")
    assert found["parent_ref"]["id"] == tree["session"].id
    assert fw.lookup([*path, "analyses", "An 1"]).id == tree["analysis"].id
    assert fw.lookup([tree["group"].id, f"<id:{tree['project'].id}>", "sub-01"]).id == tree["subject"].id


def test_lookup_of_equal_labels_finds_the_oldest(subject: Any, group: Any, fw: flywheel.Client) -> None:
    first = subject.add_session(label="twin")
    subject.add_session(label="twin")
    assert fw.lookup([group.id, "Proj", "sub-01", "twin"]).id == first.id


def test_lookup_is_exact_and_misses_are_404(tree: dict[str, Any], fw: flywheel.Client, wire: Wire) -> None:
    group = tree["group"].id
    assert "group:no-such-group" in wire.post("/lookup", {"path": ["no-such-group"]}, status=404)["message"]
    assert "PROJ" in wire.post("/lookup", {"path": [group, "PROJ"]}, status=404)["message"]
    with pytest.raises(ApiException) as raised:
        fw.lookup(f"{group}/Proj/sub-01/missing")
    assert raised.value.status == 404


def test_deleted_containers_are_not_looked_up(session: Any, group: Any, fw: flywheel.Client, wire: Wire) -> None:
    fw.delete_session(session.id)
    wire.post("/lookup", {"path": [group.id, "Proj", "sub-01", "Ses 1"]}, status=404)


def test_resolve_answers_path_and_children(tree: dict[str, Any], fw: flywheel.Client, wire: Wire) -> None:
    path = [tree["group"].id, "Proj", "sub-01", "Ses 1"]
    resolved = wire.post("/resolve", {"path": path})
    assert [node["container_type"] for node in resolved["path"]] == ["group", "project", "subject", "session"]
    assert all(node["container_type"] for node in resolved["children"])
    assert tree["acquisition"].id in [child["_id"] for child in resolved["children"]]
    assert tree["session"].id == fw.resolve("/".join(path)).path[-1].id


def test_resolve_of_nothing_lists_the_groups(group: Any, wire: Wire) -> None:
    top = wire.post("/resolve", {"path": []})
    assert top["path"] == []
    assert group.id in [child["_id"] for child in top["children"]]


# Listings leave things out


LISTS = {
    "/projects/{project}/subjects": "SubjectOutputForList",
    "/projects/{project}/sessions": "SessionListOutput",
    "/projects/{project}/acquisitions": "AcquisitionListOutput",
    "/subjects/{subject}/sessions": "SessionListOutput",
    "/sessions/{session}/acquisitions": "AcquisitionListOutput",
    "/groups/{group}/projects": "ProjectListOutput",
}
KEPT = ("_id", "label", "created", "modified", "parents", "files", "permissions", "notes", "info_exists", "analyses")


@pytest.mark.parametrize("route", LISTS)
def test_listings_omit_info_and_file_classification(tree: dict[str, Any], wire: Wire, route: str) -> None:
    ids = {level: container.id for level, container in tree.items()}
    (listed,) = wire.get(route.format(**ids))
    conforms(listed, LISTS[route], *KEPT)
    assert listed["info"] in ({}, None)
    assert listed["info_exists"] is True
    (file,) = listed["files"]
    assert not file.get("info")
    assert not file.get("classification")
    assert {"name", "size", "type", "hash", "version", "file_id"} <= set(file)


@pytest.mark.parametrize("route", LISTS)
def test_listings_with_all_info_keep_it(tree: dict[str, Any], wire: Wire, route: str) -> None:
    (listed,) = wire.get(route.format(**{k: v.id for k, v in tree.items()}), include_all_info="true")
    assert listed["info"] == {"a": {"b": [1, None]}}


def test_listed_subjects_hide_who_they_are(subject: Any, project: Any, wire: Wire) -> None:
    subject.update(firstname="A", lastname="B", sex="female", race="White", ethnicity="Unknown")
    (listed,) = wire.get(f"/projects/{project.id}/subjects")
    assert not [key for key in ("firstname", "lastname", "sex", "race", "ethnicity") if listed.get(key)]
    (session_like,) = [subject.add_session(label="s")]
    embedded = wire.get(f"/projects/{project.id}/sessions")[0]["subject"]
    assert session_like.id
    assert not [key for key in ("firstname", "lastname", "sex", "race", "ethnicity") if embedded.get(key)]


def test_listed_tags_follow_the_site_feature(open_site: Any) -> None:
    for with_tags in (True, False):
        site = open_site(f"tags-{with_tags}", tags_in_lists=with_tags)
        client = flywheel.Client(site.api_key)
        client.add_group({"_id": "grp", "label": "Group"})
        project = client.get_group("grp").add_project(label="P")
        project.add_subject(label="s").add_session(label="x").add_tag("EXPORTED")
        (listed,) = client.get_project_sessions(project.id)
        assert bool(listed.tags) is with_tags
        assert listed.reload().tags == ["EXPORTED"]


def test_file_listing_has_info_and_always_an_envelope(tree: dict[str, Any], wire: Wire, fw: flywheel.Client) -> None:
    tree["session"].reload().files[0].update_info({"k": "v"})
    page = wire.get("/files", filter=f"parents.session={tree['session'].id},parent_ref.type=session")
    assert {"count", "total", "results"} <= set(page)
    assert page["count"] == page["total"] == 1
    conforms(page["results"], "list[FileOutput]", "info", "file_id")
    assert page["results"][0]["info"] == {"k": "v"}
    assert [f.name for f in fw.files.find(f"parents.acquisition={tree['acquisition'].id}")] == ["f.txt"]
