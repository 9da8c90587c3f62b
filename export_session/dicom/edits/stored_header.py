"""Make ``info.header`` agree with the bytes that are stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.dictionary import IDENTITIES, SPECIFIC_CHARACTER_SET, Key, key_of, vr_in_dictionary
from export_session.dicom.edits.edit import Decision, Edit, HeaderPath
from export_session.dicom.edits.importers import (
    ABSENT,
    IMPORTERS,
    PER_FRAME_GROUPS,
    Importer,
    marks_of,
)
from export_session.dicom.edits.per_slice import frame_data_set
from export_session.dicom.edits.projection import project
from export_session.dicom.vocabulary import Cause, Items, KeptItem, NewItem, Step

UNICODE = "ISO_IR 192"

_META_LENGTH = 0x00020000
# What file-metadata-importer computes ``header.derived`` from: geometry, scan coverage, uptake time, scan depth
_DERIVED_FROM = frozenset(
    """AcquisitionTime EchoTime ImageOrientationPatient ImagePositionPatient ImageType InstanceNumber Modality
    NumberOfFrames PhysicalDeltaX PhysicalDeltaY PhysicalUnitsYDirection PixelSpacing RadiopharmaceuticalStartDateTime
    RadiopharmaceuticalStartTime RegionLocationMaxY1 RegionLocationMinY0 SeriesTime SequenceOfUltrasoundRegions
    SliceLocation SliceThickness SpacingBetweenSlices""".split()  # noqa: SIM905 - reads as a list of names
)

# file meta elements that follow an element of the data set (PS3.10 §7.1)
_FOLLOWED = {"SOPInstanceUID": "MediaStorageSOPInstanceUID", "SOPClassUID": "MediaStorageSOPClassUID"}


def agreed_header(
    header: Mapping[str, Any],
    decision: Decision,
    refused: Collection[int] = (),
    *,
    rewritten: Mapping[int, DataSet] | None = None,
    re_declared: bool = False,
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
    re_declared
        Whether the reference instance got another Specific Character Set.

    Returns
    -------
    dict
        Values that were written stand as the importer would show them, mapped ones are in, and refused ones are
        what the importer would have made of the file.
    """
    record = _Record(deepcopy(dict(header)), decision, rewritten or {}, marks_of(header).likeliest)
    written, others = _parted(decision, refused)
    for edit in others:
        for place in edit.places:
            _put(record.header, place, deepcopy(edit.before))
    for edit in written:
        record.show(edit)
    if any(_DERIVED_FROM & _names(edit) for edit in written):
        record.header.pop("derived", None)
    dicom = record.header.get("dicom")
    if isinstance(dicom, dict) and dicom:
        record.follow_meta(dicom)
        if re_declared:
            _declare(dicom, record.importer.of_multiplicity(UNICODE, SPECIFIC_CHARACTER_SET))
            dicom.setdefault("SpecificCharacterSet", UNICODE)
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
        if edit.cause is Cause.SLICE and on_reference and (shown := _in_dicom(self.header, edit)):
            in_dicom.append(shown)
        for place in in_dicom if on_reference else ():
            _put(self.header, place, self._as_imported(edit, reference, self.importer, nested=len(place) > 2))
        for place in edit.places:
            if place[0] != "dicom":
                _put(self.header, place, self._entry(edit, min(edit.instances or {reference})))
        self._show_in_arrays(edit)
        if edit.difference.vr == "UI" and on_reference:
            _follow_uid(self.header.get("dicom"), edit)

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
        made = self._as_imported(edit, member, IMPORTERS[0], nested=True)
        return None if made in (ABSENT, "") else made

    def _as_imported(self, edit: Edit, member: int, importer: Importer, *, nested: bool) -> Any:
        """Return what an importer would show of the new bytes; what it would lose is shown as it is."""
        value = self._new_value(member, edit.path)
        if value is None:
            return deepcopy(edit.difference.wanted)
        made = project(value, importer, lossless=True)
        if made is ABSENT:
            return ([] if value.is_sequence else "") if nested else ABSENT
        items = edit.difference.value
        if isinstance(items, Items) and isinstance(made, list):
            pairs = zip(items.items, edit.difference.wanted, made, strict=True)
            return [deepcopy(shown) if _is_untouched(item) else one for item, shown, one in pairs]
        return importer.of_multiplicity(made, value.tag)

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


def _in_dicom(agreed: Mapping[str, Any], edit: Edit) -> HeaderPath | None:
    """Return where ``dicom`` shows the element of a per-slice edit, None when it does not."""
    place: list[str | int] = ["dicom"]
    node: Any = agreed.get("dicom")
    for key, step in zip(edit.difference.keys, edit.path, strict=True):
        text = next((text for text in node if (other := key_of(text)) and other.is_like(key)), None)
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


def _follow_uid(dicom: Any, edit: Edit) -> None:
    """Enter a new UID also where the metadata shows the file's references to the old one."""
    old, new = edit.difference.old, edit.difference.wanted
    if not isinstance(dicom, dict) or not isinstance(old, str) or not old:
        return
    if len(edit.path) == 1:
        follower = _FOLLOWED.get(edit.difference.keys[0].name)
        if follower in dicom:
            dicom[follower] = new
    if old not in [dicom.get(Key("", tag).name) for tag in IDENTITIES]:  # while one keeps it, so do references
        _replace_uid(dicom, old, new)


def _replace_uid(node: Any, old: str, new: Any) -> None:
    if isinstance(node, list):
        for part in node:
            _replace_uid(part, old, new)
    elif isinstance(node, dict):
        for text, value in node.items():
            if isinstance(value, (list, dict)):
                _replace_uid(value, old, new)
            elif value == old and (key := key_of(text)) and vr_in_dictionary(key.tag) == "UI":
                node[text] = new


def _declare(node: Any, charset: Any) -> None:
    """Enter a new Specific Character Set wherever a data set or item has one."""
    for part in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
        _declare(part, charset)
    if isinstance(node, dict) and "SpecificCharacterSet" in node:
        node["SpecificCharacterSet"] = charset


def _put(header: dict[str, Any], place: HeaderPath, value: Any) -> None:
    """Set the value at a place, or remove its key where the value is ABSENT."""
    node: Any = header
    for step in place[:-1]:
        node = node[step] if isinstance(step, int) else node.setdefault(step, {})
    if value is not ABSENT:
        node[place[-1]] = value
    elif isinstance(node, dict):
        node.pop(place[-1], None)
