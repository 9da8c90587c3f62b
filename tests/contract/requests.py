"""Valid requests: one of everything that programs are known to send."""

from __future__ import annotations

from typing import Any

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


def manifest(name: str, version: str = "0.1.0", **more: Any) -> dict[str, Any]:
    return {
        "name": name, "label": name.title(), "description": "A test gear.", "version": version, "author": "A",
        "maintainer": "M", "license": "MIT", "source": "", "url": "", "command": "python run.py",
        "inputs": {"dicom": {"base": "file", "type": {"enum": ["dicom"]}, "optional": False}},
        "config": {"speed": {"type": "integer", "default": 3}, "word": {"type": "string", "optional": True}}, "environment": {}, "custom": {},
        **more,
    }  # fmt: skip


def filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: filled(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, ids) for item in value]
    return ids.get(value[1:-1], value) if isinstance(value, str) and value.startswith("{") else value
