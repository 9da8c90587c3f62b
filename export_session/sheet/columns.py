"""The columns of a sheet, by its headings.

Wide: a column for each element, as the template has it. Long: a row for each correction, with the columns ``element``
and ``new``, and ``current`` for a condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from export_session.sheet.model import Place
from export_session.sheet.tables import Row, Table
from export_session.sheet.targets import Target, target_of

SELECTORS = ("subject", "session", "acquisition", "file", "id")
ELEMENT, CURRENT, NEW, REASON = "element", "current", "new", "reason"
LONG = ("subject", "session", "acquisition", "file", ELEMENT, CURRENT, NEW, REASON, "id")
COMMENT = "#"  # begins the heading of a column that is a person's own


@dataclass(frozen=True)
class Columns:
    """Which column is for what, from 1."""

    long: bool
    named: Mapping[str, int]  # those of LONG that are there
    targets: Mapping[str, tuple[int, Target]]  # as the heading has it; none in the long form
    problems: tuple[tuple[Place, str], ...] = ()


def columns_of(table: Table) -> Columns:
    """Read the headings of a table, in whatever order and case, and all that is wrong with them."""
    head = table.rows[0]
    names = {column: cell.text.lower() for column, cell in head.items()}
    long = bool({ELEMENT, NEW} & set(names.values()))
    allowed = LONG if long else (*SELECTORS, REASON)
    named: dict[str, int] = {}
    targets: dict[str, tuple[int, Target]] = {}
    problems: list[tuple[Place, str]] = []
    for column, cell in head.items():
        name, target = names[column], target_of(cell.text)
        if name.startswith(COMMENT):
            continue
        if cell.problem:
            problems.append((cell.place, cell.problem))
        elif name in named or cell.text in targets:
            problems.append((cell.place, "there is a column of this name already"))
        elif name in allowed:
            named[name] = column
        elif isinstance(target, Target) and not long:
            targets[cell.text] = column, target
        else:
            problems.append((cell.place, _why_not(name, target, long=long)))
    place = next(iter(head.values())).place
    missing = [name for name in (ELEMENT, NEW) if long and name not in named]
    problems += [(place, f"a sheet with a column {ELEMENT} or {NEW} needs both; {name} is missing") for name in missing]
    return Columns(long, named, targets, (*problems, *_without_heading(table)))


def _why_not(name: str, target: Target | str, *, long: bool) -> str:
    """Say why there cannot be such a column."""
    if long:
        return f"it is no column of a sheet with a column {ELEMENT}; those are {', '.join(LONG)}"
    if name == CURRENT:
        return f"a column {CURRENT} needs the columns {ELEMENT} and {NEW} beside it"
    return f"it {target}. A column of your own has a heading that begins with {COMMENT}"


def _without_heading(table: Table) -> Iterator[tuple[Place, str]]:
    head: Row = table.rows[0]
    first = {column: cell for row in reversed(table.rows[1:]) for column, cell in row.items() if column not in head}
    for cell in first.values():
        yield cell.place, "its column has no heading"
