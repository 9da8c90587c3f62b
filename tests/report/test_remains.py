"""Old values that remain have a section of their own on the page, and values go where they may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from export_session.dicom import Remaining
from export_session.record import RunRecord, SessionRecord
from export_session.report import write_reports

NAME = Remaining("PatientName", "Smith^Peter", "OtherPatientNames", 3)
ON_FILE = Remaining("PatientName", "Smith^Peter", "the file name", 0)
ON_LABEL = Remaining("PatientName", "Smith^Peter", "the label", 0)


def page(record: RunRecord, folder: Path) -> str:
    return write_reports(record, folder)[2].read_text()


def remaining(session: SessionRecord) -> SessionRecord:
    files = tuple(replace(one, remains=(NAME, ON_FILE)) for one in session.files)
    containers = tuple(
        replace(one, remains=(ON_LABEL,)) if one.level == "session" else one for one in session.containers
    )
    return replace(session, files=files, containers=containers)


def test_the_page_lists_each_place(run: Callable[..., RunRecord], tmp_path: Path) -> None:
    record = run()
    text = page(replace(record, sessions=tuple(map(remaining, record.sessions))), tmp_path)
    section = text[text.index('id="remains"') : text.index('id="files"')]
    for words in ("PatientName", "Smith^Peter", "OtherPatientNames", "the file name", "the label", "t1.dicom.zip"):
        assert words in section
    assert 'href="#remains"' in text


def test_without_old_values_there_is_no_section(run: Callable[..., RunRecord], tmp_path: Path) -> None:
    assert "#remains" not in page(run(), tmp_path)


@pytest.mark.parametrize("log_values", ["hash", "none"])
def test_only_the_places_are_shown_where_values_are_not(
    run: Callable[..., RunRecord], tmp_path: Path, log_values: Literal["hash", "none"]
) -> None:
    record = run(log_values=log_values)
    text = page(replace(record, sessions=tuple(map(remaining, record.sessions))), tmp_path)
    assert "Smith" not in text
    assert "OtherPatientNames" in text
