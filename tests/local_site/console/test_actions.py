"""What forms on the pages do: the same as the API, with the rights of whoever opened them."""

from __future__ import annotations

import json
from typing import Any

import flywheel
import httpx2
import pytest

from local_site import LocalSite
from local_site.engine import gears

HEADER = {
    "PatientName": "Doe^John",
    "Rows": 512,
    "PixelSpacing": [0.5, 0.5],
    "Note": "a & <b>",
    "Weight": 61.5,
    "Text": "a\r\nb\rc\nd",
}
GEAR = {
    "name": "maker", "label": "Maker", "version": "1.0.0", "command": "true", "environment": {}, "custom": {},
    "inputs": {"table": {"base": "file", "optional": True}, "api-key": {"base": "api-key"}},
    "config": {
        "target": {"type": "string", "description": "Where to."},
        "mode": {"type": "string", "enum": ["copy", "move"], "default": "copy"},
        "again": {"type": "boolean", "default": True},
        "times": {"type": "integer", "optional": True},
    },
}  # fmt: skip


@pytest.fixture
def admitted(site: LocalSite) -> httpx2.Client:
    browser = httpx2.Client(base_url=site.url, follow_redirects=True, transport=httpx2.HTTPTransport())
    browser.get("/", params={"key": site.site.owner_key()})
    return browser


@pytest.fixture
def file(session: Any) -> Any:
    session.upload_file(_spec("f.dcm"), metadata={"info": {"header": {"dicom": HEADER, "dicom_array": {}}, "k": 1}})
    return session.reload().files[0]


@pytest.fixture
def gear_id(site: LocalSite) -> str:

    with site.site.store.transaction():
        return str(gears.add_gear(site.site, {"category": "utility", "gear": GEAR})["_id"])


def _spec(name: str) -> Any:

    return flywheel.FileSpec(name, b"content")


def form_of(header: dict[str, Any]) -> dict[str, str]:
    """Return what a browser sends of a form that nobody changed; it ends lines in its own way."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in header.items()}
    return {f"dicom.{key}": "\r\n".join(text.splitlines()) for key, text in texts.items()}


def test_a_form_sent_back_as_it_came_changes_nothing(admitted: httpx2.Client, file: Any) -> None:
    before = file.reload()
    admitted.post(f"/file/{file.file_id}", data=form_of(HEADER))
    assert (file.reload().info, file.reload().modified) == (before.info, before.modified)


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("PatientName", "Müller^Jörg", "Müller^Jörg"), ("PatientName", "", ""), ("PatientName", "17", "17"),
        ("Rows", "256", 256), ("Weight", "62.0", 62.0), ("Rows", "many", "many"), ("PixelSpacing", "[1, 2]", [1, 2]),
        ("PixelSpacing", "null", None),
    ],
)  # fmt: skip
def test_a_typed_value_is_the_one_kept(admitted: httpx2.Client, file: Any, key: str, typed: str, value: Any) -> None:
    answer = admitted.post(f"/file/{file.file_id}", data={**form_of(HEADER), f"dicom.{key}": typed})
    assert answer.status_code == 200
    assert file.reload().info == {"header": {"dicom": {**HEADER, key: value}, "dicom_array": {}}, "k": 1}


def test_a_keyword_is_added(admitted: httpx2.Client, file: Any) -> None:
    admitted.post(f"/file/{file.file_id}", data={"new.key": "StudyDescription", "new.value": "Brain"})
    assert file.reload().info["header"]["dicom"] == {**HEADER, "StudyDescription": "Brain"}


def test_what_is_not_json_is_refused_where_it_has_to_be(admitted: httpx2.Client, file: Any) -> None:
    answer = admitted.post(f"/file/{file.file_id}", data={"dicom.PixelSpacing": "[1, 2"})
    assert answer.status_code == 400
    assert file.reload().info["header"]["dicom"] == HEADER


def test_forms_of_other_sites_and_without_key_are_refused(site: LocalSite, admitted: httpx2.Client, file: Any) -> None:
    data = {"new.key": "A", "new.value": "b"}
    foreign = {"Origin": "http://evil.example"}
    assert admitted.post(f"/file/{file.file_id}", data=data, headers=foreign).status_code == 403
    assert httpx2.post(f"{site.url}/file/{file.file_id}", data=data, trust_env=False).status_code == 403
    assert file.reload().info["header"]["dicom"] == HEADER


def test_a_locked_project_refuses_the_form(site: LocalSite, admitted: httpx2.Client, file: Any, session: Any) -> None:
    site.lock(session.parents.project)
    assert admitted.post(f"/file/{file.file_id}", data={"new.key": "A", "new.value": "b"}).status_code == 403
    site.lock(session.parents.project, None)


def test_the_form_of_a_gear_starts_its_job(
    site: LocalSite, admitted: httpx2.Client, session: Any, file: Any, gear_id: str
) -> None:
    page = f"/launch/{gear_id}/session/{session.id}"
    assert page in admitted.get(f"/session/{session.id}").text
    form = admitted.get(page).text
    for shown in ("Where to.", 'name="config.mode"', "f.dcm", 'type="checkbox" checked'):
        assert shown in form
    data = {"config.target": "grp/P", "config.mode": "move", "config.times": "3", "input.table": file.file_id}
    answer = admitted.post(page, data=data)
    assert answer.status_code == 200
    assert answer.url.path.startswith("/job/")
    job = site.site.store.get("job", answer.url.path.rpartition("/")[2])
    assert job
    assert job["config"]["config"] == {"target": "grp/P", "mode": "move", "again": False, "times": 3}
    assert job["inputs"] == {"table": {"type": "session", "id": session.id, "name": "f.dcm"}}
    assert job["destination"] == {"type": "session", "id": session.id}


@pytest.mark.parametrize("data", [{}, {"config.target": "x", "config.times": "often"}])
def test_a_form_that_will_not_do_says_why(admitted: httpx2.Client, session: Any, gear_id: str, data: Any) -> None:
    answer = admitted.post(f"/launch/{gear_id}/session/{session.id}", data=data)
    assert answer.status_code == 400
    assert "target" in answer.text or "times" in answer.text


def test_content_opens_alone(site: LocalSite, admitted: httpx2.Client, session: Any) -> None:
    session.upload_file(_spec("report.html"))
    file = next(one for one in session.reload().files if one.name == "report.html")
    answer = admitted.get(f"/file/{file.file_id}/content")
    assert (answer.content, answer.headers["content-type"]) == (b"content", "text/html; charset=utf-8")
    assert answer.headers["content-security-policy"].startswith("sandbox")
    site.flag(file.file_id)
    assert admitted.get(f"/file/{file.file_id}/content").status_code == 403
