"""The workbook of a run: its sums, what needs attention, and the rows of both logs, to filter and sort."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export_session.report import change_log, export_log, view
from export_session.report.attention import concerns
from export_session.report.cells import text_of
from export_session.report.verdict import Figures, verdict
from export_session.report.workbook import Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from export_session.record import RunRecord, Status
    from export_session.report.cells import Cell

SUMMARY = ("What", "Value", "Remark")
ATTENTION = (
    "Kind",  # failed, refused or note
    "About",  # the element or the level of the container; empty for whole files
    "Cause",
    "What To Do",  # where the cause does not say it
    "Other Edits",
    "Places",  # how many files or containers
    "Where",
)


def write_run_book(path: Path, record: RunRecord) -> None:
    """Write the workbook of a run, whose values are taken as fit to be shown.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    summary, attention = list(_summary(record)), list(_attention(record))
    exported = list(_export_rows(record))
    changes = (row for session in record.sessions for row in change_log.rows(session, record.kind))
    number = sum(len(file.all_changes) + len(file.earlier) for file in record.files())
    write_workbook(
        path,
        {
            "Summary": Sheet(SUMMARY, summary, len(summary)),
            "Attention": Sheet(ATTENTION, attention, len(attention)),
            "Export log": Sheet(export_log.COLUMNS, exported, len(exported)),
            "DICOM changes": Sheet(change_log.COLUMNS, changes, number),
        },
    )


def _summary(record: RunRecord) -> Iterator[tuple[Cell, ...]]:
    figures = Figures.of(record)
    yield "Verdict", verdict(record).sentence, record.error
    yield "Run", record.kind, "nothing was written" if record.dry_run else ""
    yield "Of", record.title, ""
    yield "Begin", record.started, "UTC"
    yield "End", record.finished, "UTC"
    yield "Gear", record.gear, ""
    yield "Sessions", len(record.sessions), _tally(figures.sessions)
    yield "Files", sum(figures.files.values()), _tally(figures.files)
    yield "Changes", figures.changes, f"in {figures.changed_files:,} of the files"
    yield "Refused edits", figures.refused, ""
    yield "Notes", figures.warnings, ""
    yield "Verified files", figures.verified, ""
    yield "DICOM instances", figures.instances, ""
    yield "Bytes", figures.size, "of the origin files"
    if record.plan:
        yield "Plan", record.plan.digest, "to be approved as approved_plan"
    if record.circumstances.approved_plan:
        yield "Approved plan", record.circumstances.approved_plan, _previewed(record.circumstances.preview_job)
    for key, value in record.settings.items():
        yield f"Setting {key}", text_of(value), ""


def _previewed(job: str) -> str:
    return f"of the preview of job {job}" if job else ""


def _tally(statuses: Mapping[Status, int]) -> str:
    return ", ".join(f"{number:,} {status}" for status, number in statuses.items())


def _attention(record: RunRecord) -> Iterator[tuple[Cell, ...]]:
    for each in concerns(view.sessions(record), preview=record.dry_run):
        where = [place if isinstance(place, str) else place.file.origin_path for place in each.places]
        yield (*each.cause, each.remedy, each.fate, len(where), "; ".join(where))


def _export_rows(record: RunRecord) -> Iterator[tuple[Cell, ...]]:
    told: frozenset[str] = frozenset()
    for session in record.sessions:
        yield from export_log.rows(session, record.kind, told)
        told |= export_log.subjects_of(session)
