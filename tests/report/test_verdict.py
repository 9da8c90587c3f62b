from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from export_session.record import Archived, FileRecord, RunRecord, SessionRecord, Status, Verification
from export_session.report import closing_lines
from export_session.report.html import render
from export_session.report.verdict import Figures, verdict
from export_session.support.wording import counted, duration, size

Make = Callable[..., Any]


def test_a_run_that_went_well_says_what_was_exported(run: Make) -> None:
    assert verdict(run()).kind == "good"
    assert verdict(run()).sentence == "Exported and verified: 1 session, 1 file."


def test_a_file_that_stays_as_it_is_in_place_is_neither_verified_nor_missing(
    run: Make, session: Make, file: Make
) -> None:
    stays = file(status=Status.UNCHANGED, verification=Verification.NEEDLESS)
    sent = file(status=Status.UPDATED, verification=Verification.HASH, history=2_000)
    record = run(sessions=(session(status=Status.UPDATED, files=(stays, sent)),), settings={"mode": "in_place"})
    assert verdict(record).sentence == "Made and verified: a new version of 1 file in place, in 1 session."
    assert any("2,000 bytes" in line for line in closing_lines(record))
    figures = Figures.of(record)
    assert (figures.verified, figures.to_verify) == (1, 1)
    assert render(record).count("✓ verified") == 1


def test_a_failed_session_is_the_first_thing_said(rich_run: Make) -> None:
    assert verdict(rich_run()).kind == "bad"
    assert verdict(rich_run()).sentence == "1 of 3 sessions failed; nothing of it was archived or tagged."
    assert "would fail" in verdict(rich_run(dry_run=True)).sentence


def test_refused_edits_are_said(run: Make, session: Make, file: Make, change: Make) -> None:
    record = run(sessions=(session(files=(file(refused=(change(),)),)),))
    assert verdict(record).kind == "warning"
    assert verdict(record).sentence.endswith("but 1 edit was refused.")


def test_a_preview_claims_nothing_to_be_done(run: Make) -> None:
    assert verdict(run(dry_run=True)).sentence == "This run would export 1 session, 1 file."
    assert "PREVIEW" in closing_lines(run(dry_run=True))[0]


def test_a_stopped_run_does_not_look_well(run: Make) -> None:
    assert verdict(run(error="The key was revoked.")).kind == "bad"


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("how", [Archived.COPIED, Archived.MOVED])
def test_what_leaves_for_the_archive_is_said_even_if_nothing_else_is_to_do(
    run: Make, session: Make, file: Make, how: Archived, dry_run: bool
) -> None:
    same = session(status=Status.UNCHANGED, files=(file(status=Status.UNCHANGED),), archived=how)
    said = verdict(run(sessions=(same,), dry_run=dry_run)).sentence
    verb = "would be" if dry_run else "were"
    assert said == f"The originals of 1 session {verb} {how.value} to the archive."
    new = verdict(run(sessions=(session(archived=how),), dry_run=dry_run)).sentence
    assert new.endswith(f"1 session, 1 file; the originals of 1 session {verb} {how.value} to the archive.")


def test_a_tag_that_an_earlier_run_did_not_come_to_is_said(run: Make, session: Make, file: Make) -> None:
    same = session(status=Status.UNCHANGED, files=(file(status=Status.UNCHANGED),), tagged=True)
    assert verdict(run(sessions=(same,))).sentence == "1 session was tagged EXPORTED, as all else was done before."
    assert "would be tagged" in verdict(run(sessions=(same,), dry_run=True)).sentence


def test_a_note_that_an_earlier_run_did_not_come_to_is_said(run: Make, session: Make, file: Make) -> None:
    same = session(status=Status.UNCHANGED, files=(file(status=Status.UNCHANGED),), noted=True)
    assert verdict(run(sessions=(same,))).sentence == (
        "What is noted on 1 session was brought up to date, as all else was done before."
    )
    assert "sessions would be brought up to date" in verdict(run(sessions=(same, same), dry_run=True)).sentence
    assert "noted" not in verdict(run(sessions=(session(noted=True),))).sentence


def test_second_copies_that_were_removed_from_the_archive_are_said(run: Make, session: Make, file: Make) -> None:
    same = session(status=Status.UNCHANGED, files=(file(status=Status.UNCHANGED),), cleared=True)
    assert verdict(run(sessions=(same,))).sentence == (
        "Empty second copies of 1 session were removed from the archive."
    )
    assert "would be removed" in verdict(run(sessions=(same,), dry_run=True)).sentence


def test_nothing_is_denied_where_files_were_left_and_containers_made(
    run: Make, session: Make, file: Make, container: Make
) -> None:
    left = file(status=Status.SKIPPED, verification=Verification.NONE)
    made = container("acquisition", "new", "sub-01/ses-01/new")
    mixed = session(status=Status.SKIPPED, files=(left,), containers=(made,), skipped="some copies were left")
    assert verdict(run(sessions=(mixed,))).sentence == "Exported: 0 sessions, 0 files; 1 session left alone."


def test_nothing_is_denied_of_a_session_that_failed_late(run: Make, session: Make) -> None:
    moved = session(status=Status.FAILED, archived=Archived.MOVED, finishing=True)
    sentence = verdict(run(sessions=(session("sub-02"), moved))).sentence
    assert "nothing" not in sentence
    assert "1 moved to the archive" in sentence
    both = verdict(run(sessions=(session("sub-02", status=Status.FAILED), moved))).sentence
    assert both.startswith("2 of 2 sessions failed, 1 of them only after all files were verified")
    assert "nothing of the others" in both


def test_sessions_that_were_passed_over_are_not_called_compared(run: Make, session: Make, file: Make) -> None:
    same = session(status=Status.UNCHANGED, files=(file(status=Status.UNCHANGED),))
    left = session("sub-02", status=Status.SKIPPED, files=(), skipped="already EXPORTED")
    record = run(sessions=(same, left, left))
    assert verdict(record).sentence == (
        "Nothing to do: 1 session already exported, and nothing has changed since; 2 sessions left alone."
    )
    assert "2 sessions left alone: already EXPORTED" in closing_lines(record)


def test_only_files_that_are_in_place_are_counted_as_exported(run: Make, session: Make, file: Make) -> None:
    left = file("b.dcm", status=Status.SKIPPED, verification=Verification.NONE)
    mixed = session(status=Status.SKIPPED, files=(file(), left), skipped="some copies were left as they are")
    assert (
        verdict(run(sessions=(mixed,))).sentence == "Exported and verified: 0 sessions, 1 file; 1 session left alone."
    )


def test_a_run_that_stopped_early_says_how_far_it_came(run: Make, session: Make) -> None:
    record = run(sessions=(session(), session("sub-02", status=Status.FAILED)), error="No answer.")
    assert verdict(record).sentence == (
        "The run stopped early: of the 2 sessions that it came to, 1 exported, 1 failed."
    )


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.UNCHANGED])
def test_a_run_with_nothing_to_do_says_so(run: Make, session: Make, file: Make, status: Status) -> None:
    record = run(sessions=(session(status=status, files=(file(status=status),)),))
    assert verdict(record).sentence.startswith("Nothing to do: 1 session")
    assert verdict(run(sessions=())).sentence == "Nothing to do: no session was selected."


def test_the_verdict_is_bad_exactly_when_the_run_did_not_succeed(run: Make, session: Make) -> None:
    for status in Status:
        record = run(sessions=(session(), session("sub-02", status=status)))
        assert (verdict(record).kind == "bad") == (not record.succeeded)


def test_the_closing_lines_count_and_name_nobody(rich_run: Make) -> None:
    record: RunRecord = rich_run()
    lines = "\n".join(closing_lines(record))
    assert "13 files" in lines
    assert "9 changes in 2 files, 3 refused, 1 note" in lines.replace("warning", "note")
    assert not any(name in lines for name in ("sub-0", "ses-", "dicom.zip", "Jane"))
    assert sum(1 for _ in record.files()) == 13


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_999, "1.0 MB"),
        (52_300_000, "52.3 MB"),
        (7.2e9, "7.2 GB"),
        (3e12, "3.0 TB"),
    ],
)
def test_sizes_are_said_in_decimal_units(number: float, text: str) -> None:
    assert size(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (4.24, "4.2 s"), (59.99, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_durations_are_said_in_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_nouns_follow_their_number() -> None:
    assert [counted(n, "file") for n in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]
    assert counted(2, "analysis") == "2 analyses"


def test_no_run_is_called_verified_when_a_file_is_not(run: Make, session: Make, file: Make) -> None:
    loose: FileRecord = file(verification=Verification.NONE)
    done: SessionRecord = session(files=(loose,))
    assert "verified" not in verdict(run(sessions=(done,))).sentence


def test_what_was_edited_since_its_export_is_not_passed_over_in_green(run: Make, session: Make) -> None:
    edited = session(status=Status.SKIPPED, files=(), skipped="already EXPORTED", edited_since=True)
    said = verdict(run(sessions=(edited, session("sub-02", status=Status.SKIPPED, files=()))))
    assert (said.kind, said.sentence) == (
        "warning",
        "Nothing was done: 2 sessions left alone, 1 of them edited since its export.",
    )


def test_edits_that_are_still_refused_are_said_though_nothing_is_to_do(
    run: Make, session: Make, file: Make, change: Make
) -> None:
    same = session(status=Status.UNCHANGED, files=(file(status=Status.UNCHANGED, refused=(change(),)),))
    said = verdict(run(sessions=(same,)))
    assert said.kind == "warning"
    assert said.sentence.endswith("nothing has changed since; 1 edit still refused.")
