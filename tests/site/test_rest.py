"""Nothing is left out of a listing because the site gives shorter pages than were asked for."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from export_session.site.model import Acquisition
from export_session.site.rest import PAGE, FlywheelSite
from export_session.site.sdk import Sdk


class Capped:
    """An API client of a site that lists at most `cap` rows at a time."""

    def __init__(self, rows: int, cap: int, *, counts: bool) -> None:
        self.ids = [f"{number:024x}" for number in range(1, rows + 1)]
        self.cap = cap
        self.counts = counts
        self.calls = 0

    def call_api(self, _path: str, _method: str, _params: object, query: Any, *_: object, **__: object) -> Any:
        self.calls += 1
        asked = dict(query)
        after = asked.get("after_id", "")
        rows = [{"_id": one, "label": one} for one in self.ids if one > after][: min(self.cap, asked["limit"])]
        answer = {"count": len(rows), "total": len(self.ids), "results": rows} if self.counts else rows
        content = json.dumps(answer).encode()
        return SimpleNamespace(status_code=200, headers={}, content=content, close=lambda: None)


@pytest.mark.parametrize("cap", [100, PAGE, 10_000])
@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 249, 250, 251, 600])
def test_every_row_is_listed_whatever_the_site_gives_at_once(rows: int, cap: int, counts: bool) -> None:
    api = Capped(rows, cap, counts=counts)
    site = FlywheelSite(Sdk(SimpleNamespace(api_client=api), writable=False))
    assert [row.id for row in site.children("session", "5" * 24, Acquisition)] == api.ids
    pages = -(-rows // min(cap, PAGE)) or 1
    # Where a site does not say how many rows there are, the empty page after a full one is asked for twice.
    assert api.calls == pages if counts else api.calls <= pages + 2
