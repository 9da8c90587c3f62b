"""To which instances and frames an edit goes that ``header.dicom`` shows of one instance, of one frame."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.binary.items import exact_items
from export_session.dicom.edits.edit import Edit
from export_session.dicom.edits.equality import same
from export_session.dicom.edits.importers import PER_FRAME_GROUPS
from export_session.dicom.edits.projection import as_json
from export_session.dicom.edits.series import Reference, Series
from export_session.dicom.entities import Entity, entity_of
from export_session.dicom.vocabulary import Options, Step

_VARYING = (
    "the instances of the file differ in this element: edit single instances in info.header.dicom_array, "
    "or set edit_varying to all"
)
_OTHER_ITEMS = (
    "this sequence has another number of items in other instances, so which item is meant there cannot be told: make "
    "them alike first, or set edit_varying to all"
)
FIRST_FRAME = "written to the first frame alone, the only one that the metadata show; other frames hold other values"


def spread(edit: Edit, series: Series, reference: Reference, options: Options) -> Iterator[Edit]:
    """Write an edit to all instances, and frames, that it can be meant for, or refuse it with ``edit_varying``."""
    if edit.refused:
        yield edit
        return
    entity = entity_of(edit.path) if options.edit_varying == "auto" else None
    if entity:
        yield _over_entity(edit, entity, series, reference)
    else:
        yield from _over_frames(_over_instances(edit, series, options), series.data_sets[reference.index])


def _over_entity(edit: Edit, entity: Entity, series: Series, reference: Reference) -> Edit:
    """Write an edit to all instances of the entity that its element describes, whatever they hold."""
    members, groups = series.those_of(entity, reference.index), series.distinct(edit.difference.keys[0])
    if len(groups) == 1 and len(members) == len(series.indices):
        return edit
    shape = _shape(series.data_sets[reference.index], edit.path)
    written: set[int] = set()
    apart: set[int] = set()  # of another entity, with another value
    lacking: set[int] = set()  # without the item in which the element would lie
    for group in groups:
        data_set = series.data_sets[group[0]]
        found, value = leaf(data_set, edit.path)
        holds_it = value is not None and same(as_json(value), edit.difference.wanted, value.vr)
        if holds_it and reference.index not in group:
            continue
        inside = members.intersection(group)
        if found and inside and _shape(data_set, edit.path) != shape:
            return edit.refuse(_OTHER_ITEMS)
        reached = {i for i in inside if found or series.members[i].problem}  # it may be in the part that is damaged
        written |= reached
        lacking |= inside - reached
        apart |= set(group) - members if found else set()
    if lacking:
        edit = edit.warn(f"not written to {_counted(lacking)} without this item")
    if apart:
        edit = edit.warn(not_written_to(apart, entity))
    return replace(edit, instances=None if len(written) == len(series.indices) else frozenset(written))


def not_written_to(apart: Collection[int], entity: Entity) -> str:
    """Say which instances an edit passes by."""
    return f"not written to {_counted(apart)} of another {entity}"


def _counted(instances: Collection[int]) -> str:
    return f"{len(instances):,} instance{'s' * (len(instances) != 1)}"


def _over_instances(edit: Edit, series: Series, options: Options) -> Edit:
    """Write an edit to all instances if all that hold another value hold the same one."""
    groups = series.distinct(edit.difference.keys[0])
    if len(groups) == 1:
        return edit
    left: list[int] = []
    varying = False
    for group in groups:
        found, value = leaf(series.data_sets[group[0]], edit.path)
        if value is None and all(series.members[i].problem for i in group):
            continue  # it may be in the part that is damaged
        holds_it = value is not None and same(as_json(value), edit.difference.wanted, value.vr)
        varying = varying or not (holds_it or (found and _hold_same(value, edit.difference.in_file)))
        left += group if holds_it or not found else []
    if varying and options.edit_varying != "all":
        return edit.refuse(_VARYING)
    return replace(edit, instances=frozenset(series.indices).difference(left)) if left else edit


def _over_frames(edit: Edit, data_set: DataSet) -> Iterator[Edit]:
    """Write an edit of the first frame, the only one that the metadata show, to all frames that hold the same."""
    first, *rest = edit.path
    shown_alone = not any(isinstance(step, int) for step in edit.places[0][:3])
    if edit.refused or first.tag != PER_FRAME_GROUPS or not rest or not shown_alone:
        yield edit
        return
    groups = data_set.at(PER_FRAME_GROUPS)
    paths = [(replace(first, item=frame), *rest) for frame, _ in enumerate(groups.items() if groups else ())][1:]
    found = [leaf(data_set, path) for path in paths]
    if all(there and _hold_same(value, edit.difference.in_file) for there, value in found):
        yield edit
        for path, (_, value) in zip(paths, found, strict=True):
            yield replace(edit, difference=replace(edit.difference, path=path, in_file=value), places=())
    else:
        yield edit.warn(FIRST_FRAME)


def _shape(data_set: DataSet, path: Sequence[Step]) -> list[int]:
    """Return how many items the sequences have that lead to an element."""
    shape: list[int] = []
    for step in path[:-1]:
        sequence = data_set.get(step.key)
        try:
            shape.append(len(exact_items(sequence.raw, sequence.items_syntax)) if sequence else 0)
            item = sequence.item(step.item or 0) if sequence and sequence.is_sequence else None
        except Malformed:
            item = None
        if item is None:
            break
        data_set = item
    return shape


def leaf(data_set: DataSet, path: Sequence[Step]) -> tuple[bool, Value | None]:
    """Return whether the data set that should hold an element is there, and the element."""
    holder = data_set.below((step.key, step.item) for step in path[:-1])
    return (False, None) if holder is None else (True, holder.get(path[-1].key))


def _hold_same(one: Value | None, other: Value | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.raw == other.raw and one.data_set.codecs == other.data_set.codecs) or same(
        as_json(one), as_json(other), one.vr
    )
