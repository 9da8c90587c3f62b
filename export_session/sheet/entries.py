"""The rows of a sheet: each cell that says something is a correction, or refused with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from export_session.sheet.columns import CURRENT, ELEMENT, NEW, REASON, SELECTORS, Columns, columns_of
from export_session.sheet.damage import why_destroyed, why_doubtful, why_no_number
from export_session.sheet.model import UNSAID, Correction, Place, Selector
from export_session.sheet.spelling import BLANK, NoMeaning, condition, meant
from export_session.sheet.tables import Cell, Row, Table
from export_session.sheet.targets import Target, target_of

T = TypeVar("T")
Known = Mapping[str, Cell]  # cells of a row by what they are for


class _Refused(Exception):
    """A cell does not count."""

    def __init__(self, cell: Cell, why: str) -> None:
        super().__init__(why)
        self.place, self.why = cell.place, why


@dataclass
class Reading:
    """What was read of a table so far."""

    corrections: list[Correction] = field(default_factory=list)
    problems: dict[tuple[Place, str], None] = field(default_factory=dict)  # each once
    emptied: list[Place] = field(default_factory=list)  # cells that had a value in the template, and say nothing now


def read_entries(table: Table) -> Reading:
    """Read the corrections of a table, and all that is wrong with it."""
    columns = columns_of(table)
    reading = Reading(problems=dict.fromkeys(columns.problems))
    known = _as_it_was(table.before)
    for row in table.rows[1:]:
        cells = {name: row[column] for name, column in columns.named.items() if column in row}
        was = known.get(_row_key(cells), {})
        asks = list(_in_long(cells) if columns.long else _in_wide(columns, row, was))
        if asks:
            reading.problems |= {(cell.place, cell.problem): None for cell in cells.values() if cell.problem}
        for asked in asks:
            try:
                reading.corrections.append(_correction(asked, cells))
            except _Refused as refused:
                reading.problems[refused.place, refused.why] = None
        reading.problems |= {(cell.place, _moved_why(name)): None for name, cell in _moved(cells, was)}
        reading.emptied += _emptied(columns, row, was)
    return reading


@dataclass(frozen=True)
class _Asked:
    """A cell with a new value, and what it is for."""

    name: str
    target: Target | str  # or why there is none
    new: Cell
    current: Cell | None = None  # the condition


def _in_long(cells: Known) -> Iterator[_Asked]:
    if NEW not in cells:
        return
    new, element = cells[NEW], cells.get(ELEMENT)
    if element is None:
        yield _Asked("", "its row does not say which element it is for", new)
        return
    target = element.problem or target_of(element.text)
    if isinstance(target, str) and not element.problem:
        target = f"it {target}"
    yield _Asked(element.text, target, new, cells.get(CURRENT))


def _in_wide(columns: Columns, row: Row, was: Known) -> Iterator[_Asked]:
    """Give the cells of which the template does not say the same."""
    for name, (column, target) in columns.targets.items():
        new, before = row.get(column), was.get(name)
        if new and not (before and not new.problem and _lines(new.text) == _lines(before.text)):
            yield _Asked(name, target, new, before)


def _emptied(columns: Columns, row: Row, was: Known) -> Iterator[Place]:
    """Give the cells that had a value in the template, and have none now."""
    place = next(iter(row.values())).place
    for name, (column, _) in columns.targets.items():
        if column not in row and name in was and was[name].text != BLANK:
            yield Place(place.row, column, place.sheet)


def _moved(cells: Known, was: Known) -> Iterator[tuple[str, Cell]]:
    """Give the cells that say what a row is for, and said something else in the template."""
    for name in SELECTORS:
        if name in cells and name in was and _lines(cells[name].text) != _lines(was[name].text):
            yield name, cells[name]


def _moved_why(name: str) -> str:
    instead = "" if name == "file" else f"; a new label belongs below {name}.label"
    return f"the template says otherwise. This column says what the row is for, and changes nothing{instead}"


def _as_it_was(rows: Sequence[Row]) -> Mapping[str, Known]:
    """Return what the template was filled with, by row and column."""
    if not rows:
        return {}
    columns = columns_of(Table(rows))
    known: dict[str, Known] = {}
    for row in rows[1:]:
        cells = {name: row[column] for name, column in columns.named.items() if column in row}
        targets = {name: row[column] for name, (column, _) in columns.targets.items() if column in row}
        known[_row_key(cells)] = {**cells, **targets}
    return known


def _row_key(cells: Known) -> str:
    """Return what tells a row of a template from all others, wherever it is moved: its id."""
    return cells["id"].text if "id" in cells else ""


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _correction(asked: _Asked, cells: Known) -> Correction:
    """Make a correction of the cells of a row; _Refused where one of them does not count."""
    said = {each: _trusted(cells[each]).strip() for each in (*SELECTORS, REASON) if each in cells}
    if isinstance(asked.target, str):
        raise _Refused(cells.get(ELEMENT, asked.new), asked.target)
    value, exact = _meaning(asked.new, asked.target.vr)
    current = UNSAID if asked.current is None else _understood(condition, asked.current)
    typed = value is not None and not exact
    if typed and isinstance(current, str) and (why := why_destroyed(value, current, asked.target.vr)):
        raise _Refused(asked.new, why)
    reason = said.pop(REASON, "")
    return Correction(Selector(**said), asked.name, value, asked.new.place, current, reason, exact)


def _trusted(cell: Cell) -> str:
    if cell.problem:
        raise _Refused(cell, cell.problem)
    return cell.text


def _meaning(cell: Cell, vr: str) -> tuple[Any, bool]:
    """Return the new value that a cell says, and whether it is exact."""
    value, exact = _understood(meant, cell)
    if exact or value is None:
        return value, exact
    if why := why_doubtful(value, vr) or (why_no_number(value, vr) if cell.is_number else ""):
        raise _Refused(cell, why)
    return value, False


def _understood(reader: Callable[[str], T], cell: Cell) -> T:
    try:
        return reader(_trusted(cell))
    except NoMeaning as error:
        raise _Refused(cell, str(error)) from None
