"""What clients must survive, made to happen on request."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import flywheel
import httpx2
import pytest
from flywheel.rest import ApiException

from local_site import LocalSite
from tests.contract.wire import Wire, key_of

CONTENT = bytes(range(256)) * 4096


@pytest.fixture
def stage(open_site: Any) -> tuple[Any, flywheel.Client, Any]:
    """A site of one's own, its client, and a session with one file."""
    site = open_site()
    client = flywheel.Client(site.api_key)
    client.add_group({"_id": "grp", "label": "Group"})
    session = client.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="x")
    session.upload_file(flywheel.FileSpec("f.bin", CONTENT))
    session = session.reload()
    site.clear_requests()
    return site, client, session


def attempts(site: Any, method: str, route: str) -> int:
    return sum(entry.method == method and entry.route == route for entry in site.requests)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_sdk_gets_over_a_transient_status(stage: Any, status: int) -> None:
    site, client, session = stage
    site.fault(kind="status", status=status, method="GET", route="/sessions/{id}", times=2)
    assert client.get_session(session.id).label == "x"
    assert attempts(site, "GET", "/sessions/{id}") == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_other_statuses_reach_the_caller_at_once(stage: Any, status: int) -> None:
    site, client, session = stage
    site.fault(kind="status", status=status, method="GET", route="/sessions/{id}")
    with pytest.raises(ApiException) as raised:
        client.get_session(session.id)
    assert (raised.value.status, attempts(site, "GET", "/sessions/{id}")) == (status, 1)


def test_sdk_never_repeats_a_post(stage: Any) -> None:
    site, _, session = stage
    site.fault(kind="status", status=503, method="POST", route="/acquisitions")
    with pytest.raises(ApiException):
        session.add_acquisition(label="n")
    assert attempts(site, "POST", "/acquisitions") == 1
    assert session.acquisitions() == []


def test_retry_after_is_sent_when_asked_for(stage: Any) -> None:
    site, _, session = stage
    site.fault(kind="status", status=429, route="/sessions/{id}", headers={"Retry-After": "1"}, nth=1)
    answer = Wire.connect(site.url, key_of(site.api_key))("GET", f"/sessions/{session.id}")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_foreign_error_bodies_can_be_played(stage: Any) -> None:
    site, client, session = stage
    detail = [{"loc": ["body"], "msg": "field required", "type": "value_error"}]
    site.fault(kind="status", status=422, route="/sessions/{id}", body={"detail": detail}, nth=1)
    with pytest.raises(ApiException) as raised:
        client.get_session(session.id)
    assert (raised.value.reason, raised.value.detail) == (None, detail)
    site.fault(kind="status", status=500, route="/sessions/{id}", body="<html>Bad</html>", nth=1)
    with pytest.raises(ApiException) as raised:
        client.get_session(session.id)
    assert raised.value.body == "<html>Bad</html>" or b"Bad" in raised.value.body


def test_nth_request_alone_is_struck(stage: Any) -> None:
    site, _, session = stage
    site.fault(kind="status", status=500, method="PUT", route="/sessions/{id}", nth=2)
    wire = Wire.connect(site.url, key_of(site.api_key))
    seen = [wire("PUT", f"/sessions/{session.id}", json={"label": f"l{n}"}).status_code for n in range(3)]
    assert seen == [200, 500, 200]


def test_probability_with_a_seed_repeats_itself(open_site: Any) -> None:
    def statuses(root: str) -> list[int]:
        site = open_site(root)
        site.fault(kind="status", status=500, route="/version", probability=0.5, seed=7)
        wire = Wire.connect(site.url, None)
        return [wire("GET", "/version").status_code for _ in range(30)]

    first, second = statuses("one"), statuses("two")
    assert first == second
    assert set(first) == {200, 500}


def test_reset_before_commit_changes_nothing(stage: Any) -> None:
    site, client, session = stage
    site.fault(kind="reset_before", method="POST", route="/acquisitions", nth=1)
    with pytest.raises(httpx2.TransportError):
        session.add_acquisition(label="n")
    assert client.get_session_acquisitions(session.id) == []


def test_reset_after_commit_loses_only_the_answer(stage: Any) -> None:
    site, client, session = stage
    site.fault(kind="reset_after", method="POST", route="/acquisitions", nth=1)
    with pytest.raises(httpx2.TransportError):
        session.add_acquisition(label="n")
    assert [a.label for a in client.get_session_acquisitions(session.id)] == ["n"]


def test_late_answer_comes_after_the_commit(stage: Any) -> None:
    site, _, session = stage
    site.fault(kind="late", method="POST", route="/sessions/{id}/tags", seconds=1.5, nth=1)
    impatient = flywheel.Client(site.api_key, request_timeout=0.5)
    with pytest.raises(httpx2.TransportError):
        impatient.get_session(session.id).add_tag("T")
    assert session.reload().tags == ["T"]
    with pytest.raises(ApiException) as raised:
        session.add_tag("T")
    assert raised.value.status == 409, "which says that it was done"


def test_slow_request_takes_its_time(stage: Any) -> None:
    site, _, session = stage
    site.fault(kind="slow", route="/sessions/{id}", seconds=0.4, nth=1)
    begun = time.monotonic()
    session.reload()
    assert time.monotonic() - begun >= 0.4


def test_repeated_delete_finds_it_done(stage: Any) -> None:
    site, client, session = stage
    site.fault(kind="reset_after", method="DELETE", route="/sessions/{id}", nth=1)
    with pytest.raises(ApiException) as raised:
        client.delete_session(session.id)
    assert raised.value.status == 404


def test_create_whose_second_call_fails_has_created(stage: Any) -> None:
    site, client, session = stage
    site.fault(kind="status", status=500, method="GET", route="/acquisitions/{id}", nth=1)
    with pytest.raises(ApiException):
        session.add_acquisition(label="n")
    assert [a.label for a in client.get_session_acquisitions(session.id)] == ["n"]


def test_cut_download_leaves_a_partial_file(stage: Any, tmp_path: Path) -> None:
    site, _, session = stage
    site.fault(kind="cut", method="GET", route="/sessions/{id}/files/{name}", nth=1)
    with pytest.raises(httpx2.RemoteProtocolError):
        session.download_file("f.bin", str(tmp_path / "f"))
    partial = (tmp_path / "f").read_bytes()
    assert len(partial) < len(CONTENT)
    assert CONTENT.startswith(partial)


@pytest.mark.parametrize("kind", ["corrupt", "truncate", "corrupt_at_rest", "truncate_at_rest"])
def test_stored_bytes_can_be_damaged(stage: Any, kind: str) -> None:
    site, _, session = stage
    site.fault(kind=kind, times=1)
    session.upload_file(flywheel.FileSpec("g.bin", CONTENT), signed=False)
    file = session.reload().get_file("g.bin")
    try:
        stored = file.read()
    except httpx2.TransportError:
        stored = b""
    assert stored != CONTENT
    session.upload_file(flywheel.FileSpec("h.bin", CONTENT), signed=False)
    assert session.reload().read_file("h.bin") == CONTENT


@pytest.mark.parametrize("status", [403, 500])
def test_failed_put_makes_no_file(stage: Any, status: int) -> None:
    site, _, session = stage
    site.fault(kind="status", status=status, method="PUT", nth=1)
    with pytest.raises((ApiException, httpx2.HTTPStatusError)):
        session.upload_file(flywheel.FileSpec("g.bin", CONTENT))
    assert session.reload().get_file("g.bin") is None


def test_lost_completion_makes_the_sdk_send_it_all_again(stage: Any) -> None:
    site, _, session = stage
    site.fault(kind="lose_completion", method="POST", query="ticket=.", nth=1)
    session.upload_file(flywheel.FileSpec("g.bin", CONTENT))
    assert session.reload().read_file("g.bin") == CONTENT
    multipart = [entry for entry in site.requests if entry.method == "POST" and entry.bytes_in > len(CONTENT)]
    assert len(multipart) == 1


def test_completion_whose_answer_is_lost_says_404_the_second_time(stage: Any) -> None:
    site, _, session = stage
    wire = Wire.connect(site.url, key_of(site.api_key))
    ticket = wire.post(
        f"/sessions/{session.id}/files?ticket=", {"metadata": {"name": "g.bin", "size": 3}, "filenames": ["g.bin"]}
    )
    httpx2.put(ticket["urls"]["g.bin"], content=b"abc", trust_env=False)
    path = f"/sessions/{session.id}/files?ticket={ticket['ticket']}"
    site.fault(kind="reset_after", method="POST", query="ticket=.", nth=1)
    with pytest.raises(httpx2.TransportError):
        wire("POST", path)
    assert wire("POST", path).status_code == 404
    assert session.reload().get_file("g.bin").version == 1


def test_expired_ticket_is_refused(stage: Any) -> None:
    site, _, session = stage
    site.fault(kind="expire_ticket")
    with pytest.raises((ApiException, httpx2.HTTPStatusError)):
        session.upload_file(flywheel.FileSpec("g.bin", CONTENT))
    assert session.reload().get_file("g.bin") is None


def test_lagging_listings_hide_what_is_new_but_gets_do_not(stage: Any) -> None:
    site, client, session = stage
    site.fault(kind="lag", seconds=60)
    made = session.add_acquisition(label="n")
    assert client.get_session_acquisitions(session.id) == []
    assert client.get_acquisition(made.id).label == "n"
    site.clear_faults()
    assert [a.id for a in client.get_session_acquisitions(session.id)] == [made.id]


def test_denied_project_is_403(stage: Any) -> None:
    site, client, session = stage
    site.fault(kind="deny", project=session.project)
    with pytest.raises(ApiException) as raised:
        client.get_session(session.id)
    assert raised.value.status == 403


def test_faults_cleared_are_gone(stage: Any) -> None:
    site, client, session = stage
    site.fault(kind="status", status=500)
    site.clear_faults()
    assert client.get_session(session.id).id == session.id


def test_requests_are_recorded_without_keys(stage: Any) -> None:
    site, client, session = stage
    client.get_session(session.id)
    (entry,) = site.requests
    assert (entry.method, entry.route, entry.status) == ("GET", "/sessions/{id}", 200)
    assert entry.path.endswith(f"/sessions/{session.id}")
    assert entry.key_id
    assert key_of(site.api_key) not in repr(entry)


def test_restart_keeps_everything_under_the_root(tmp_path: Path) -> None:
    with LocalSite(tmp_path / "root") as first:
        client = flywheel.Client(first.api_key)
        client.add_group({"_id": "grp", "label": "Group"})
        session = client.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="x")
        session.upload_file(flywheel.FileSpec("f.bin", CONTENT))
        key, before = key_of(first.api_key), first.dump()
    with LocalSite(tmp_path / "root") as second:
        assert key_of(second.api_key) == key
        assert second.dump() == before
        assert flywheel.Client(second.api_key).get_session(session.id).read_file("f.bin") == CONTENT
