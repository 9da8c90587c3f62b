"""Edits in ``info.header.dicom_array``: one value for each member of a series, or for each frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.dictionary import FRAME_SEQUENCES, Key, key_of, why_unknown
from export_session.dicom.edits.authorship import attributed, settled
from export_session.dicom.edits.compare import Comparison
from export_session.dicom.edits.difference import Above, Difference, Finding, Restated
from export_session.dicom.edits.edit import Edit, Shown
from export_session.dicom.edits.equality import is_empty, same
from export_session.dicom.edits.importers import ABSENT, FAITHFUL, PER_FRAME_GROUPS
from export_session.dicom.edits.projection import as_json, project
from export_session.dicom.edits.series import Series
from export_session.dicom.vocabulary import Cause

_ENTRIES_MAX = 512  # file-metadata-importer lists no more instances, unless configured otherwise


@dataclass(frozen=True)
class SliceEdits:
    """What ``dicom_array`` asks for."""

    edits: tuple[Edit, ...] = ()
    order: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()


def slice_edits(arrays: Mapping[str, Any], series: Series, comparison: Comparison) -> SliceEdits:
    """Find the entries of ``dicom_array`` that the importer did not make of the instances, and their authors."""
    found = _found(arrays, series, comparison)
    known = [one for edit in found.edits for one in attributed(edit, comparison.written)]
    edits = tuple(one for one in known if isinstance(one, Edit))
    return replace(found, edits=edits, shown=(*found.shown, *(one for one in known if isinstance(one, Shown))))


def _found(arrays: Mapping[str, Any], series: Series, comparison: Comparison) -> SliceEdits:
    named = {key: value for text, value in arrays.items() if (key := key_of(text))}
    lists = {key: value for key, value in named.items() if isinstance(value, list)}
    no_lists = tuple(
        _edit_of_all(key, value, series, comparison).refuse("dicom_array takes a list with a value for each instance")
        for key, value in named.items()
        if key not in lists and not is_empty(value)
    )
    notes = tuple(
        f"dicom_array.{why_unknown(text)}"
        for text, value in arrays.items()
        if key_of(text) is None and not is_empty(value)
    )
    if series.is_multiframe:
        made = [one for key, value in lists.items() for one in _frames(key, value, series, comparison)]
        edits = tuple(one for one in made if isinstance(one, Edit))
        shown = tuple(one for one in made if isinstance(one, Shown))
        return SliceEdits((*edits, *no_lists), series.order, notes, shown)
    orders = series.orders(max(map(len, lists.values()), default=0))
    likeliest = next(orders)
    found = _in_order(likeliest, lists, series, comparison)
    for order in orders if found.edits else ():
        if not _in_order(order, lists, series, comparison).edits:
            return SliceEdits(no_lists, order, notes)  # nothing was edited, only sorted in another way
    return SliceEdits((*found.edits, *no_lists), likeliest, (*notes, *found.notes), found.shown)


def _in_order(
    order: tuple[int, ...], lists: Mapping[Key, list[Any]], series: Series, comparison: Comparison
) -> SliceEdits:
    """Return what all arrays ask for if their entries stand for the members in this order."""
    arrays = [_Array(key, entries, order, series, comparison) for key, entries in lists.items()]
    edits = tuple(edit for array in arrays for edit in array.edits())
    notes = tuple(note for array in arrays for note in array.doubts())
    return SliceEdits(edits, order, notes, tuple(one for array in arrays for one in array.shown()))


@dataclass(frozen=True)
class _Array:
    """One list of ``dicom_array`` whose entries stand for members."""

    key: Key
    entries: list[Any]
    order: tuple[int, ...]
    series: Series
    comparison: Comparison

    def edits(self) -> Iterator[Edit]:
        """Yield its edits, all refused where it is unclear which entry stands for which instance."""
        found = [
            _edit(one, frozenset([self.order[index]]), self.key, index)
            for index, one in self._findings
            if isinstance(one, Difference)
        ]
        reason = self._why_unclear(found)
        if reason and not found:
            found = [_edit_of_all(self.key, self.entries, self.series, self.comparison)]
        yield from (edit.refuse(reason) for edit in found) if reason else found

    def shown(self) -> Iterator[Shown]:
        """Yield how the importer shows what entries say in a person's words."""
        yield from (_shown(one, self.key, index) for index, one in self._findings if isinstance(one, Restated))

    def doubts(self) -> Iterator[str]:
        """Note the entries that were taken away: importers write null for what they cannot read, too."""
        for index, entry, data_set in self._pairs():
            in_file = data_set.get(self.key)
            if entry is None and in_file and not is_empty(as_json(in_file)) and not self._is_imported(index):
                yield f'dicom_array.{self.key.text}[{index}] is null, which leaves the element as it is; "" empties it'

    def _pairs(self) -> Iterator[tuple[int, Any, DataSet]]:
        for index, (entry, member) in enumerate(zip(self.entries, self.order, strict=False)):
            if member in self.series.data_sets:
                yield index, entry, self.series.data_sets[member]

    @cached_property
    def _findings(self) -> list[tuple[int, Finding]]:
        """What the importer did not make of the members, by entry."""
        return [
            (index, one) for index, entry, data_set in self._pairs() for one in self._of_entry(index, entry, data_set)
        ]

    def _of_entry(self, index: int, entry: Any, data_set: DataSet) -> list[Finding]:
        in_file = data_set.get(self.key)
        if entry is None or (in_file and not in_file.is_sequence and FAITHFUL.of_value(in_file) == entry):
            return []
        findings = list(self.comparison.of_values(self.key, entry, data_set))
        if not findings or self._is_imported(index):
            return []
        return settled(findings, lambda _: ("dicom_array", self.key.text, index), self.comparison.written)

    def _is_imported(self, index: int) -> bool:
        """Whether the importer itself makes this entry of its member, by its own way of reading."""
        rereading = self.series.reread(self.order[index])
        return rereading is not None and rereading.array_entry(self.key.text) == self.entries[index]

    def _why_unclear(self, found: list[Edit]) -> str:
        surplus = self.entries[len(self.order) :]
        strays = [
            entry
            for index, (entry, member) in enumerate(zip(self.entries, self.order, strict=False))
            if member not in self.series.data_sets and not is_empty(entry) and not self._is_imported(index)
        ]
        too_short = len(self.entries) < len(self.order) and len(self.entries) != _ENTRIES_MAX
        if strays or not all(map(is_empty, surplus)) or (too_short and self._hold_values_of_others(found)):
            return (
                f"dicom_array has {len(self.entries)} entries and the file {len(self.series.indices)} instances; "
                "which entry stands for which instance is unclear"
            )
        if _are_reordered(found):
            return "dicom_array holds the file's own values in another order; which instance is meant is unclear"
        return ""

    def _hold_values_of_others(self, edits: list[Edit]) -> bool:
        """Whether entries that differ from their own instance hold the value of another one: some were lost."""
        wanted = [edit.difference.wanted for edit in edits]
        data_sets = [self.series.data_sets[group[0]] for group in self.series.distinct(self.key)]
        return any(
            not any(self.comparison.of_values(self.key, value, data_set)) for value in wanted for data_set in data_sets
        )


def _edit_of_all(key: Key, entries: Any, series: Series, comparison: Comparison) -> Edit:
    difference = comparison.difference(key, entries, series.data_sets[series.indices[0]])
    return Edit(difference, Cause.SLICE, None, (("dicom_array", key.text),), before=_values(key, series))


def _values(key: Key, series: Series) -> list[Any]:
    data_sets = (series.data_sets.get(member) for member in series.order)
    return [_before(data_set.get(key)) if data_set else None for data_set in data_sets]


def _edit(difference: Difference, instances: frozenset[int] | None, key: Key, index: int) -> Edit:
    place = ("dicom_array", key.text, index)
    return Edit(difference, Cause.SLICE, instances, (place,), before=_before(difference.in_file))


def _shown(one: Restated, key: Key, index: int) -> Shown:
    return Shown(("dicom_array", key.text, index), _before(one.difference.in_file))


def _before(in_file: Value | None) -> Any:
    value = ABSENT if in_file is None else project(in_file)
    return None if value is ABSENT else value


def _are_reordered(edits: list[Edit]) -> bool:
    """Whether the entries that differ are a permutation of what the instances hold, however they are spelled."""
    left = [edit.before for edit in edits]
    for edit in edits:
        match = next((held for held in left if same(held, edit.difference.wanted, edit.difference.vr)), ABSENT)
        if match is ABSENT:
            return False
        left.remove(match)
    return len(edits) > 1


def _frames(key: Key, entries: list[Any], series: Series, comparison: Comparison) -> Iterator[Edit | Shown]:
    """Yield the edits of one array whose entries stand for the frames of the only member, and what it shows anew."""
    member = series.indices[0]
    main = series.data_sets[member]
    try:
        groups = main.at(PER_FRAME_GROUPS)
        frames = list(groups.items()) if groups and groups.is_sequence else []
    except Malformed:
        frames = []
    at_root: list[tuple[int, Difference]] = []

    @cache
    def imported() -> list[Any]:
        """Return what the importer itself makes of the frames, by its own way of reading."""
        rereading = series.reread(member)
        return rereading.frame_entries(key.text) if rereading else []

    for index, (entry, frame) in enumerate(zip(entries, frames, strict=False)):
        if entry is None:
            continue  # which leaves the element as it is, as it does in lists of members
        data_set, above = frame_data_set(key, frame, index, main)
        findings = list(comparison.of_values(key, entry, data_set, above))
        if findings and index < len(made := imported()) and made[index] == entry:
            continue
        findings = settled(findings, lambda _, index=index: ("dicom_array", key.text, index), comparison.written)  # type: ignore[misc]  # mypy cannot infer a lambda's default
        yield from (_shown(one, key, index) for one in findings if isinstance(one, Restated))
        differences = [finding for finding in findings if isinstance(finding, Difference)]
        if data_set is main:
            at_root += ((index, difference) for difference in differences)
        else:
            yield from (_edit(difference, None, key, index) for difference in differences)
    yield from _root_edits(key, at_root, len(frames))


def frame_data_set(key: Key, frame: DataSet, index: int, main: DataSet) -> tuple[DataSet, Above]:
    """Return where file-metadata-importer finds the value of a frame, and how to get there."""
    groups = Key("PerFrameFunctionalGroupsSequence", PER_FRAME_GROUPS)
    if frame.get(key):
        return frame, ((groups, index),)
    for name in FRAME_SEQUENCES:
        inner = key_of(name)
        in_file = frame.get(inner) if inner else None
        item = in_file.item(0) if in_file and in_file.is_sequence else None
        if inner and item and item.get(key):
            return item, ((groups, index), (inner, 0))
    return main, ()


def _root_edits(key: Key, found: list[tuple[int, Difference]], frames: int) -> Iterator[Edit]:
    """Yield what is asked of an element that all frames share: one edit if all agree, else a refusal."""
    if not found:
        return
    agreed = len(found) == frames and all(one.wanted == found[0][1].wanted for _, one in found)
    edits = [_edit(difference, None, key, index) for index, difference in found]
    if agreed:
        yield replace(edits[0], places=tuple(place for edit in edits for place in edit.places))
    else:
        reason = "all frames share this value in the file; it cannot be set for some of them"
        yield from (edit.refuse(reason) for edit in edits)
