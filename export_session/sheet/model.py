"""What a sheet of corrections says, and where it says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Unsaid(Enum):
    """What stands for a cell that says nothing."""

    UNSAID = "unsaid"


UNSAID = Unsaid.UNSAID


@dataclass(frozen=True, order=True)
class Place:
    """A cell of a sheet."""

    row: int  # from 1, as a spreadsheet counts
    column: int  # from 1
    sheet: str = ""  # name of the worksheet, or of the file where it has none

    def __str__(self) -> str:
        letters, rest = "", self.column
        while rest:
            rest, digit = divmod(rest - 1, 26)
            letters = chr(ord("A") + digit) + letters
        return f"{self.sheet}!{letters}{self.row}" if self.sheet else f"{letters}{self.row}"


@dataclass(frozen=True)
class Selector:
    """Which containers and files a correction is for, by label or name as in Flywheel; empty: all of them."""

    subject: str = ""
    session: str = ""
    acquisition: str = ""
    file: str = ""
    id: str = ""  # file_id of a file or id of a container, where labels do not tell


@dataclass(frozen=True)
class Correction:
    """One value to set."""

    selector: Selector
    target: str  # as in the sheet: keyword, path, private key, or a field such as subject.label
    new: Any  # JSON value; None empties the element (the very null where exact), UNSAID takes it out of the metadata
    place: Place  # of the new value
    current: Any = field(default=UNSAID)  # a condition: what the site must say now; None: that it says nothing
    reason: str = ""
    exact: bool = False  # `new` is the very value to store, not text that a person typed
