"""What a key may not do is said before anything is written; what fails late says what was done."""

from __future__ import annotations

import pytest

from tests.support.world import World


def test_a_key_that_may_not_tag_the_origin_is_refused_before_anything_is_written(world: World) -> None:
    session = world.typical_session()
    key = world.site.add_user("reader@example.org")
    for project, role in ((world.quarantine, "ro"), (world.export, "rw"), (world.archive, "rw")):
        world.site.grant("reader@example.org", project.id, role)
    run = world.run(session, api_key=key, archive_project=f"{world.group.id}/Archive")
    assert run.code == 2, run.printed
    assert "tag sessions" in run.printed
    assert f"{world.group.id}/Quarantine" in run.printed
    assert not world.export.sessions()
    assert not world.archive.sessions()


@pytest.mark.parametrize("which", ["quarantine", "export", "archive"])
def test_a_locked_project_is_refused_before_anything_is_written(world: World, which: str) -> None:
    session = world.typical_session()
    locked = getattr(world, which)
    world.site.lock(locked.id, "regulatory_audit")
    run = world.run(session, archive_project=f"{world.group.id}/Archive")
    assert run.code == 2, run.printed
    assert f"{locked.group}/{locked.label} is locked (regulatory_audit)" in run.printed
    assert not world.export.sessions()
    assert world.run(session, archive_project=f"{world.group.id}/Archive", dry_run=True).code == 0
    world.site.lock(locked.id, None)
    assert world.run(session, archive_project=f"{world.group.id}/Archive").code == 0


def test_the_job_log_says_why_a_session_was_not_tagged(world: World) -> None:
    session = world.typical_session()
    world.site.fault("status", method="PATCH", route=f"^/sessions/{session.id}/tags$", status=403)
    try:
        run = world.run(session)
    finally:
        world.site.clear_faults()
    assert run.code == 1
    (line,) = [line for line in run.printed.splitlines() if "not tagged" in line]
    assert "Visit 1" in line
    assert "tag the session" in line
    said = session.reload().info["qc"]["session-export"]["export"]
    assert (said["state"], "not tagged" in said["reason"]) == ("FAIL", True)


def test_a_tag_whose_answer_was_lost_leaves_no_false_result(world: World) -> None:
    """The tag is set, and the site then refuses to show it."""
    session = world.typical_session()

    def refuse(_method: str, _path: str) -> None:
        world.site.fault("status", method="GET", route=f"^/sessions/{session.id}$", status=403, times=1)

    world.site.fault("hook_after", method="PATCH", route=f"^/sessions/{session.id}/tags$", times=1, hook=refuse)
    try:
        world.run(session)
    finally:
        world.site.clear_faults()
    assert "EXPORTED" in session.reload().tags
    for one in (session.reload(), world.copy_of(session)):
        assert one.info["qc"]["session-export"]["export"]["state"] == "PASS"
