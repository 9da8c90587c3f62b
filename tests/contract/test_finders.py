"""Finders, paging and sorting."""

from __future__ import annotations

from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from tests.contract.wire import Wire, fresh


@pytest.fixture
def five(subject: Any) -> list[str]:
    """Ids of five sessions, in the order of their creation."""
    return [subject.add_session(label=label).id for label in ("e", "c", "a", "d", "b")]


def ids(containers: Any) -> list[str]:
    return [c["_id"] if isinstance(c, dict) else c.id for c in containers]


def test_find_first_one_and_all(project: Any, five: list[str]) -> None:
    assert project.sessions.find_first("label=a").id == five[2]
    assert project.sessions.find_first("label=none") is None
    assert project.sessions.find_one("label=b").id == five[4]
    with pytest.raises(ValueError, match="No results"):
        project.sessions.find_one("label=none")
    with pytest.raises(ValueError, match="more results"):
        project.sessions.find_one()
    assert ids(project.sessions.find("label!=a")) == [five[0], five[1], five[3], five[4]]


@pytest.mark.parametrize("limit", [1, 2, 5, 250])
def test_iterating_visits_everything_once_in_order(project: Any, five: list[str], limit: int) -> None:
    assert ids(project.sessions.iter(limit=limit)) == five
    assert ids(project.sessions.iter_find(limit=limit)) == five


def test_sorted_pages_visit_everything_once(project: Any, five: list[str]) -> None:
    found = list(project.sessions.iter_find(sort="label:desc", limit=2))
    assert [s.label for s in found] == ["e", "d", "c", "b", "a"]


def test_sort_takes_several_fields_and_spellings(wire: Wire, project: Any, five: list[str]) -> None:
    path = f"/projects/{project.id}/sessions"
    for ascending in ("label", "label:asc", "label:1", "parents.project:asc,label:asc"):
        assert [s["label"] for s in wire.get(path, sort=ascending)] == list("abcde")
    for descending in ("label:desc", "label:-1"):
        assert [s["label"] for s in wire.get(path, sort=descending)] == list("edcba")
    assert wire("GET", path, params={"sort": "label:sideways"}).status_code == 422


def test_limit_is_one_page_and_no_limit_is_everything(
    wire: Wire, project: Any, five: list[str], fw: flywheel.Client
) -> None:
    assert ids(project.sessions.find(limit=2)) == five[:2]
    assert ids(fw.get_project_sessions(project.id)) == five
    assert ids(project.sessions()) == five


def test_after_id_is_exclusive_and_ascending(wire: Wire, project: Any, five: list[str]) -> None:
    assert five == sorted(five), "ids grow with creation"
    path = f"/projects/{project.id}/sessions"
    assert ids(wire.get(path, after_id=five[1], limit=2)) == five[2:4]
    assert wire.get(path, after_id=five[-1], limit=2) == []


def test_pages_count_from_one_and_zero_is_one(wire: Wire, project: Any, five: list[str]) -> None:
    path = f"/projects/{project.id}/sessions"
    assert ids(wire.get(path, page=1, limit=2)) == ids(wire.get(path, page=0, limit=2)) == five[:2]
    assert ids(wire.get(path, page=3, limit=2)) == five[4:]
    assert ids(wire.get(path, skip=3, limit=5)) == five[3:]


@pytest.mark.parametrize(
    "query",
    [
        "after_id=0&sort=label", "after_id=0&page=1&limit=2", "after_id=0&skip=1", "page=1", "page=1&limit=2&skip=1",
        "limit=2&limit=3", "limit=-1", "limit=two",
    ],
)  # fmt: skip
def test_contradictory_paging_is_422(wire: Wire, project: Any, query: str) -> None:
    query = query.replace("after_id=0", "after_id=" + "0" * 24)
    assert wire("GET", f"/projects/{project.id}/sessions?{query}").status_code == 422


def test_answer_is_a_list_unless_pagination_is_asked_for(wire: Wire, project: Any, five: list[str]) -> None:
    path = f"/projects/{project.id}/sessions"
    assert isinstance(wire.get(path, limit=2), list)
    asked = wire("GET", path, params={"limit": 2}, headers={"x-accept-feature": "Safe-Redirect,pagination"}).json()
    assert (asked["count"], asked["total"], ids(asked["results"])) == (2, 5, five[:2])


def test_catalog_list_is_always_an_envelope(wire: Wire, project: Any) -> None:
    page = wire.get("/projects/catalog-list", filter=f"_id={project.id}", limit=10)
    assert ids(page["results"]) == [project.id]


def test_files_page_by_file_id(fw: flywheel.Client, session: Any, wire: Wire) -> None:
    for number in range(5):
        wire.upload(f"/sessions/{session.id}", f"f{number}.txt", b"1")
    found = list(fw.files.iter_find(f"parents.session={session.id}", limit=2))
    assert [f.name for f in found] == [f"f{number}.txt" for number in range(5)]


def test_global_finders_reach_every_level(
    fw: flywheel.Client, group: Any, project: Any, subject: Any, session: Any, acquisition: Any
) -> None:
    analysis = session.add_analysis(label="an")
    pairs = [
        (fw.groups, group), (fw.projects, project), (fw.subjects, subject), (fw.sessions, session),
        (fw.acquisitions, acquisition), (fw.analyses, analysis),
    ]  # fmt: skip
    for finder, container in pairs:
        assert finder.find_one(f"_id={container.id}").id == container.id
    assert fw.users.find_first() is not None
    assert fw.collections.find() == [] or fw.collections.find_first().id


def test_child_finders_reach_their_children(
    fw: flywheel.Client, group: Any, project: Any, subject: Any, session: Any, acquisition: Any
) -> None:
    analysis = session.add_analysis(label="an")
    assert ids(group.projects()) == [project.id]
    assert ids(project.subjects()) == [subject.id]
    assert ids(subject.sessions()) == [session.id]
    assert ids(session.acquisitions()) == [acquisition.id]
    assert ids(fw.get_project_acquisitions(project.id)) == [acquisition.id]
    assert ids(fw.get_session_analyses(session.id)) == [analysis.id]


def test_session_jobs_come_in_an_object(wire: Wire, session: Any) -> None:
    assert wire.get(f"/sessions/{session.id}/jobs")["jobs"] == []


def test_gear_finder_ends(fw: flywheel.Client, wire: Wire) -> None:
    name = fresh("gear")
    wire.post(
        f"/gears/{name}", {"category": "utility", "gear": {"name": name, "version": "1", "config": {}, "inputs": {}}}
    )
    assert name in [gear.gear.name for gear in fw.gears.iter_find(limit=1)]


def test_listing_of_a_missing_parent_is_404(fw: flywheel.Client) -> None:
    with pytest.raises(ApiException) as raised:
        fw.get_session_acquisitions("0" * 24)
    assert raised.value.status == 404
