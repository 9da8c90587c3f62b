"""Tables as a workbook, row by row, so that a large one takes no more memory; openpyxl is loaded for it alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from export_session.errors import OutputError
from export_session.report.cells import Cell, safe

if TYPE_CHECKING:
    from pathlib import Path

WIDEST = 60  # characters of a column
SAMPLE = 500  # rows by which the width of columns is chosen
ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
MOST_ROWS = 1_048_576  # of a sheet, its head included; no spreadsheet program opens more


@dataclass(frozen=True)
class Sheet:
    """A sheet to write."""

    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    number: int  # of rows


def write_workbook(path: Path, sheets: Mapping[str, Sheet]) -> None:
    """Write sheets with a head that stays in view and can be filtered by; what is beyond a sheet goes on in another.

    Text stays text: cells have the words of the CSV files and are marked as text, so that neither a label such as
    007 becomes a number nor ``=1+1`` a formula.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    from openpyxl import Workbook  # noqa: PLC0415 - slow, and of use to this output only

    draft = path.with_name(f"{path.name}.part")
    book = Workbook(write_only=True)
    try:
        for name, sheet in sheets.items():
            for title, part in _parts(name, sheet):
                _write(book.create_sheet(title), part)
        book.save(draft)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise OutputError(f"{path.parent.name}/ cannot be written ({error.strerror}).") from None


def _parts(name: str, sheet: Sheet) -> Iterator[tuple[str, Sheet]]:
    """Give a sheet in as many parts as it takes."""
    room, rows = MOST_ROWS - 1, iter(sheet.rows)
    for number, start in enumerate(range(0, max(1, sheet.number), room), 1):
        length = min(room, sheet.number - start)
        title = name if number == 1 else f"{name} ({number})"
        yield title, Sheet(sheet.columns, islice(rows, length), length)


def _write(target: Any, sheet: Sheet) -> None:
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - as above
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    rows = iter(sheet.rows)
    first = list(islice(rows, SAMPLE))
    for number, column in enumerate(zip(sheet.columns, *first, strict=True), 1):
        width = min(WIDEST, max(len(str(cell)) for cell in column) + 3)
        target.column_dimensions[get_column_letter(number)].width = width
    target.freeze_panes = "A2"
    target.auto_filter.ref = f"A1:{get_column_letter(len(sheet.columns))}{sheet.number + 1}"

    def written(value: Cell, font: Font | None = None) -> WriteOnlyCell:
        cell = WriteOnlyCell(target, value=None if value == "" else _text(value) if isinstance(value, str) else value)
        if isinstance(value, str) and value:
            cell.data_type, cell.number_format = "s", "@"  # the format keeps it text when somebody edits the cell
        elif isinstance(value, Decimal):
            cell.number_format = format_of(value)
        if font:
            cell.font = font
        return cell

    bold = Font(bold=True)
    target.append([written(column, bold) for column in sheet.columns])
    for row in chain(first, rows):
        target.append(list(map(written, row)))


def format_of(number: Decimal) -> str:
    """Give the format that shows a number by the very characters it has: 40.50 with both its decimals."""
    decimals = max(0, -int(number.as_tuple().exponent))
    return f"0.{'0' * decimals}" if decimals else "0"


def _text(cell: str) -> str:
    """Make a cell of which neither a spreadsheet nor XML makes anything else (ECMA-376 §22.9.2.19: ``_x0041_``)."""
    text = ESCAPE.sub("_x005F_", str(safe(cell)))
    return text.encode("utf-8", errors="backslashreplace").decode().translate({0xFFFE: "?", 0xFFFF: "?"})
