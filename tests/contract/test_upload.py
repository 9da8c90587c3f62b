"""Uploads, unsigned and signed, and versions."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import flywheel
import httpx2
import pytest
from flywheel.rest import ApiException

from tests.contract.wire import Wire, conforms, fresh

CONTENT = bytes(range(256)) * 41


def spec(name: str, content: bytes | str = CONTENT) -> flywheel.FileSpec:
    return flywheel.FileSpec(name, content, "application/octet-stream")


def sha(content: bytes) -> str:
    return "v0-sha384-" + hashlib.sha384(content).hexdigest()


def content_of(wire: Wire, container: str, name: str, **params: Any) -> bytes:
    answer = wire("GET", f"{container}/files/{name}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.content


class Ticket:
    """A signed upload step by step, as the SDK does it."""

    def __init__(self, wire: Wire, container: str, name: str, size: int | None, **metadata: Any) -> None:
        self.wire, self.container = wire, container
        described: Any = {**metadata, "name": name} | ({"size": size} if size else {})
        if container.startswith("/analyses"):
            described = [described]
        answer = wire.post(f"{container}/files?ticket=", {"metadata": described, "filenames": [name]})
        assert set(answer) >= {"ticket", "urls", "headers"}
        assert isinstance(answer["headers"], dict)
        self.id, self.headers = answer["ticket"], answer["headers"]
        url = answer["urls"][name]
        self.url = url if isinstance(url, str) else url[0]
        assert isinstance(url, str) or len(url) == 1

    def put(self, content: bytes) -> httpx2.Response:
        return httpx2.put(self.url, content=content, headers=self.headers, trust_env=False)

    def complete(self) -> httpx2.Response:
        return self.wire("POST", f"{self.container}/files", params={"ticket": self.id})


# Unsigned


@pytest.mark.parametrize("level", ["project", "subject", "session", "acquisition"])
def test_unsigned_upload_to_every_level(request: pytest.FixtureRequest, wire: Wire, level: str) -> None:
    container = request.getfixturevalue(level)
    answer = container.upload_file(spec("f.bin"), signed=False)
    assert [(f.name, f.size, f.hash) for f in answer] == [("f.bin", len(CONTENT), sha(CONTENT))]
    assert content_of(wire, f"/{level}s/{container.id}", "f.bin") == CONTENT


def test_upload_through_the_container_route(wire: Wire, session: Any) -> None:
    conforms(wire.upload(f"/containers/{session.id}", "f.txt", b"1"), "list[FileOutput]", "_id", "file_id")
    assert [f.name for f in session.reload().files] == ["f.txt"]


def test_unsigned_upload_to_an_analysis(session: Any) -> None:
    analysis = session.add_analysis(label="a")
    analysis.upload_output(spec("out.bin"), signed=False)
    assert analysis.read_file("out.bin") == CONTENT


METADATA = {
    "type": "nifti", "mimetype": "x/y", "modality": "MR", "classification": {"Custom": ["x"]}, "info": {"a": {"b": 1}},
    "tags": ["t"],
}  # fmt: skip


@pytest.mark.parametrize("signed", [True, False])
def test_upload_metadata_beats_the_guesses(session: Any, signed: bool) -> None:
    metadata = METADATA if signed else json.dumps(METADATA)
    session.upload_file(spec("f.dcm"), signed=signed, metadata=metadata)
    (file,) = session.reload().files
    assert {key: file[key] for key in METADATA} == METADATA


def test_upload_classification_is_not_checked_against_the_modality(session: Any) -> None:
    session.upload_file(spec("f.dcm"), metadata={"modality": "MR", "classification": {"Nonsense": ["x"]}})
    assert session.reload().files[0].classification == {"Nonsense": ["x"]}


def test_unknown_upload_metadata_is_refused(wire: Wire, session: Any) -> None:
    parts = [("metadata", (None, json.dumps({"nonsense": 1}))), ("file", ("f.txt", b"1", "text/plain"))]
    assert wire("POST", f"/sessions/{session.id}/files", files=parts).status_code in (400, 422)
    assert session.reload().files == []


def test_two_files_in_one_targeted_upload_are_400(wire: Wire, session: Any) -> None:
    parts = [("file1", ("a.txt", b"1", "text/plain")), ("file2", ("b.txt", b"2", "text/plain"))]
    assert wire("POST", f"/sessions/{session.id}/files", files=parts).status_code == 400
    assert session.reload().files == []


def test_analysis_takes_several_files_matched_by_name(wire: Wire, session: Any) -> None:
    analysis = session.add_analysis(label="a")
    metadata = json.dumps([{"name": "b.txt", "info": {"n": 2}}, {"name": "a.txt", "info": {"n": 1}}])
    parts = [
        ("metadata", (None, metadata)), ("file1", ("a.txt", b"1", "text/plain")), ("file2", ("b.txt", b"2", "text/plain")),
    ]  # fmt: skip
    answer = wire("POST", f"/analyses/{analysis.id}/files", files=parts)
    assert answer.status_code == 200, answer.text
    assert {f.name: f.info for f in analysis.reload().files} == {"a.txt": {"n": 1}, "b.txt": {"n": 2}}


def test_form_name_is_reduced_to_its_basename(wire: Wire, session: Any) -> None:
    (file,) = wire.upload(f"/sessions/{session.id}", "../../etc/passwd", b"1")
    assert file["name"] == "passwd"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.dcm", "dicom"), ("a.DCM", "dicom"), ("a.dcm.zip", "dicom"), ("a.dicom.zip", "dicom"), ("a.zip", "archive"),
        ("a.tar", "archive"), ("a.tgz", "archive"), ("a.nii", "nifti"), ("a.nii.gz", "nifti"), ("a.bval", "bval"),
        ("a.bvec", "bvec"), ("a.csv", "tabular data"), ("a.tsv.gz", "tabular data"), ("a.json", "source code"),
        ("a.py", "source code"), ("a.pdf", "pdf"), ("a.txt", "text"), ("a.log", "log"), ("a.html", "markup"),
        ("a.png", "image"), ("a.unknown", None), ("noextension", None),
    ],
)  # fmt: skip
def test_type_is_guessed_from_the_longest_suffix(wire: Wire, session: Any, name: str, kind: str | None) -> None:
    assert wire.upload(f"/sessions/{session.id}", name, b"1")[0]["type"] == kind


# Signed


def test_sdk_signed_upload_lands_whole(session: Any, site: Any, tmp_path: Path) -> None:
    path = tmp_path / "fïle name.dcm.zip"
    path.write_bytes(CONTENT)
    site.clear_requests()
    (file,) = session.upload_file(str(path))
    assert (file.name, file.size, file.version) == (path.name, len(CONTENT), 1)
    assert session.read_file(path.name) == CONTENT
    methods = [entry.method for entry in site.requests]
    assert methods[:4] == ["GET", "POST", "PUT", "POST"], "configuration, ticket, bytes, completion"


@pytest.mark.parametrize("signed", [True, False])
def test_file_lists_streams_and_empty_files(session: Any, signed: bool, wire: Wire) -> None:
    session.upload_file([spec("a.bin")], signed=signed)
    if signed:
        session.upload_file([spec("b.bin"), spec("c.bin", b"")])
    stream = flywheel.FileSpec("d.bin", io.BytesIO(CONTENT), size=len(CONTENT))
    session.upload_file(stream, signed=signed)
    expected = {"a.bin": CONTENT, "d.bin": CONTENT} | ({"b.bin": CONTENT, "c.bin": b""} if signed else {})
    assert {f.name: f.read() for f in session.reload().files} == expected


def test_put_carries_no_authorization_and_returns_quickly(session: Any, wire: Wire) -> None:
    ticket = Ticket(wire, f"/sessions/{session.id}", "f.bin", len(CONTENT))
    answer = ticket.put(CONTENT)
    assert (answer.status_code, answer.content) in ((200, b""), (201, b""))
    conforms(ticket.complete().json(), "list[FileOutput]", "file_id")


def test_nothing_is_visible_before_completion(session: Any, wire: Wire) -> None:
    ticket = Ticket(wire, f"/sessions/{session.id}", "f.bin", len(CONTENT))
    ticket.put(CONTENT)
    assert session.reload().files == []
    ticket.complete()
    assert [f.name for f in session.reload().files] == ["f.bin"]


def test_put_again_replaces_and_the_last_whole_body_wins(session: Any, wire: Wire) -> None:
    ticket = Ticket(wire, f"/sessions/{session.id}", "f.bin", len(CONTENT))
    for body in (CONTENT[::-1], CONTENT):
        assert ticket.put(body).status_code in (200, 201)
    assert ticket.complete().status_code == 200
    assert content_of(wire, f"/sessions/{session.id}", "f.bin") == CONTENT
    assert session.reload().files[0].version == 1


@pytest.mark.parametrize("sent", [None, CONTENT[:-1], CONTENT + b"x", b""])
def test_completion_without_the_announced_bytes_is_refused(session: Any, wire: Wire, sent: bytes | None) -> None:
    ticket = Ticket(wire, f"/sessions/{session.id}", "f.bin", len(CONTENT))
    if sent is not None:
        ticket.put(sent)
    assert 400 <= ticket.complete().status_code < 500
    assert session.reload().files == []


def test_refused_completion_can_be_made_good(session: Any, wire: Wire) -> None:
    ticket = Ticket(wire, f"/sessions/{session.id}", "f.bin", len(CONTENT))
    ticket.complete()
    ticket.put(CONTENT)
    assert ticket.complete().status_code == 200


def test_completing_twice_is_404_and_makes_one_version(session: Any, wire: Wire) -> None:
    ticket = Ticket(wire, f"/sessions/{session.id}", "f.bin", len(CONTENT))
    ticket.put(CONTENT)
    ticket.complete()
    again = ticket.complete()
    assert again.status_code == 404
    assert f"upload_ticket:{ticket.id}" in again.json()["message"]
    assert session.reload().files[0].version == 1


def test_ticket_belongs_to_its_container(session: Any, subject: Any, wire: Wire) -> None:
    ticket = Ticket(wire, f"/sessions/{session.id}", "f.bin", len(CONTENT))
    ticket.put(CONTENT)
    other = subject.add_session(label="other")
    assert wire("POST", f"/sessions/{other.id}/files", params={"ticket": ticket.id}).status_code in (400, 404)
    assert other.reload().files == []


def test_unknown_tickets_are_404(session: Any, wire: Wire) -> None:
    wire.post(f"/sessions/{session.id}/files?ticket={'0' * 24}", status=404)


def test_tickets_expire(open_site: Any) -> None:
    site = open_site(ticket_seconds=0)
    client = flywheel.Client(site.api_key)
    client.add_group({"_id": "grp", "label": "G"})
    session = client.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="x")
    with pytest.raises((ApiException, httpx2.HTTPStatusError)):
        session.upload_file(spec("f.bin"))
    assert session.reload().files == []


def test_signed_upload_to_an_analysis_takes_a_metadata_list(session: Any, wire: Wire) -> None:
    analysis = session.add_analysis(label="a")
    ticket = Ticket(wire, f"/analyses/{analysis.id}", "o.bin", len(CONTENT), info={"a": 1})
    ticket.put(CONTENT)
    assert ticket.complete().status_code == 200
    assert analysis.reload().files[0].info == {"a": 1}
    analysis.upload_output(spec("sdk.bin"))
    assert analysis.read_file("sdk.bin") == CONTENT


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 5 * 1024 * 1024 + 1])
def test_sizes_at_part_boundaries_arrive_whole(session: Any, size: int) -> None:
    content = os.urandom(size)
    session.upload_file(spec("f.bin", content))
    assert session.read_file("f.bin") == content


def test_site_without_signed_urls_takes_unsigned_uploads(open_site: Any) -> None:
    client = flywheel.Client(open_site(signed_url=False).api_key)
    client.add_group({"_id": "grp", "label": "G"})
    session = client.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="x")
    session.upload_file(spec("f.bin"))
    assert session.read_file("f.bin") == CONTENT


def test_hash_may_be_empty_after_a_signed_upload(open_site: Any) -> None:
    client = flywheel.Client(open_site(hash_after_signed=False).api_key)
    client.add_group({"_id": "grp", "label": "G"})
    session = client.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="x")
    session.upload_file(spec("signed.bin"))
    session.upload_file(spec("unsigned.bin"), signed=False)
    assert {f.name: bool(f.hash) for f in session.reload().files} == {"signed.bin": False, "unsigned.bin": True}


# Versions


@pytest.mark.parametrize("signed", [True, False])
def test_same_name_again_is_a_new_version(session: Any, wire: Wire, fw: flywheel.Client, signed: bool) -> None:
    session.upload_file(spec("f.bin", b"one"), signed=signed)
    first = session.reload().files[0]
    first.update_info({"old": 1})
    first.add_tag("old")
    session.upload_file(spec("f.bin", b"two!"), signed=signed)
    (second,) = session.reload().files
    assert (second.version, second.file_id, second.created) == (2, first.file_id, first.created)
    assert second.id != first.id
    assert second.replaced is not None
    assert (second.info, second.tags) == ({}, []), "metadata of the old version is not carried over"
    assert (first.read(), second.read()) == (b"one", b"two!")
    versions = wire.get(f"/files/{first.file_id}/versions")
    conforms(versions, "list[FileVersionOutput]", "version", "file_id", "created", "origin")
    assert sorted(v["version"] for v in versions) == [1, 2]
    assert fw.get_file(first.file_id).version == 2
    assert fw.get_file(first.file_id, version=1).info == {"old": 1}


def test_metadata_can_be_preserved_over_versions(session: Any) -> None:
    session.upload_file(spec("f.bin", b"one"), metadata={"info": {"old": 1}, "tags": ["old"]})
    session.upload_file(spec("f.bin", b"two"), preserve_metadata=True)
    (file,) = session.reload().files
    assert (file.version, file.info, file.tags) == (2, {"old": 1}, ["old"])


def test_identical_content_still_makes_a_version(session: Any) -> None:
    for _ in range(2):
        session.upload_file(spec("f.bin"))
    assert session.reload().files[0].version == 2


def test_upload_over_a_deleted_name_starts_afresh(session: Any) -> None:
    session.upload_file(spec("f.bin", b"one"))
    first = session.reload().files[0]
    session.delete_file("f.bin")
    session.upload_file(spec("f.bin", b"two"))
    (file,) = session.reload().files
    assert (file.version, file.read()) == (1, b"two")
    assert file.file_id != first.file_id


def test_uploads_answer_what_a_reload_shows(session: Any, fw: flywheel.Client) -> None:
    (answered,) = session.upload_file(spec(fresh("f") + ".dcm"))
    assert answered.to_dict() == fw.get_file(answered.file_id).to_dict()
