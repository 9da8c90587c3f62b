from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from export_session.dicom.vocabulary import Cause, Change, Outcome
from export_session.record import ContainerRecord, FileRecord, RunRecord, SessionRecord, Status
from export_session.report import write_reports

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def export_table(record: RunRecord, folder: Path) -> pd.DataFrame:
    return pd.read_csv(write_reports(record, folder)[0], keep_default_na=False)


def change_table(record: RunRecord, folder: Path) -> pd.DataFrame:
    return pd.read_csv(write_reports(record, folder)[1], dtype=str, keep_default_na=False)


def test_the_export_log_starts_with_the_agreed_columns(run: Callable[..., RunRecord], tmp_path: Path) -> None:
    header = write_reports(run(), tmp_path)[0].read_text().splitlines()[0]
    assert header.startswith("Container,Name,Status,Origin Path,Export Path,Archive Path,")


def test_each_container_and_each_file_has_exactly_one_row(
    run: Callable[..., RunRecord],
    session: Callable[..., SessionRecord],
    file: Callable[..., FileRecord],
    tmp_path: Path,
) -> None:
    second = session(session="ses-02", files=tuple(file(f"{n}.nii", "sub-01/ses-02/T1") for n in range(5)))
    stray = file("notes.txt", parent="sub-01")  # an attachment of the subject
    orphan = file("lost.dcm", parent="nowhere")
    first = session(files=(*session().files, stray, orphan))
    table = export_table(run(sessions=(first, second)), tmp_path)
    assert list(table["Container"]).count("subject") == 1  # two sessions of one subject
    assert list(table["Container"]).count("session") == 2
    assert list(table["Container"]).count("acquisition") == 2
    assert sorted(table[table["Container"] == "file"]["Origin Path"]) == sorted(
        record.origin_path for record in (*first.files, *second.files)
    )
    assert list(table["Name"])[:3] == ["sub-01", "notes.txt", "ses-01"]  # files follow their container


def test_a_session_that_failed_before_it_was_read_still_has_its_row(
    run: Callable[..., RunRecord], session: Callable[..., SessionRecord], tmp_path: Path
) -> None:
    lost = session(status=Status.FAILED, containers=(), files=(), error="The session was deleted.")
    table = export_table(run(sessions=(lost,)), tmp_path)
    assert table[["Container", "Name", "Status", "Message"]].to_numpy().tolist() == [
        ["session", "ses-01", "failed", "The session was deleted."]
    ]


def test_acquisitions_of_one_label_are_told_apart_by_count_and_no_file_is_listed_twice(
    run: Callable[..., RunRecord],
    session: Callable[..., SessionRecord],
    file: Callable[..., FileRecord],
    tmp_path: Path,
) -> None:
    base = session()
    twin = ContainerRecord("acquisition", "T1", Status.CREATED, base.containers[2].origin_path)
    files = (file("a.dcm"), file("b.dcm"), file("a.dcm"))
    table = export_table(run(sessions=(session(containers=(*base.containers, twin), files=files),)), tmp_path)
    assert list(table["Container"]).count("acquisition") == 2
    assert sorted(table[table["Container"] == "file"]["Name"]) == ["a.dcm", "a.dcm", "b.dcm"]


def test_messages_are_told_in_the_row_they_belong_to(
    run: Callable[..., RunRecord],
    session: Callable[..., SessionRecord],
    file: Callable[..., FileRecord],
    tmp_path: Path,
) -> None:
    bad = file(status=Status.FAILED, error="Truncated.", notes=("Look here.",))
    table = export_table(run(sessions=(session(files=(bad,), error="1 file failed."),)), tmp_path)
    messages = dict(zip(table["Container"], table["Message"], strict=True))
    assert messages == {
        "subject": "",
        "session": "1 file failed.",
        "acquisition": "",
        "file": "Truncated.; Look here.",
    }


@pytest.mark.parametrize("dry_run", [True, False])
def test_both_logs_say_whether_they_are_a_preview(run: Callable[..., RunRecord], tmp_path: Path, dry_run: bool) -> None:
    record = run(dry_run=dry_run)
    word = "preview" if dry_run else "export"
    assert set(export_table(record, tmp_path)["Run"]) == {word}
    assert set(change_table(record, tmp_path)["Run"]) == {word}


def test_the_change_log_has_one_row_per_change_and_refusal(
    run: Callable[..., RunRecord],
    session: Callable[..., SessionRecord],
    file: Callable[..., FileRecord],
    change: Callable[..., Change],
    tmp_path: Path,
) -> None:
    applied = change(old="Smith^Jane", new='=HYPERLINK("x")\r\nnext', cause=Cause.EDIT)
    added = change("PatientWeight", old=None, new=70.5)
    blanked = change("PatientName", old="A^B", new="", member="slices/0001.dcm", instances=1)
    refused = change("StudyID", new="x" * 17, outcome=Outcome.REFUSED, reason="SH holds 16 characters.")
    record = run(sessions=(session(files=(file(changes=(applied, added, blanked), refused=(refused,)),)),))
    table = change_table(record, tmp_path)
    assert list(table["Keyword"]) == ["PatientID", "PatientWeight", "PatientName", "StudyID"]
    assert list(table["Change"]) == ["changed", "added", "blanked", "changed"]
    assert list(table["Where"]) == ["200 of 200 instances"] * 2 + ["slices/0001.dcm", "200 of 200 instances"]
    assert list(table["Outcome"]) == ["applied"] * 3 + ["refused"]
    assert list(table["New"])[:3] == ['\'=HYPERLINK("x")␍␊next', "70.5", ""]
    assert table["Reason"][3] == "SH holds 16 characters."
    assert set(table["Instances"]) == {"200", "1"}
