"""The items of a sequence in the metadata beside those in the file: edited, added, removed or replaced ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from export_session.dicom.binary.dataset import DataSet
from export_session.dicom.dictionary import Key, key_of
from export_session.dicom.edits.difference import Above, Compares, Difference, Finding, Remark, Restated
from export_session.dicom.edits.equality import is_empty
from export_session.dicom.edits.hidden import hidden_in
from export_session.dicom.edits.importers import FAITHFUL, Importer
from export_session.dicom.edits.importers.shown import value_at
from export_session.dicom.edits.items_match import REORDERED, Likeness, Pairs, Rows, Unclear
from export_session.dicom.edits.new_item import CannotAdd, new_item
from export_session.dicom.edits.projection import project, project_data_set
from export_session.dicom.edits.reordering import are_reordered, size
from export_session.dicom.vocabulary import Items, ItemValue, KeptItem, NewItem, path_text

_NAMED = 3  # elements in a message
_MISCOUNTED = (
    "an importer reads another number of items in this sequence than the file has, so it cannot be told which were "
    "added or removed"
)


@dataclass(frozen=True)
class ItemComparison:
    """One sequence of the file, and what the metadata have in its place."""

    compares: Compares
    difference: Difference  # of the sequence as a whole
    shown: Sequence[Mapping[str, Any]]
    items: Sequence[DataSet]
    empty: DataSet  # what an item without elements would be
    above: Above  # the sequence itself not among them

    def findings(self) -> Iterator[Finding]:
        """Yield what differs in values, or one difference where there are other items than in the file."""
        places = range(len(self.items))
        if len(self.shown) != len(places):
            yield from self._other_items(places)
            return
        own = {n: _distance(self._found[n, n]) for n in places}
        if not any(own.values()):
            yield from self._in_place(places)
        elif not self.difference.refusal:
            yield from self._other_items(places)
        elif are_reordered(own, lambda i, j: _distance(self._found[i, j])):
            yield self._refused(REORDERED)
        else:
            yield from self._in_place(places)

    def _in_place(self, places: range) -> Iterator[Finding]:
        for number in places:
            yield from self._found[number, number]

    def _other_items(self, places: range) -> Iterator[Finding]:
        if self.difference.refusal:
            yield self.difference
            return
        try:
            pairs = self._rows.match()
            if len(self.shown) == len(places) and all(pairs.get(n) == n for n in places):
                yield from self._in_place(places)
                return
            items = self._items(pairs)
        except (Unclear, CannotAdd) as reason:
            yield self._refused(str(reason))
            return
        yield from (one for i, j in pairs.items() for one in self._found[i, j] if isinstance(one, Remark))
        yield replace(self.difference, value=items, warning=self._warning(pairs, places))

    def _refused(self, reason: str) -> Difference:
        return replace(self.difference, refusal=self.difference.refusal or reason)

    @property
    def _key(self) -> Key:
        return self.difference.keys[-1]

    # Which item is which

    @property
    def _rows(self) -> Rows:
        likeness: dict[tuple[int, int], Likeness] = {}

        def compared(i: int, j: int) -> Likeness:
            if (i, j) not in likeness:
                likeness[i, j] = self._likeness(i, j)
            return likeness[i, j]

        return Rows(len(self.shown), len(self.items), compared, self._hidden, self._are_equal)

    def _likeness(self, i: int, j: int) -> Likeness:
        shown, item = self.shown[i], self.items[j]
        if any(made[j] == shown for made in self._imported):
            return Likeness(_filled(shown), 0, 0)
        edits = self._edits(i, j)
        missing = min(_missing(shown, project_data_set(item, importer)) for importer in self._importers)
        differing, added = (sum(counts) for counts in zip(*map(_changes, edits), strict=True)) if edits else (0, 0)
        return Likeness(_filled(shown) - differing - added, differing, missing, added)

    @cached_property
    def _found(self) -> _Found:
        return _Found(self)

    def _edits(self, i: int, j: int) -> list[Difference]:
        """Return what a person has edited if an item of the metadata is one of the file."""
        return [one for one in self._found[i, j] if isinstance(one, Difference) and not self._is_imported(one, j)]

    def _is_imported(self, one: Difference, j: int) -> bool:
        """Whether an importer makes this value of the item by its own way of reading."""
        place: list[str | int] = []
        for key, step in list(zip(one.keys, one.path, strict=True))[len(self.above) + 1 :]:
            place += [key.name] if step.item is None else [key.name, step.item]
        return any(value_at(made[j], place) == one.wanted for made in self._imported)

    @cached_property
    def _imported(self) -> Sequence[Sequence[Any]]:
        """The items as importers themselves show them, where they show all of them."""
        return [made for made in self._readings if len(made) == len(self.items)]

    @cached_property
    def _readings(self) -> Sequence[Sequence[Any]]:
        return self.compares.imported(self._key, self.above)

    @cached_property
    def _importers(self) -> Sequence[Importer]:
        """Those that can have made such a list."""
        return [one for one in self.compares.marks.makers if one.lists_items] or [FAITHFUL]

    def _hidden(self, j: int) -> str:
        return ", ".join(islice(hidden_in(self.items[j], self._importers), _NAMED))

    def _are_equal(self, i: int, j: int) -> bool:
        return self.items[i].elements == self.items[j].elements

    # What is to be written

    def _items(self, pairs: Pairs) -> Items:
        if len(self._imported) < len(self._readings):
            raise Unclear(_MISCOUNTED)
        made = tuple(self._item(i, pairs) for i, _ in enumerate(self.shown))
        asked = [one.asked if isinstance(one, NewItem) else self._as_held(i, one.number) for i, one in enumerate(made)]
        return Items(made, len(self.items), asked)

    def _as_held(self, i: int, j: int) -> Mapping[str, Any]:
        """Return an item of the metadata; what it says in a person's words is as importers show what the file holds."""
        item = deepcopy(dict(self.shown[i]))
        for one in (found.difference for found in self._found[i, j] if isinstance(found, Restated)):
            place = [part for key, step in zip(one.keys, one.path, strict=True) for part in (key.text, step.item)]
            *way, text, _ = place[2 * len(self.above) + 2 :]
            holder = value_at(item, [part for part in way if part is not None])
            if one.in_file and isinstance(holder, dict) and text in holder:
                holder[text] = project(one.in_file, self.compares.marks.likeliest)
        return item

    def _item(self, i: int, pairs: Pairs) -> KeptItem | NewItem:
        if i in pairs:
            return KeptItem(pairs[i], tuple(map(self._value, self._edits(i, pairs[i]))))
        return new_item(self.compares, self.shown[i], self.empty, (*self.above, (self._key, i)))

    def _value(self, one: Difference) -> ItemValue:
        if reason := one.refusal or one.unwritable:
            raise CannotAdd(f"{path_text(one.path, one.keys)}: {reason}")
        return ItemValue(one.path[len(self.above) + 1 :], one.vr, one.value, one.warning)

    def _warning(self, pairs: Pairs, places: range) -> str:
        removed = [j for j in places if j not in pairs.values()]
        hidden = list(islice((name for j in removed for name in hidden_in(self.items[j], self._importers)), _NAMED))
        return f"what was removed held elements that the metadata do not show ({', '.join(hidden)})" if hidden else ""


class _Found(dict[tuple[int, int], list[Finding]]):
    """What differs between each item of the metadata and each of the file; looked for once."""

    def __init__(self, comparison: ItemComparison) -> None:
        self._comparison = comparison

    def __missing__(self, pair: tuple[int, int]) -> list[Finding]:
        i, j = pair
        one = self._comparison
        above = (*one.above, (one.difference.keys[-1], j))
        self[pair] = found = list(one.compares.of_data_set(one.shown[i], one.items[j], above))
        return found


def _distance(findings: Iterable[Finding]) -> int:
    return sum(size(finding.wanted) for finding in findings if isinstance(finding, Difference))


def _changes(one: Difference) -> tuple[int, int]:
    """Count the values that an edit replaces or removes, and those that it adds."""
    if not isinstance(one.value, Items):
        count = size(one.wanted)
        return (0, count) if one.in_file is None or one.in_file.empty else (count, 0)
    kept = [item for item in one.value.items if isinstance(item, KeptItem)]
    new = (asked for item, asked in zip(one.value.items, one.wanted, strict=True) if isinstance(item, NewItem))
    return one.value.count - len(kept) + sum(len(item.values) for item in kept), sum(map(size, new))


def _filled(value: Any) -> int:
    """Count the values in a JSON value that are not empty."""
    if isinstance(value, Mapping):
        return sum(map(_filled, value.values()))
    if isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
        return sum(map(_filled, value))
    return int(not is_empty(value))


def _missing(shown: Mapping[str, Any], made: Mapping[str, Any]) -> int:
    """Count the values that an importer shows of an item and the metadata do not have."""
    named = {key.name: value for text, value in shown.items() if (key := key_of(text))}
    count = 0
    for keyword, part in made.items():
        there = named.get(keyword)
        if keyword not in named:
            count += _filled(part) if keyword != "SpecificCharacterSet" else 0  # it declares, and says nothing
        elif isinstance(part, list) and isinstance(there, list) and len(part) == len(there):
            pairs = zip(there, part, strict=True)
            count += sum(_missing(a, b) for a, b in pairs if isinstance(a, Mapping) and isinstance(b, Mapping))
    return count
