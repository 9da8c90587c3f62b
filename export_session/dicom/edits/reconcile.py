"""Edits of one element in both ``header.dicom`` and ``dicom_array``, or under two keys: one wish, or a conflict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from export_session.dicom.edits.edit import Edit
from export_session.dicom.edits.equality import same
from export_session.dicom.vocabulary import Items, Step

_TWO_KEYS = "two keys of info.header.dicom name this element and disagree"
_CONFLICT = "info.header.dicom and info.header.dicom_array were both edited and disagree"


def reconciled(scalars: list[Edit], slices: Sequence[Edit], reference: int) -> list[Edit]:
    """Settle edits of one element in both ``dicom`` and ``dicom_array``."""
    scalars_of, slices_of = _by_path(scalars), _by_path(slices)
    edits = [one for path, group in slices_of.items() if path not in scalars_of for one in group]
    for path, group in scalars_of.items():
        rivals = slices_of.get(path, [])
        if any(not _agree(one, group[0]) for one in group[1:]):
            edits += (*rivals, *(one.refuse(_TWO_KEYS) for one in group))
            continue
        one = replace(group[0], places=tuple(place for twin in group for place in twin.places))
        edits += _settled(one, rivals, reference)
    return list(_apart(edits))


def _apart(edits: Sequence[Edit]) -> Iterator[Edit]:
    """Refuse edits of values in a sequence that gets other items at the same time."""
    changing = [edit.path for edit in edits if isinstance(edit.difference.value, Items)]
    met = [path for path in changing if any(_is_within(edit.path, path) for edit in edits)]
    for edit in edits:
        yield edit.refuse(_CONFLICT) if edit.path in met or any(_is_within(edit.path, path) for path in met) else edit


def _is_within(path: Sequence[Step], sequence: Sequence[Step]) -> bool:
    """Whether a path leads through a sequence."""
    last = len(sequence) - 1
    return len(path) > len(sequence) and path[:last] == sequence[:last] and path[last].key == sequence[last].key


def _by_path(edits: Sequence[Edit]) -> Mapping[tuple[Step, ...], list[Edit]]:
    groups: dict[tuple[Step, ...], list[Edit]] = defaultdict(list)
    for edit in edits:
        groups[edit.path].append(edit)
    return groups


def _settled(scalar: Edit, rivals: list[Edit], reference: int) -> list[Edit]:
    """Settle an edit in ``dicom`` with those of the same element in ``dicom_array``.

    The entry of the reference instance and the value in ``dicom`` are two pictures of one value: where they
    agree the array is the whole story, where both were edited and disagree neither is written.
    """
    twin = next((edit for edit in rivals if edit.covers(reference)), None)
    if twin and _agree(twin, scalar):
        shown = replace(twin, places=(*twin.places, *scalar.places))
        return [shown if edit is twin else edit for edit in rivals]
    if twin or (rivals and not scalar.refused and not all(_agree(edit, scalar) for edit in rivals)):
        conflict = replace(scalar, difference=replace(scalar.difference, refusal=_CONFLICT))
        return [*(edit.refuse(_CONFLICT) for edit in rivals), conflict]
    if scalar.refused:
        return [*rivals, scalar]
    return [replace(scalar, places=(*scalar.places, *(place for edit in rivals for place in edit.places)))]


def _agree(one: Edit, other: Edit) -> bool:
    return same(one.difference.wanted, other.difference.wanted, one.difference.vr)
