"""A table as a file holds it: which cell says what, and what a spreadsheet did to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from export_session.report.cells import FORMULA_STARTS
from export_session.sheet.model import Place

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


@dataclass(frozen=True)
class Cell:
    """A cell that is not empty."""

    text: str  # as a person sees it, without blanks around it, or the apostrophe that guards it
    place: Place
    is_number: bool = False  # to the spreadsheet
    problem: str = ""  # why its text cannot be trusted


Row = Mapping[int, Cell]  # by column, from 1; without empty ones


@dataclass(frozen=True)
class Table:
    """The rows of a sheet, without empty ones."""

    rows: Sequence[Row]
    problems: Sequence[str] = ()  # what is wrong with the sheet as a whole
    before: Sequence[Row] = field(default=())  # the same table as it was before anybody worked on it, if it is known


class NoTable(Exception):
    """There is no table to be read; the message says what to do."""


def guarded(text: str) -> str:
    """Put an apostrophe before what a spreadsheet might run as a formula, and before another apostrophe."""
    return f"'{text}" if _needs_guard(text) else text


def unguarded(text: str) -> str:
    """Take that apostrophe away again."""
    return text[1:] if text.startswith("'") and _needs_guard(text[1:]) else text


def _needs_guard(text: str) -> bool:
    start = next((one for one in text if not one.isspace()), "")
    return (start in FORMULA_STARTS and not _NUMBER.fullmatch(text)) or text.startswith("'")
