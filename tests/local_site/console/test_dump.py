"""Two sites with the same content have the same dump; any difference that matters shows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flywheel
import pytest

from local_site import LocalSite


def build(root: Path, change: Callable[[Any], object] | None = None) -> dict[str, Any]:
    with LocalSite(root) as site:
        client = flywheel.Client(site.api_key)
        client.add_group({"_id": "grp", "label": "Group"})
        project = client.get_group("grp").add_project(label="Proj")
        session = project.add_subject(label="sub").add_session(label="ses", info={"origin": "a" * 64})
        for content in (b"old", b"new"):
            session.upload_file(flywheel.FileSpec("f.txt", content), metadata={"info": {"k": 1}})
        session.add_acquisition(label="b")
        session.add_acquisition(label="a")
        if change:
            change(session.reload())
        return site.dump()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


def test_the_same_content_has_the_same_dump(tmp_path: Path) -> None:
    assert build(tmp_path / "a") == build(tmp_path / "b")


@pytest.mark.parametrize(
    "change",
    [
        lambda session: session.upload_file(flywheel.FileSpec("f.txt", b"new")),
        lambda session: session.upload_file(flywheel.FileSpec("g.txt", b"")),
        lambda session: session.files[0].update_info(k=2),
        lambda session: session.files[0].add_tag("t"),
        lambda session: session.files[0].update_classification({"Custom": ["x"]}),
        lambda session: session.update_info(x=None),
        lambda session: session.update(label="other"),
        lambda session: session.update(timestamp="2020-01-01T00:00:00Z"),
        lambda session: session.add_tag("t"),
        lambda session: session.add_note("n"),
        lambda session: session.add_acquisition(label="c"),
        lambda session: session.delete_file("f.txt"),
        lambda session: session.add_analysis(label="an"),
        lambda session: session.subject.update(sex="male"),
    ],
)
def test_every_change_shows(tmp_path: Path, change: Callable[[Any], object]) -> None:
    assert build(tmp_path / "a") != build(tmp_path / "b", change)


def note_where_it_came_from(session: Any) -> None:
    file = session.files[0]
    digest = hashlib.sha256(session.id.encode()).hexdigest()
    session.update_info(export={"origin_id": digest, "version": file.id, "text": f"job {file.file_id} done"})


def test_ids_and_their_digests_are_called_by_their_paths(tmp_path: Path) -> None:
    first, second = build(tmp_path / "a", note_where_it_came_from), build(tmp_path / "b", note_where_it_came_from)
    assert first == second
    session = first["groups"][0]["children"][0]["children"][0]["children"][0]
    path = "grp/project:Proj/subject:sub/session:ses"
    assert session["info"]["export"] == {
        "origin_id": f"<sha256 of {path}>",
        "version": f"<{path}/file:f.txt@2>",
        "text": f"job <{path}/file:f.txt> done",
    }


def test_no_id_is_left_in_it(tmp_path: Path) -> None:
    import re

    text = re.sub(r'"a{64}"|[0-9a-f]{64}', "", str(build(tmp_path / "a")))
    assert not re.search(r"\b[0-9a-f]{24}\b", text)
