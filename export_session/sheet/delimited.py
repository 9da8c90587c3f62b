"""Reading of CSV and TSV files: whatever the separator, in UTF-8 or as Excel's "Unicode text"."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from export_session.sheet.model import Place
from export_session.sheet.tables import Cell, NoTable, Row, Table, unguarded

SEPARATORS = ",;\t|"
_SAID = re.compile(r"\"?sep=(.)\"?\r?\n", re.IGNORECASE)  # Excel's own first line, which is no row to it
FIRST = 20  # records, by which the separator is known
_LONGEST = 2**27  # characters of a cell; csv stops at 131,072 unless told


def read_delimited(path: Path, headings: Collection[str]) -> Table:
    """Read a table of text; its separator is the one that gives the most `headings`, in lower case, in its first row.

    Raises
    ------
    NoTable
        Its bytes are no text, or its quotation marks do not match.
    """
    text = _text(path.read_bytes())
    said = _SAID.match(text)
    separator = said[1] if said else max(SEPARATORS, key=lambda one: _known(text, one, headings))
    rows: list[Row] = []
    try:
        for number, cells in enumerate(_records(text[said.end() :] if said else text, separator), 1):
            if row := dict(_filled(cells, number, path.name)):
                rows.append(row)
    except csv.Error:
        raise NoTable("its quotation marks do not match: in a cell with a quotation mark each is doubled") from None
    if not rows:
        raise NoTable("it is empty")
    return Table(rows)


def _text(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NoTable(f"line {line:,} is not in UTF-8; save it as xlsx, or as CSV UTF-8") from None
    if "\0" in text:
        raise NoTable("it is no text; save it as xlsx, or as CSV UTF-8")
    return text


def _known(text: str, separator: str, headings: Collection[str]) -> tuple[int, int]:
    """Count the headings that are known, and the columns that there would be."""
    records: list[Sequence[str]] = []
    with suppress(csv.Error):  # it is told once the separator is known
        records.extend(filter(None, islice(_records(text, separator), FIRST)))
    head: Sequence[str] = next((record for record in records if any(record)), [])
    return sum(one.strip().lower() in headings for one in head), max(map(len, records), default=0)


def _records(text: str, separator: str) -> Iterator[Sequence[str]]:
    csv.field_size_limit(_LONGEST)
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)


def _filled(cells: Sequence[str], row: int, sheet: str) -> Iterator[tuple[int, Cell]]:
    for column, cell in enumerate(cells, 1):
        if text := cell.strip():
            yield column, Cell(unguarded(text), Place(row, column, sheet))
