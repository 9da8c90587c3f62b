"""Reads every written value back, with pydicom, and compares what it means with what was asked for.

Values are decoded by pydicom, which had no part in encoding them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from export_session.dicom.binary.dataset import Value, main_data_set
from export_session.dicom.binary.elements import Element
from export_session.dicom.binary.instance import Instance
from export_session.dicom.vocabulary import Assignment, Items, ItemValue, KeptItem, NewItem, Step
from export_session.dicom.writing.apply import Edited
from export_session.dicom.writing.decoded import holds
from export_session.dicom.writing.readback_items import holds_items
from export_session.dicom.writing.sequences import ExactSequence

_Path = tuple[Step, ...]


class ReadBack:
    """What the written instances of a file have to hold; a value that many share is read once.

    Parameters
    ----------
    assignments, edited
        What was asked for, and what became of it in each instance.
    before
        The instances as they were.
    """

    def __init__(
        self, assignments: Sequence[Assignment], edited: Mapping[int, Edited], before: Sequence[Instance]
    ) -> None:
        self._assignments = assignments
        self._edited = edited
        self._before = before
        self._right: set[tuple[int, tuple[str, ...], Element | None, Element | None]] = set()

    def wrong(self, index: int, written: Instance) -> str:
        """Say which value of an instance does not read back, "" if all do."""
        reading = was = None
        effects = {n: one for n, one in self._edited[index].effects.items() if n >= 0 and one.written}
        items = {path: value for n in effects for path, value in _items_of(self._assignments[n])}
        for number, effect in effects.items():
            assignment, before = self._assignments[number], self._before[index]
            key = (
                number,
                tuple(written.charset),
                written.elements.get(effect.top),
                before.elements.get(effect.top) if items else None,
            )
            if key in self._right:
                continue
            reading, was = reading or _Reading(written), was or _Reading(before)
            place = _moved(assignment.path, items)
            value = reading.find(place) if place else None
            if isinstance(assignment.value, Items):
                asked = _with_others(assignment, [self._assignments[n] for n in effects])
                right = value is not None and holds_items(value, was.find(assignment.path), asked)
            else:
                right = place is None or holds(value, assignment.value if effect.value is None else effect.value)
            if not right:
                return f"the new value of {assignment.path[-1].key.name}"
            self._right.add(key)
        return ""


def _items_of(assignment: Assignment) -> Iterator[tuple[_Path, Items]]:
    """Yield the sequences that an assignment gives other items, by their way as the file counts items."""
    pending: list[tuple[_Path, Any]] = [(assignment.path, assignment.value)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, Items):
            yield path, value
            kept = (one for one in value.items if isinstance(one, KeptItem))
            above = ((one, (*path[:-1], replace(path[-1], item=one.number))) for one in kept)
            pending += (((*at, *inner.path), inner.value) for one, at in above for inner in one.values)


def _with_others(assignment: Assignment, others: Sequence[Assignment]) -> Items:
    """Return the items of a sequence with what other assignments write in those that stay, as UIDs that follow."""
    way = assignment.path
    items: Items = assignment.value
    made: list[KeptItem | NewItem] = []
    for one in items.items:
        if isinstance(one, KeptItem):
            at = (*way[:-1], replace(way[-1], item=one.number))
            inner = [ItemValue(o.path[len(at) :], o.vr, o.value) for o in others if o.path[: len(at)] == at]
            made.append(replace(one, values=(*inner, *one.values)))
        else:
            made.append(one)
    return replace(items, items=tuple(made))


def _moved(path: _Path, items: Mapping[_Path, Items]) -> _Path | None:
    """Return where an element is after items before it came or went; None where its own item went."""
    moved = []
    for depth, step in enumerate(path):
        place = (*path[:depth], replace(step, item=None))
        if step.item is None or place not in items:
            moved.append(step)
            continue
        numbers = [one.number if isinstance(one, KeptItem) else None for one in items[place].items]
        if step.item not in numbers:
            return None
        moved.append(replace(step, item=numbers.index(step.item)))
    return tuple(moved)


class _Reading:
    """One written instance; a sequence is read once, however many requests go there."""

    def __init__(self, instance: Instance) -> None:
        self._main = main_data_set(instance)
        self._sequences: dict[tuple[Step, ...], ExactSequence] = {}

    def find(self, path: Sequence[Step]) -> Value | None:
        """Return the element at the end of a path, None where there is none."""
        data_set = self._main
        for depth, step in enumerate(path, 1):
            value = data_set.get(step.key)
            if value is None or depth == len(path):
                return value
            place = (*path[: depth - 1], replace(step, item=None))
            if place not in self._sequences:
                self._sequences[place] = ExactSequence(value)
            sequence = self._sequences[place]
            if step.item is None or not 0 <= step.item < len(sequence):
                return None
            data_set = sequence.item(step.item)
        return None
