"""Every route that programs are known to need answers, and answers what it should."""

from __future__ import annotations

import pytest

from tests.contract.requests import WRITES, filled
from tests.contract.wire import Wire

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
