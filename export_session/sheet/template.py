"""The rows of a template: what the metadata say now, each value once, as high up as all files below it agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from export_session.sheet.columns import SELECTORS
from export_session.sheet.model import Selector
from export_session.sheet.spelling import BLANK
from export_session.sheet.write import Rows

Level = Literal["file", "acquisition", "session", "subject"]
LEVELS: tuple[Level, ...] = ("file", "acquisition", "session", "subject")  # from the smallest


@dataclass(frozen=True)
class Node:
    """A file, or a container with what is below it."""

    level: Level
    selector: Selector
    fields: Mapping[str, str]  # spelled, by target: the elements of a file, the own fields of a container
    below: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Template:
    """A sheet to be filled in, and what it was filled with."""

    rows: Rows
    before: Rows  # the same rows; nothing is BLANK where the row has that column to itself, and an empty cell elsewhere
    files: int


def template_of(nodes: Iterable[Node], targets: Iterable[str], largest: Level) -> Template:
    """Make a template.

    Parameters
    ----------
    nodes
        What there is below the destination.
    targets
        A column each, in this order: elements, and fields of containers, which have rows of their own.
    largest
        The largest thing that may have one row where all files in it say the same of an element.
    """
    columns = tuple(targets)
    elements = [name for name in columns if name.partition(".")[0] not in LEVELS[1:]]
    before = [[*SELECTORS, *columns]]
    files = 0
    for node in nodes:
        files += sum(one.level == "file" for one in _all(node))
        for selector, cells in _rows(node, elements, largest):
            before.append([*_named(selector), *(cells.get(name, "") for name in columns)])
    return Template([["" if cell == BLANK else cell for cell in row] for row in before], before, files)


def _named(selector: Selector) -> list[str]:
    return [getattr(selector, name) for name in SELECTORS]


def _all(node: Node) -> Iterator[Node]:
    yield node
    for one in node.below:
        yield from _all(one)


def _rows(node: Node, unsaid: Iterable[str], largest: Level) -> Iterator[tuple[Selector, Mapping[str, str]]]:
    """Give the rows of a node and of what is below it, for the elements that no row above says."""
    said: dict[str, str] = {}
    if LEVELS.index(node.level) <= LEVELS.index(largest):
        files = [one for one in _all(node) if one.level == "file"]
        values = {name: {file.fields[name] for file in files} for name in unsaid}
        said = {name: next(iter(found)) for name, found in values.items() if len(found) == 1}
    own = {} if node.level == "file" else node.fields
    if own or said:
        yield node.selector, {**own, **said}
    for one in node.below:
        yield from _rows(one, [name for name in unsaid if name not in said], largest)
