"""TLS on the port of HTTP, for clients that take no other."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import certifi
import flywheel
import httpx2
import pytest

from local_site import LocalSite
from local_site.site import certificate
from tests.contract.test_other_clients import environment


def trusted(site: LocalSite) -> dict[str, str]:
    return certificate.trust(site.site.root, "127.0.0.1")


def plain_key(site: LocalSite) -> str:
    """The key as sites give it, without the marker for plain HTTP."""
    return site.api_key.replace("__force_insecure:", "")


def test_the_sdk_takes_a_key_without_the_marker(site: LocalSite, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in trusted(site).items():
        monkeypatch.setenv(name, value)
    client = flywheel.Client(plain_key(site))
    assert client.get_current_user().id == site.owner
    client.add_group({"_id": "tls", "label": "TLS"})
    project = client.get_group("tls").add_project(label="P")
    project.upload_file(flywheel.FileSpec("a.txt", b"over TLS", "text/plain"))
    assert project.reload().files[0].read() == b"over TLS"


def test_signed_urls_are_as_the_client_came(site: LocalSite, session: Any) -> None:
    secure = site.url.replace("http://", "https://")
    context = ssl.create_default_context(cafile=trusted(site)["SSL_CERT_FILE"])
    headers = {"Authorization": f"scitran-user {site.site.owner_key()}"}
    asked = {"metadata": {"name": "f"}, "filenames": ["f"]}
    for url, verify in ((secure, context), (site.url, True)):
        answer = httpx2.post(
            f"{url}/api/sessions/{session.id}/files?ticket=",
            json=asked,
            headers=headers,
            verify=verify,
            trust_env=False,
        )
        assert answer.json()["urls"]["f"].startswith(f"{url}/signed/")


def test_fw_client_dials_tls_by_itself(site: LocalSite, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = environment("fwclient")
    code = "import sys, fw_client; print(fw_client.FWClient(api_key=sys.argv[1]).get('/api/users/self')['_id'])"
    done = subprocess.run(
        [interpreter, "-W", "ignore", "-c", code, plain_key(site)],
        env={**trusted(site), "NO_PROXY": "127.0.0.1,localhost", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == site.owner, done.stderr


def test_a_client_that_says_nothing_or_nonsense_stalls_nobody(site: LocalSite) -> None:
    address = urlsplit(site.url)
    silent = [socket.create_connection((address.hostname, address.port)) for _ in range(50)]
    for number, connection in enumerate(silent):
        connection.sendall([b"", b"\x16", b"\x16\x03\x01nonsense", b"\x00"][number % 4])
    assert httpx2.get(f"{site.url}/api/version", trust_env=False, timeout=5).status_code == 200
    for connection in silent:
        connection.close()


def test_the_certificate_outlives_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        with LocalSite(tmp_path) as site:
            context = ssl.create_default_context(cafile=trusted(site)["SSL_CERT_FILE"])
            secure = site.url.replace("http://", "https://")
            assert httpx2.get(f"{secure}/api/version", verify=context, trust_env=False).status_code == 200
    assert (tmp_path / "tls").stat().st_mode & 0o077 == 0


def test_a_stranger_is_not_sent_where_a_header_says(tmp_path: Path) -> None:
    with LocalSite(tmp_path, host="0.0.0.0") as site:
        port = urlsplit(site.url).port
        config = httpx2.get(f"http://127.0.0.1:{port}/api/config", headers={"Host": "evil.example"}, trust_env=False)
    assert config.json()["site"]["redirect_url"] == f"http://127.0.0.1:{port}"


def test_programs_of_this_machine_trust_it_beside_all_else(site: LocalSite) -> None:
    code = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"
    counts = [
        int(subprocess.check_output([sys.executable, "-c", code], env={**os.environ, "SSL_CERT_FILE": path}))
        for path in (trusted(site)["SSL_CERT_FILE"], os.environ.get("SSL_CERT_FILE") or certifi.where())
    ]
    assert counts[0] == counts[1] + 1
