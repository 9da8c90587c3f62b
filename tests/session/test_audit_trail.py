"""The audit trail is asked once for a file, and no more once a site has none; a sheet tells what it entered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from export_session.dicom import Attribution
from export_session.session.audit_trail import AuditTrail
from export_session.site import Recorded
from export_session.site.model import File

NAME = ("dicom", "PatientName")
JOB = Recorded("2024-01-01T12:00:00Z", 2, 1, "job", "7", "", {"info": {"header": {"dicom": {"PatientName": "Roe"}}}})
INFO = {"header": {"dicom": {"PatientName": "Roe"}}}
FILE = File("1", "", 1, "a.dcm", 1, "", "dicom", None, {}, INFO, (), "acquisition", "2")


class Asked:
    """A site that keeps these changes, or none, and counts how often it is asked."""

    def __init__(self, changes: tuple[Recorded, ...] | None) -> None:
        self.known = changes
        self.times = 0

    def changes(self, _: File) -> tuple[Recorded, ...] | None:
        self.times += 1
        return self.known


def test_a_site_without_trail_is_asked_once_however_many_files_ask_at_once() -> None:
    trail, site = AuditTrail(), Asked(None)

    def ask(number: int) -> Any:
        return trail.written(site, replace(FILE, file_id=str(number)))(NAME)  # type: ignore[arg-type]  # no more of it is asked

    with ThreadPoolExecutor(8) as workers:
        assert set(workers.map(ask, range(40))) == {None}
    assert site.times == 1
    assert trail.is_missing


def test_a_file_is_asked_for_once_however_often_it_is_looked_at() -> None:
    trail, site = AuditTrail(), Asked((JOB,))
    for _ in range(2):
        writing = trail.written(site, FILE)(NAME)  # type: ignore[arg-type]  # no more of it is asked
        assert writing
        assert not writing.by_person
    assert site.times == 1
    assert trail.has_decided(FILE)
    assert not trail.is_missing


def test_what_a_sheet_asked_for_is_a_correction_though_a_job_entered_it() -> None:
    trail, site = AuditTrail(), Asked((JOB,))
    sheet = {"PatientName": Attribution(reason="misspelt", source="Corrections!D17")}
    writing = trail.written(site, FILE, sheet)(NAME)  # type: ignore[arg-type]  # no more of it is asked
    assert writing
    assert (writing.by_person, writing.corrects) == (True, True)
    assert writing.attribution == Attribution("", "2024-01-01T12:00:00+00:00", "misspelt", "Corrections!D17")
    assert not trail.has_decided(FILE)
