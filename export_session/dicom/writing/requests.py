"""What is asked of a data set or an item, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from export_session.dicom.vocabulary import Step


@dataclass(frozen=True)
class Request:
    """One assignment on its way down to its element."""

    number: int  # of the assignment, among those of the file
    path: tuple[Step, ...]
    vr: str
    value: Any
    refusal: str = ""  # why it must not be written, whatever the value
    in_new: bool = False  # whether its item is new, so that an empty value is an element, too


@dataclass(frozen=True)
class Row:
    """One of several things that a request changed within a sequence."""

    path: tuple[Step, ...]  # from the sequence on; items are counted as in the file, added ones as they will be
    vr: str
    old: Any
    new: Any
    note: str


@dataclass(frozen=True)
class Effect:
    """What became of a request in one instance."""

    tag: int = 0  # with its private block; 0 where there is none
    old: Any = None
    vr: str = ""
    written: bool = False  # False with no reason: the file holds this value already
    reason: str = ""  # why it was refused
    repertoire: bool = False  # whether another character set would help
    top: int = 0  # tag of the element of the main data set that holds it
    value: Any = None  # what was asked for, where that is not what the assignment says
    how: str = ""  # in which way a character set was re-declared
    needed_by: int = 0  # number of the request that made it be
    rows: tuple[Row, ...] = ()  # what changed, where that is more than one value
    left: tuple[str, ...] = ()  # elements that a re-declared character set may misread now


@dataclass(frozen=True)
class Edited:
    """The new elements of a data set, by tag, and the effect of each request, by its number."""

    elements: Mapping[int, bytes] = field(default_factory=dict)
    effects: Mapping[int, Effect] = field(default_factory=dict)
    recoded: Mapping[int, bytes] = field(default_factory=dict)  # with their old text, in a new character set
    guessed: bool = False  # whether some of that text could only be guessed
