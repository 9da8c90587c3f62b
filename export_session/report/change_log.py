"""The DICOM change log: one row for each file, element, and old and new value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export_session.dicom.vocabulary import Outcome
from export_session.report.values import shown_cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from export_session.dicom.vocabulary import Attribution, Change
    from export_session.record import FileRecord, Kind, SessionRecord
    from export_session.report.cells import Cell

COLUMNS = (
    "File",
    "Where",  # "200 of 200 instances", or the zip member
    "Tag",
    "Keyword",
    "VR",
    "Path",
    "Old",
    "New",
    "Change",  # added, changed or blanked
    "Cause",
    "Outcome",
    "Reason",
    "Instances",
    "Instances In File",
    "Origin Path",
    "Run",  # export, restore or preview
    "Corrected By",
    "Corrected At",
    "Correction Reason",
    "Correction Source",  # of these: the audit trail, or a cell of a sheet of corrections
)


def rows(session: SessionRecord, run: Kind) -> Iterator[tuple[Cell, ...]]:
    """Give the rows of a session in the order of the export log; a file's refusals after its changes."""
    for file in session.files:
        for change in (*file.all_changes, *file.earlier):
            yield (*_row(file, change), run, *_authorship(change.attribution))


def action(change: Change) -> str:
    """Say what a change does to its element: add it, blank it, or change its value; "" where its values are gone."""
    if change.outcome is Outcome.EARLIER or (change.old is None and change.new is None):
        return ""
    if change.new is None or change.new in ("", []):
        return "blanked"
    return "added" if change.old is None else "changed"


def where(change: Change) -> str:
    """Say which instances of the file a change covers."""
    return change.member or f"{change.instances:,} of {change.total:,} instance{'s' * (change.total != 1)}"


def _authorship(known: Attribution | None) -> tuple[Cell, ...]:
    return (known.author, known.at, known.reason, known.source) if known else ("",) * 4


def _row(file: FileRecord, change: Change) -> tuple[Cell, ...]:
    return (
        file.name,
        where(change),
        change.tag,
        change.keyword,
        change.vr,
        change.path,
        shown_cell(change.old, change.vr),
        shown_cell(change.new, change.vr),
        action(change),
        change.cause.value,
        change.outcome.value,
        change.reason,
        change.instances,
        change.total,
        file.origin_path,
    )
