"""A path is matched before it is decoded: whatever a name holds, it is one part of the path."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import example, given
from hypothesis import strategies as st

from local_site.routing.table import Route, Routes, tell

routes = Routes()
for method, template in [
    ("GET", "/{level}"),
    ("GET", "/{cont}/{cid}"),
    ("GET", "/{tree}/{cid}/files/{name}"),
    ("GET", "/{tree}/{cid}/files/{name}/info"),
    ("GET", "/files/{file_id}/info/x"),
    ("GET", "/projects/catalog-list"),
]:
    routes.add(method, template)(lambda call: call)


async def serve(route: Route, request: web.Request) -> Any:
    return route, route.params(request)


router = web.UrlDispatcher()
tell(router, "/api", routes, serve)


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """What serves a request, with its parameters; None if nothing does."""

    async def found() -> tuple[Route, dict[str, str]] | None:
        request = make_mocked_request(method, f"/api{path}")
        match = await router.resolve(request)
        if match.http_exception:
            return None
        answer: Any = await match.handler(make_mocked_request(method, f"/api{path}", match_info=dict(match)))
        served: tuple[Route, dict[str, str]] = answer  # as `serve` makes it
        return served

    return asyncio.run(found())


NAMES = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1)
AWKWARD = [
    "a/b c+ü.zip",
    "%",
    "%2F",
    "%252F",
    "+",
    ";",
    "a?b#c",
    ".",
    "..",
    "/",
    "{x}",
    "}",
    "\n",
    "\0",
    "\\",
    "日本.dcm",
    "\u2028",
]


def awkward(test: Any) -> Any:
    for name in AWKWARD:
        test = example(name)(test)
    return test


@given(NAMES)
@awkward
def test_any_name_is_one_part_of_the_path(name: str) -> None:
    found = find("GET", f"/sessions/abc/files/{quote(name, safe='')}")
    assert found is not None
    assert found[1] == {"tree": "sessions", "cid": "abc", "name": name}


@given(NAMES)
@awkward
def test_any_name_is_one_part_in_the_middle_of_a_path(name: str) -> None:
    found = find("GET", f"/sessions/{quote(name, safe='')}/files/{quote(name, safe='')}/info")
    assert found is not None
    assert found[1] == {"tree": "sessions", "cid": name, "name": name}


@pytest.mark.parametrize("name", ["a b", "100%.csv", "x+y", "a%2fb", "semi;colon", "{x}", "日本"])
def test_names_that_a_client_encoded_in_its_own_way_are_understood(name: str) -> None:
    found = find("GET", f"/sessions/abc/files/{name}")
    assert found is not None
    assert found[1]["name"] == name.replace("%2f", "/")


def test_literal_parts_go_before_parameters() -> None:
    found = find("GET", "/projects/catalog-list")
    assert found is not None
    assert found[0].template == "/projects/catalog-list"


def test_families_admit_container_types_only() -> None:
    assert find("GET", "/users/abc") is None
    assert find("GET", "/groups/abc/files/x") is None
    assert find("POST", "/sessions/abc") is None


def test_an_empty_part_is_no_name() -> None:
    assert find("GET", "/sessions//files/x") is None
    assert find("GET", "/sessions/abc/files/") is None


def test_slashes_at_the_end_of_a_path_mean_nothing() -> None:
    for path in ("/sessions/abc", "/sessions/abc/", "/sessions/abc//"):
        found = find("GET", path)
        assert found is not None
        assert found[1] == {"cont": "sessions", "cid": "abc"}


def test_the_template_is_shown_with_its_type_of_container() -> None:
    found = find("GET", "/sessions/abc/files/x")
    assert found is not None
    assert found[0].shown(found[1]) == "/sessions/{id}/files/{name}"
