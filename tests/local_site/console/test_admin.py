"""The admin route: misbehaviour, the record of requests, options and the dump, over HTTP."""

from __future__ import annotations

import flywheel
import httpx2
import pytest

from local_site import LocalSite


@pytest.fixture
def admin(site: LocalSite) -> httpx2.Client:
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    return httpx2.Client(base_url=f"{site.url}/__admin__", headers=headers, transport=httpx2.HTTPTransport())


@pytest.mark.parametrize("topic", ["faults", "requests", "options", "dump"])
def test_it_needs_an_administrators_key(site: LocalSite, topic: str) -> None:
    url = f"{site.url}/__admin__/{topic}"
    key = site.add_user("someone@example.org").rpartition(":")[2]
    read_only = site.add_user("other@example.org", admin=True, read_only=True).rpartition(":")[2]
    assert httpx2.get(url, trust_env=False).status_code == 403
    assert httpx2.get(url, headers={"Authorization": f"scitran-user {key}"}, trust_env=False).status_code == 403
    assert httpx2.get(url, headers={"Authorization": f"scitran-user {read_only}"}, trust_env=False).status_code == 403
    assert httpx2.get(url, headers={"Authorization": "scitran-user nonsense"}, trust_env=False).status_code == 401


def test_faults_are_set_shown_and_cleared(admin: httpx2.Client, client: flywheel.Client) -> None:
    asked = {"kind": "status", "status": 418, "route": "/users/self", "times": 1}
    assert admin.post("/faults", json=asked).status_code == 200
    with pytest.raises(flywheel.ApiException) as raised:
        client.get_current_user()
    assert raised.value.status == 418
    (shown,) = admin.get("/faults").json()
    assert (shown["kind"], shown["struck"]) == ("status", 1)
    assert client.get_current_user().id
    admin.delete("/faults")
    assert admin.get("/faults").json() == []


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "nonsense"},
        {"kind": "hook"} | {"hook": "os.remove"},
        [],
        {"route": "("},
        {"kind": "status", "route": "("},
    ],
)
def test_faults_that_make_no_sense_are_refused(admin: httpx2.Client, asked: object) -> None:
    assert admin.post("/faults", json=asked).status_code == 400


def test_the_record_tells_what_was_asked_and_leaves_itself_out(admin: httpx2.Client, client: flywheel.Client) -> None:
    admin.delete("/requests")
    client.get_current_user()
    (entry,) = admin.get("/requests").json()
    assert (entry["method"], entry["route"], entry["status"]) == ("GET", "/users/self", 200)
    assert entry["bytes_out"] > 0
    assert entry["seconds"] > 0


def test_options_change_while_the_site_runs(admin: httpx2.Client, client: flywheel.Client) -> None:
    assert client.get_config().features.signed_url
    assert admin.put("/options", json={"signed_url": False}).json()["signed_url"] is False
    assert not client.get_config().features.signed_url
    assert admin.put("/options", json={"nonsense": 1}).status_code == 400


def test_users_and_keys_are_made(admin: httpx2.Client, site: LocalSite) -> None:
    key = admin.post("/users", json={"_id": "a@example.org"}).json()["key"]
    client = flywheel.Client(site.key_string(key))
    assert client.get_current_user().id == "a@example.org"
    narrow = admin.post("/keys", json={"user": "a@example.org", "read_only": True}).json()["key"]
    with pytest.raises(flywheel.ApiException) as raised:
        flywheel.Client(site.key_string(narrow)).add_group({"_id": "grp"})
    assert raised.value.status == 403
