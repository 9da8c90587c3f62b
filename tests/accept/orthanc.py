"""An Orthanc server of one's own on loopback: store an instance, read its tags, delete it."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Orthanc:
    """A running server."""

    url: str

    def store(self, data: bytes) -> str | None:
        """The id under which the instance is stored now, or None where the server refuses it."""
        try:
            return str(self._call("POST", "/instances", data)["ID"])
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return None

    def tags(self, instance: str) -> dict[str, Any]:
        """All values, by "gggg,eeee", as the server reads them."""
        return dict(self._call("GET", f"/instances/{instance}/tags"))

    def file(self, instance: str) -> bytes:
        """The stored file."""
        return self._get(f"/instances/{instance}/file")

    def delete(self, instance: str) -> None:
        """Forget an instance, so that another with its UID can be stored."""
        self._call("DELETE", f"/instances/{instance}")

    def _call(self, method: str, path: str, data: bytes | None = None) -> Any:
        request = urllib.request.Request(self.url + path, data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return bytes(answer.read())


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Orthanc]:
    """Start a server that keeps everything in `folder`; stop it at the end."""
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
    assert program, "Orthanc is not installed (Debian package orthanc)"
    port = _free_port()
    settings = {
        "Name": "acceptance",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "HttpPort": port,
        "HttpServerEnabled": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": False,
        "DefaultEncoding": "Latin1",
        "OverwriteInstances": True,
        "Plugins": [],
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen([program, folder / "orthanc.json"], stdout=log, stderr=log)
        try:
            yield _when_up(Orthanc(f"http://127.0.0.1:{port}"), process)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _when_up(server: Orthanc, process: subprocess.Popen[bytes]) -> Orthanc:
    for _ in range(150):
        assert process.poll() is None, "Orthanc ended at once; see orthanc.log"
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            server._call("GET", "/system")
            return server
        time.sleep(0.2)
    raise AssertionError("Orthanc does not answer")
