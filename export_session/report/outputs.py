"""The outputs of a run: the rows of a session are on the disk before its tags are set, page and workbook come last."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from export_session.errors import OutputError
from export_session.report import change_log, export_log
from export_session.report.cells import csv_head, csv_lines
from export_session.report.disclosure import Gate
from export_session.report.plan import ENDING as PLAN_ENDING
from export_session.report.plan import write_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from export_session.record import Kind, RunRecord, SessionRecord
    from export_session.report.cells import Cell

UNFINISHED = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Session export: not finished</title>
<p>This run has not ended, or it was killed. What it has done so far is in the CSV beside this page.
Run the gear again to go on where it stopped.</p></html>
"""


class Outputs:
    """The files of a run in ``output/``, open from its start.

    Parameters
    ----------
    folder, stem
        Where the files lie, and how their names begin.
    log_values
        What may be shown of values; more reaches none of the files.
    run
        ``export``, or ``preview`` for a dry run.

    Raises
    ------
    OutputError
        Nothing can be written there. Any method may raise it later, when the disk fills up.
    """

    def __init__(self, folder: Path, stem: str, log_values: Literal["full", "hash", "none"], run: Kind) -> None:
        self._run = run
        self._gate = Gate(log_values)
        self._page = folder / f"{stem}_report.html"
        self._book = folder / f"{stem}_export.xlsx"
        self._plan = folder / f"{stem}{PLAN_ENDING}"
        write_page(self._page, UNFINISHED)
        self._log = GrowingTable(folder / f"{stem}_export_log.csv", export_log.COLUMNS)
        self._changes = GrowingTable(folder / f"{stem}_dicom_changes.csv", change_log.COLUMNS)
        self._told: frozenset[str] = frozenset()
        self._sessions: list[SessionRecord] = []

    def keep(self, session: SessionRecord) -> None:
        """Write the rows of a session, so that they outlive the run; what was kept of it before gives way."""
        shown = self._gate.shown(session)
        self._log.keep(export_log.rows(shown, self._run, self._told))
        self._changes.keep(change_log.rows(shown, self._run))

    def settle(self, session: SessionRecord) -> None:
        """Write the rows of a session for good."""
        self.keep(session)
        self._log.settle()
        self._changes.settle()
        self._told |= export_log.subjects_of(session)
        self._sessions.append(self._gate.shown(session))

    def close(self, record: RunRecord) -> list[Path]:
        """Write page and workbook of the run, whose sessions are those that were settled, and return all paths."""
        from export_session.report import html, run_book  # noqa: PLC0415 - what they need is loaded at the end of a run

        self._log.close()
        self._changes.close()
        shown = replace(record, sessions=tuple(self._sessions), error=self._gate.sentence(record.error))
        written = [self._log.path, self._changes.path, self._page, self._book]
        write_page(self._page, html.render(shown))
        run_book.write_run_book(self._book, shown)
        if record.plan:
            with _said(self._plan):
                write_plan(self._plan, shown, record.plan)
            written.append(self._plan)
        return written


class GrowingTable:
    """A CSV file that is complete on the disk after every step, whatever kills the program."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self._settled = 0  # bytes
        self._kept = b""  # what follows them
        with _said(path):
            self._file = path.open("wb", buffering=0)
        self._replace(csv_head(columns))
        self.settle()
        self._head = self._settled

    def keep(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Put rows behind those that are settled, in place of the ones that were kept there before."""
        lines = csv_lines(rows)
        if lines != self._kept:
            self._replace(lines)

    def settle(self) -> None:
        """Let the rows that were kept stay for good."""
        self._settled += len(self._kept)
        self._kept = b""

    def rewrite(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Put rows in place of all that are there."""
        self._kept, self._settled = b"", self._head
        self._replace(csv_lines(rows))
        self.settle()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _replace(self, lines: bytes) -> None:
        try:
            with _said(self.path):
                self._put(lines)
                os.fsync(self._file.fileno())
        except OutputError:
            self._put(self._kept)  # for which there was room
            raise
        self._kept = lines

    def _put(self, lines: bytes) -> None:
        """Write over what was kept, and cut off the rest only then: at no moment is a row missing."""
        self._file.seek(self._settled)
        left = memoryview(lines)
        while left:
            left = left[self._file.write(left) :]
        self._file.truncate()


def write_page(path: Path, page: str) -> None:
    """Write a page, the old one staying until the new one is complete.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    draft = path.with_name(f"{path.name}.part")
    with _said(path):
        try:
            with draft.open("w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(page)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Turn the operating system's complaint into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path.parent.name}/ cannot be written ({error.strerror}): without a record nothing is tagged. "
            "Give the gear a folder with room that it may write to, and run it again."
        ) from None
