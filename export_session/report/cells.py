"""Text that is safe to put into a CSV cell, and the one way a CSV file is written."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from export_session.support.wording import shortened, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

CELL_LIMIT = 32_000  # a spreadsheet cell holds 32,767 characters; the rest is for saying what was cut
FORMULA_STARTS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")  # the full-width forms start a formula, too


class Numeral(str):
    """The characters of a number, which stay text: a spreadsheet runs none as a formula, whatever it starts with."""

    __slots__ = ()


Cell = str | int | float | Decimal


def text_of(value: Any) -> str:
    """Give a JSON value as a person reads it: strings as they are, everything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def neutral(text: str) -> str:
    """Make a cell that no spreadsheet runs as a formula.

    An apostrophe is put before a text that starts, after any blanks, like a formula; and before one that
    starts with an apostrophe, so that dropping one leading apostrophe always gives the text back. This
    holds for negative numbers in text cells, too: one rule, no exceptions. A line of a cell cannot start
    a formula either, as line breaks are shown as pictures.
    See OWASP, "CSV Injection".
    """
    text = shortened(visible(text), CELL_LIMIT)
    start = next((character for character in text if not _is_blank(character)), "")
    return f"'{text}" if start in FORMULA_STARTS or text.startswith("'") else text


def _is_blank(character: str) -> bool:
    """Whether a spreadsheet may skip it: spaces, invisible marks, pictures of control characters."""
    return unicodedata.category(character)[0] in "ZC" or 0x2400 <= ord(character) <= 0x2421


def safe(cell: Cell) -> Cell:
    """Give a cell that no spreadsheet runs; numbers are none that it could."""
    return neutral(cell) if isinstance(cell, str) and not isinstance(cell, Numeral) else cell


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a CSV file: UTF-8, one line for each row, all text neutralised."""
    path.write_bytes(csv_head(columns) + csv_lines(rows))


def csv_head(columns: Sequence[str]) -> bytes:
    """Give the names of columns as the first line of a CSV file."""
    return (",".join(columns) + "\n").encode()


def csv_lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Give rows as the lines of a CSV file: text in quotation marks, so that an import can tell it from numbers.

    ``csv`` rather than pandas: cells must stay as they are given, and nothing is to be inferred.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows(map(safe, row) for row in rows)
    return text.getvalue().encode("utf-8", errors="backslashreplace")
