"""Reading of xlsx workbooks, as Excel, LibreOffice and programs write them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from export_session.sheet.damage import DIGITS_KEPT
from export_session.sheet.model import Place
from export_session.sheet.tables import Cell, NoTable, Row, Table, unguarded

SHEET = "Corrections"
BEFORE = "As it was"  # what the template was filled with, so that it is known what a person changed in it
LARGEST = 2**29  # bytes of what is packed in a workbook: beyond, it is no sheet that a person made
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")  # one character (ECMA-376 §22.9.2.19); openpyxl leaves it as it is
_ZEROS = re.compile("0+")
_TEXT = "type the value as text (format the cell as text first)"


def read_workbook(path: Path) -> Table:
    """Read the sheet ``Corrections`` of a workbook, or the only one that has anything in it.

    Raises
    ------
    NoTable
        It cannot be read, or does not say which sheet to read.
    """
    book = _opened(path)
    sheets = {sheet.title: sheet for sheet in book.worksheets if any(True for _ in _filled(sheet))}
    before = sheets.pop(BEFORE, None)
    sheet = sheets.get(SHEET) or next(iter(sheets.values()), None)
    if sheet is None:
        raise NoTable("it is empty")
    if len(sheets) > 1 and sheet.title != SHEET:
        raise NoTable(f"it has several sheets ({', '.join(sheets)}); name the one to be read {SHEET}")
    merged = [
        f"{sheet.title}!{area}: these cells are merged, so that only the first has a value; "
        "split them and fill each that is meant"
        for area in sheet.merged_cells.ranges
    ]
    return Table(list(_rows(sheet)), merged, list(_rows(before)) if before else ())


def _opened(path: Path) -> Any:
    from openpyxl import load_workbook  # noqa: PLC0415 - slow, and of use to this input only

    try:
        with zipfile.ZipFile(path) as packed:
            if sum(member.file_size for member in packed.infolist()) > LARGEST:
                raise NoTable("it is far too large for a sheet of corrections")
        return load_workbook(path, keep_links=False)
    except NoTable:
        raise
    except Exception as error:  # noqa: BLE001 - openpyxl lets through whatever goes wrong in a damaged workbook
        raise NoTable(f"it is no workbook that can be read ({type(error).__name__}); save it as xlsx again") from None


def _filled(sheet: Any) -> Iterator[list[Any]]:
    """Give the cells of each row that has any with a value.

    Only those that the file has are looked at: ``iter_rows`` makes all up to the last one, of which a sheet may have
    billions where a person has formatted a cell in its last corner.
    """
    rows: dict[int, list[Any]] = {}
    for (row, _), cell in sorted(sheet._cells.items()):  # noqa: SLF001 - openpyxl has no other way to them
        if cell.value is not None and cell.value != "":
            rows.setdefault(row, []).append(cell)
    yield from rows.values()


def _rows(sheet: Any) -> Iterator[Row]:
    for cells in _filled(sheet):
        read = {cell.column: _read(cell) for cell in cells}
        if row := {column: cell for column, cell in read.items() if cell.text}:
            yield row


def _read(cell: Any) -> Cell:
    place = Place(cell.row, cell.column, cell.parent.title)
    value, kind = cell.value, cell.data_type
    if kind == "f":
        return Cell("=", place, problem="it is a formula; put the value that it gives in its place, as text")
    if isinstance(value, bool):
        return Cell(str(value).upper(), place, problem=f"it is a logical value; {_TEXT}")
    if kind == "e":
        return Cell(str(value), place, problem="it is an error in place of a value; type the value")
    if isinstance(value, (date, datetime, time, timedelta)):
        kind = "time" if isinstance(value, (time, timedelta)) else "date"
        return Cell(str(value), place, problem=f"a spreadsheet made a {kind} of what was typed; {_TEXT}")
    if isinstance(value, (int, float)):
        text, problem = _of_number(value, cell.number_format)
        return Cell(text, place, is_number=True, problem=problem)
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), str(value))
    return Cell(unguarded(text.strip()), place)


def _of_number(number: float, form: str) -> tuple[str, str]:
    """Return the digits of a number as it is shown, and what is wrong with it."""
    if abs(number) >= 10**DIGITS_KEPT:
        return f"{number:g}", f"a spreadsheet keeps {DIGITS_KEPT} digits of a number; {_TEXT}"
    if "%" in form:
        return f"{number:g}", f"it is shown as a percentage; {_TEXT}"
    text = f"{Decimal(format(number, f'.{DIGITS_KEPT}g')):f}"
    return text.zfill(len(form)) if _ZEROS.fullmatch(form) else text, ""
