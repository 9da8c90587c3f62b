"""One table as CSV and as a page in the look of the report: the jobs of a fan-out, the sessions of a summary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import jinja2

from export_session.report.cells import Cell, text_of
from export_session.report.templates import assets, new_environment
from export_session.report.verdict import Verdict
from export_session.support.wording import shortened, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CELL_LIMIT = 500  # characters of a cell on the page; the CSV holds all
PAGE_LIMIT = 8_000_000  # bytes of rows; a browser opens that at ease


@dataclass(frozen=True)
class Tile:
    """A figure at the top of the page."""

    name: str
    number: str
    remark: str = ""
    attention: bool = False


@dataclass(frozen=True)
class TablePage:
    """What the page shows."""

    kind: str  # "Jobs of a fan-out"
    title: str  # origin path of what it is about
    preview: bool
    verdict: Verdict
    tiles: Sequence[Tile]
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    marks: Mapping[str, str]  # words of a cell that are shown as a status, and the colour of which status they have
    advice: Sequence[str]  # what to do next, one paragraph each
    csv: str  # name of the file that holds all rows
    footer: str


def render(page: TablePage) -> str:
    """Give the page as HTML, whose values are taken as fit to be shown."""
    rows, room = [], PAGE_LIMIT
    for row in page.rows:
        room -= sum(len(str(cell).encode(errors="backslashreplace")) + 40 for cell in row)
        if room < 0:
            break
        rows.append(row)
    return (
        _template()
        .render(
            page=page,
            rows=rows,
            left_out=len(page.rows) - len(rows),
            **assets("table.js"),
        )
        .lstrip()
    )


@cache
def _template() -> jinja2.Template:
    environment = new_environment()
    environment.filters["text"] = lambda value: shortened(visible(text_of(value)), CELL_LIMIT)
    return environment.get_template("table.html")
