"""Make ``info.header`` agree with the bytes that are stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any

from export_session.dicom.dictionary import IDENTITIES, Key, key_of, vr_in_dictionary
from export_session.dicom.edits.edit import Decision, Edit, HeaderPath
from export_session.dicom.edits.importers import ABSENT, PER_FRAME_GROUPS, marks_of
from export_session.dicom.vocabulary import Cause

UNICODE = "ISO_IR 192"

# file meta elements that follow an element of the data set (PS3.10 §7.1)
_FOLLOWED = {"SOPInstanceUID": "MediaStorageSOPInstanceUID", "SOPClassUID": "MediaStorageSOPClassUID"}


def agreed_header(
    header: Mapping[str, Any],
    decision: Decision,
    refused: Collection[int] = (),
    *,
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
    re_declared
        Whether the reference instance got another Specific Character Set.

    Returns
    -------
    dict
        Values that were written stand as the curator wrote them, mapped ones are in, and refused ones are
        what the importer would have made of the file.
    """
    agreed: dict[str, Any] = deepcopy(dict(header))
    written, others = _parted(decision, refused)
    for edit in others:
        for place in edit.places:
            _put(agreed, place, deepcopy(edit.before))
    for edit in written:
        _show(agreed, edit, decision)
    dicom = agreed.get("dicom")
    if re_declared and isinstance(dicom, dict) and dicom:
        dicom["SpecificCharacterSet"] = marks_of(header).likeliest.of_charset(UNICODE)
    return agreed


def _parted(decision: Decision, refused: Collection[int]) -> tuple[list[Edit], list[Edit]]:
    """Part the edits into those that were written and the others."""
    written: list[Edit] = []
    others: list[Edit] = []
    number = 0  # among the assignments
    for edit in decision.edits:
        (others if edit.refused or number in refused else written).append(edit)
        number += not edit.refused
    return written, others


def _show(agreed: dict[str, Any], edit: Edit, decision: Decision) -> None:
    """Enter a written value wherever the metadata shows it."""
    value = edit.difference.wanted
    on_reference = edit.covers(decision.reference)
    for place in (*edit.places, *_other_keys(agreed, edit)):
        if place[0] != "dicom" or on_reference:
            _put(agreed, place, deepcopy(value))
    if edit.cause is Cause.SLICE and on_reference:
        shown = _in_dicom(agreed, edit)
        if shown:
            _put(agreed, shown, deepcopy(value))
    _show_in_arrays(agreed, edit, decision)
    if edit.difference.vr == "UI" and on_reference:
        _follow_uid(agreed.get("dicom"), edit)


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


def _show_in_arrays(agreed: Mapping[str, Any], edit: Edit, decision: Decision) -> None:
    """Enter a value in ``dicom_array`` for every instance, or frame, that it was written to."""
    arrays = agreed.get("dicom_array")
    if not isinstance(arrays, Mapping) or edit.cause is Cause.SLICE:
        return
    for text, entries in arrays.items():
        key = key_of(text)
        if key is None or not key.is_like(edit.difference.keys[-1]) or not isinstance(entries, list):
            continue
        if decision.series.is_multiframe:
            for frame in _frames(edit, len(entries)):
                entries[frame] = deepcopy(edit.difference.wanted)
        elif len(edit.path) == 1:
            for index, member in enumerate(decision.order[: len(entries)]):
                if member in decision.series.data_sets and edit.covers(member):
                    entries[index] = deepcopy(edit.difference.wanted)


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


def _put(header: dict[str, Any], place: HeaderPath, value: Any) -> None:
    """Set the value at a place, or remove its key where the value is ABSENT."""
    node: Any = header
    for step in place[:-1]:
        node = node[step] if isinstance(step, int) else node.setdefault(step, {})
    if value is not ABSENT:
        node[place[-1]] = value
    elif isinstance(node, dict):
        node.pop(place[-1], None)
