"""A job finds its directory at /flywheel/v0, as in its image."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import flywheel
import pytest

from local_site import LocalSite
from local_site.engine import scheduler

READS = """
import json, os, pathlib, sys, flywheel
with flywheel.GearContext() as context:
    (pathlib.Path(context.output_dir) / "seen.json").write_text(json.dumps({
        "config": dict(context.config), "text": context.open_input("text").read(), "cwd": os.getcwd(),
        "path": context.get_input_path("text"), "who": context.client.get_current_user().id,
        "root": sorted(os.listdir("/")),
    }))
"""


def outcome(tmp_path: Path, script: str, root: Path) -> tuple[Any, str, dict[str, Any]]:
    """Run a gear with one input; return its job, its log and what it wrote."""
    directory = tmp_path / "gear"
    directory.mkdir()
    (directory / "run.py").write_text(script)
    manifest = {
        "name": "reader", "label": "R", "version": "1.0.0", "command": "python /flywheel/v0/run.py", "environment": {},
        "config": {"colour": {"type": "string", "default": "red"}}, "custom": {},
        "inputs": {"text": {"base": "file"}, "api-key": {"base": "api-key"}},
    }  # fmt: skip
    (directory / "manifest.json").write_text(json.dumps(manifest))
    with LocalSite(root, engine=True) as site:
        fw = flywheel.Client(site.api_key)
        fw.add_group({"_id": "grp", "label": "Group"})
        acquisition = fw.get_group("grp").add_project(label="P").add_session(label="S").add_acquisition(label="A")
        acquisition.upload_file(flywheel.FileSpec("in.txt", b"hello", "text/plain"))
        job_id = fw.get_gear(site.add_gear(directory)).run(inputs={"text": acquisition.reload().files[0]})
        deadline = time.monotonic() + 60
        while (job := fw.get_job(job_id)).state in ("pending", "running"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        log = "".join(line.msg for line in fw.get_job_logs(job_id).logs)
        written = {file.name: file.read() for file in acquisition.reload().files if file.name == "seen.json"}
    return job, log, json.loads(written.get("seen.json", b"{}"))


def test_a_gear_reads_there_or_is_told_why_not(tmp_path: Path) -> None:
    root = tmp_path / "root"
    job, log, seen = outcome(tmp_path, READS, root)
    if scheduler.can_mount(tmp_path / "tried"):
        assert job.state == "complete", log
        assert (seen["config"], seen["text"], seen["cwd"]) == ({"colour": "red"}, "hello", "/flywheel/v0")
        assert seen["path"] == "/flywheel/v0/input/text/in.txt"
        assert {entry.name for entry in Path("/").iterdir()} <= set(seen["root"])
    else:
        assert "no mount namespaces" in log
    assert not list((root / "jobs").iterdir())


def test_where_it_cannot_be_mounted_the_log_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "can_mount", lambda _: False)
    script = "import os, pathlib; pathlib.Path('output/seen.json').write_text('{\"home\": \"%s\"}' % os.getcwd())"
    job, log, seen = outcome(tmp_path, script, tmp_path / "root")
    assert job.state == "complete", log
    assert "no mount namespaces" in log
    assert seen["home"].startswith(str(tmp_path / "root" / "jobs"))


def test_the_folder_of_a_site_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    job, log, seen = outcome(tmp_path, READS, Path("here/root"))
    assert (job.state, seen["text"]) == ("complete", "hello"), log
