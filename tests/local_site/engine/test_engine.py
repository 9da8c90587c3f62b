"""The engine, end to end: small gears run by it through the SDK."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from local_site import LocalSite

PATIENCE = 120.0
ECHO = """
import json, os, pathlib, sys
config = json.loads(pathlib.Path("config.json").read_text())
here = sorted(p.name for p in pathlib.Path(".").iterdir())
files = {n: pathlib.Path(i["location"]["path"]).read_text() for n, i in config["inputs"].items() if i["base"] == "file"}
facts = {"config": config, "here": here, "files": files, "env": dict(os.environ), "cwd": os.getcwd(),
         "manifest": json.loads(pathlib.Path("manifest.json").read_text())["name"]}
pathlib.Path("output/facts.json").write_text(json.dumps(facts))
print("to standard output")
print("to standard error", file=sys.stderr)
sys.exit(config["config"]["exit"])
"""
WAIT = """
import pathlib, sys, time
print("begun")
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.02)
"""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start a site with an engine; stopped at the end of the test."""
    opened: list[Any] = []

    def start(**options: Any) -> Any:
        opened.append(LocalSite(tmp_path / "root", engine=True, **options))
        return opened[-1].__enter__()

    yield start
    for site in opened:
        site.__exit__(None, None, None)


@pytest.fixture
def write_gear(tmp_path: Path) -> Callable[..., Path]:
    """Write a gear of one script into a directory."""

    def write(name: str, script: str, category: str = "utility", **manifest: Any) -> Path:
        directory = tmp_path / name
        directory.mkdir()
        (directory / "run.py").write_text(script)
        whole = {
            "name": name, "label": name, "version": "1.0.0", "command": "python run.py", "environment": {}, "inputs": {},
            "config": {"exit": {"type": "integer", "default": 0}}, "custom": {"gear-builder": {"category": category}},
            **manifest,
        }  # fmt: skip
        (directory / "manifest.json").write_text(json.dumps(whole))
        return directory

    return write


@pytest.fixture
def stage(serve: Callable[..., Any]) -> tuple[Any, flywheel.Client, Any]:
    """A site with an engine, its client, and a session."""
    site = serve()
    client = flywheel.Client(site.api_key)
    return site, client, make_session(client)


def make_session(client: flywheel.Client, label: str = "Ses") -> Any:
    client.add_group({"_id": "grp", "label": "Group"})
    project = client.get_group("grp").add_project(label="Proj")
    return project.add_subject(label="sub").add_session(label=label)


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "the engine did not get there"
        time.sleep(0.03)
    return found


def ended(client: flywheel.Client, job_id: str) -> Any:
    return until(lambda: (job := client.get_job(job_id)).state in ("complete", "failed", "cancelled") and job)


def facts_of(container: Any) -> dict[str, Any]:
    return dict(json.loads(container.reload().read_file("facts.json")))


API_KEY = {"api-key": {"base": "api-key", "read-only": False}}
TEXT = {"text": {"base": "file", "type": {"enum": ["text"]}, "optional": False}}


def test_utility_gear_is_staged_run_and_its_output_attached(stage: Any, write_gear: Any) -> None:
    site, client, session = stage
    session.upload_file(flywheel.FileSpec("in.txt", b"input", "text/plain"))
    environment = {"COLOUR": "red", "PATH": "/nowhere", "FLYWHEEL": "/flywheel/v0"}
    gear = client.get_gear(site.add_gear(write_gear("echo", ECHO, inputs={**TEXT, **API_KEY}, environment=environment)))
    job = ended(client, gear.run(inputs={"text": session.reload().files[0]}))
    assert (job.state, job.saved_files) == ("complete", ["facts.json"])
    facts = facts_of(session)
    assert {"config.json", "manifest.json", "input", "output", "work", "run.py"} <= set(facts["here"])
    assert facts["files"] == {"text": "input"}
    assert facts["manifest"] == "echo"
    assert facts["env"]["COLOUR"] == "red"
    assert facts["env"]["FLYWHEEL"] == facts["cwd"]
    assert facts["config"]["destination"] == {"type": "session", "id": session.id}
    assert facts["config"]["job"]["id"] == job.id
    (output,) = [f for f in session.reload().files if f.name == "facts.json"]
    assert (output.origin.type, output.origin.id) == ("job", job.id)
    assert (output.gear_info.name, output.gear_info.version) == ("echo", "1.0.0")
    assert list(job.transitions.to_dict()) == list(job.transitions.to_dict())
    assert job.transitions.running is not None
    assert job.profile.total_output_files == 1


@pytest.mark.parametrize(
    "command",
    [
        "python run.py",
        "python3 -u run.py",
        "cd work && cd .. && python run.py",
        "A=1 python run.py",
        "python /flywheel/v0/run.py",
    ],
)
def test_commands_are_those_of_a_shell(stage: Any, write_gear: Any, command: str) -> None:
    site, client, session = stage
    gear = client.get_gear(site.add_gear(write_gear("echo", ECHO, command=command)))
    job = ended(client, gear.run(destination=session))
    assert job.state == "complete", client.get_job_logs(job.id)


def test_interpreter_is_the_one_asked_for(serve: Any, write_gear: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "own-python"
    own.write_text(f'#!/bin/sh\nOWN=yes exec {sys.executable} "$@"\n')
    own.chmod(0o755)
    site = serve(python="./own-python")
    client = flywheel.Client(site.api_key)
    session = make_session(client)
    job = ended(client, client.get_gear(site.add_gear(write_gear("echo", ECHO))).run(destination=session))
    assert job.state == "complete", client.get_job_logs(job.id)
    assert facts_of(session)["env"]["OWN"] == "yes"
    with pytest.raises(FileNotFoundError, match="no-such-python"):
        LocalSite(tmp_path / "other", engine=True, python="no-such-python")


def test_log_keeps_both_streams_line_by_line(stage: Any, write_gear: Any) -> None:
    site, client, session = stage
    gear = client.get_gear(site.add_gear(write_gear("echo", ECHO)))
    job = ended(client, gear.run(destination=session))
    logs = client.get_job_logs(job.id).logs
    assert sorted((line.fd, line.msg) for line in logs) == [(1, "to standard output\n"), (2, "to standard error\n")]


def test_exit_code_decides_between_complete_and_failed(stage: Any, write_gear: Any) -> None:
    site, client, session = stage
    gear = client.get_gear(site.add_gear(write_gear("echo", ECHO)))
    job = ended(client, gear.run(destination=session, config={"exit": 3}))
    assert (job.state, job.failure_reason) == ("failed", "The gear exited with code 3")
    assert facts_of(session)["config"]["config"] == {"exit": 3}, "what a failed gear wrote is kept"


def test_analysis_gear_writes_to_its_analysis(stage: Any, write_gear: Any) -> None:
    site, client, session = stage
    gear = client.get_gear(site.add_gear(write_gear("echo", ECHO, "analysis")))
    analysis = client.get_analysis(gear.run(analysis_label="An", destination=session))
    ended(client, analysis.job.id)
    facts = facts_of(analysis)
    assert facts["config"]["destination"] == {"type": "analysis", "id": analysis.id}
    assert session.reload().files == []
    assert client.get_analysis(analysis.id).job.state == "complete"


def test_key_works_while_the_job_runs_and_dies_with_it(stage: Any, write_gear: Any) -> None:
    script = ECHO.replace(
        "sys.exit(",
        "import flywheel; fw = flywheel.Client(config['inputs']['api-key']['key'])\n"
        "fw.get(config['destination']['id']).add_tag('by-' + fw.get_current_user().id.split('@')[0])\nsys.exit(",
    )
    site, client, session = stage
    gear = client.get_gear(site.add_gear(write_gear("tagger", script, inputs=API_KEY)))
    job = ended(client, gear.run(destination=session))
    assert job.state == "complete", client.get_job_logs(job.id)
    assert session.reload().tags == ["by-" + client.get_current_user().id.split("@")[0]]
    key = facts_of(session)["config"]["inputs"]["api-key"]["key"]
    assert ":__force_insecure:" in key
    with pytest.raises(ApiException) as raised:
        flywheel.Client(key)
    assert raised.value.status == 401
    assert not list((site.site.root / "jobs").iterdir()), "nothing is left that holds the key"


def test_read_only_key_only_reads(stage: Any, write_gear: Any) -> None:
    script = (
        "import json, flywheel; config = json.load(open('config.json'))\n"
        "fw = flywheel.Client(config['inputs']['api-key']['key'])\n"
        "session = fw.get_session(config['destination']['id'])\n"
        "try: session.add_tag('x')\n"
        "except flywheel.ApiException as error: print(error.status)\n"
    )
    site, client, session = stage
    read_only = {"api-key": {"base": "api-key", "read-only": True}}
    gear = client.get_gear(site.add_gear(write_gear("reader", script, inputs=read_only)))
    job = ended(client, gear.run(destination=session))
    assert [line.msg for line in client.get_job_logs(job.id).logs] == ["403\n"]


METADATA = """
import json, pathlib
pathlib.Path("output/made.dcm").write_text("made")
pathlib.Path("output/.metadata.json").write_text(json.dumps({
    "acquisition": {"label": "not taken", "timezone": "Europe/Berlin", "uid": "1.2", "tags": ["new"], "info": {"a": 2, "b": 3},
        "files": [
            {"name": "made.dcm", "modality": "MR", "classification": {"Intent": ["Structural"]}, "info": {"k": 1}},
            {"name": "in.txt", "info": {"deep": {"y": 2}}, "tags": ["seen"]},
        ]},
    "session": {"operator": "someone", "weight": 70.5, "uid": "2.25.7", "subject": {"sex": "female"}},
}))
"""


def test_metadata_fills_what_is_empty_and_updates_named_files(stage: Any, write_gear: Any) -> None:
    site, client, session = stage
    session.update(weight=60.0)
    acquisition = session.add_acquisition(label="Acq", info={"a": 1})
    acquisition.add_tag("old")
    acquisition.upload_file(flywheel.FileSpec("in.txt", b"input"), metadata={"info": {"deep": {"x": 1}}, "tags": ["t"]})
    gear = client.get_gear(site.add_gear(write_gear("meta", METADATA)))
    job = ended(client, gear.run(destination=acquisition))
    assert job.state == "complete"
    found = acquisition.reload()
    assert (found.label, found.timezone, found.uid) == ("Acq", "Europe/Berlin", "1.2")
    assert (found.tags, found.info) == (["old", "new"], {"a": 1, "b": 3})
    made, given = found.get_file("made.dcm"), found.get_file("in.txt")
    assert (made.modality, made.classification, made.info) == ("MR", {"Intent": ["Structural"]}, {"k": 1})
    assert (given.info, given.tags, given.version) == ({"deep": {"x": 1, "y": 2}}, ["t", "seen"], 1)
    found = session.reload()
    assert (found.operator, found.weight, found.subject.sex) == ("someone", 60.0, "female")
    assert found.uid == "2.25.7"


def test_cancelled_job_is_asked_to_stop_and_its_key_is_dead(stage: Any, write_gear: Any, tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    script = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(stopped)!r}).touch(), sys.exit(0)))\n"
        "print('begun')\ntime.sleep(60)\n"
    )
    site, client, session = stage
    gear = client.get_gear(site.add_gear(write_gear("sleeper", script, inputs=API_KEY)))
    job_id = gear.run(destination=session)
    until(lambda: client.get_job_logs(job_id).logs)
    config = json.loads((site.site.root / "jobs" / job_id / "config.json").read_text())
    client.get_job(job_id).change_state("cancelled")
    with pytest.raises(ApiException):
        flywheel.Client(config["inputs"]["api-key"]["key"])
    until(stopped.exists)
    until(lambda: not (site.site.root / "jobs" / job_id).exists())
    assert client.get_job(job_id).state == "cancelled"


def test_no_more_jobs_run_at_once_than_allowed(serve: Any, write_gear: Any, tmp_path: Path) -> None:
    site = serve(at_once=2)
    client = flywheel.Client(site.api_key)
    session = make_session(client)
    gate = tmp_path / "gate"
    gear = client.get_gear(site.add_gear(write_gear("waiter", WAIT, command=f"python run.py {gate}")))
    jobs = [gear.run(destination=session) for _ in range(4)]

    def states() -> list[str]:
        return sorted(client.get_job(job).state for job in jobs)

    until(lambda: states() == ["pending", "pending", "running", "running"])
    time.sleep(0.2)
    assert states() == ["pending", "pending", "running", "running"]
    gate.touch()
    assert {ended(client, job).state for job in jobs} == {"complete"}


def test_urgent_jobs_go_first(serve: Any, write_gear: Any, tmp_path: Path) -> None:
    site = serve(at_once=1)
    client = flywheel.Client(site.api_key)
    session = make_session(client)
    gate = tmp_path / "gate"
    gear = client.get_gear(site.add_gear(write_gear("waiter", WAIT, command=f"python run.py {gate}")))
    first = gear.run(destination=session)
    until(lambda: client.get_job(first).state == "running")
    low, high = gear.run(destination=session, priority="low"), gear.run(destination=session, priority="high")
    gate.touch()
    done = [ended(client, job).transitions.running for job in (high, low)]
    assert done == sorted(done)


def test_gear_without_a_directory_fails_with_its_reason(stage: Any) -> None:
    _, client, session = stage
    manifest = {"name": "far", "version": "1", "inputs": {}, "config": {}, "command": "python run.py"}
    gear = client.get_gear(client.add_gear("far", {"category": "utility", "gear": manifest}))
    job = ended(client, gear.run(destination=session))
    assert job.state == "failed"
    assert "no directory" in job.failure_reason


def test_input_version_is_the_one_there_was_when_asked_for(stage: Any, write_gear: Any, tmp_path: Path) -> None:
    site, client, session = stage
    gate = tmp_path / "gate"
    waiter = client.get_gear(site.add_gear(write_gear("waiter", WAIT, command=f"python run.py {gate}")))
    blocking = [waiter.run(destination=session) for _ in range(2)]
    until(lambda: all(client.get_job(job).state == "running" for job in blocking))
    session.upload_file(flywheel.FileSpec("in.txt", b"first"))
    gear = client.get_gear(site.add_gear(write_gear("echo", ECHO, inputs=TEXT)))
    job_id = gear.run(inputs={"text": session.reload().files[0]})
    session.upload_file(flywheel.FileSpec("in.txt", b"second"))
    gate.touch()
    ended(client, job_id)
    assert facts_of(session)["files"] == {"text": "first"}


def test_failed_job_runs_again_on_retry(stage: Any, write_gear: Any) -> None:
    site, client, session = stage
    directory = write_gear("echo", ECHO, inputs=API_KEY)
    (directory / "run.py").write_text("raise SystemExit(1)")
    gear = client.get_gear(site.add_gear(directory))
    job = ended(client, gear.run(destination=session))
    assert job.state == "failed"
    (directory / "run.py").write_text(ECHO)
    again = ended(client, client.retry_job(job.id))
    assert (again.state, again.attempt, again.previous_job_id) == ("complete", 2, job.id)


def test_batch_runs_a_job_for_each_session(serve: Any, write_gear: Any) -> None:
    site = serve(at_once=3)
    client = flywheel.Client(site.api_key)
    session = make_session(client)
    for number in range(4):
        client.get_subject(session.subject.id).add_session(label=f"more-{number}")
    gear = client.get_gear(site.add_gear(write_gear("echo", ECHO, "analysis", inputs=API_KEY)))
    proposal = gear.propose_batch([client.get_project(session.project)])
    jobs = proposal.run()
    assert {ended(client, job.id).state for job in jobs} == {"complete"}
    analyses = [analysis for s in client.get_project_sessions(session.project) for analysis in s.reload().analyses]
    assert [[f.name for f in analysis.files] for analysis in analyses] == [["facts.json"]] * 5
    assert client.get_batch(proposal.id).state == "complete"


def test_rule_runs_a_gear_with_a_key_for_its_project_only(stage: Any, write_gear: Any) -> None:
    script = ECHO.replace(
        "sys.exit(",
        "import flywheel; fw = flywheel.Client(config['inputs']['api-key']['key'])\n"
        "def refused(call, *a):\n"
        "    try: call(*a)\n"
        "    except flywheel.ApiException as e: return e.status\n"
        "fw.get_project(config['config']['own'])\n"
        "status = fw.get_auth_status()\n"
        "print(json.dumps([status.origin.type, status.user_id, refused(fw.get_project, config['config']['other']),\n"
        "  refused(fw.get_group, 'grp'), refused(fw.get(config['destination']['id']).add_tag, 'x')]))\nsys.exit(",
    )
    config = {name: {"type": "string", "default": "x"} for name in ("own", "other")} | {
        "exit": {"type": "integer", "default": 0}
    }
    site, client, session = stage
    other = client.get_group("grp").add_project(label="Other")
    gear = site.add_gear(write_gear("probe", script, inputs=API_KEY, config=config))
    rule = client.add_project_rule(
        session.project,
        {
            "gear_id": gear, "name": "on dicom", "config": {"own": session.project, "other": other.id}, "any": [],
            "all": [{"type": "file.type", "value": "DICOM"}], "not": [],
        },
    )  # fmt: skip
    acquisition = session.add_acquisition(label="Acq")
    acquisition.upload_file(flywheel.FileSpec("a.txt", b"not a match"))
    assert client.jobs() == []
    acquisition.upload_file(flywheel.FileSpec("a.dcm", b"match"))
    (queued,) = client.jobs()
    job = ended(client, queued.id)
    assert job.state == "complete", client.get_job_logs(job.id)
    assert (job.destination.type, job.destination.id) == ("acquisition", acquisition.id)
    assert {"auto", "probe"} <= set(job.tags)
    assert (job.origin.type, job.origin.id, job.rule_id) == ("system", None, rule.id)
    lines = [line.msg for line in client.get_job_logs(job.id).logs]
    assert '["gear_rule", null, 403, 403, 403]\n' in lines


def test_stopped_engine_fails_what_it_ran_and_a_new_one_goes_on(tmp_path: Path, write_gear: Any) -> None:
    gate = tmp_path / "gate"
    directory = write_gear("waiter", WAIT, command=f"python run.py {gate}")
    with LocalSite(tmp_path / "root", engine=True, at_once=1) as site:
        client = flywheel.Client(site.api_key)
        session = make_session(client)
        gear = client.get_gear(site.add_gear(directory))
        running, waiting = gear.run(destination=session), gear.run(destination=session)
        until(lambda: client.get_job_logs(running).logs)
    gate.touch()
    with LocalSite(tmp_path / "root", engine=True, at_once=1) as site:
        client = flywheel.Client(site.api_key)
        stopped = client.get_job(running)
        assert (stopped.state, "stopped" in stopped.failure_reason) == ("failed", True)
        assert ended(client, waiting).state == "complete"


def test_killed_site_fails_what_it_ran_when_it_starts_again(tmp_path: Path, write_gear: Any) -> None:
    gate = tmp_path / "gate"
    directory = write_gear("waiter", WAIT, command=f"python run.py {gate}", inputs=API_KEY)
    command = [sys.executable, "-m", "local_site", "serve", str(tmp_path / "root"), "--engine", "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        client = flywheel.Client(json.loads(process.stdout.readline())["api_key"])
        session = make_session(client)
        manifest = json.loads((directory / "manifest.json").read_text())
        exchange = {"rootfs-url": directory.as_uri(), "rootfs-hash": "sha384:x", "git-commit": "x"}
        body = {"category": "utility", "gear": manifest, "exchange": exchange}
        job_id = client.get_gear(client.add_gear("waiter", body)).run(destination=session)
        until(lambda: client.get_job_logs(job_id).logs)
        config = json.loads((tmp_path / "root" / "jobs" / job_id / "config.json").read_text())
        os.kill(process.pid, signal.SIGKILL)
    gate.touch()  # lets the orphaned gear end
    with LocalSite(tmp_path / "root", engine=True) as site:
        client = flywheel.Client(site.api_key)
        assert client.get_job(job_id).state == "failed"
        key = config["inputs"]["api-key"]["key"].rsplit(":", 1)[1]
        with pytest.raises(ApiException) as raised:
            flywheel.Client(site.key_string(key))
        assert raised.value.status == 401


def test_registering_a_directory_again_keeps_the_gear_and_takes_its_new_place(stage: Any, write_gear: Any) -> None:
    site, client, _ = stage
    directory = write_gear("echo", ECHO)
    first = site.add_gear(directory)
    moved = directory.rename(directory.with_name("moved"))
    assert site.add_gear(moved) == first
    assert client.get_gear(first).exchange.rootfs_url == moved.as_uri()
