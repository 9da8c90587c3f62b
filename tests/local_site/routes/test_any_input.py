"""Whatever is sent to whatever route, the site answers, and never with a failure of its own."""

from __future__ import annotations

import logging
import random
from typing import Any
from urllib.parse import quote

import flywheel
import httpx2
import pytest

from local_site import LocalSite
from local_site.hierarchy.levels import CREATE_KEYS
from local_site.routing.table import FAMILIES, Route
from local_site.server import TABLES

KEYS = sorted(
    {key for keys in CREATE_KEYS.values() for key in keys}
    | {
        "value",
        "text",
        "set",
        "delete",
        "replace",
        "add",
        "path",
        "filter",
        "sources",
        "destinations",
        "destination_container_type",
        "conflict_mode",
        "dst_project_id",
        "dst_session_id",
        "metadata",
        "filenames",
        "container_reference",
        "parent_ref",
        "name",
        "size",
        "modality",
        "role_ids",
        "access",
        "permissions",
        "gear_id",
        "config",
        "inputs",
        "destination",
        "targets",
        "state",
        "nodes",
        "filters",
        "sessions",
        "acquisitions",
        "project_id",
        "project_ids",
        "subject",
        "session",
        "acquisition",
        "gear",
        "category",
        "any",
        "all",
        "not",
        "fixed_inputs",
        "actions",
        "roles",
        "classification",
        "firstname",
        "lastname",
        "email",
        "group_id",
        "project_label",
        "analysis",
        "job",
        "tags",
        "priority",
    }
)
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "a" * 300,
    [],
    [None],
    [1],
    [[]],
    [{}],
    {},
    {"x": 1},
    {"_id": {}},
    {"id": []},
]
QUERIES = [
    "",
    "?ticket=",
    "?ticket=x",
    "?filter=label=x",
    "?limit=-1",
    "?limit=x",
    "?sort=a:b",
    "?page=1",
    "?version=x",
    "?member=x",
]


def asked_routes(methods: set[str]) -> list[Route]:
    return [route for table in TABLES for route in table.routes if route.method in methods]


def body_of(chance: random.Random) -> Any:
    if chance.random() < 0.15:
        return chance.choice(VALUES)
    return {key: chance.choice(VALUES) for key in chance.sample(KEYS, chance.randrange(1, 4))}


def path_of(route: Route, known: dict[str, str], chance: random.Random) -> str:
    parts = []
    for part in route.parts:
        name = part[1:-1] if part.startswith("{") else ""
        if name in FAMILIES:
            parts.append(known["plural"])
        elif name:
            parts.append(
                quote(
                    chance.choice(
                        [known.get(name, known["cid"]), "x"]
                        if chance.random() < 0.2
                        else [known.get(name, known["cid"])]
                    ),
                    safe="",
                )
            )
        else:
            parts.append(part)
    return "/" + "/".join(parts)


@pytest.mark.parametrize("seed", range(3))
def test_no_request_makes_the_site_fail(
    site: LocalSite, session: Any, client: flywheel.Client, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    chance = random.Random(seed)
    http = httpx2.Client(
        base_url=f"{site.url}/api",
        headers={"Authorization": f"scitran-user {site.site.owner_key()}"},
        transport=httpx2.HTTPTransport(),
    )
    acquisition = session.add_acquisition(label="a")
    session.upload_file(flywheel.FileSpec("f.txt", b"x"))
    places = [
        {"plural": plural, "cid": cid, "name": "f.txt", "file_id": session.reload().files[0].file_id}
        for plural, cid in [
            ("groups", session.group), ("projects", session.project), ("subjects", session.subject.id),
            ("sessions", session.id), ("acquisitions", acquisition.id), ("containers", session.id),
        ]
    ]  # fmt: skip
    failures = []
    for methods in ({"GET"}, {"POST", "PUT", "PATCH"}, {"DELETE"}):
        routes = asked_routes(methods)
        for _ in range(40 if methods == {"DELETE"} else 200):
            route = chance.choice(routes)
            path = path_of(route, chance.choice(places), chance) + chance.choice(
                QUERIES if chance.random() < 0.4 else [""]
            )
            body = None if route.method == "GET" else body_of(chance)
            answer = http.request(route.method, path, json=body)
            if answer.status_code >= 500:
                failures.append((route.method, path, body))
    assert failures == []
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
