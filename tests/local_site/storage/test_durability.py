"""Killed at any moment, the site is consistent when it starts again, and nothing acknowledged is lost."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local_site import LocalSite
from local_site.hierarchy.levels import parents_below
from local_site.site.state import Site
from tests.local_site.serving import serving

WRITERS = 4


class Writer(threading.Thread):
    """A client that uploads, creates, moves and deletes until the site goes away."""

    def __init__(self, url: str, key: str, sessions: list[str], subjects: list[str], seed: int) -> None:
        super().__init__(daemon=True)
        self._random = random.Random(seed)
        self._http = httpx2.Client(
            base_url=f"{url}/api", headers={"Authorization": f"scitran-user {key}"}, transport=httpx2.HTTPTransport()
        )
        self._sessions, self._subjects = sessions, subjects
        self.acknowledged: set[str] = set()  # hashes of contents that the site said it has

    def run(self) -> None:
        try:
            while True:
                self._random.choice([self._upload, self._upload_signed, self._create, self._move])()
        except httpx2.TransportError:
            pass

    def _upload(self) -> None:
        content = self._random.randbytes(self._random.randrange(20_000))
        name = f"{self._random.randrange(5)}.bin"
        answer = self._http.post(self._files(), files={"file": (name, content)})
        self._acknowledge(answer, content)

    def _upload_signed(self) -> None:
        content = self._random.randbytes(self._random.randrange(1, 20_000))
        name = f"{self._random.randrange(5)}.bin"
        path = self._files()
        asked = {"metadata": {"name": name, "size": len(content)}, "filenames": [name]}
        ticket = self._http.post(f"{path}?ticket=", json=asked).json()
        httpx2.put(ticket["urls"][name], content=content, trust_env=False)
        self._acknowledge(self._http.post(f"{path}?ticket={ticket['ticket']}"), content)

    def _acknowledge(self, answer: httpx2.Response, content: bytes) -> None:
        assert answer.status_code == 200, answer.text
        self.acknowledged.add(hashlib.sha384(content).hexdigest())

    def _create(self) -> None:
        self._http.post("/acquisitions", json={"session": self._random.choice(self._sessions), "label": "a"})

    def _move(self) -> None:
        subject = {"subject": {"_id": self._random.choice(self._subjects)}}
        self._http.put(f"/sessions/{self._random.choice(self._sessions)}", json=subject)

    def _files(self) -> str:
        return f"/sessions/{self._random.choice(self._sessions)}/files"


def prepare(root: Path) -> tuple[list[str], list[str]]:
    with LocalSite(root) as site:
        http = httpx2.Client(
            base_url=f"{site.url}/api",
            headers={"Authorization": f"scitran-user {site.site.owner_key()}"},
            transport=httpx2.HTTPTransport(),
        )

        def create(plural: str, **body: Any) -> str:
            return str(http.post(f"/{plural}", json=body).json()["_id"])

        create("groups", _id="grp", label="g")
        project = create("projects", group="grp", label="p")
        subjects = [create("subjects", project=project, label=f"s{number}") for number in range(3)]
        sessions = [create("sessions", project=project, subject={"_id": subjects[0]}, label="x") for _ in range(4)]
    return sessions, subjects


def assert_consistent(root: Path, acknowledged: set[str]) -> None:
    assert sqlite3.connect(root / "site.sqlite").execute("PRAGMA integrity_check").fetchone() == ("ok",)
    site = Site.open(root)
    site.claim()
    stored = {path.name for path in (root / "blobs").glob("*/*")}
    versions = [*site.store.select("file"), *site.store.select("file_version")]
    open_tickets = {ticket["blob"] for ticket in site.store.select("upload") if "blob" in ticket}
    assert stored == {doc["blob"] for doc in versions} | open_tickets
    for doc in versions:
        content = site.blobs.path(doc["blob"]).read_bytes()
        assert (doc["size"], doc["hash"]) == (len(content), f"v0-sha384-{hashlib.sha384(content).hexdigest()}")
    assert acknowledged <= {doc["hash"].removeprefix("v0-sha384-") for doc in versions}
    numbers: dict[str, list[int]] = {}
    for doc in versions:
        numbers.setdefault(doc["file_id"], []).append(doc["version"])
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())
    for session in site.store.select("session"):
        subject = site.store.get("subject", session["subject"])
        assert subject
        assert session["parents"] == parents_below("subject", subject)
    for acquisition in site.store.select("acquisition"):
        parent = site.store.get("session", acquisition["session"])
        assert parent
        assert acquisition["parents"] == parents_below("session", parent)
    for file in site.store.select("file"):
        holder = site.store.get("session", file["parent_ref"]["id"])
        assert holder
        assert file["parents"] == parents_below("session", holder)
    site.close()


def kill_often(root: Path, rounds: int, seed: int) -> None:
    sessions, subjects = prepare(root)
    chance = random.Random(seed)
    acknowledged: set[str] = set()
    for turn in range(rounds):
        with serving(root) as site:
            key = site.api_key.rpartition(":")[2]
            writers = [Writer(site.url, key, sessions, subjects, seed + 100 * turn + n) for n in range(WRITERS)]
            for writer in writers:
                writer.start()
            time.sleep(chance.uniform(0.1, 0.8))
            site.process.kill()
            site.process.wait()
            for writer in writers:
                writer.join(timeout=20)
                acknowledged |= writer.acknowledged
        assert_consistent(root, acknowledged)
    assert acknowledged, "the rounds were too short for a single upload"


def test_a_site_killed_while_written_to_is_consistent(tmp_path: Path) -> None:
    kill_often(tmp_path / "site", rounds=4, seed=1)


@pytest.mark.slow
def test_a_site_killed_a_hundred_times_is_consistent(tmp_path: Path) -> None:
    kill_often(tmp_path / "site", rounds=100, seed=2)


def test_a_site_whose_making_was_interrupted_is_made_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Site, "add_user", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Site.open(tmp_path)
    with LocalSite(tmp_path) as site:
        headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
        roles = httpx2.get(f"{site.url}/api/roles", headers=headers, trust_env=False).json()
    assert sorted(role["default_flywheel_role"] for role in roles) == ["admin", "ro", "rw"]


def test_half_received_content_is_swept(tmp_path: Path) -> None:
    site = Site.open(tmp_path)
    writer = site.blobs.writer()
    writer.write(b"half")
    with site.blobs.writer() as other:
        other.write(b"whole, but nothing refers to it")
        kept = other.keep()
    site.close()
    again = Site.open(tmp_path)
    again.claim()
    assert not list((tmp_path / "blobs").glob("*/*"))
    assert not again.blobs.path(kept.name).exists()
