"""Downloads: versions, tickets, zip members, ranges, archives of containers."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import flywheel
import httpx2
import pytest
from flywheel.rest import ApiException

from tests.contract.wire import Wire, conforms


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = b"made here"
        archive.writestr("a/1.dcm", b"one")
        archive.writestr("b.txt", b"two")
    return buffer.getvalue()


@pytest.fixture
def two_versions(session: Any, wire: Wire) -> Any:
    for content in (b"first", b"second!"):
        wire.upload(f"/sessions/{session.id}", "f.txt", content)
    return session


def test_download_is_streamed_as_an_attachment(two_versions: Any, wire: Wire) -> None:
    answer = wire("GET", f"/sessions/{two_versions.id}/files/f.txt")
    assert answer.content == b"second!"
    assert answer.headers["content-length"] == "7"
    assert answer.headers["content-type"].startswith("application/octet-stream")
    assert 'filename="f.txt"' in answer.headers["content-disposition"]


def test_version_is_pinned(two_versions: Any, wire: Wire) -> None:
    path = f"/sessions/{two_versions.id}/files/f.txt"
    assert wire("GET", path, params={"version": 1}).content == b"first"
    assert wire("GET", path, params={"version": 2}).content == b"second!"
    assert wire("GET", path, params={"version": 3}).status_code == 404


def test_stale_file_object_still_reads_its_own_version(session: Any, wire: Wire, tmp_path: Path) -> None:
    wire.upload(f"/sessions/{session.id}", "f.txt", b"first")
    stale = session.reload().files[0]
    wire.upload(f"/sessions/{session.id}", "f.txt", b"second")
    stale.download(str(tmp_path / "f"))
    assert (stale.read(), (tmp_path / "f").read_bytes()) == (b"first", b"first")


def test_ticket_url_needs_no_key_and_remembers_the_version(session: Any, wire: Wire) -> None:
    wire.upload(f"/sessions/{session.id}", "f.txt", b"first")
    url = session.reload().files[0].url()
    wire.upload(f"/sessions/{session.id}", "f.txt", b"second")
    assert httpx2.get(url, trust_env=False).content == b"first"


def test_ticket_is_bound_to_container_and_name(two_versions: Any, wire: Wire, anonymous: Wire) -> None:
    wire.upload(f"/sessions/{two_versions.id}", "other.txt", b"x")
    ticket = wire.get(f"/sessions/{two_versions.id}/files/f.txt?ticket=")["ticket"]
    path = f"/sessions/{two_versions.id}/files"
    assert anonymous("GET", f"{path}/f.txt?ticket={ticket}").content == b"second!"
    assert anonymous("GET", f"{path}/other.txt?ticket={ticket}").status_code == 400
    assert anonymous("GET", f"{path}/f.txt?ticket={'0' * 24}").status_code == 404


def test_download_of_nothing_is_404(session: Any, fw: flywheel.Client, tmp_path: Path) -> None:
    with pytest.raises(ApiException) as raised:
        session.download_file("missing.txt", str(tmp_path / "f"))
    assert raised.value.status == 404


def test_zip_listing_and_member(session: Any, wire: Wire, fw: flywheel.Client) -> None:
    (file,) = wire.upload(f"/sessions/{session.id}", "z.dicom.zip", zipped())
    listing = wire.get(f"/sessions/{session.id}/files/z.dicom.zip", info="true")
    conforms(listing, "FileZipInfo", "comment", "members")
    conforms(listing["members"], "list[ZipfileMemberInfo]", "path", "size", "timestamp", "comment")
    assert [(m["path"], m["size"]) for m in listing["members"]] == [("a/1.dcm", 3), ("b.txt", 3)]
    assert listing["comment"] == "made here"
    assert wire.get(f"/files/{file['file_id']}/zip_info")["members"] == listing["members"]
    assert file["zip_member_count"] == 2
    assert session.reload().files[0].get_zip_info().members[0].path == "a/1.dcm"
    assert session.read_file_zip_member("z.dicom.zip", "a/1.dcm") == b"one"
    assert wire("GET", f"/sessions/{session.id}/files/z.dicom.zip", params={"member": "no"}).status_code == 400


def test_zip_listing_of_what_is_no_zip_is_400(two_versions: Any, wire: Wire) -> None:
    wire.get(f"/sessions/{two_versions.id}/files/f.txt", status=400, info="true")
    assert two_versions.reload().files[0].zip_member_count is None


def damaged(how: str) -> bytes:
    """Return a zip of which a byte is another one."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("müsli.txt", bytes(range(256)) * 9)
    content = bytearray(target.getvalue())
    local, central = content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02")
    where, what = {
        "a name that is not UTF-8": (central + 47, 0xFF),
        "of a later version": (central + 6, 0xFF),
        "encrypted": (central + 8, content[central + 8] | 1),
        "of an unknown method": (central + 10, 77),
        "a checksum that is wrong": (central + 16, content[central + 16] ^ 1),
        "no local header": (local, 0),
    }[how]
    content[where] = what
    return bytes(content)


@pytest.mark.parametrize("how", ["a name that is not UTF-8", "of a later version"])
def test_listing_of_a_zip_that_cannot_be_read_is_400(session: Any, wire: Wire, how: str) -> None:
    wire.upload(f"/sessions/{session.id}", "a.zip", damaged(how))
    assert wire.get(f"/sessions/{session.id}/files/a.zip", status=400, info="true")["message"]


@pytest.mark.parametrize("how", ["of a later version", "encrypted", "of an unknown method", "no local header"])
def test_member_that_cannot_be_unpacked_is_400(session: Any, wire: Wire, how: str) -> None:
    wire.upload(f"/sessions/{session.id}", "a.zip", damaged(how))
    assert wire.get(f"/sessions/{session.id}/files/a.zip", status=400, member="müsli.txt")["message"]


def test_member_that_is_found_damaged_does_not_arrive_whole(session: Any, wire: Wire) -> None:
    wire.upload(f"/sessions/{session.id}", "a.zip", damaged("a checksum that is wrong"))
    with pytest.raises(httpx2.TransportError):
        wire("GET", f"/sessions/{session.id}/files/a.zip", params={"member": "müsli.txt"})


def test_view_has_the_real_type_and_takes_ranges(two_versions: Any, wire: Wire) -> None:
    path = f"/sessions/{two_versions.id}/files/f.txt?view=true"
    whole = wire("GET", path)
    assert whole.headers["content-type"].startswith("text/plain")
    assert "attachment" not in whole.headers.get("content-disposition", "")
    part = wire("GET", path, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"eco", "bytes 1-3/7")
    assert wire("GET", path, headers={"Range": "bytes=4-"}).content == b"nd!"
    assert wire("GET", path, headers={"Range": "bytes=-2"}).content == b"d!"
    assert wire("GET", path, headers={"Range": "bytes=7-"}).status_code == 416


def test_hash_that_differs_is_409(two_versions: Any, wire: Wire) -> None:
    path = f"/sessions/{two_versions.id}/files/f.txt"
    known = two_versions.reload().files[0].hash
    assert wire("GET", path, params={"hash": known}).content == b"second!"
    assert wire("GET", path, params={"hash": "v0-sha384-" + "0" * 96}).status_code == 409


def test_redirected_download_arrives(open_site: Any, tmp_path: Path) -> None:
    site = open_site(redirect_downloads=True)
    client = flywheel.Client(site.api_key)
    client.add_group({"_id": "grp", "label": "G"})
    session = client.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="x")
    session.upload_file(flywheel.FileSpec("f.txt", b"content"))
    plain = Wire.connect(site.url, site.api_key.rsplit(":", 1)[1])
    features = {"x-accept-feature": "Safe-Redirect"}
    assert plain("GET", f"/sessions/{session.id}/files/f.txt", headers=features).status_code in (302, 307)
    session.download_file("f.txt", str(tmp_path / "f"))
    assert (tmp_path / "f").read_bytes() == session.read_file("f.txt") == b"content"


@pytest.mark.parametrize("form", ["tar", "zip"])
def test_bulk_download_of_a_session(acquisition: Any, session: Any, wire: Wire, form: str) -> None:
    wire.upload(f"/sessions/{session.id}", "s.txt", b"ses")
    wire.upload(f"/acquisitions/{acquisition.id}", "a.dcm", b"acq")
    nodes = [{"level": "session", "_id": session.id}]
    ticket = wire.post("/download", {"optional": True, "nodes": nodes})
    conforms(ticket, "DownloadTicketStub", "ticket", "file_cnt", "size", "filename")
    assert (ticket["file_cnt"], ticket["size"]) == (2, 6)
    body = io.BytesIO(wire("GET", "/download", params={"ticket": ticket["ticket"], "format": form}).content)
    assert sorted(members(body, form).items()) == [("a.dcm", b"acq"), ("s.txt", b"ses")]
    filters = [{"types": {"plus": ["dicom"]}}]
    assert wire.post("/download", {"optional": True, "nodes": nodes, "filters": filters})["file_cnt"] == 1
    filters = [{"types": {"minus": ["dicom"]}}]
    assert wire.post("/download", {"optional": True, "nodes": nodes, "filters": filters})["size"] == 3


def members(body: io.BytesIO, form: str) -> dict[str, bytes]:
    if form == "zip":
        with zipfile.ZipFile(body) as archive:
            return {Path(name).name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(fileobj=body) as archive:
        return {Path(m.name).name: archive.extractfile(m).read() for m in archive.getmembers() if m.isfile()}  # type: ignore[union-attr]  # only files are asked for


def test_container_tarball_through_the_sdk(session: Any, wire: Wire, tmp_path: Path) -> None:
    wire.upload(f"/sessions/{session.id}", "s.txt", b"ses")
    session.download_tar(str(tmp_path / "s.tar"))
    assert members(io.BytesIO((tmp_path / "s.tar").read_bytes()), "tar") == {"s.txt": b"ses"}
