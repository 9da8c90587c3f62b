"""Paths are split before they are decoded."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from local_site.routing.table import Router, Routes

routes = Routes()
for method, template in [
    ("GET", "/{level}"),
    ("GET", "/{cont}/{cid}"),
    ("GET", "/{tree}/{cid}/files/{name}"),
    ("GET", "/files/{file_id}/info/x"),
    ("GET", "/projects/catalog-list"),
]:
    routes.add(method, template)(lambda call: call)
router = Router(routes)


@settings(deadline=None)
@given(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1))
def test_any_name_is_one_part_of_the_path(name: str) -> None:
    found = router.find("GET", f"/sessions/abc/files/{quote(name, safe='')}")
    assert found is not None
    assert found[1] == {"tree": "sessions", "cid": "abc", "name": name}


def test_literal_parts_go_before_parameters() -> None:
    found = router.find("GET", "/projects/catalog-list")
    assert found is not None
    assert found[0].template == "/projects/catalog-list"


def test_families_admit_container_types_only() -> None:
    assert router.find("GET", "/users/abc") is None
    assert router.find("GET", "/groups/abc/files/x") is None
    assert router.find("POST", "/sessions/abc") is None


def test_the_template_is_shown_with_its_type_of_container() -> None:
    found = router.find("GET", "/sessions/abc/files/x")
    assert found is not None
    assert found[0].shown(found[1]) == "/sessions/{id}/files/{name}"
