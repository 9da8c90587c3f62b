"""Every route that programs are known to need answers, and answers what it should (contract §9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.test_rules_and_gears import manifest
from tests.contract.wire import Wire, fresh

READS = [
    "/auth/status",
    "/config",
    "/version",
    "/users/self",
    "/users",
    "/roles",
    "/modalities",
    "/modalities/MR",
    "/gears",
    "/gears/{gear}",
    "/jobs",
    "/groups",
    "/projects",
    "/subjects",
    "/sessions",
    "/acquisitions",
    "/analyses",
    "/files",
    "/collections",
    "/site/rules",
    "/containers/{session}",
    "/groups/{group}",
    "/projects/{project}",
    "/subjects/{subject}",
    "/sessions/{session}",
    "/acquisitions/{acquisition}",
    "/analyses/{analysis}",
    "/groups/{group}/projects",
    "/projects/{project}/subjects",
    "/projects/{project}/sessions",
    "/projects/{project}/acquisitions",
    "/subjects/{subject}/sessions",
    "/sessions/{session}/acquisitions",
    "/sessions/{session}/jobs",
    "/projects/{project}/rules",
    "/projects/{project}/analyses",
    "/subjects/{subject}/analyses",
    "/sessions/{session}/analyses",
    "/acquisitions/{acquisition}/analyses",
    "/sessions/{session}/files/f.txt",
    "/sessions/{session}/files/f.txt/info",
    "/acquisitions/{acquisition}/files/f.txt",
    "/subjects/{subject}/files/f.txt",
    "/projects/{project}/files/f.txt",
    "/containers/{session}/files/f.txt",
    "/analyses/{analysis}/files/f.txt",
    "/files/{file}",
    "/files/{file}/versions",
    "/jobs/{job}",
    "/jobs/{job}/logs",
    "/jobs/{job}/detail",
    "/jobs/{job}/config.json",
    "/batch",
    "/batch/{batch}",
    "/gears/{gear}/invocation",
]
WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/lookup", {"path": ["{group}"]}),
    ("POST", "/resolve", {"path": ["{group}"]}),
    ("POST", "/{level}/tags", {"value": "t"}),
    ("PATCH", "/{level}/tags", ["u", "v"]),
    ("PUT", "/{level}/tags/u", {"value": "w"}),
    ("DELETE", "/{level}/tags/w", None),
    ("DELETE", "/{level}/tags", ["v"]),
    ("PATCH", "/{level}/info", {"set": {"a": 1}}),
    ("POST", "/{level}/info", {"delete": ["a"]}),
    ("POST", "/{level}/notes", {"text": "n"}),
    ("PUT", "/{level}/files/f.txt", {"type": "text"}),
    ("PATCH", "/{level}/files/f.txt/info", {"replace": {}}),
    ("PATCH", "/{level}/files/f.txt/classification", {"replace": {"Custom": ["c"]}}),
    ("POST", "/{level}/files?ticket=", {"metadata": {"name": "g"}, "filenames": ["g"]}),
    ("PATCH", "/files/{file}/tags", ["t"]),
    ("PUT", "/files/{file}/tags", ["u"]),
    ("POST", "/files/{file}/move", {"container_reference": {"type": "session", "id": "{session}"}}),
    ("POST", "/jobs/add", {"gear_id": "{gear}", "destination": {"type": "session", "id": "{session}"}}),
    ("PUT", "/jobs/{job}", {"state": "cancelled"}),
    ("POST", "/batch/{batch}/run", None),
    ("POST", "/batch/{batch}/cancel", None),
    ("POST", "/uids", {"sessions": [], "acquisitions": []}),
    ("POST", "/download", {"optional": True, "nodes": [{"level": "session", "_id": "{session}"}]}),
    ("POST", "/projects/{project}/upsert-hierarchy", {"subject": {"label": "n"}, "session": {"label": "n"}}),
    ("POST", "/sessions/{session}/copy", {"dst_project_id": "{project}", "dst_session_label": "c", "filter": {}}),
]


@pytest.fixture(scope="module")
def ids(wire: Wire) -> dict[str, str]:
    """One of everything, by its name in the route templates."""
    made = {"group": fresh("all")}
    wire.post("/groups", {"_id": made["group"], "label": "G"})
    made["project"] = wire.post("/projects", {"group": made["group"], "label": "P"})["_id"]
    made["subject"] = wire.post("/subjects", {"project": made["project"], "label": "S"})["_id"]
    embedded = {"_id": made["subject"]}
    made["session"] = wire.post("/sessions", {"project": made["project"], "subject": embedded, "label": "X"})["_id"]
    made["acquisition"] = wire.post("/acquisitions", {"session": made["session"], "label": "A"})["_id"]
    made["analysis"] = wire.post(f"/sessions/{made['session']}/analyses", {"label": "An"})["_id"]
    for level in ("projects", "subjects", "sessions", "acquisitions", "analyses"):
        single = "analysis" if level == "analyses" else level[:-1]
        wire.upload(f"/{level}/{made[single]}", "f.txt", b"content")
    made["file"] = wire.get(f"/sessions/{made['session']}")["files"][0]["file_id"]
    gear = manifest(fresh("all"), inputs={"api-key": {"base": "api-key"}})
    made["gear"] = wire.post(f"/gears/{gear['name']}", {"category": "utility", "gear": gear})["_id"]
    target = {"type": "session", "id": made["session"]}
    made["job"] = wire.post("/jobs/add", {"gear_id": made["gear"], "destination": target})["_id"]
    made["batch"] = wire.post("/batch", {"gear_id": made["gear"], "targets": [target], "config": {}})["_id"]
    return made


def filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: filled(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, ids) for item in value]
    return ids.get(value[1:-1], value) if isinstance(value, str) and value.startswith("{") else value


@pytest.mark.parametrize("template", READS)
def test_read(wire: Wire, ids: dict[str, str], template: str) -> None:
    assert wire("GET", template.format(**ids)).status_code == 200


@pytest.mark.parametrize(
    "level", ["projects/{project}", "subjects/{subject}", "sessions/{session}", "acquisitions/{acquisition}"]
)
def test_writes_below_every_level(wire: Wire, ids: dict[str, str], level: str) -> None:
    for method, template, body in WRITES:
        if "{level}" in template:
            path = template.replace("{level}", level).format(**ids)
            answer = wire(method, path, json=body)
            assert answer.status_code == 200, (method, path, answer.text)


def test_other_writes(wire: Wire, ids: dict[str, str]) -> None:
    for method, template, body in WRITES:
        if "{level}" not in template:
            answer = wire(method, template.format(**ids), json=filled(body, ids))
            assert answer.status_code == 200, (method, template, answer.text)
