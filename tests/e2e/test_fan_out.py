"""A fan-out says how far the jobs of before are, then what it starts and why."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from tests.e2e.test_corrections import row, sheet
from tests.support import gear
from tests.support.world import World

GEAR: dict[str, Any] = {
    "category": "analysis",
    "gear": {
        "name": "session-export", "version": "1", "label": "s", "description": "d", "author": "a", "license": "MIT",
        "source": "", "url": "", "config": {}, "inputs": {"api-key": {"base": "api-key"}},
    },
}  # fmt: skip


@pytest.fixture
def own_job(world: World) -> str:
    """The id of the job that this run is: nothing runs it, or the ones that it starts."""
    name = f"session-export-{world.group.id}"
    made = world.client.add_gear(name, {**GEAR, "gear": {**GEAR["gear"], "name": name}})
    analysis = world.client.get_gear(getattr(made, "id", made)).run(destination=world.quarantine, config={})
    for number in range(4):
        world.session(label=f"Visit {number}")
    return str(world.client.get_analysis(analysis).job.id)


def jobs(world: World) -> list[dict[str, Any]]:
    """The jobs that were started on sessions, oldest first."""
    store = world.site.site.store
    ours = {session.id for session in world.quarantine.sessions()}
    return [job for job in store.select("job") if job["parents"].get("session") in ours]


def put(world: World, *states: str) -> None:
    """Give the jobs these states, in the order of their making."""
    for job, state in zip(jobs(world), states, strict=True):
        world.site.site.store.put("job", {**job, "state": state})


def fan_out(world: World, own_job: str, **config: Any) -> gear.Run:
    run = world.run(world.quarantine.reload(), job=own_job, fan_out=True, **config)
    assert "Traceback" not in run.printed
    return run


def told(run: gear.Run) -> list[tuple[str, ...]]:
    with next(run.output.glob("*_fan_out.csv")).open(encoding="utf-8", newline="") as file:
        return [(row["Session"], row["State"], row["Action"]) for row in csv.DictReader(file)]


def page(run: gear.Run) -> str:
    return next(run.output.glob("*_fan_out.html")).read_text(encoding="utf-8")


def test_the_states_of_the_jobs_of_before_come_first(world: World, own_job: str) -> None:
    assert fan_out(world, own_job).code == 0
    put(world, "complete", "failed", "running", "cancelled")
    world.quarantine.sessions()[0].add_tag("EXPORTED")
    run = fan_out(world, own_job)
    assert run.code == 0, run.printed
    assert told(run) == [
        ("Visit 0", "complete", "exported"),
        ("Visit 1", "failed", "started"),
        ("Visit 2", "running", "under way"),
        ("Visit 3", "cancelled", "started"),
    ]
    lines = run.printed
    assert lines.index("Jobs as this run found them: ") < lines.index("started: ")
    assert "1 its job of before failed" in lines
    assert "4 sessions: 1 exported, 1 under way, 2 started; 2 jobs of before ended without success." in lines
    assert "4 sessions: 1 exported" in page(run)
    assert len(jobs(world)) == 6


def test_a_preview_shows_the_states_and_starts_nothing(world: World, own_job: str) -> None:
    assert fan_out(world, own_job).code == 0
    put(world, "failed", "failed", "running", "complete")
    run = fan_out(world, own_job, dry_run=True)
    assert run.code == 0, run.printed
    assert [state for _, state, _ in told(run)] == ["failed", "failed", "running", "complete"]
    assert "3 would be started" in run.printed
    assert "Preview: nothing was written" in page(run)
    assert "would be started" in page(run)
    assert len(jobs(world)) == 4


def test_a_forced_fan_out_does_not_start_again_what_it_has_done(world: World, own_job: str) -> None:
    assert fan_out(world, own_job, force_export=True).code == 0
    put(world, *["complete"] * 4)
    for session in world.quarantine.sessions():
        session.add_tag("EXPORTED")
    run = fan_out(world, own_job, force_export=True)
    assert {action for *_, action in told(run)} == {"exported"}
    assert "Nothing is left to start." in run.printed
    assert "un it again" not in run.printed
    assert len(jobs(world)) == 4


def test_a_fan_out_that_restores_starts_again_only_what_was_exported_since(world: World, own_job: str) -> None:
    sessions = list(world.quarantine.sessions())
    sessions[0].add_tag("EXPORTED")
    first = fan_out(world, own_job, mode="restore")
    assert [action for *_, action in told(first)] == ["started"] * 4
    put(world, "complete", "complete", "failed", "complete")
    sessions[0].delete_tag("EXPORTED")
    sessions[1].add_tag("EXPORTED")
    second = fan_out(world, own_job, mode="restore")
    assert [action for *_, action in told(second)] == ["left alone", "started", "started", "left alone"]


def test_a_job_that_cannot_be_started_is_said_and_the_others_are(world: World, own_job: str) -> None:
    denied = world.quarantine.sessions()[1].id
    world.site.fault("status", method="POST", route=f"^/sessions/{denied}/analyses", status=403)
    run = fan_out(world, own_job)
    world.site.clear_faults()
    assert run.code == 1, run.printed
    assert [action for *_, action in told(run)].count("started") == 3
    assert "1 could not be started" in run.printed
    assert len(jobs(world)) == 3


def test_jobs_whose_session_moved_to_the_archive_are_told(world: World, own_job: str) -> None:
    archive = {"archive_project": f"{world.group.id}/Archive", "archive_mode": "move"}
    assert fan_out(world, own_job, **archive).code == 0
    put(world, "complete", *["running"] * 3)
    session = world.quarantine.sessions()[0]
    session.add_tag("EXPORTED")
    world.client.modify_session(session.id, {"subject": {"_id": world.archive.add_subject(label="sub-001").id}})
    run = fan_out(world, own_job, **archive)
    assert run.code == 0, run.printed
    assert ("Visit 0", "complete", "exported") in told(run)
    assert "4 sessions: 1 exported, 3 under way" in run.printed


def test_a_table_that_cannot_be_written_stops_it_before_a_job_is_started(world: World, own_job: str) -> None:
    folder = gear.stage(
        world.folder / "gear", world.site.api_key, ("project", world.quarantine.id), world.config(fan_out=True), own_job
    )
    (folder / "output" / "Quarantine_fan_out.csv").mkdir()
    run = gear.run(folder)
    assert run.code == 2
    assert "cannot be written" in run.printed
    assert jobs(world) == []


def test_jobs_are_started_once_a_sheet_of_corrections_is_applied_and_do_not_get_it(world: World, own_job: str) -> None:
    world.typical_session("sub-002")
    world.site.clear_requests()
    run = world.run(
        world.quarantine.reload(),
        job=own_job,
        fan_out=True,
        corrections=sheet(world, row("PatientSex", "O", "sub-002")),
    )
    assert run.code == 0, run.printed
    calls = [(one.method, one.path) for one in world.site.requests]
    corrected = [number for number, (method, path) in enumerate(calls) if method == "PATCH" and path.endswith("/info")]
    started = [number for number, (method, path) in enumerate(calls) if method == "POST" and path.endswith("/analyses")]
    assert len(corrected) == 2
    assert max(corrected) < min(started)
    assert len(jobs(world)) == len(started) == 5
    for job in jobs(world):
        assert "corrections" not in job["inputs"]
        assert not job["config"]["config"]["apply_corrections_only"]
