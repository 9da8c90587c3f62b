"""What holds for every call: paths, queries, bodies, dates, errors."""

from __future__ import annotations

import re
import socket
from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from tests.contract.wire import Wire

AWKWARD_NAMES = ["a b.txt", "c+ü.zip", "100%.csv", "x#y?z=1&w.txt", "semi;colon,comma.txt", "quo'te\".txt", "日本.dcm"]


def test_only_api_is_served_to_clients(site: Any, wire: Wire) -> None:
    assert wire.base == site.url.rstrip("/") + "/api"
    assert wire("GET", "/no/such/route").status_code == 404


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_names_come_back_whatever_needs_encoding(session: Any, name: str) -> None:
    session.upload_file(flywheel.FileSpec(name, b"content", "text/plain"))
    assert [f.name for f in session.reload().files] == [name]
    assert session.read_file(name) == b"content"


def test_encoded_slash_is_part_of_a_name_not_of_the_path(session: Any, wire: Wire) -> None:
    wire.upload(f"/sessions/{session.id}", "plain.txt", b"1")
    answer = wire("GET", f"/sessions/{session.id}/files/a%2Fb%20c%2B%C3%BC.zip")
    assert answer.status_code == 404
    assert "a/b c+ü.zip" in answer.json()["message"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_empty_body_with_json_content_type_is_no_parse_error(wire: Wire, session: Any, method: str) -> None:
    answer = wire(
        method, f"/sessions/{session.id}/tags/none", headers={"Content-Type": "application/json"}, content=b""
    )
    assert "JSON" not in answer.text
    assert answer.status_code < 500


def test_body_that_is_not_json_is_400(wire: Wire) -> None:
    answer = wire("POST", "/lookup", headers={"Content-Type": "application/json"}, content=b"{not json")
    assert answer.status_code == 400


@pytest.mark.parametrize("yes", ["true", "True", "TRUE", "1"])
def test_query_booleans_in_any_spelling(wire: Wire, project: Any, session: Any, yes: str) -> None:
    session.update_info({"a": 1})
    listed = wire.get(f"/projects/{project.id}/sessions", include_all_info=yes)
    assert listed[0]["info"] == {"a": 1}


def test_blank_ticket_differs_from_no_ticket(wire: Wire, session: Any) -> None:
    wire.upload(f"/sessions/{session.id}", "f.txt", b"12")
    assert wire("GET", f"/sessions/{session.id}/files/f.txt").content == b"12"
    assert set(wire.get(f"/sessions/{session.id}/files/f.txt?ticket=")) >= {"ticket"}


def test_blank_after_id_and_filter_mean_absent(wire: Wire, project: Any, session: Any) -> None:
    listed = wire.get(f"/projects/{project.id}/sessions?after_id=&filter=&limit=10")
    assert [s["_id"] for s in listed] == [session.id]


def test_dates_are_utc_with_milliseconds_and_offset(wire: Wire, session: Any) -> None:
    created = wire.get(f"/sessions/{session.id}")["created"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(000)?\+00:00", created)


def test_dates_sent_with_another_offset_are_the_same_instant(session: Any, wire: Wire) -> None:
    session.update(timestamp="2020-01-01T12:00:00.5+02:00")
    assert wire.get(f"/sessions/{session.id}")["timestamp"].startswith("2020-01-01T10:00:00.500")
    assert session.reload().timestamp.timestamp() == pytest.approx(1577872800.5)


def test_date_only_fields_stay_dates(subject: Any) -> None:
    subject.update(date_of_birth="1980-02-29")
    born = subject.reload().date_of_birth
    assert (born.year, born.month, born.day) == (1980, 2, 29)


def test_error_body_says_the_same_in_message_and_detail(fw: flywheel.Client, wire: Wire) -> None:
    body = wire.get("/sessions/" + "0" * 24, status=404)
    assert body["status_code"] == 404
    assert body["message"] == body["detail"]
    assert body["request_id"]
    with pytest.raises(ApiException) as raised:
        fw.get_session("0" * 24)
    assert (raised.value.status, raised.value.reason, raised.value.detail) == (404, body["message"], body["detail"])


def test_schema_rejection_is_a_list_without_a_message(project: Any, wire: Wire) -> None:
    body = wire.post("/sessions", {"project": project.id, "label": "n", "nonsense": 1}, status=422)
    assert "message" not in body
    assert {"loc", "msg", "type"} <= set(body["detail"][0])
    with pytest.raises(ApiException) as raised:
        project.add_session(label="n", nonsense=1)
    assert raised.value.reason is None
    assert isinstance(raised.value.detail, list)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_missing_ids_are_404(wire: Wire, method: str) -> None:
    assert wire(method, "/acquisitions/" + "f" * 24, json={"label": "x"}).status_code == 404


def test_malformed_id_is_400_or_404(wire: Wire) -> None:
    assert wire("GET", "/sessions/not-an-id").status_code in (400, 404)


def test_method_that_a_route_lacks_is_refused_as_json(wire: Wire) -> None:
    answer = wire("DELETE", "/version")
    assert answer.status_code in (404, 405)
    assert answer.json()["status_code"] == answer.status_code


def test_idle_connection_stays_usable(site: Any) -> None:
    host, port = site.url.split("//")[1].rstrip("/").split(":")
    request = f"GET /api/version HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    with socket.create_connection((host, int(port))) as connection:
        connection.settimeout(5)
        for _ in range(2):
            connection.sendall(request)
            assert b"200 OK" in connection.recv(65536)


def test_exhaustive_client_adds_its_flag_without_harm_for_an_admin(site: Any, session: Any) -> None:
    client = flywheel.Client(site.api_key, exhaustive=True)
    assert client.get_session(session.id).id == session.id
