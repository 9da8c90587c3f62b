"""A project of 20,000 sessions is selected page by page, in bounded memory."""

from __future__ import annotations

import tracemalloc

import pytest

from export_session.launch.selection import select
from export_session.session.result import Route
from export_session.settings import Config
from export_session.site import Patience, PatientSite, connect
from export_session.site.model import Project
from local_site.storage.stamps import IdSource
from tests.support.world import World


def fill(world: World, number: int) -> None:
    """Put sessions that are EXPORTED beside one that is not, behind the back of the API."""
    session = world.session()
    store, new_id = world.site.site.store, IdSource()
    pattern = store.get("session", session.id)
    assert pattern is not None
    with store.transaction():
        for index in range(number):
            store.put("session", {**pattern, "_id": new_id(), "label": f"Visit {index}", "tags": ["EXPORTED"]})


@pytest.mark.parametrize("number", [2_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_selection_needs_no_more_memory_than_a_few_pages(world: World, number: int) -> None:
    fill(world, number)
    site = PatientSite(connect(world.site.api_key, writable=False), Patience(60.0))
    project = site.read(Project, world.quarantine.id)
    route = Route(project, project, None)
    world.site.clear_requests()
    tracemalloc.start()
    selected = sum(1 for one in select(site, project, route, Config("group/Export")) if not one.skipped)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert selected == 1
    assert peak < 30e6
    pages = [one for one in world.site.requests if one.path.endswith("/sessions")]
    assert len(pages) <= number // 250 + 2  # each session is listed once
