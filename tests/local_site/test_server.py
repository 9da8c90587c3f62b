"""Connections that break, bodies that lie, paths and headers that no client library sends."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flywheel
import httpx2
import pytest

from local_site import LocalSite
from tests.local_site.serving import serving


def say(site: LocalSite, request: bytes, *, hang_up: bool = False) -> bytes:
    """Send raw bytes and return what comes back; or hang up in the middle."""
    address = urlsplit(site.url)
    assert address.hostname
    assert address.port
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def ticket_for(site: LocalSite, session: Any, size: int) -> tuple[str, str]:
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    url = f"{site.url}/api/sessions/{session.id}/files?ticket="
    asked = {"metadata": {"name": "f.bin", "size": size}, "filenames": ["f.bin"]}
    answer = httpx2.post(url, json=asked, headers=headers, trust_env=False).json()
    return answer["ticket"], answer["urls"]["f.bin"]


def test_a_signed_put_that_breaks_off_leaves_nothing(
    site: LocalSite, session: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ticket, url = ticket_for(site, session, 1000)
    target = url.removeprefix(site.url)
    with caplog.at_level(logging.WARNING):
        say(site, f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf".encode(), hang_up=True)
    completion = f"{site.url}/api/sessions/{session.id}/files?ticket={ticket}"
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    assert httpx2.post(completion, headers=headers, trust_env=False).status_code == 400
    assert session.reload().files == []
    httpx2.put(url, content=bytes(1000), trust_env=False)
    assert httpx2.post(completion, headers=headers, trust_env=False).status_code == 200
    assert list((site.site.root / "blobs" / "incoming").iterdir()) == []
    assert "Traceback" not in caplog.text


def test_a_form_that_breaks_off_leaves_nothing(site: LocalSite, session: Any) -> None:
    head = (
        f"POST /api/sessions/{session.id}/files HTTP/1.1\r\nHost: x\r\nAuthorization: scitran-user {site.site.owner_key()}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000\r\n\r\n"
    )
    part = '--b\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\nhalf'
    say(site, (head + part).encode(), hang_up=True)
    assert session.reload().files == []
    assert list((site.site.root / "blobs").glob("*/*")) == []


@pytest.mark.parametrize("signature", ["", "wrong"])
def test_a_signed_url_is_not_to_be_guessed(site: LocalSite, session: Any, signature: str) -> None:
    ticket, url = ticket_for(site, session, 3)
    answer = httpx2.put(f"{url.partition('?')[0]}?signature={signature}", content=b"abc", trust_env=False)
    assert answer.status_code == 403
    completion = f"{site.url}/api/sessions/{session.id}/files?ticket={ticket}"
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    assert httpx2.post(completion, headers=headers, trust_env=False).status_code == 400


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[1,", b'{"a": NaN}x', b"[" * 100_000])
def test_a_body_that_is_not_json_is_a_bad_request(site: LocalSite, body: bytes) -> None:
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}", "Content-Type": "application/json"}
    answer = httpx2.post(f"{site.url}/api/groups", content=body, headers=headers, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["message"] == answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [[], "text", 7, {"label": 7}, {"label": None}, {"label": ""}, {"label": "x" * 257}, {"info": []}, {"tags": "x"}],
)
@pytest.mark.parametrize(
    "path",
    [
        "/sessions/{}",
        "/sessions/{}/tags",
        "/sessions/{}/info",
        "/lookup",
        "/uids",
        "/bulk/move/sessions",
        "/sessions/{}/copy",
    ],
)
def test_any_json_of_the_wrong_shape_is_refused(site: LocalSite, session: Any, path: str, body: object) -> None:
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    method = "PUT" if path.endswith("{}") else "POST"
    answer = httpx2.request(
        method, f"{site.url}/api{path.format(session.id)}", json=body, headers=headers, trust_env=False
    )
    assert answer.status_code in (400, 422) or path == "/uids"
    assert answer.status_code < 500


def test_an_unknown_route_is_a_json_404(site: LocalSite) -> None:
    answer = httpx2.get(f"{site.url}/api/no/such/route", trust_env=False)
    assert (answer.status_code, "no route" in answer.json()["message"]) == (404, True)


def test_an_empty_body_of_json_type_is_none(site: LocalSite, session: Any) -> None:
    raw = say(
        site,
        f"DELETE /api/sessions/{session.id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer h:1:{site.site.owner_key()}\r\n"
        "Content-Type: application/json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode(),
    )
    assert json.loads(raw.partition(b"\r\n\r\n")[2]) == {"deleted": 1}


def test_a_hook_is_called_before_or_after_the_commit(site: LocalSite, session: Any, client: flywheel.Client) -> None:
    seen: list[list[str]] = []

    def look(_method: str, _path: str) -> None:
        seen.append([doc["label"] for doc in site.site.store.select("acquisition")])

    site.fault("hook", method="POST", route="/acquisitions", hook=look)
    site.fault("hook_after", method="POST", route="/acquisitions", hook=look)
    session.add_acquisition(label="n")
    assert seen == [[], ["n"]]


def test_a_lying_announcement_of_size_is_refused(site: LocalSite, session: Any) -> None:
    ticket, url = ticket_for(site, session, 5)
    httpx2.put(url, content=b"abc", trust_env=False)
    completion = f"{site.url}/api/sessions/{session.id}/files?ticket={ticket}"
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    answer = httpx2.post(completion, headers=headers, trust_env=False)
    assert (answer.status_code, session.reload().files) == (400, [])


def test_signed_urls_bear_the_address_that_the_client_used(site: LocalSite, session: Any) -> None:
    url = site.url.replace("127.0.0.1", "localhost")
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    asked = {"metadata": {"name": "f.bin", "size": 1}, "filenames": ["f.bin"]}
    answer = httpx2.post(f"{url}/api/sessions/{session.id}/files?ticket=", json=asked, headers=headers, trust_env=False)
    assert answer.json()["urls"]["f.bin"].startswith(f"{url}/")
    assert httpx2.get(f"{url}/api/config", trust_env=False).json()["site"]["api_url"] == f"{url}/api"


@pytest.mark.parametrize("signed", [True, False])
def test_a_container_that_moves_during_an_upload_takes_the_file_along(
    site: LocalSite, session: Any, client: flywheel.Client, signed: bool
) -> None:
    elsewhere = client.get_group("grp").add_project(label="Elsewhere").add_subject(label="other")
    ticket, url = ticket_for(site, session, 2)

    def chunks() -> Iterator[bytes]:
        yield b"a" if signed else form[:-40]
        session.update(subject={"_id": elsewhere.id})
        yield b"b" if signed else form[-40:]

    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n'
        + bytes(500_000)
        + b"\r\n--b--\r\n"
    )
    path = f"{site.url}/api/sessions/{session.id}/files"
    headers = {
        "Authorization": f"scitran-user {site.site.owner_key()}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    if signed:
        httpx2.put(url, content=chunks(), trust_env=False)
        httpx2.post(f"{path}?ticket={ticket}", headers=headers, trust_env=False)
    else:
        httpx2.post(path, content=chunks(), headers=headers, trust_env=False)
    (file,) = session.reload().files
    assert (file.parents.project, file.parents.subject) == (elsewhere.project, elsewhere.id)


def test_bytes_that_end_after_the_completion_are_dropped(site: LocalSite, session: Any) -> None:
    ticket, url = ticket_for(site, session, 2)
    httpx2.put(url, content=b"ab", trust_env=False)
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    path = f"{site.url}/api/sessions/{session.id}/files?ticket={ticket}"

    def chunks() -> Iterator[bytes]:
        yield b"c"
        assert httpx2.post(path, headers=headers, trust_env=False).status_code == 200
        yield b"d"

    assert httpx2.put(url, content=chunks(), trust_env=False).status_code == 404
    assert session.reload().read_file("f.bin") == b"ab"
    assert len(list((site.site.root / "blobs").glob("*/*"))) == 1


def test_a_container_deleted_during_an_upload_gets_no_file(
    site: LocalSite, session: Any, client: flywheel.Client
) -> None:
    ticket, url = ticket_for(site, session, 2)
    httpx2.put(url, content=b"ab", trust_env=False)
    client.delete_session(session.id)
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    path = f"{site.url}/api/sessions/{session.id}/files"
    assert httpx2.post(f"{path}?ticket={ticket}", headers=headers, trust_env=False).status_code == 404


def test_a_refused_upload_is_answered_rather_than_reset(site: LocalSite, session: Any) -> None:
    site.fault("status", status=503, method="POST", route="/sessions/{id}/files", times=1)
    with pytest.raises(flywheel.ApiException) as raised:
        session.upload_file(flywheel.FileSpec("f.bin", bytes(20_000_000)), signed=False)
    assert raised.value.status == 503
    session.upload_file(flywheel.FileSpec("f.bin", b"x"), signed=False)


def test_text_that_is_not_unicode_is_refused(site: LocalSite, session: Any) -> None:
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    url = f"{site.url}/api/sessions/{session.id}"
    answer = httpx2.put(url, content=b'{"label": "\\ud800"}', headers=headers, trust_env=False)
    assert answer.status_code == 400
    assert session.reload().label == "ses"


def test_numbers_that_json_lacks_are_stored_as_null(site: LocalSite, session: Any) -> None:
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    url = f"{site.url}/api/sessions/{session.id}/info"
    httpx2.patch(url, content=b'{"set": {"a": NaN, "b": [-Infinity]}}', headers=headers, trust_env=False)
    assert session.reload().info == {"a": None, "b": [None]}


def test_more_uploads_at_once_than_files_may_be_open(tmp_path: Path) -> None:
    limit = 256
    with serving(tmp_path / "site", open_files=limit) as site:
        client = flywheel.Client(site.api_key)
        client.add_group({"_id": "grp", "label": "Group"})
        project = client.get_group("grp").add_project(label="P")
        session = project.add_subject(label="s").add_session(label="x")
        head = (
            f"POST /api/sessions/{session.id}/files HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Authorization: scitran-user {site.api_key.rpartition(':')[2]}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n"
        )
        address = urlsplit(site.url)
        with ExitStack() as stack:
            under_way = []
            for number in range(2 * limit):
                body = (
                    f'--b\r\nContent-Disposition: form-data; name="file"; filename="f{number}"\r\n\r\n{number}\r\n--b--'
                )
                connection = stack.enter_context(socket.create_connection((address.hostname, address.port), 60))
                connection.sendall((head.format(length=len(body)) + body[:-5]).encode())
                under_way.append((connection, body[-5:]))
            answers = []
            for connection, rest in under_way:
                connection.sendall(rest.encode())
                answers.append(connection.makefile("rb").readline())
                connection.close()
        assert set(answers) == {b"HTTP/1.1 200 OK\r\n"}
        assert len(session.reload().files) == 2 * limit
