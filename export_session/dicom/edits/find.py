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
from export_session.dicom.edits.importers import ABSENT, PER_FRAME_GROUPS, Marks, marks_of
from export_session.dicom.edits.importers.shown import is_part_of, shows, value_at
from export_session.dicom.edits.mapped import with_mapping
from export_session.dicom.edits.per_slice import slice_edits
from export_session.dicom.edits.projection import as_json, project
from export_session.dicom.edits.series import Reference, Reread, Series
from export_session.dicom.vocabulary import Cause, Options, Step
from export_session.errors import InvalidEdit, StaleMetadata

_DEPTH_MAX = 150  # levels of the metadata; sites store no more than 100
_IDENTITY = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "MediaStorageSOPInstanceUID")
_VARYING = (
    "the instances of the file differ in this element: edit single instances in info.header.dicom_array, "
    "or set edit_varying to all"
)
_OTHER_INSTANCE = "another instance of the file has this value"
_EARLIER = (
    "another instance of the file has this value, and the metadata may have it from an earlier import or from a "
    "person; that cannot be told, so the file keeps its value"
)
_OLDER = (
    "an older importer may have made this of the file's value, or a person may have typed it; that cannot be told, so "
    "the file keeps its value"
)
_NOT_READ = (
    "the file is damaged before this element, so it cannot be told whether a person added it; it is not exported"
)
_FIRST_FRAME = "written to the first frame alone, the only one that the metadata show; other frames hold other values"
_TWO_KEYS = "two keys of info.header.dicom name this element and disagree"
_CONFLICT = "info.header.dicom and info.header.dicom_array were both edited and disagree"


def find_edits(
    instances: Sequence[Instance],
    header: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    options: Options | None = None,
    reread: Reread | None = None,
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
    reread
        Gives a second opinion on a member, for what the quick comparison does not explain.

    Raises
    ------
    StaleMetadata
        The metadata belongs to another file.
    InvalidEdit
        The metadata is nested too deeply to be worked on.
    """
    _check_depth(header)
    series = Series(tuple(instances), reread) if reread else Series(tuple(instances))
    if not series.indices:
        return Decision(series)
    dicom, arrays = _mapping(header.get("dicom")), _mapping(header.get("dicom_array"))
    comparison = Comparison(marks_of(header), options or Options())
    reference = series.reference(dicom)
    _check_identity(dicom, series, comparison)

    scalars = list(_scalar_edits(dicom, series, reference, comparison))
    slices = slice_edits(arrays, series, comparison)
    edits = _reconciled([one for one in scalars if isinstance(one, Edit)], slices.edits, reference.index)
    decided, conflicts = with_mapping(edits, overrides or {}, header, series, comparison)
    notes = (*(one for one in scalars if isinstance(one, str)), *slices.notes, *conflicts)
    return Decision(series, reference.index, slices.order, tuple(decided), tuple(dict.fromkeys(notes)))


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
    unknown = [text for text in unknown if not _why_imported((text,), dicom[text], dicom, series, comparison.marks)]
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
    dicom: Mapping[str, Any], series: Series, reference: Reference, comparison: Comparison
) -> Iterator[Edit | str]:
    """Yield the edits in ``header.dicom``, and notes."""
    data_set = series.data_sets[reference.index]
    for text, value in dicom.items():
        key = key_of(text)
        findings = list(comparison.of_data_set({text: value}, data_set))
        differences = [one for one in findings if isinstance(one, Difference)]
        if key and findings and (reason := _why_imported((text,), value, dicom, series, comparison.marks)):
            yield from _doubt(key, reason)
            continue
        if key and findings and _describes_no_instance(key, value, series, comparison):
            continue
        if key and differences and (reason := _other_explanation(key, dicom, series, reference, comparison)):
            yield from _doubt(key, reason)
            continue
        yield from (one.text for one in findings if isinstance(one, Remark))
        for one in differences:
            path = path_in_header(dicom, one)
            if reason := _why_imported(path[1:], one.wanted, dicom, series, comparison.marks):
                yield from _doubt(one.keys[-1], reason)
                continue
            edit = Edit(one, Cause.EDIT, None, (path,), before(one.in_file, one.keys[-1], comparison.marks))
            yield from _spread(edit, series, reference, comparison.options)


def _doubt(key: Key, reason: str) -> Iterator[str]:
    """Note what cannot be told; that an importer made a value needs no word."""
    if reason is not _OTHER_INSTANCE:
        yield f"{key.name}: {reason}"


def _why_imported(path: HeaderPath, value: Any, dicom: Mapping[str, Any], series: Series, marks: Marks) -> str:
    """Say by which reading an importer itself puts a value at a place in ``header.dicom``; "" where none does.

    Where one that replaces what others left has a value for the place, no other can have made it. An older one
    that left no mark of its own may have, of another instance; but so may a person.
    """
    for importer in marks.possible:
        is_overlaid = any(one.replaces_others for one in marks.marked if one is not importer)
        headers = list(series.headers_by(importer, dicom, is_overlaid=is_overlaid))
        made = [value_at(header, path) for header in headers]
        if any(shows(one, value) for one in made):
            is_known = importer.faithful or importer in marks.marked
            return _OTHER_INSTANCE if is_known else _OLDER if shows(made[-1], value) else _EARLIER
        if importer.replaces_others and importer in marks.marked:
            written = [one for header, one in zip(headers, made, strict=True) if is_part_of(dicom, header)]
            if written and written[0] is not ABSENT:
                return ""
    return ""


def _describes_no_instance(key: Key, value: Any, series: Series, comparison: Comparison) -> bool:
    """Whether a value is that of a member which is no instance, such as a DICOMDIR that the importer read."""
    return any(other.get(key) and not any(comparison.of_values(key, value, other)) for other in series.others)


def _other_explanation(
    key: Key, dicom: Mapping[str, Any], series: Series, reference: Reference, comparison: Comparison
) -> str:
    """Say what else than an edit can have made a value that the reference instance does not explain.

    That another instance holds it explains it where the header does not name its instance, or where it may be
    left from an earlier header: never silently then.
    """
    member, in_file = series.members[reference.index], series.data_sets[reference.index].get(key)
    behind = in_file is None and member.unread and key.tag > max(member.elements, default=0)
    readers = comparison.marks.possible if behind else ()
    if behind and not any(any(series.headers_by(one, dicom, is_overlaid=False)) for one in readers):
        return _NOT_READ  # nor did any importer
    others = (group[0] for group in series.distinct(key) if reference.index not in group)
    if not any(_is_explained(key, dicom[key.text], series.data_sets[i], comparison) for i in others):
        return ""
    if not reference.is_named:
        return _OTHER_INSTANCE
    return "" if comparison.marks.overwrote(in_file, key) else _EARLIER


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


def _spread(edit: Edit, series: Series, reference: Reference, options: Options) -> Iterator[Edit]:
    """Write an edit to all instances, and frames, that it can be meant for, or refuse it with ``edit_varying``."""
    if edit.refused:
        yield edit
        return
    yield from _over_frames(_over_instances(edit, series, options), series.data_sets[reference.index])


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
    if varying and options.edit_varying == "refuse":
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
        yield edit.warn(_FIRST_FRAME)


def leaf(data_set: DataSet, path: Sequence[Step]) -> tuple[bool, Value | None]:
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
    return (one.raw == other.raw and one.data_set.codecs == other.data_set.codecs) or same(
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
