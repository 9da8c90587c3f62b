"""Edited UIDs in place: references follow in the other files of the session, whatever interrupted the run."""

from __future__ import annotations

from typing import Any

from tests.e2e.test_uids import OPTIONS, a_session
from tests.support.world import World

Contents = dict[str, bytes]


def contents(session: Any) -> Contents:
    """Return the bytes of every file of a session's acquisitions, by name."""
    return {
        file.name: bytes(acquisition.read_file(file.name))
        for acquisition in session.acquisitions()
        for file in acquisition.reload().files
    }


def versions(session: Any) -> dict[str, int]:
    return {file.name: file.version for acquisition in session.acquisitions() for file in acquisition.reload().files}


def test_files_in_place_are_those_that_a_copy_would_have(world: World) -> None:
    session = a_session(world)
    assert world.run(session, **OPTIONS).code == 0
    assert world.run(session, mode="in_place", **OPTIONS).code == 0
    assert contents(session) == contents(world.copy_of(session))


def test_references_follow_in_files_that_an_interrupted_run_did_not_reach(world: World) -> None:
    session = a_session(world)
    assert world.run(session, **OPTIONS).code == 0
    objects = next(one for one in session.acquisitions() if one.label == "objects")
    world.site.fault("status", method="POST", route=f"^/acquisitions/{objects.id}/files$", status=403)
    assert world.run(session, mode="in_place", **OPTIONS).code == 1
    world.site.clear_faults()
    assert set(versions(session).values()) == {1, 2}
    run = world.run(session, mode="in_place", **OPTIONS)
    assert run.code == 0, run.printed
    assert contents(session) == contents(world.copy_of(session))
    done = versions(session)
    assert world.run(session, mode="in_place", **OPTIONS).code == 0
    assert versions(session) == done
