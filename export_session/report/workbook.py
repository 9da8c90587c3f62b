"""A table as a workbook; pandas and openpyxl are loaded for it alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from export_session.errors import OutputError
from export_session.report.cells import Cell, neutral

if TYPE_CHECKING:
    from pathlib import Path

WIDEST = 60  # characters of a column
Sheet = tuple[Sequence[str], Sequence[Sequence[Cell]]]  # columns and rows


def write_workbook(path: Path, sheets: Mapping[str, Sheet]) -> None:
    """Write sheets with a head that stays in view and can be filtered by.

    Text stays text: cells have the words of the CSV files and are marked as text, so that neither a label such as
    007 becomes a number nor ``=1+1`` a formula.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    import pandas as pd  # noqa: PLC0415 - slow, and of use to this output only

    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("wb") as target, pd.ExcelWriter(target, engine="openpyxl") as writer:
            for name, (columns, rows) in sheets.items():
                cells = [[_text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
                pd.DataFrame(cells, columns=list(columns), dtype=object).to_excel(writer, sheet_name=name, index=False)
                _dress(writer.sheets[name], [columns, *cells])
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(f"{path.parent.name}/ cannot be written ({error.strerror}).") from None


def _text(cell: str) -> str:
    """Make a cell of which neither a spreadsheet nor XML makes anything else."""
    return neutral(cell).encode("utf-8", errors="backslashreplace").decode().translate({0xFFFE: "?", 0xFFFF: "?"})


def _dress(sheet: object, rows: Sequence[Sequence[Cell]]) -> None:
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - as above

    sheet.freeze_panes = "A2"  # type: ignore[attr-defined]
    sheet.auto_filter.ref = sheet.dimensions  # type: ignore[attr-defined]
    for line in sheet.iter_rows():  # type: ignore[attr-defined]
        for cell in line:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    for number, column in enumerate(zip(*rows[:500], strict=False), 1):
        width = min(WIDEST, max(len(str(cell)) for cell in column) + 3)
        sheet.column_dimensions[get_column_letter(number)].width = width  # type: ignore[attr-defined]
