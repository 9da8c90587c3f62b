"""A few hostile runs of fixed seeds; ``make hostile`` plays hundreds. And the proxy itself: it does what it is asked to."""

from __future__ import annotations

import asyncio
import http.client
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_site import LocalSite
from tests.faults.proxy import trouble
from tests.faults.proxy.__main__ import told
from tests.faults.proxy.play import draw, play, scene_of
from tests.faults.proxy.scenes import CASES, Rehearsed, rehearse
from tests.faults.proxy.server import Proxy, Strike
from tests.faults.proxy.trouble import HTML, KINDS
from tests.faults.proxy.wire import Request, Response

SEEDS = range(40)
QUICK = tuple(name for name in CASES if name != "pages")  # that one takes long


class Rehearsals:
    """Scenes by name, each rehearsed when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: dict[str, Rehearsed] = {}

    def __getitem__(self, name: str) -> Rehearsed:
        if name not in self._done:
            self._done[name] = rehearse(name, self._folder / str(len(self._done)))
        return self._done[name]


@pytest.fixture(scope="module")
def rehearsals(tmp_path_factory: pytest.TempPathFactory) -> Rehearsals:
    return Rehearsals(tmp_path_factory.mktemp("rehearsals"))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hostile_run_breaks_no_promise(rehearsals: Rehearsals, seed: int) -> None:
    verdict = play(seed, rehearsals[scene_of(seed, QUICK)])
    assert not verdict.violations, told(verdict)


def test_a_seed_always_draws_the_same(rehearsals: Rehearsals) -> None:
    rehearsed = rehearsals[scene_of(0, QUICK)]
    assert draw(7, rehearsed) == draw(7, rehearsed)
    assert len({str(draw(seed, rehearsed)) for seed in range(50)}) > 40


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSite]:
    with LocalSite(tmp_path_factory.mktemp("site")) as running:
        yield running


def through(site: LocalSite, kind: str, method: str = "GET", path: str = "/api/auth/status") -> tuple[int, bytes]:
    """Make one call through a proxy that strikes it, and return status and body as far as they come."""
    bare = site.api_key.rpartition(":")[2]
    with Proxy(int(site.url.rpartition(":")[2]), [Strike(kind, "", "", 1)]) as proxy:
        client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=1.0)
        body = json.dumps({"_id": f"g{random.randrange(1 << 40):x}", "label": "L"}) if method == "POST" else None
        headers = {"Authorization": f"scitran-user {bare}", "Content-Type": "application/json"}
        client.request(method, path, body, headers)
        answer = client.getresponse()
        read = answer.status, answer.read()
        client.close()
        proxy.settle()
        return read


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("empty 200", 200, b""),
        ("204", 204, b""),
        ("HTML 200", 200, HTML.encode()),
        ("null", 200, b"null"),
        ("302 to a page", 302, HTML.encode()),
        ("307 to a page", 307, HTML.encode()),
    ],
)
def test_an_answer_that_is_none_is_given(site: LocalSite, kind: str, status: int, body: bytes) -> None:
    assert through(site, kind) == (status, body)


def test_a_page_comes_without_its_rows() -> None:
    class Listing:
        given = Response(0)

        async def ask(self) -> Response:
            return Response.of(200, '{"count": 2, "total": 52, "results": [{"_id": "1"}, {"_id": "2"}]}')

        async def give(self, response: Response) -> None:
            self.given = response

    exchange = Listing()
    asyncio.run(KINDS["empty page"].deed(exchange, random.Random(0)))  # type: ignore[arg-type]  # all that it needs
    assert json.loads(exchange.given.body) == {"count": 0, "total": 52, "results": []}


@pytest.mark.parametrize("status", [403, 429, 500, 502, 503])
def test_a_refusal_is_given_and_the_site_not_asked(site: LocalSite, status: int) -> None:
    site.clear_requests()
    assert through(site, str(status))[0] == status
    assert not site.requests


@pytest.mark.parametrize("kind", ["reset before", "reply lost"])
def test_a_connection_is_broken_off(site: LocalSite, kind: str) -> None:
    site.clear_requests()
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        through(site, kind)
    assert len(site.requests) == (kind == "reply lost")


def test_an_answer_is_cut_off(site: LocalSite) -> None:
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        through(site, "cut off")


def test_an_answer_stalls(site: LocalSite) -> None:
    with pytest.raises((TimeoutError, http.client.HTTPException)):
        through(site, "stalls")


def test_an_answer_trickles_in(site: LocalSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "TRICKLE", 0.001)
    assert through(site, "trickles")[0] == 200


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.repeats and "late" not in name])
def test_a_request_reaches_the_site_twice(site: LocalSite, kind: str) -> None:
    site.clear_requests()
    through(site, kind, "POST", "/api/groups")
    assert [call.method for call in site.requests] == ["POST", "POST"]


def test_what_is_not_struck_goes_through_as_it_is(site: LocalSite) -> None:
    status, body = through(site, "byte flipped up")  # which concerns uploads alone
    assert status == 200
    assert json.loads(body)["user_is_admin"] is True


def test_the_steps_of_an_upload_are_told_apart() -> None:
    path = f"/api/sessions/{'a' * 24}/files"
    routes = [Request("POST", path + query, (), b"").route for query in ("?ticket=", "?ticket=abc", "")]
    assert routes == ["/sessions/{id}/files?ticket=", "/sessions/{id}/files?ticket={ticket}", "/sessions/{id}/files"]
