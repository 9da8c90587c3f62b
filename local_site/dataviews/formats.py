"""The forms in which the rows of a data view are sent."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from local_site.dataviews.rows import Row, flat_names, flattened
from local_site.errors import BadRequestError
from local_site.storage.store import encode


@dataclass(frozen=True)
class Table:
    """Rows in one of the forms, with its media type and the suffix of a file that holds it."""

    text: str
    media_type: str
    suffix: str


def table(rows: list[Row], names: list[str], form: str) -> Table:
    """Return rows in the form asked for.

    Raises
    ------
    BadRequestError
        There is no such form.
    """
    match form:
        case "json":
            return Table(encode({"data": rows}), "application/json", ".json")
        case "json-flat":
            return Table(encode(rows), "application/json", ".json")
        case "json-row-column":
            heads = names if rows else []
            body = {"data": {"columns": heads, "rows": [[row.get(name) for name in heads] for row in rows]}}
            return Table(encode(body), "application/json", ".json")
        case "ndjson":
            return Table("".join(encode(row) + "\n" for row in rows), "application/x-ndjson", ".ndjson")
        case "csv":
            return Table(_separated(rows, "excel"), "text/csv", ".csv")
        case "tsv":
            return Table(_separated(rows, "excel-tab"), "text/tab-separated-values", ".tsv")
        case _:
            raise BadRequestError(f"Unknown format {form!r}: one of csv, tsv, json, json-flat, json-row-column, ndjson")


def _separated(rows: list[Row], dialect: str) -> str:
    if not rows:
        return ""
    names = flat_names(rows[0])
    text = io.StringIO()
    writer = csv.writer(text, dialect=dialect)
    writer.writerow(names)
    writer.writerows([_cell(value) for value in flattened(row, names).values()] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return encode(value) if isinstance(value, list | dict) else value
