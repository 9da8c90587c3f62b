"""Sheets of corrections as files: workbooks in which text stays text, and CSV that spreadsheets open as UTF-8."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from export_session.dicom.edits.asked import asked
from export_session.dicom.vocabulary import Options
from export_session.errors import OutputError
from export_session.report.workbook import MOST_ROWS
from export_session.session.headers import element_of
from export_session.sheet.columns import CURRENT, ELEMENT, LONG, NEW, REASON
from export_session.sheet.model import UNSAID, Correction
from export_session.sheet.spelling import ESCAPE, is_kept, spelled
from export_session.sheet.tables import guarded
from export_session.sheet.targets import Target, target_of
from export_session.sheet.workbooks import SHEET

LONGEST = 32_767  # characters of a cell
TOO_LONG = "<json> (too long for a cell: the CSV file has it)"  # is no JSON, so it is never taken for the value
MANY = [["This has more rows than a workbook can have: the CSV file has them."]]
WIDEST, NARROWEST = 50, 12  # characters of a column
Rows = Sequence[Sequence[str]]  # the head first


def write_sheet(corrections: Iterable[Correction], path: Path) -> None:
    """Write corrections as a sheet in the long form, by the name of the file as a workbook or as CSV.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    write_rows([LONG, *map(_row, corrections)], path)


def _row(correction: Correction) -> list[str]:
    target = target_of(correction.target)
    vr = target.vr if isinstance(target, Target) and _reads_back(correction, target) else ""
    cells = {
        **vars(correction.selector),
        ELEMENT: correction.target,
        CURRENT: "" if correction.current is UNSAID else spelled(correction.current, vr),
        NEW: spelled(correction.new, vr, exact=correction.exact, beside=correction.current),
        REASON: correction.reason,
    }
    return [cells[name] for name in LONG]


def _reads_back(correction: Correction, target: Target) -> bool:
    """Whether a value that must be stored exactly is what its text would be taken for if a person typed it."""
    if not correction.exact or target.level != "file" or not isinstance(correction.new, str):
        return True
    answer = asked(element_of(correction.target).key, correction.new, Options(edit_uids=True), nested=True)
    return not answer.refusal and bool(answer.value == correction.new)


def write_rows(rows: Rows, path: Path, more: Mapping[str, Rows] | None = None) -> None:
    """Write the rows of a sheet; a workbook takes `more` sheets, by name, which a CSV file leaves out."""
    draft = path.with_name(f"{path.name}.part")
    rows, more = _safe(rows), {name: _safe(others) for name, others in (more or {}).items()}
    try:
        if path.suffix.lower() == ".xlsx":
            sheets = {SHEET: rows, **more}
            _write_workbook({name: MANY if len(rows) > MOST_ROWS else rows for name, rows in sheets.items()}, draft)
        else:
            draft.write_bytes(_csv(rows))
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise OutputError(f"{path.parent.name}/ cannot be written ({error.strerror}).") from None


def _safe(rows: Rows) -> Rows:
    return [[_kept(cell) for cell in row] for row in rows]


def _kept(cell: str) -> str:
    """Give a text that no spreadsheet runs, and all files take; a value has no other characters (:func:`spelled`)."""
    return guarded("".join(one if is_kept(one) else "\ufffd" for one in cell))


def _csv(rows: Rows) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()  # the mark by which Excel knows UTF-8


def _write_workbook(sheets: Mapping[str, Rows], path: Path) -> None:
    from openpyxl import Workbook  # noqa: PLC0415 - slow, and of use to workbooks only
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - as above
    from openpyxl.styles import Font  # noqa: PLC0415 - as above
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - as above

    book, bold = Workbook(write_only=True), Font(bold=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for number, column in enumerate(zip(*rows[:500], strict=True), 1):
            dimension = sheet.column_dimensions[get_column_letter(number)]
            dimension.width = max(NARROWEST, min(WIDEST, max(map(len, column)) + 2))
            dimension.number_format = "@"  # what is typed in new rows stays text, too
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(rows[0]))}{len(rows)}"
        for row in rows:
            cells = [WriteOnlyCell(sheet, value=None) for _ in row]
            for cell, text in zip(cells, row, strict=True):
                if text:
                    cell.value = ESCAPE.sub("_x005F_", text) if len(text) <= LONGEST else TOO_LONG
                    cell.data_type = "s"
                cell.number_format = "@"
                if row is rows[0]:
                    cell.font = bold
            sheet.append(cells)
    book.save(path)
