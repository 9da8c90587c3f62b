"""The pages show everything, to whoever has the key, and do nothing."""

from __future__ import annotations

from typing import Any

import flywheel
import httpx2
import pytest

from local_site import LocalSite

HOSTILE = "<script>alert('x')</script>&\"{{7*7}}"


@pytest.fixture
def browser(site: LocalSite) -> httpx2.Client:
    return httpx2.Client(base_url=site.url, follow_redirects=True, transport=httpx2.HTTPTransport())


@pytest.fixture
def admitted(site: LocalSite, browser: httpx2.Client) -> httpx2.Client:
    browser.get("/", params={"key": site.site.owner_key()})
    return browser


@pytest.mark.parametrize("path", ["/", "/jobs", "/session/x", "/?key=wrong"])
def test_without_the_key_nothing_is_shown(browser: httpx2.Client, session: Any, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 403
    assert "Proj" not in answer.text


def test_the_key_of_someone_who_is_no_administrator_does_not_open_it(site: LocalSite, browser: httpx2.Client) -> None:
    key = site.add_user("someone@example.org").rpartition(":")[2]
    assert browser.get("/", params={"key": key}).status_code == 403


def test_the_key_becomes_a_cookie_out_of_reach_of_scripts(site: LocalSite) -> None:
    answer = httpx2.get(site.url, params={"key": site.site.owner_key()}, trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert "samesite=strict" in answer.headers["set-cookie"].lower()


def test_the_tree_leads_down_to_a_files_info(admitted: httpx2.Client, session: Any) -> None:
    session.upload_file(flywheel.FileSpec("f.txt", b"x"), metadata={"info": {"header": {"dicom": {"PatientID": "P7"}}}})
    file = session.reload().files[0]
    assert "Proj" in admitted.get("/").text
    page = admitted.get(f"/session/{session.id}").text
    assert f"/file/{file.file_id}" in page
    assert "P7" in admitted.get(f"/file/{file.file_id}").text


def test_what_users_wrote_is_escaped_everywhere(admitted: httpx2.Client, session: Any) -> None:
    session.update(label=HOSTILE[:60], info={HOSTILE: HOSTILE})
    session.add_tag(HOSTILE[:32])
    session.add_note(HOSTILE)
    session.upload_file(flywheel.FileSpec("f.txt", b"x"), metadata={"info": {HOSTILE: HOSTILE}})
    file_id = session.reload().files[0].file_id
    for path in (
        "/",
        f"/project/{session.project}",
        f"/subject/{session.subject.id}",
        f"/session/{session.id}",
        f"/file/{file_id}",
    ):
        page = admitted.get(path)
        assert page.status_code == 200
        assert "<script" not in page.text
        assert (
            "script-src" in page.headers["content-security-policy"]
            or "default-src 'none'" in page.headers["content-security-policy"]
        )
    assert "&lt;script&gt;" in page.text
    assert "49" not in page.text.replace(file_id, "") or "{{7*7}}" in page.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_pages_are_for_looking(admitted: httpx2.Client, method: str) -> None:
    assert admitted.request(method, "/").status_code == 405


def test_the_cookie_opens_no_other_door(admitted: httpx2.Client) -> None:
    assert admitted.get("/api/groups").status_code == 403
    assert admitted.get("/__admin__/requests").status_code == 403


def test_many_children_come_in_pages(site: LocalSite, admitted: httpx2.Client, session: Any, client: Any) -> None:
    for number in range(201):
        client.add_acquisition({"session": session.id, "label": f"acq-{number:03d}"})
    first = admitted.get(f"/session/{session.id}").text
    assert "acq-199" in first
    assert "acq-200" not in first
    after = first.split("?after=")[1].split('"')[0]
    assert "acq-200" in admitted.get(f"/session/{session.id}", params={"after": after}).text
