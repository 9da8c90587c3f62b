"""Whether a tagged session was edited since it was exported, told from one listing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from export_session.session.since import changes_since_export
from export_session.site import Patience, PatientSite, connect
from export_session.site.model import Session
from tests.support.world import World


def told(world: World, session: Any) -> str:
    """Ask as a run does that finds the session tagged, in no more than one listing."""
    site = PatientSite(connect(world.site.api_key, writable=False), Patience(60.0))
    origin = site.read(Session, session.id)
    world.site.clear_requests()
    try:
        return changes_since_export(site, origin)
    finally:
        assert len(world.site.requests) <= 1


def notes(session: Any) -> Any:
    return next(one for one in session.acquisitions() if one.label == "Notes").reload()


def _edit(world: World, session: Any) -> str:
    world.edit(session.acquisitions()[0], "t1.dicom.zip", PatientName="Roe^Jane")
    return "t1.dicom.zip"


def _tag(world: World, session: Any) -> str:
    world.stored(notes(session), "notes.txt").add_tag("late")
    return "notes.txt"


def _add(world: World, session: Any) -> str:
    world.file(notes(session), "late.txt", b"late")
    return "late.txt"


def _replace(world: World, session: Any) -> str:
    world.file(notes(session), "notes.txt", b"second thoughts")
    return "notes.txt"


def _attach(world: World, session: Any) -> str:
    world.file(session, "form.pdf", b"form")
    return "form.pdf"


def _remove(_world: World, session: Any) -> str:
    notes(session).delete_file("notes.txt")
    return "added, replaced or removed"


CHANGES: tuple[Callable[[World, Any], str], ...] = (_edit, _tag, _add, _replace, _attach, _remove)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_named(world: World, change: Callable[[World, Any], str]) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    assert told(world, session) == ""
    expected = change(world, session)
    said = told(world, session)
    assert said.startswith("edited since it was exported: ")
    assert expected in said
    assert "force_export" in said
    assert world.run(session, force_export=True).code == 0
    assert told(world, session) == ""


def test_a_moved_session_counts_as_exported_as_it_is(world: World) -> None:
    session = world.typical_session()
    assert world.run(session, archive_project=f"{world.group.id}/Archive", archive_mode="move").code == 0
    assert told(world, session) == ""


def test_what_was_exported_by_an_older_gear_is_not_looked_at(world: World) -> None:
    session = world.typical_session()
    session.add_tag("EXPORTED")
    assert told(world, session).startswith("not looked at")


def test_a_later_failure_is_told(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    world.edit(session.acquisitions()[0], "t1.dicom.zip", PatientBirthDate="not a date")
    assert world.run(session, force_export=True).code == 1
    assert told(world, session).startswith("its last export failed: ")
