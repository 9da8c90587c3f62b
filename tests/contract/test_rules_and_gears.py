"""Gear rules and gears as records."""

from __future__ import annotations

from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from tests.contract.requests import manifest
from tests.contract.wire import Wire, conforms, fresh

RULE_KEYS = (
    "_id", "project_id", "gear_id", "role_id", "name", "config", "fixed_inputs", "priority", "auto_update", "any",
    "all", "not", "disabled", "triggering_input", "tags", "last_modified_by", "revision",
)  # fmt: skip


@pytest.fixture
def gear(wire: Wire) -> str:
    name = fresh("gear")
    return str(wire.post(f"/gears/{name}", {"category": "utility", "gear": manifest(name), "exchange": {}})["_id"])


def rule(gear: str, **more: Any) -> dict[str, Any]:
    return {
        "gear_id": gear, "name": "on dicom", "config": {}, "fixed_inputs": [], "any": [], "not": [],
        "all": [{"type": "file.type", "value": "dicom", "regex": False}], **more,
    }  # fmt: skip


def test_rule_is_made_read_changed_and_removed(project: Any, gear: str, wire: Wire, fw: flywheel.Client) -> None:
    made = wire.post(f"/projects/{project.id}/rules", rule(gear))
    conforms(made, "GearRuleOutput", *RULE_KEYS)
    assert (made["project_id"], made["gear_id"], made["disabled"]) == (project.id, gear, False)
    path = f"/projects/{project.id}/rules/{made['_id']}"
    conforms(wire.put(path, {"disabled": True}), "GearRuleOutput", *RULE_KEYS)
    assert fw.modify_project_rule(project.id, made["_id"], {"name": "renamed"}).name == "renamed"
    found = fw.get_project_rule(project.id, made["_id"])
    assert (found.name, found.disabled) == ("renamed", True)
    assert [r.id for r in fw.get_project_rules(project.id)] == [made["_id"]], "disabled rules are listed"
    fw.remove_project_rule(project.id, made["_id"])
    wire.get(path, status=404)
    assert wire.get(f"/projects/{project.id}/rules") == []


def test_bad_regex_in_a_rule_is_422(project: Any, gear: str, wire: Wire) -> None:
    condition = {"type": "file.name", "value": "(", "regex": True}
    wire.post(f"/projects/{project.id}/rules", rule(gear, all=[condition]), status=422)


def test_rules_are_read_with_ro_and_written_with_admin(project: Any, gear: str, wire: Wire, member: Any) -> None:
    made = wire.post(f"/projects/{project.id}/rules", rule(gear))
    reader, writer, admin = (member(project, role) for role in ("ro", "rw", "admin"))
    assert [r["_id"] for r in reader.wire.get(f"/projects/{project.id}/rules")] == [made["_id"]]
    writer.wire.post(f"/projects/{project.id}/rules", rule(gear), status=403)
    writer.wire.put(f"/projects/{project.id}/rules/{made['_id']}", {"name": "x"}, status=403)
    writer.wire.delete(f"/projects/{project.id}/rules/{made['_id']}", status=403)
    admin.wire.post(f"/projects/{project.id}/rules", rule(gear))


def test_new_project_inherits_copies_of_the_site_rules(open_site: Any) -> None:
    client = flywheel.Client(open_site().api_key)
    gear = client.add_gear("g", {"category": "utility", "gear": manifest("g")})
    client.add_group({"_id": "grp", "label": "Group"})
    before = client.get_group("grp").add_project(label="before")
    site_rule = client.add_site_rule(rule(gear))
    after = client.get_group("grp").add_project(label="after")
    assert client.get_project_rules(before.id) == []
    (inherited,) = client.get_project_rules(after.id)
    assert (inherited.name, inherited.gear_id, inherited.project_id) == ("on dicom", gear, after.id)
    assert inherited.id != site_rule.id
    assert [r.id for r in client.get_site_rules()] == [site_rule.id]


def test_gear_carries_what_the_sdk_reads(gear: str, wire: Wire, fw: flywheel.Client) -> None:
    found = wire.get(f"/gears/{gear}")
    conforms(found, "GearDocument", "_id", "category", "gear", "created", "disabled")
    assert fw.get_gear(gear).get_default_config() == {"speed": 3}
    assert not fw.get_gear(gear).is_analysis_gear()


def test_gear_without_config_gets_an_empty_one(wire: Wire, fw: flywheel.Client) -> None:
    name = fresh("bare")
    bare = {key: value for key, value in manifest(name).items() if key not in ("config", "inputs")}
    made = wire.post(f"/gears/{name}", {"category": "utility", "gear": bare})["_id"]
    assert wire.get(f"/gears/{made}")["gear"]["config"] == {}
    assert fw.get_gear(made).get_default_config() == {}


def test_newest_version_is_listed_and_all_on_request(wire: Wire, fw: flywheel.Client) -> None:
    name = fresh("many")
    made = [
        wire.post(f"/gears/{name}", {"category": "utility", "gear": manifest(name, version)})["_id"]
        for version in ("0.9.0", "0.10.0")
    ]
    wire.post(f"/gears/{name}", {"category": "utility", "gear": manifest(name, "0.9.0")}, status=409)
    condition = f"gear.name={name}"
    assert [g.id for g in fw.get_all_gears(filter=condition)] == [made[1]]
    assert sorted(g.id for g in fw.get_all_gears(filter=condition, all_versions=True, include_invalid=True)) == made
    assert fw.lookup(f"gears/{name}").id == made[1]
    assert fw.lookup(f"gears/{name}/0.9.0").id == made[0]


def test_disabled_gear_is_hidden_unless_asked_for(wire: Wire, fw: flywheel.Client) -> None:
    name = fresh("off")
    made = wire.post(f"/gears/{name}", {"category": "utility", "gear": manifest(name)})["_id"]
    wire.delete(f"/gears/{made}")
    assert fw.get_all_gears(filter=f"gear.name={name}") == []
    assert [g.id for g in fw.get_all_gears(filter=f"gear.name={name}", include_invalid=True)] == [made]
    with pytest.raises(ApiException):
        fw.lookup(f"gears/{name}")


def test_invocation_is_a_json_schema(gear: str, wire: Wire) -> None:
    schema = wire.get(f"/gears/{gear}/invocation")
    assert schema["type"] == "object"
    assert {"config", "inputs"} <= set(schema["properties"])


def test_gears_are_added_by_admins(member: Any) -> None:
    name = fresh("no")
    member().wire.post(f"/gears/{name}", {"category": "utility", "gear": manifest(name)}, status=403)
