"""Every route of the SDK's API classes is served, or is not here on purpose."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import flywheel.api
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from local_site.routes import not_here
from local_site.routing.table import FAMILIES, Route, tell
from local_site.server import TABLES
from tests.contract.wire import Wire

CALL = re.compile(r"call_api\(\s*'(/[^']*)',\s*'([A-Z]+)'")
PART = re.compile(r"\{\w+\}")
NAMES = {"{container_name}": "projects", "{subcontainer_name}": "sessions", "{container_type}": "session"}


def routes_of_the_sdk() -> list[tuple[str, str]]:
    modules = Path(flywheel.api.__file__).parent.glob("*_api.py")
    calls = (call for module in modules for call in CALL.findall(module.read_text(encoding="utf-8")))
    return sorted({(method, path) for path, method in calls})


def matched(method: str, path: str) -> Route | None:
    """Return the route that aiohttp finds for a request, as the server would."""
    router = web.UrlDispatcher()

    async def serve(_route: Route, _request: web.Request) -> Any:
        raise AssertionError

    tell(router, "", (route for table in TABLES for route in table.routes), serve)
    request = make_mocked_request(method, PART.sub(lambda part: NAMES.get(part[0], "x"), path))
    found = asyncio.run(router.resolve(request))
    return None if found.http_exception else found.handler.args[0]  # type: ignore[attr-defined]  # a partial of serve


def by_accident(route: Route, path: str) -> bool:
    """Tell whether a literal part of the path was taken for a name or an id."""
    literal = {"{" + name + "}" for name in (*FAMILIES, "rest", "below")}
    pairs = zip(route.parts, path.strip("/").split("/"), strict=False)
    return any(ours.startswith("{") and ours not in literal and not theirs.startswith("{") for ours, theirs in pairs)


SDK_ROUTES = routes_of_the_sdk()


def test_the_sdk_has_its_routes() -> None:
    assert len(SDK_ROUTES) > 500


@pytest.mark.parametrize(("method", "path"), SDK_ROUTES)
def test_every_route_is_served_or_not_here_on_purpose(method: str, path: str) -> None:
    route = matched(method, path)
    assert route, f"the site knows nothing of {method} {path}"
    assert not by_accident(route, path), f"{method} {path} is taken for {route.template}"


def test_nothing_is_called_not_here_without_need() -> None:
    used = {route.template for method, path in SDK_ROUTES if (route := matched(method, path)) and route.method == "*"}
    assert {template for templates in not_here.NOT_HERE.values() for template in templates} == used


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/report/site"), ("POST", "/devices"), ("PUT", "/jobs/x/profile")]
)
def test_what_is_not_here_says_why(wire: Wire, method: str, path: str) -> None:
    answer = wire(method, path, content=b"anything")
    assert answer.status_code == 501
    assert answer.json()["message"].startswith("Not on this site: ")
    assert answer.json()["reason"] == "not_here"
