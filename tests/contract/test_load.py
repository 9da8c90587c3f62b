"""Many clients at once, and files larger than memory."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import flywheel
import httpx2
import pytest

from tests.contract.requests import manifest
from tests.contract.wire import Wire, fresh, key_of

BLOCK = os.urandom(1 << 20)
MEGABYTE = 1 << 20


def upload_concurrently(site: Any, session: Any, count: int) -> None:
    contents = {f"f{number:03}.bin": os.urandom(2000 + number) for number in range(count)}
    limits = httpx2.Limits(max_connections=count)
    with httpx2.Client(limits=limits, timeout=120, trust_env=False) as http:
        http.headers["Authorization"] = f"scitran-user {key_of(site.api_key)}"
        wire = Wire(site.url.rstrip("/") + "/api", http)

        def upload(name: str) -> None:
            body = {"metadata": {"name": name, "size": len(contents[name])}, "filenames": [name]}
            ticket = wire.post(f"/sessions/{session.id}/files?ticket=", body)
            assert http.put(ticket["urls"][name], content=contents[name]).status_code in (200, 201)
            wire.post(f"/sessions/{session.id}/files", ticket=ticket["ticket"])

        with ThreadPoolExecutor(count) as pool:
            list(pool.map(upload, contents))
    found = {f.name: (f.version, f.hash) for f in session.reload().files}
    assert found == {name: (1, "v0-sha384-" + hashlib.sha384(c).hexdigest()) for name, c in contents.items()}


def test_a_hundred_uploads_at_once_lose_nothing(site: Any, session: Any) -> None:
    upload_concurrently(site, session, 100)


@pytest.mark.slow
def test_five_hundred_uploads_at_once_lose_nothing(site: Any, session: Any) -> None:
    upload_concurrently(site, session, 500)


def test_concurrent_versions_of_one_name_are_all_kept(site: Any, session: Any, wire: Wire) -> None:
    contents = [os.urandom(1000) for _ in range(20)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda content: wire.upload(f"/sessions/{session.id}", "f.bin", content), contents))
    newest = session.reload().files[0]
    assert newest.version == 20
    path = f"/sessions/{session.id}/files/f.bin"
    stored = [wire("GET", path, params={"version": n}).content for n in range(1, 21)]
    assert sorted(stored) == sorted(contents)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Any]:
    """A site in a process of its own, so that its memory can be read."""
    command = [sys.executable, "-m", "local_site", "serve", str(tmp_path / "root")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process, json.loads(process.stdout.readline())
        process.terminate()
        process.wait(timeout=20)


def peak_resident(pid: int) -> int:
    """Return the peak of resident memory of a process, in bytes (Linux)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found
    return int(found[1]) * 1024


def blocks(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield BLOCK


def send_and_fetch(process: Any, address: dict[str, str], *, megabytes: int) -> None:
    client = flywheel.Client(address["api_key"])
    client.add_group({"_id": "grp", "label": "Group"})
    session = client.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="x")
    wire = Wire.connect(address["url"], key_of(address["api_key"]))
    size = megabytes * MEGABYTE
    body = {"metadata": {"name": "big.bin", "size": size}, "filenames": ["big.bin"]}
    ticket = wire.post(f"/sessions/{session.id}/files?ticket=", body)
    headers = {"Content-Length": str(size)}
    put = httpx2.put(
        ticket["urls"]["big.bin"], content=blocks(megabytes), headers=headers, timeout=600, trust_env=False
    )
    assert put.status_code in (200, 201)
    (file,) = wire.post(f"/sessions/{session.id}/files", ticket=ticket["ticket"])
    assert file["size"] == size
    digest, expected = hashlib.sha384(), hashlib.sha384()
    with wire.http.stream("GET", f"{wire.base}/sessions/{session.id}/files/big.bin", timeout=600) as answer:
        for chunk in answer.iter_bytes(MEGABYTE):
            digest.update(chunk)
    for block in blocks(megabytes):
        expected.update(block)
    assert digest.hexdigest() == expected.hexdigest() == file["hash"].rsplit("-", 1)[1]
    assert peak_resident(process.pid) < 200 * MEGABYTE


def test_large_file_passes_in_bounded_memory(serving: Any) -> None:
    send_and_fetch(*serving, megabytes=300)


@pytest.mark.slow
def test_four_gigabytes_pass_in_bounded_memory(serving: Any) -> None:
    send_and_fetch(*serving, megabytes=4096)


def test_large_multipart_upload_passes_in_bounded_memory(serving: Any) -> None:
    process, address = serving
    client = flywheel.Client(address["api_key"])
    client.add_group({"_id": "grp", "label": "Group"})
    session = client.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="x")
    wire = Wire.connect(address["url"], key_of(address["api_key"]))
    boundary = "b0undary"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()

    def form() -> Iterator[bytes]:
        yield head
        yield from blocks(256)
        yield tail

    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(head) + 256 * MEGABYTE + len(tail)),
    }
    answer = wire("POST", f"/sessions/{session.id}/files", content=form(), headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()[0]["size"] == 256 * MEGABYTE
    assert peak_resident(process.pid) < 200 * MEGABYTE


def test_site_serves_reads_while_a_slow_upload_runs(site: Any, session: Any, wire: Wire) -> None:
    body = {"metadata": {"name": "slow.bin", "size": 2 * MEGABYTE}, "filenames": ["slow.bin"]}
    ticket = wire.post(f"/sessions/{session.id}/files?ticket=", body)
    name = fresh("gear")

    def trickle() -> Iterator[bytes]:
        yield BLOCK
        wire.post(f"/gears/{name}", {"category": "utility", "gear": manifest(name)})
        assert wire.get(f"/sessions/{session.id}")["label"] == "Ses 1"
        yield BLOCK

    headers = {"Content-Length": str(2 * MEGABYTE)}
    assert httpx2.put(ticket["urls"]["slow.bin"], content=trickle(), headers=headers, trust_env=False).status_code < 300
    wire.post(f"/sessions/{session.id}/files", ticket=ticket["ticket"])
    assert session.reload().read_file("slow.bin") == BLOCK * 2
