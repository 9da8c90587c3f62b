"""What is said of a run that brought back versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from export_session.record import FileRecord, RunRecord, SessionRecord, Status, Verification
from export_session.report.verdict import Verdict, verdict

Make = Callable[..., Any]
SETTINGS = {"mode": "restore"}


@pytest.fixture
def said(run: Make) -> Callable[..., Verdict]:
    def of(*sessions: SessionRecord, **fields: Any) -> Verdict:
        record: RunRecord = run(sessions=sessions, settings=SETTINGS, **fields)
        return verdict(record)

    return of


@pytest.fixture
def with_files(session: Make, file: Make) -> Callable[..., SessionRecord]:
    def of(status: Status, *statuses: Status, **fields: Any) -> SessionRecord:
        files: list[FileRecord] = [file(name=f"{number}.dcm", status=one) for number, one in enumerate(statuses)]
        made: SessionRecord = session(status=status, files=tuple(files), **fields)
        return made

    return of


def test_what_came_back_is_counted(said: Make, with_files: Make) -> None:
    back = with_files(Status.UPDATED, Status.UPDATED, Status.UPDATED, Status.UNCHANGED)
    assert said(back, back) == Verdict("good", "Brought back and verified: 4 files of 2 sessions.")
    assert said(back, dry_run=True).sentence == "This run would bring back 2 files of 1 session."


def test_nothing_is_called_verified_that_is_not(said: Make, session: Make, file: Make) -> None:
    unproven = session(status=Status.UPDATED, files=(file(status=Status.UPDATED, verification=Verification.NONE),))
    assert "verified" not in said(unproven).sentence


def test_what_did_not_come_back_is_the_first_thing_said(said: Make, with_files: Make) -> None:
    failed = with_files(Status.FAILED, Status.UPDATED, Status.FAILED)
    assert said(failed, with_files(Status.UNCHANGED, Status.UNCHANGED)) == Verdict(
        "bad",
        "1 of 2 sessions did not come back as a whole: 1 file cannot be restored, for the reasons given; brought back and "
        "verified: 1 file of 1 session.",
    )
    assert "would not come back" in said(failed, dry_run=True).sentence


def test_nothing_to_do_says_so_and_what_is_left(said: Make, with_files: Make) -> None:
    nothing = said(with_files(Status.UNCHANGED, Status.UNCHANGED, Status.SKIPPED))
    assert nothing == Verdict(
        "good", "Nothing to do: nothing in 1 session is there to be brought back; 1 file left as it is."
    )


def test_a_tag_that_alone_was_taken_off_is_said(said: Make, with_files: Make) -> None:
    assert said(with_files(Status.UPDATED, Status.UNCHANGED)).sentence == ("Tag and note of 1 session were taken away.")


def test_a_run_that_stopped_early_says_what_came_back(said: Make, with_files: Make) -> None:
    stopped = said(with_files(Status.UPDATED, Status.UPDATED), error="The key was revoked.")
    assert stopped == Verdict("bad", "The run stopped early: of the 1 session that it came to, 1 brought back.")
