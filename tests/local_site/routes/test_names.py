"""Names of files are data; none of them becomes a path."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import flywheel
import pytest

from local_site import LocalSite

HOSTILE = [
    "../../../escape",
    "/etc/passwd",
    "..\\..\\escape",
    "a/../../b",
    "C:\\x",
    'quo"te\r\nX-Injected: yes',
    "%2e%2e%2fescape",
    "ünïcode … 名前.dcm",
    "-rf *",
]


def everything_below(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_comes_back_as_it_was_and_touches_no_other_file(
    site: LocalSite, session: flywheel.SessionOutput, tmp_path: Path, name: str
) -> None:
    outside = {path for path in everything_below(tmp_path) if (tmp_path / "site") not in path.parents}
    session.upload_file(flywheel.FileSpec(name, b"content"))
    file = session.reload().files[0]
    assert file.name == name
    assert session.read_file(name) == b"content"
    key = site.api_key.rpartition(":")[2]
    path = f"{site.url}/api/sessions/{session.id}/files/{quote(name, safe='')}"
    request = urllib.request.Request(path, headers={"Authorization": f"scitran-user {key}"})
    with urllib.request.urlopen(request) as answer:
        assert "X-Injected" not in answer.headers
        assert answer.read() == b"content"
    after = {path for path in everything_below(tmp_path) if (tmp_path / "site") not in path.parents}
    assert after == outside


@pytest.mark.parametrize("name", ["", "..", ".", "a\0b", "/"])
def test_what_cannot_be_a_name_is_refused(session: flywheel.SessionOutput, name: str) -> None:
    with pytest.raises(flywheel.ApiException) as raised:
        session.upload_file(flywheel.FileSpec(name, b"content"))
    assert raised.value.status in (400, 422)
    assert session.reload().files == []


@pytest.mark.parametrize(
    "path", ["/api/../site.sqlite", "/../api_key", "/api/%2e%2e/api_key", "//etc/passwd", "/templates/base.html"]
)
def test_no_path_leads_to_the_sites_own_files(site: LocalSite, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(site.url + path)
    assert raised.value.code in (403, 404)


def test_an_archive_unpacks_inside_its_directory(site: LocalSite, client: flywheel.Client, tmp_path: Path) -> None:
    import tarfile

    client.add_group({"_id": "grp", "label": "Group"})
    project = client.get_group("grp").add_project(label="../..")
    session = project.add_subject(label="..").add_session(label="/etc")
    session.upload_file(flywheel.FileSpec("../../x", b"content"))
    client.download_tar([session], str(tmp_path / "a.tar"))
    with tarfile.open(tmp_path / "a.tar") as archive:
        (member,) = archive.getmembers()
    assert member.name.split("/")[0] == "scitran"
    assert ".." not in member.name.split("/")
