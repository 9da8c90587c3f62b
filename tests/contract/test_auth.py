"""Keys, configuration, users, modalities, roles and rights."""

from __future__ import annotations

from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from tests.contract.wire import Wire, conforms, fresh, key_of


@pytest.mark.parametrize("form", ["scitran-user {key}", "Bearer {key}", "scitran-user {full}", "Bearer {full}"])
def test_both_schemes_and_key_prefixes_are_accepted(site: Any, form: str) -> None:
    header = form.format(key=key_of(site.api_key), full=site.api_key)
    answer = Wire.connect(site.url, None)("GET", "/auth/status", headers={"Authorization": header})
    assert answer.status_code == 200
    assert answer.json()["origin"]["type"] == "user"


def test_api_key_string_opens_plain_http_in_the_sdk(site: Any) -> None:
    assert ":__force_insecure:" in site.api_key
    assert flywheel.Client(site.api_key).get_current_user().id


def test_unknown_key_is_401_at_construction(site: Any) -> None:
    wrong = site.api_key.rsplit(":", 1)[0] + ":notakeynotakeynotakey"
    with pytest.raises(ApiException) as raised:
        flywheel.Client(wrong)
    assert raised.value.status == 401


def test_no_authorization_on_a_protected_route_is_403(anonymous: Wire) -> None:
    anonymous.get("/projects", status=403)


def test_key_of_a_disabled_user_is_402(member: Any, wire: Wire) -> None:
    someone = member()
    wire.put(f"/users/{someone.id}", {"disabled": True})
    someone.wire.get("/auth/status", status=402)


def test_auth_status_describes_the_caller(wire: Wire) -> None:
    status = wire.get("/auth/status")
    conforms(status, "AuthSessionOutput", "origin", "user_id", "user_is_admin", "is_device", "roles")
    assert status["user_is_admin"] is True
    assert status["origin"] == {"type": "user", "id": status["user_id"]}


def test_version_and_config_need_no_key(anonymous: Wire) -> None:
    conforms(anonymous.get("/version"), "Version", "release", "flywheel_release", "database", "cli_version")
    config = anonymous.get("/config")
    conforms(config, "ConfigOut", "site", "features", "signed_url")
    assert {"name", "api_url", "redirect_url"} <= set(config["site"])
    assert config["features"]["signed_url"] is True
    assert config["signed_url"] is True


def test_key_rebuilt_from_site_url_and_current_user_works(fw: flywheel.Client) -> None:
    me, config = fw.get_current_user(), fw.get_config()
    host = config.site.api_url.split("//")[1].split("/")[0]
    rebuilt = f"{host}:__force_insecure:{me.api_key.key}"
    assert flywheel.Client(rebuilt).get_current_user().id == me.id


def test_current_user_and_users_finder(wire: Wire, fw: flywheel.Client) -> None:
    me = wire.get("/users/self")
    conforms(me, "CurrentUserOutput", "_id", "firstname", "lastname", "email", "roles", "api_key", "api_keys", "info")
    assert me["_id"] == me["email"]
    assert "site_admin" in me["roles"]
    conforms(wire.get("/users"), "list[UserOutput]", "_id", "firstname", "lastname")
    assert me["_id"] in [user.id for user in fw.users.iter()]


def test_modalities_are_found_listed_added_and_replaced(wire: Wire, fw: flywheel.Client) -> None:
    name = fresh("MOD")
    assert wire.post("/modalities", {"_id": name, "classification": {"Intent": ["Structural"]}})["_id"] == name
    wire.post("/modalities", {"_id": name, "classification": {}}, status=409)
    conforms(wire.get(f"/modalities/{name}"), "ModalityOutput", "_id", "classification", "active")
    wire.put(f"/modalities/{name}", {"classification": {"Intent": ["Structural", "Functional"]}})
    assert fw.get_modality(name).classification == {"Intent": ["Structural", "Functional"]}
    assert name in [modality.id for modality in fw.get_all_modalities()]


def test_unknown_modality_is_404(fw: flywheel.Client) -> None:
    with pytest.raises(ApiException) as raised:
        fw.get_modality("NO-SUCH")
    assert raised.value.status == 404


def test_built_in_roles_name_their_level_and_actions(wire: Wire, fw: flywheel.Client) -> None:
    roles = wire.get("/roles")
    conforms(roles, "list[RoleOutput]", "_id", "label", "default_flywheel_role", "actions", "in_use")
    by_level = {role["default_flywheel_role"]: role for role in roles}
    assert {"admin", "rw", "ro"} <= set(by_level)
    assert "files_download" in by_level["ro"]["actions"]
    assert "containers_create_hierarchy" not in by_level["ro"]["actions"]
    assert fw.get_role(by_level["rw"]["_id"]).label == by_level["rw"]["label"]


def test_sub_containers_copy_project_permissions(
    project: Any, acquisition: Any, member: Any, fw: flywheel.Client
) -> None:
    someone = member(project, "ro")
    for container in (fw.get_project(project.id), fw.get_acquisition(acquisition.id)):
        assert someone.id in [p.id for p in container.permissions]


def test_members_see_only_their_own_permission(project: Any, session: Any, member: Any) -> None:
    someone = member(project, "ro")
    member(project, "rw")
    assert [p.id for p in someone.fw.get_session(session.id).permissions] == [someone.id]


def test_existing_container_without_rights_is_403_and_missing_404(session: Any, member: Any) -> None:
    stranger = member()
    stranger.wire.get(f"/sessions/{session.id}", status=403)
    stranger.wire.get("/sessions/" + "0" * 24, status=404)


def test_listings_leave_out_what_the_caller_may_not_read(project: Any, session: Any, member: Any) -> None:
    stranger, reader = member(), member(project, "ro")
    assert session.id not in [s["_id"] for s in stranger.wire.get("/sessions")]
    assert [s["_id"] for s in reader.wire.get("/sessions")] == [session.id]


def test_exhaustive_is_for_site_admins(wire: Wire, session: Any, member: Any) -> None:
    assert session.id in [s["_id"] for s in wire.get("/sessions", exhaustive="true")]
    member().wire.get("/sessions", status=403, exhaustive="true")


READ_ONLY_REFUSALS: dict[str, tuple[str, str, Any]] = {
    "create a session": ("POST", "/sessions", {"project": "{p}", "label": "n"}),
    "modify": ("PUT", "/sessions/{s}", {"label": "n"}),
    "delete": ("DELETE", "/sessions/{s}", None),
    "tag": ("POST", "/sessions/{s}/tags", {"value": "t"}),
    "set info": ("PATCH", "/sessions/{s}/info", {"set": {"a": 1}}),
    "note": ("POST", "/sessions/{s}/notes", {"text": "t"}),
    "ask for an upload ticket": ("POST", "/sessions/{s}/files?ticket=", {"metadata": {}, "filenames": ["f"]}),
    "delete a file": ("DELETE", "/sessions/{s}/files/f.txt", None),
    "change a file": ("PUT", "/sessions/{s}/files/f.txt", {"type": "text"}),
    "add a rule": ("POST", "/projects/{p}/rules", {"gear_id": "0" * 24, "name": "r"}),
}


@pytest.mark.parametrize("what", READ_ONLY_REFUSALS)
def test_read_only_member_may_not(project: Any, session: Any, member: Any, wire: Wire, what: str) -> None:
    wire.upload(f"/sessions/{session.id}", "f.txt", b"1")
    method, path, body = READ_ONLY_REFUSALS[what]
    if body and "project" in body:
        body = body | {"project": project.id}
    reader = member(project, "ro")
    answer = reader.wire(method, path.format(s=session.id, p=project.id), json=body)
    assert answer.status_code == 403, answer.text


def test_read_only_member_may_read_and_download(project: Any, session: Any, member: Any, wire: Wire) -> None:
    wire.upload(f"/sessions/{session.id}", "f.txt", b"1")
    reader = member(project, "ro")
    assert reader.fw.get_session(session.id).read_file("f.txt") == b"1"


def test_create_right_is_checked_on_the_destination(
    group: Any, session: Any, project: Any, member: Any, wire: Wire
) -> None:
    elsewhere = group.add_project(label="Elsewhere")
    someone = member(project, "rw")
    answer = someone.wire("PUT", f"/sessions/{session.id}", json={"project": elsewhere.id})
    assert answer.status_code == 403
    assert "containers_create_hierarchy" in answer.text
    assert wire.get(f"/sessions/{session.id}")["project"] == project.id


def test_group_permissions_use_access_levels(group: Any, member: Any, wire: Wire, fw: flywheel.Client) -> None:
    someone = member()
    fw.add_group_permission(group.id, {"_id": someone.id, "access": "ro"})
    conforms(wire.get(f"/groups/{group.id}"), "GroupOutput", "permissions")
    assert {"_id": someone.id, "access": "ro"} in wire.get(f"/groups/{group.id}")["permissions"]
    someone.wire.post("/projects", {"label": "n", "group": group.id}, status=403)


def test_project_permissions_use_role_ids(project: Any, member: Any, wire: Wire) -> None:
    someone = member(project, "ro")
    entry = next(p for p in wire.get(f"/projects/{project.id}")["permissions"] if p["_id"] == someone.id)
    assert isinstance(entry["role_ids"], list)
    assert "access" not in entry
