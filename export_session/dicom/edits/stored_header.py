"""Make ``info.header`` agree with the bytes that are stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.dictionary import SPECIFIC_CHARACTER_SET, Key, key_of
from export_session.dicom.edits.edit import Decision, Edit
from export_session.dicom.edits.importers import (
    ABSENT,
    IMPORTERS,
    PER_FRAME_GROUPS,
    Importer,
    marks_of,
)
from export_session.dicom.edits.per_slice import frame_data_set
from export_session.dicom.edits.projection import project
from export_session.dicom.edits.redeclared import as_imported, enter_texts, redeclared
from export_session.dicom.edits.series import INSTANCE_NUMBER
from export_session.dicom.vocabulary import Assignment, Cause, HeaderPath, Items, KeptItem, NewItem, Step

_META_LENGTH = 0x00020000
# What file-metadata-importer computes ``header.derived`` from: geometry, scan coverage, uptake time, scan depth
_DERIVED_FROM = frozenset(
    """AcquisitionTime EchoTime ImageOrientationPatient ImagePositionPatient ImageType InstanceNumber Modality
    NumberOfFrames PhysicalDeltaX PhysicalDeltaY PhysicalUnitsYDirection PixelSpacing RadiopharmaceuticalStartDateTime
    RadiopharmaceuticalStartTime RegionLocationMaxY1 RegionLocationMinY0 SeriesTime SequenceOfUltrasoundRegions
    SliceLocation SliceThickness SpacingBetweenSlices""".split()  # noqa: SIM905 - reads as a list of names
)


def agreed_header(
    header: Mapping[str, Any],
    decision: Decision,
    refused: Collection[int] = (),
    *,
    rewritten: Mapping[int, DataSet] | None = None,
    followed: Sequence[Assignment] = (),
) -> dict[str, Any]:
    """Return ``info.header`` as it describes the file that is stored.

    Parameters
    ----------
    header
        As the curator left it.
    decision
        Of :func:`~export_session.dicom.edits.find.find_edits` for this header.
    refused
        Which of ``decision.assignments`` could not be written, by number.
    rewritten
        The data sets of the instances that change, by index, as they will be.
    followed
        What was written because it refers to a UID that changed.

    Returns
    -------
    dict
        Values that were written stand as the importer would show them, mapped ones are in, and refused ones are
        what the importer would have made of the file.
    """
    record = _Record(deepcopy(dict(header)), decision, rewritten or {}, marks_of(header).likeliest)
    for one in decision.shown:
        _put(record.header, one.place, deepcopy(one.value))
    written, others = _parted(decision, refused)
    for edit in others:
        for place in edit.places:
            _put(record.header, place, deepcopy(edit.before))
    for edit in written:
        record.show(edit)
    for assignment in followed:
        record.show_followed(assignment, written)
    if any(_DERIVED_FROM & _names(edit) for edit in written):
        record.header.pop("derived", None)
    dicom = record.header.get("dicom")
    if isinstance(dicom, dict) and dicom:
        record.follow_meta(dicom)
    stated = any(edit.path[-1].tag == SPECIFIC_CHARACTER_SET for edit in written)
    changed = redeclared(decision.series.data_sets, record.rewritten, stated=stated)
    enter_texts(record.header, changed, decision.reference, decision.order, record.importer)
    if any(edit.path[-1].tag == INSTANCE_NUMBER for edit in written):
        record.sort_arrays()
    return record.header


def _parted(decision: Decision, refused: Collection[int]) -> tuple[list[Edit], list[Edit]]:
    """Part the edits into those that were written and the others."""
    written: list[Edit] = []
    others: list[Edit] = []
    number = 0  # among the assignments
    for edit in decision.edits:
        (others if edit.refused or number in refused else written).append(edit)
        number += not edit.refused
    return written, others


@dataclass(frozen=True)
class _Record:
    """``info.header`` on its way to agree with the bytes."""

    header: dict[str, Any]
    decision: Decision
    rewritten: Mapping[int, DataSet]
    importer: Importer
    items: dict[tuple[int, tuple[Step, ...], int], list[DataSet]] = field(default_factory=dict)

    def show(self, edit: Edit) -> None:
        """Enter a written value wherever the metadata shows it."""
        reference = self.decision.reference
        on_reference = edit.covers(reference)
        in_dicom = [place for place in (*edit.places, *_other_keys(self.header, edit)) if place[0] == "dicom"]
        if edit.cause is Cause.SLICE and on_reference and (shown := _in_dicom(self.header, edit.path)):
            in_dicom.append(shown)
        for place in in_dicom if on_reference else ():
            _put(self.header, place, self._of_edit(edit, reference, self.importer, nested=len(place) > 2))
        for place in edit.places:
            if place[0] != "dicom":
                _put(self.header, place, self._entry(edit, min(edit.instances or {reference})))
        self._show_in_arrays(edit)

    def show_followed(self, one: Assignment, written: Sequence[Edit]) -> None:
        """Enter a UID that follows another one wherever the metadata shows it; items may have come or gone there."""
        path = _moved(one.path, [(edit.path, edit.difference.value) for edit in written])
        if path is None:
            return
        one = replace(one, path=path)
        reference, covered = self.decision.reference, one.instances or frozenset()
        if reference in covered and (place := _in_dicom(self.header, one.path)):
            made = self._as_imported(one.path, one.value, reference, self.importer, nested=len(place) > 2)
            _put(self.header, place, made)
        arrays = self.header.get("dicom_array")
        for text, entries in arrays.items() if isinstance(arrays, Mapping) and len(one.path) == 1 else ():
            if (key := key_of(text)) and key.is_like(one.path[0].key) and isinstance(entries, list):
                shown = range(len(entries)) if self.decision.series.is_multiframe else self.decision.order
                for index, member in enumerate(shown[: len(entries)]):
                    if self.decision.series.is_multiframe or member in covered:
                        entries[index] = one.value

    def sort_arrays(self) -> None:
        """Put the entries of ``dicom_array`` in the order that new InstanceNumbers give, as the importer would."""
        series, arrays = self.decision.series, self.header.get("dicom_array")
        before, after = self.decision.order, series.order_of(self.rewritten)
        if before != series.order or after == before or series.is_multiframe or not isinstance(arrays, dict):
            return
        places = [before.index(member) for member in after]
        for text, entries in arrays.items():
            if isinstance(entries, list) and len(entries) == len(places):
                arrays[text] = [entries[place] for place in places]

    def follow_meta(self, dicom: dict[str, Any]) -> None:
        """Enter the length of the file meta information, which follows the UIDs in it."""
        data_set = self.rewritten.get(self.decision.reference)
        length = data_set.at(_META_LENGTH) if data_set else None
        if length and "FileMetaInformationGroupLength" in dicom:
            dicom["FileMetaInformationGroupLength"] = project(length)

    def _show_in_arrays(self, edit: Edit) -> None:
        """Enter a value in ``dicom_array`` for every instance, or frame, that it was written to."""
        arrays = self.header.get("dicom_array")
        if not isinstance(arrays, Mapping) or edit.cause is Cause.SLICE:
            return
        has_items = isinstance(edit.difference.value, Items)
        for text, entries in arrays.items():
            key = key_of(text)
            if key and has_items and self.decision.series.is_multiframe and isinstance(entries, list):
                self._show_frames(key, entries, edit)
                continue
            if key is None or not key.is_like(edit.difference.keys[-1]) or not isinstance(entries, list):
                continue
            if self.decision.series.is_multiframe:
                for frame in _frames(edit, len(entries)):
                    entries[frame] = self._entry(edit, self.decision.reference)
            elif len(edit.path) == 1:
                for index, member in enumerate(self.decision.order[: len(entries)]):
                    if member in self.decision.series.data_sets and edit.covers(member):
                        entries[index] = self._entry(edit, member)

    def _show_frames(self, key: Key, entries: list[Any], edit: Edit) -> None:
        """Enter what the frames hold where items of their sequences came or went."""
        main = self.rewritten.get(self.decision.reference)
        groups = main.at(PER_FRAME_GROUPS) if main and key.name in _names(edit) else None
        for index, frame in enumerate(groups.items() if main and groups else ()):
            if main and index in _frames(edit, len(entries)):
                value = frame_data_set(key, frame, index, main)[0].get(key)
                made = project(value, IMPORTERS[0]) if value else ABSENT
                entries[index] = None if made is ABSENT else made

    def _entry(self, edit: Edit, member: int) -> Any:
        """Return the entry of an array: only file-metadata-importer, the first of the importers, makes any."""
        made = self._of_edit(edit, member, IMPORTERS[0], nested=True)
        return None if made in (ABSENT, "") else made

    def _of_edit(self, edit: Edit, member: int, importer: Importer, *, nested: bool) -> Any:
        """Return what an importer would show of an edited element; items that nobody touched stay as they are."""
        items = edit.difference.value
        made = self._as_imported(edit.path, edit.difference.wanted, member, importer, nested=nested)
        if not isinstance(items, Items) or not isinstance(made, list):
            return made
        pairs = zip(items.items, items.asked, made, strict=True)
        return [deepcopy(shown) if _is_untouched(item) else one for item, shown, one in pairs]

    def _as_imported(
        self, path: tuple[Step, ...], wanted: Any, member: int, importer: Importer, *, nested: bool
    ) -> Any:
        """Return what an importer would show of the new bytes; what it would lose is shown as it is."""
        value = self._new_value(member, path)
        if value is None:
            return deepcopy(wanted)
        return as_imported(value, importer, nested=nested)

    def _new_value(self, member: int, path: tuple[Step, ...]) -> Value | None:
        """Return an element as it will be; the items of each sequence are read but once."""
        data_set = self.rewritten.get(member)
        for depth, step in enumerate(path[:-1]):
            place = (member, path[:depth], step.tag)
            if data_set and place not in self.items:
                sequence = data_set.get(step.key)
                self.items[place] = list(sequence.items()) if sequence and sequence.is_sequence else []
            items, number = self.items.get(place, []), step.item or 0
            data_set = items[number] if number < len(items) else None
        return data_set.get(path[-1].key) if data_set else None


def _moved(path: tuple[Step, ...], edits: Sequence[tuple[tuple[Step, ...], Any]]) -> tuple[Step, ...] | None:
    """Return where an element is once sequences have other items; None where its own item went."""
    for way, value in edits:
        depth = len(way) - 1
        if not isinstance(value, Items) or len(path) <= depth + 1 or path[:depth] != way[:depth]:
            continue
        if path[depth].key != way[depth].key:
            continue
        kept = {one.number: (n, one) for n, one in enumerate(value.items) if isinstance(one, KeptItem)}
        if path[depth].item not in kept:
            return None
        number, item = kept[path[depth].item or 0]
        within = _moved(path[depth + 1 :], [(one.path, one.value) for one in item.values])
        return None if within is None else (*path[:depth], replace(path[depth], item=number), *within)
    return path


def _is_untouched(item: KeptItem | NewItem) -> bool:
    return isinstance(item, KeptItem) and not item.values


def _names(edit: Edit) -> set[str]:
    """Name the elements that an edit concerns, those in whole items included."""
    names = {key.name for key in edit.difference.keys}
    nodes = [edit.difference.old, edit.difference.wanted] if isinstance(edit.difference.value, Items) else []
    while nodes:
        node = nodes.pop()
        names |= node.keys() if isinstance(node, Mapping) else set()
        nodes += node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    return names


def _other_keys(agreed: Mapping[str, Any], edit: Edit) -> list[HeaderPath]:
    """Return further keys of ``dicom`` that name the same element in another spelling."""
    dicom = agreed.get("dicom")
    if edit.cause is Cause.SLICE or len(edit.path) > 1 or not isinstance(dicom, Mapping):
        return []
    key = edit.difference.keys[0]
    return [("dicom", text) for text in dicom if (other := key_of(text)) and other.is_like(key)]


def _in_dicom(agreed: Mapping[str, Any], path: Sequence[Step]) -> HeaderPath | None:
    """Return where ``dicom`` shows an element, None when it does not."""
    place: list[str | int] = ["dicom"]
    node: Any = agreed.get("dicom")
    for step in path:
        shown = node if isinstance(node, Mapping) else {}
        text = next((text for text in shown if (other := key_of(text)) and other.is_like(step.key)), None)
        if text is None:
            return None
        place.append(text)
        node = node[text]
        if isinstance(node, list) and step.item is not None:
            if step.item >= len(node):
                return None
            place.append(step.item)
            node = node[step.item]
        elif step.item:
            return None  # only the first item is shown
        if step.item is not None and not isinstance(node, Mapping):
            return None
    return tuple(place)


def _frames(edit: Edit, frames: int) -> range:
    """Return the frames whose entry an edit in the main set or in a frame's item changes."""
    if len(edit.path) == 1:
        return range(frames)
    first = edit.path[0]
    if first.tag == PER_FRAME_GROUPS and first.item is not None and first.item < frames:
        return range(first.item, first.item + 1)
    return range(0)


def _put(header: dict[str, Any], place: HeaderPath, value: Any) -> None:
    """Set the value at a place, or remove its key where the value is ABSENT."""
    node: Any = header
    for step in place[:-1]:
        node = node[step] if isinstance(step, int) else node.setdefault(step, {})
    if value is not ABSENT:
        node[place[-1]] = value
    elif isinstance(node, dict):
        node.pop(place[-1], None)
