"""A fingerprint of each cell of a CSV file, by which a changed one can be named.

One line for each row of the CSV, its head included: for each cell the first eight hex digits of the SHA-256 of its
text. They only say *where* something changed; *that* it did is said by the whole hash of the file.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path

DIGITS = 8
LONGEST = 2**31 - 1  # characters of a cell; csv stops at 131,072 unless told
ENDING = ".cells"  # behind the name of the CSV file


def fingerprints(path: Path) -> bytes:
    """Return the fingerprints of all cells of a CSV file."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as source:
        return _lines(_rows(source))


def fit(content: bytes, known: bytes) -> bool:
    """Tell whether fingerprints are those of all cells of a CSV file."""
    return _lines(rows_of(content)) == known


def changed(content: bytes, known: bytes) -> Iterator[str]:
    """Name the cells of a CSV file that are not those of which the fingerprints are known: row and column.

    Rows are counted as a spreadsheet does, the head being row 1.
    """
    before = [line.split() for line in known.decode(errors="replace").splitlines()]
    rows = list(rows_of(content))
    if len(rows) != len(before):
        yield f"{len(rows):,} rows, where there were {len(before):,}"
    head = rows[0] if rows else []
    for number, (row, marks) in enumerate(zip(rows, before, strict=False), 1):
        if len(row) != len(marks):
            yield f"row {number}: {len(row)} cells, where there were {len(marks)}"
        for place, (cell, mark) in enumerate(zip_longest(row, marks)):
            if cell is not None and mark is not None and _fingerprint(cell) != mark:
                column = head[place] if number > 1 and place < len(head) else str(place + 1)
                yield f"row {number}, column {column}"


def _fingerprint(cell: str) -> str:
    return hashlib.sha256(cell.encode("utf-8", "surrogateescape")).hexdigest()[:DIGITS]


def _lines(rows: Iterable[list[str]]) -> bytes:
    return "".join(" ".join(map(_fingerprint, row)) + "\n" for row in rows).encode()


def rows_of(content: bytes) -> Iterator[list[str]]:
    """Give the rows of a CSV file, its head first."""
    return _rows(io.StringIO(content.decode("utf-8", "surrogateescape"), newline=""))


def _rows(source: Iterable[str]) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST)  # of the whole process
    return csv.reader(source)
