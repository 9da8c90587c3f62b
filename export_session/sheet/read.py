"""A sheet of corrections, read from whatever file it was saved in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from export_session.sheet.columns import LONG
from export_session.sheet.delimited import read_delimited
from export_session.sheet.entries import read_entries
from export_session.sheet.model import Correction, Place
from export_session.sheet.tables import NoTable, Table
from export_session.sheet.workbooks import read_workbook
from export_session.support.wording import counted

NAMED = 3  # places, of many that one remark is about


@dataclass(frozen=True)
class Sheet:
    """What a sheet says: nothing of it counts while there is any problem."""

    corrections: tuple[Correction, ...]
    problems: tuple[str, ...]  # each begins with the cell: "Corrections!D17: …"; none quotes a value
    remarks: tuple[str, ...] = ()


def read_sheet(path: Path) -> Sheet:
    """Read a sheet of corrections: xlsx, or CSV and TSV in UTF-8 or UTF-16.

    Returns
    -------
    Sheet
        Every correction that can be read, and every problem that can be seen without a look at the site.
    """
    try:
        table = _table(path)
    except NoTable as why:
        return Sheet((), (f"{path.name}: {why}.",))
    except OSError as error:
        return Sheet((), (f"{path.name}: it cannot be read ({error.strerror}).",))
    reading = read_entries(table)
    problems = [f"{place}: {why}." for place, why in sorted(reading.problems)]
    return Sheet(tuple(reading.corrections), (*table.problems, *problems), _remarks(reading.emptied))


def _table(path: Path) -> Table:
    with path.open("rb") as file:
        start = file.read(100)
    if b"opendocument.spreadsheet" in start:
        raise NoTable("it is an ods document; save it as xlsx")
    if start.startswith(b"PK"):
        return read_workbook(path)
    if start.startswith(b"\xd0\xcf\x11\xe0"):  # of an OLE file: the old xls, or an xlsx with a password
        raise NoTable("it is in the old xls format, or has a password; save it as xlsx without one")
    return read_delimited(path, LONG)


def _remarks(emptied: list[Place]) -> tuple[str, ...]:
    if not emptied:
        return ()
    named = ", ".join(map(str, emptied[:NAMED])) + (", …" if len(emptied) > NAMED else "")
    which = f"{counted(len(emptied), 'cell')} that had a value in the template ({named})"
    return (f"Empty now: {which}. That leaves what is there; write <blank> to empty an element.",)
