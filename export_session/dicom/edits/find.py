"""Decide which values a person edited, and what is to be written to which instances.

``info.header`` is a lossy picture that one of several importers drew of one instance. A value counts as
edited only when no importer would have made it from the bytes of any instance of the file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.binary.instance import Instance
from export_session.dicom.dictionary import Key, key_of
from export_session.dicom.edits.compare import Comparison, Difference, Remark, is_rebuilt_uid
from export_session.dicom.edits.edit import Decision, Edit, HeaderPath
from export_session.dicom.edits.equality import is_empty, same
from export_session.dicom.edits.importers import ABSENT, Marks, marks_of
from export_session.dicom.edits.mapped import with_mapping
from export_session.dicom.edits.per_slice import slice_edits
from export_session.dicom.edits.projection import as_json, project
from export_session.dicom.edits.series import Series
from export_session.dicom.vocabulary import Cause, Options, Step
from export_session.errors import InvalidEdit, StaleMetadata

_DEPTH_MAX = 150  # levels of the metadata; sites store no more than 100
_IDENTITY = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "MediaStorageSOPInstanceUID")
_VARYING = (
    "the instances of the file differ in this element: edit single instances in info.header.dicom_array, "
    "or set edit_varying to all"
)
_TWO_KEYS = "two keys of info.header.dicom name this element and disagree"
_CONFLICT = "info.header.dicom and info.header.dicom_array were both edited and disagree"


def find_edits(
    instances: Sequence[Instance],
    header: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    options: Options | None = None,
) -> Decision:
    """Find what is to be written.

    Parameters
    ----------
    instances
        All members of the file, those that are no DICOM included; instances in the decision are positions here.
    header
        The file's ``info["header"]``.
    overrides
        Values of Flywheel fields by keyword; a mapped value wins over an edit of the same element.
    options
        How edits are treated.

    Raises
    ------
    StaleMetadata
        The metadata belongs to another file.
    InvalidEdit
        The metadata is nested too deeply to be worked on.
    """
    _check_depth(header)
    series = Series(tuple(instances))
    if not series.indices:
        return Decision(series)
    dicom, arrays = _mapping(header.get("dicom")), _mapping(header.get("dicom_array"))
    comparison = Comparison(marks_of(header), options or Options())
    _check_identity(dicom, series, comparison)
    reference = series.reference(dicom)

    scalars = list(_scalar_edits(dicom, series, reference, comparison))
    slices = slice_edits(arrays, series, comparison)
    edits = _reconciled([one for one in scalars if isinstance(one, Edit)], slices.edits, reference)
    decided, conflicts = with_mapping(edits, overrides or {}, header, series, comparison)
    notes = (*(one for one in scalars if isinstance(one, str)), *slices.notes, *conflicts)
    return Decision(series, reference, slices.order, tuple(decided), tuple(dict.fromkeys(notes)))


def _check_depth(header: Mapping[str, Any]) -> None:
    level: list[Any] = [header]
    for _ in range(_DEPTH_MAX):
        level = [part for node in level for part in (node.values() if isinstance(node, Mapping) else node)]
        level = [node for node in level if isinstance(node, (Mapping, list))]
    if level:
        raise InvalidEdit(
            f"info.header is nested more than {_DEPTH_MAX} levels deep. Remove what is not DICOM from it."
        )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _check_identity(dicom: Mapping[str, Any], series: Series, comparison: Comparison) -> None:
    """Make sure that the metadata describes one of the instances.

    With ``edit_uids`` a UID that is in none of them may be an edit, as long as another one is known.
    """
    named = [(key, dicom[key.text]) for text in _IDENTITY if (key := key_of(text)) and not is_empty(dicom.get(text))]
    known = {key.text: _is_known(key, value, series, comparison) for key, value in named}
    unknown = [text for text, found in known.items() if found is False and not text.startswith("Media")]
    if unknown and not (comparison.options.edit_uids and True in known.values()):
        raise StaleMetadata(
            f"info.header describes another file: its {', '.join(unknown)} is in none of the instances of this one. "
            "Run the importer again on this file and repeat the edits, or, if a UID was edited on purpose, "
            "set edit_uids and leave at least one of the other UIDs as it is."
        )


def _is_known(key: Key, value: Any, series: Series, comparison: Comparison) -> bool | None:
    """Whether some instance has this UID; None where none has any."""
    data_sets = [series.data_sets[group[0]] for group in series.distinct(key)]
    filled = [(data_set, in_file) for data_set in data_sets if (in_file := data_set.get(key)) and not in_file.empty]
    if not filled:
        return None
    return any(
        is_rebuilt_uid(value, in_file) or _is_explained(key, value, data_set, comparison)
        for data_set, in_file in filled
    )


def _is_explained(key: Key, value: Any, data_set: DataSet, comparison: Comparison) -> bool:
    return not any(isinstance(one, Difference) for one in comparison.of_values(key, value, data_set))


def _scalar_edits(
    dicom: Mapping[str, Any], series: Series, reference: int, comparison: Comparison
) -> Iterator[Edit | str]:
    """Yield the edits in ``header.dicom``, and notes."""
    data_set = series.data_sets[reference]
    for text, value in dicom.items():
        key = key_of(text)
        findings = list(comparison.of_data_set({text: value}, data_set))
        yield from (one.text for one in findings if isinstance(one, Remark))
        differences = [one for one in findings if isinstance(one, Difference)]
        if key is None or not differences:
            continue
        others = (group[0] for group in series.distinct(key) if reference not in group)
        if any(_is_explained(key, value, series.data_sets[i], comparison) for i in others):
            continue
        for one in differences:
            place = path_in_header(dicom, one)
            edit = Edit(one, Cause.EDIT, None, (place,), before(one.in_file, one.keys[-1], comparison.marks))
            yield _spread(edit, series, comparison.options)


def path_in_header(dicom: Mapping[str, Any], difference: Difference) -> HeaderPath:
    """Return where ``header.dicom`` shows an element; a sequence shown as one dict takes no item number."""
    place: list[str | int] = ["dicom"]
    node: Any = dicom
    for key, step in zip(difference.keys, difference.path, strict=True):
        place.append(key.text)
        node = node.get(key.text) if isinstance(node, Mapping) else None
        if isinstance(node, list) and step.item is not None:
            place.append(step.item)
            node = node[step.item] if step.item < len(node) else None
    return tuple(place)


def before(in_file: Value | None, key: Key, marks: Marks) -> Any:
    """Return what the header's importer makes of an element, ABSENT where it stores nothing."""
    if in_file is None or not marks.likeliest.stores(in_file, key):
        return ABSENT
    return project(in_file, marks.likeliest)


def _spread(edit: Edit, series: Series, options: Options) -> Edit:
    """Write an edit to all instances where all hold the same old value; else that needs ``edit_varying``."""
    top = edit.difference.keys[0]
    groups = series.distinct(top)
    if edit.refused or len(groups) == 1:
        return edit
    reached: list[int] = []
    varying = False
    for group in groups:
        found, in_file = _leaf(series.data_sets[group[0]], edit.path)
        if in_file is None and all(series.members[i].problem for i in group):
            continue  # it may be in the part that is damaged
        varying = varying or not found or not _hold_same(in_file, edit.difference.in_file)
        reached += group if found else []
    if not varying:
        return edit
    if options.edit_varying == "refuse":
        return edit.refuse(_VARYING)
    return replace(edit, instances=None if len(reached) == len(series.indices) else frozenset(reached))


def _leaf(data_set: DataSet, path: Sequence[Step]) -> tuple[bool, Value | None]:
    """Return whether the data set that should hold an element is there, and the element."""
    for step in path[:-1]:
        sequence = data_set.get(Key("", step.tag, step.creator))
        try:
            item = sequence.item(step.item or 0) if sequence and sequence.is_sequence else None
        except Malformed:
            item = None
        if item is None:
            return False, None
        data_set = item
    return True, data_set.get(Key("", path[-1].tag, path[-1].creator))


def _hold_same(one: Value | None, other: Value | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.raw == other.raw and one.level.codecs == other.level.codecs) or same(
        as_json(one), as_json(other), one.vr
    )


def _reconciled(scalars: list[Edit], slices: Sequence[Edit], reference: int) -> list[Edit]:
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
    return edits


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
