"""No request keeps the others waiting."""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.contract.requests import manifest
from tests.contract.wire import Wire, fresh, key_of

PATIENCE = 5.0  # seconds that a small request may take meanwhile on a busy machine; stalls are for ever
EVIL = "^(a|aa)+$"
VICTIM = "a" * 60 + "b"


@contextmanager
def others_served(site: Any) -> Iterator[list[float]]:
    """Ask for the version all the time, and fail if that once took long; give how long at most."""
    longest, done = [0.0], threading.Event()

    def ask() -> None:
        with httpx2.Client(timeout=60, trust_env=False) as http:
            while not done.is_set():
                begun = time.monotonic()
                assert http.get(f"{site.url}/api/version").status_code == 200
                longest[0] = max(longest[0], time.monotonic() - begun)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield longest
    finally:
        done.set()
        asking.join(60)
    assert not asking.is_alive()
    assert longest[0] < PATIENCE


def test_a_filter_of_many_slow_expressions_is_cut_short(site: Any, wire: Wire, subject: Any) -> None:
    for number in range(5):
        subject.add_session(label="a" * 24 + f"b{number}")
    # Each takes a while and fails: together they would take minutes.
    text = ",".join(f"label!=x{number},label=~^(a|aa)+c?{number}?b" for number in range(40))
    with others_served(site):
        begun = time.monotonic()
        wire("GET", f"/projects/{subject.project}/sessions", params={"filter": text})
        assert time.monotonic() - begun < PATIENCE


def test_a_rule_with_a_slow_expression_does_not_stop_uploads(site: Any, wire: Wire, project: Any, session: Any) -> None:
    name = fresh("gear")
    gear = wire.post(f"/gears/{name}", {"category": "utility", "gear": manifest(name)})["_id"]
    condition = {"type": "file.name", "value": EVIL, "regex": True}
    wire.post(f"/projects/{project.id}/rules", {"gear_id": gear, "name": "r", "any": [], "all": [condition], "not": []})
    with others_served(site):
        (file,) = wire.upload(f"/sessions/{session.id}", VICTIM, b"1")
    assert file["name"] == VICTIM
    assert wire.get(f"/sessions/{session.id}/jobs")["jobs"] == []


def test_a_rule_with_a_slow_expression_is_bounded_over_many_files(site: Any, wire: Wire, session: Any) -> None:
    for number in range(40):
        wire.upload(f"/sessions/{session.id}", f"{VICTIM}{number}", b"1")
    name = fresh("gear")
    gear = wire.post(f"/gears/{name}", {"category": "utility", "gear": manifest(name)})["_id"]
    for value in (EVIL, "last"):
        condition = {"type": "file.name", "value": value, "regex": True}
        rule = {"gear_id": gear, "name": value, "any": [], "all": [condition], "not": []}
        wire.post(f"/projects/{session.project}/rules", rule)
    with others_served(site):
        wire.upload(f"/sessions/{session.id}", "last", b"1")
    (job,) = wire.get(f"/sessions/{session.id}/jobs")["jobs"]
    assert [item["name"] for item in job["inputs"]] == ["last"]


@pytest.mark.parametrize("expressions", [["a|b" * 300_000], ["(?:a|b)*" * 1200 + str(n) for n in range(300)]])
def test_expressions_that_take_long_to_prepare_are_refused(
    site: Any, wire: Wire, project: Any, expressions: list[str]
) -> None:
    conditions = [{"type": "file.name", "value": value, "regex": True} for value in expressions]
    with others_served(site):
        wire.post(
            f"/projects/{project.id}/rules",
            {"gear_id": "x", "name": "r", "any": conditions, "all": [], "not": []},
            status=422,
        )


def test_a_copy_with_slow_rules_is_refused(site: Any, wire: Wire, session: Any) -> None:
    wire.upload(f"/sessions/{session.id}", VICTIM, b"1")
    body = {"dst_session_label": "c", "filter": {"include_rules": [f"file.name=~{EVIL}"] * 50}}
    with others_served(site):
        wire.post(f"/sessions/{session.id}/copy", body, status=400)


def test_a_data_view_with_a_slow_expression_is_refused(site: Any, wire: Wire, session: Any) -> None:
    wire.upload(f"/sessions/{session.id}", VICTIM, b"1")
    files = {"container": "session", "filter": {"value": EVIL, "regex": True}, "processFiles": False}
    with others_served(site):
        wire.post("/views/data", {"columns": [], "fileSpec": files}, containerId=session.id, status=400)


def test_a_body_larger_than_any_document_is_refused(site: Any, wire: Wire, session: Any) -> None:
    body = json.dumps({"set": {"a": "x" * (17 << 20)}})
    with others_served(site):
        answer = wire("PATCH", f"/sessions/{session.id}/info", content=body)
    assert answer.status_code == 413
    assert answer.json()["message"]


def test_metadata_of_an_upload_is_no_larger_than_a_document(wire: Wire, session: Any) -> None:
    parts = [("metadata", (None, " " * (17 << 20))), ("file", ("f.txt", b"1"))]
    assert wire("POST", f"/sessions/{session.id}/files", files=parts).status_code == 413


@pytest.mark.parametrize(
    "expression", ["1" + "+1" * 100_000, "(" * 5000 + "x" + ")" * 5000, "9999999999" + "*9999999999" * 50]
)
def test_an_expression_without_end_is_refused(site: Any, wire: Wire, session: Any, expression: str) -> None:
    spec = {"columns": [{"src": "session.age", "expr": expression}]}
    with others_served(site):
        wire.post("/views/data", spec, containerId=session.id, status=400)


BEGUN = {
    "nothing": "",
    "a head": "GET /api/version HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "a JSON body": "POST /api/groups HTTP/1.1\r\nHost: x\r\nAuthorization: scitran-user {key}\r\nContent-Length: 999\r\n\r\n{{",
    "an upload": (
        "POST /api/sessions/{session}/files HTTP/1.1\r\nHost: x\r\nAuthorization: scitran-user {key}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 99999\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\nxx'
    ),
}


@pytest.mark.parametrize("begun", BEGUN)
def test_requests_that_never_end_do_not_hold_others_up(site: Any, wire: Wire, session: Any, begun: str) -> None:
    text = BEGUN[begun].format(key=key_of(site.api_key), session=session.id).encode()
    with ExitStack() as stack:
        for _ in range(300):
            connection = stack.enter_context(
                socket.create_connection((urlsplit(site.url).hostname, urlsplit(site.url).port))
            )
            connection.sendall(text)
        with others_served(site):
            wire.upload(f"/sessions/{session.id}", "quick.bin", b"1")
            assert session.reload().files[0].name == "quick.bin"
    with others_served(site):
        wire.get(f"/sessions/{session.id}")


def zip_of(count: int) -> bytes:
    """Return a zip with one file that its directory names so many times: quickly made, slowly listed."""
    one = io.BytesIO()
    with zipfile.ZipFile(one, "w") as archive:
        archive.writestr("a", b"1")
    whole = one.getvalue()
    start, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    directory = whole[start:end] * count
    closing = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), start, 0)
    return whole[:start] + directory + closing


@pytest.mark.parametrize("asked", ["upload", "listing", "member"])
def test_a_zip_of_very_many_members_holds_nobody_up(site: Any, wire: Wire, session: Any, asked: str) -> None:
    count = 200_000
    content = zip_of(count)
    with ExitStack() as stack:
        if asked != "upload":
            (file,) = wire.upload(f"/sessions/{session.id}", "a.zip", content)
        longest = stack.enter_context(others_served(site))
        begun = time.monotonic()
        if asked == "upload":
            (file,) = wire.upload(f"/sessions/{session.id}", "a.zip", content)
            assert file["zip_member_count"] == count
        elif asked == "listing":
            assert len(wire.get(f"/files/{file['file_id']}/zip_info")["members"]) == count
        else:
            assert wire("GET", f"/sessions/{session.id}/files/a.zip", params={"member": "a"}).content == b"1"
        whole = time.monotonic() - begun
    assert longest[0] < whole / 2
