"""The command line: one line of JSON, SIGTERM, the same data and key again."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import flywheel
import pytest

from tests.local_site.serving import REPOSITORY, serving


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


def test_it_serves_until_sigterm_and_keeps_data_and_key(tmp_path: Path) -> None:
    with serving(tmp_path / "site") as first:
        flywheel.Client(first.api_key).add_group({"_id": "grp", "label": "Group"})
        first.process.send_signal(signal.SIGTERM)
        assert first.process.wait(timeout=20) == 0
    with serving(tmp_path / "site") as second:
        assert second.api_key.rpartition(":")[2] == first.api_key.rpartition(":")[2]
        assert flywheel.Client(second.api_key).get_group("grp").label == "Group"
        assert second.url.startswith("http://127.0.0.1:")
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert b"Group" in browser.open(second.page).read()


def test_sigterm_ends_it_while_filters_are_running(tmp_path: Path) -> None:
    with serving(tmp_path / "site") as site:
        flywheel.Client(site.api_key).add_group({"_id": "grp", "label": "a" * 60 + "b"})
        headers = {"Authorization": f"scitran-user {site.api_key.rpartition(':')[2]}"}
        request = urllib.request.Request(f"{site.url}/api/groups?filter=label=~^(a|aa)%2B$", headers=headers)

        def ask() -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):  # refused, or cut off by the end
                urllib.request.urlopen(request)

        for _ in range(3):
            threading.Thread(target=ask, daemon=True).start()
        time.sleep(0.3)
        site.process.send_signal(signal.SIGTERM)
        assert site.process.wait(timeout=60) == 0


def test_the_key_is_for_its_owner_only_and_stored_hashed(tmp_path: Path) -> None:
    root = tmp_path / "site"
    with serving(root) as site:
        key = site.api_key.rpartition(":")[2]
    assert stat.S_IMODE((root / "api_key").stat().st_mode) == 0o600
    holders = [path for path in root.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert [path.name for path in holders] == ["api_key"]


def test_two_roots_have_different_keys(tmp_path: Path) -> None:
    with serving(tmp_path / "a") as one, serving(tmp_path / "b") as two:
        assert one.api_key.rpartition(":")[2] != two.api_key.rpartition(":")[2]


def test_a_root_is_served_by_one_process(tmp_path: Path) -> None:
    with serving(tmp_path / "site"):
        command = [sys.executable, "-m", "local_site", "serve", str(tmp_path / "site")]
        second = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=30)
    assert second.returncode != 0
    assert "served already" in second.stderr


def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    with serving(tmp_path / "a") as first:
        port = first.url.rpartition(":")[2]
        command = [sys.executable, "-m", "local_site", "serve", str(tmp_path / "b"), "--port", port, "--engine"]
        second = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=30)
    assert second.returncode != 0
    assert "Traceback" not in second.stderr
    assert port in second.stderr


def test_the_demo_seed_is_put_in_once(tmp_path: Path) -> None:
    for _ in range(2):
        with serving(tmp_path / "site", "--seed", "demo") as site:
            client = flywheel.Client(site.api_key)
            project = client.lookup("demo/Quarantine")
            files = [file for session in project.sessions() for a in session.acquisitions() for file in a.files]
            labels = sorted(found.label for found in client.get_group("demo").projects())
        assert labels == ["Archive", "Export", "Quarantine"]
        assert sorted(file.name for file in files) == ["ct.dicom.zip", "mr.dcm", "mr.dicom.zip"]


def test_an_unknown_option_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local_site", "serve", str(tmp_path), "--option", "nonsense=1"]
    outcome = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=30)
    assert outcome.returncode != 0
    assert "nonsense" in outcome.stderr


def test_options_are_switched_from_the_command_line(tmp_path: Path) -> None:
    with serving(tmp_path / "site", "--option", "audit_trail=true") as site:
        assert flywheel.Client(site.api_key).get_config().features.audit_trail


def test_a_gear_directory_is_registered_beside_a_serving_site(tmp_path: Path) -> None:
    manifest = {"name": "tiny", "version": "1.0.0", "label": "Tiny", "config": {}, "inputs": {}, "command": "true"}
    (tmp_path / "gear").mkdir()
    (tmp_path / "gear" / "manifest.json").write_text(json.dumps(manifest))
    with serving(tmp_path / "site") as site:
        command = [sys.executable, "-m", "local_site", "add-gear", str(tmp_path / "site"), str(tmp_path / "gear")]
        subprocess.run(command, cwd=REPOSITORY, check=True, timeout=30, capture_output=True)
        assert [gear.gear.name for gear in flywheel.Client(site.api_key).get_all_gears()] == ["tiny"]
