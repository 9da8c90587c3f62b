"""Decide which values a person edited, and what is to be written to which instances.

``info.header`` is a lossy picture that one of several importers drew of one instance. A value counts as
edited only when no importer would have made it from the bytes of that instance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from export_session.dicom.binary.instance import Instance
from export_session.dicom.dictionary import Key, key_of
from export_session.dicom.edits.compare import Comparison, Difference, Remark
from export_session.dicom.edits.doubt import is_rebuilt_uid
from export_session.dicom.edits.edit import Decision, Edit, HeaderPath
from export_session.dicom.edits.equality import is_empty
from export_session.dicom.edits.explain import Explanation, Explanations
from export_session.dicom.edits.importers import ABSENT, Marks, marks_of
from export_session.dicom.edits.mapped import with_mapping
from export_session.dicom.edits.per_slice import slice_edits
from export_session.dicom.edits.projection import project
from export_session.dicom.edits.reach import spread
from export_session.dicom.edits.reach_items import ItemReach
from export_session.dicom.edits.reconcile import reconciled
from export_session.dicom.edits.series import Reference, Reread, Series
from export_session.dicom.vocabulary import Cause, Items, Options
from export_session.errors import InvalidEdit, StaleMetadata

_DEPTH_MAX = 150  # levels of the metadata; sites store no more than 100
_IDENTITY = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "MediaStorageSOPInstanceUID")


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
    _check_identity(dicom, series, reference, comparison)

    scalars = list(_scalar_edits(dicom, series, reference, comparison))
    slices = slice_edits(arrays, series, comparison)
    edits = reconciled([one for one in scalars if isinstance(one, Edit)], slices.edits, reference.index)
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


def _check_identity(dicom: Mapping[str, Any], series: Series, reference: Reference, comparison: Comparison) -> None:
    """Make sure that the metadata describes one of the instances.

    With ``edit_uids`` a UID that is in none of them may be an edit, as long as another one is known.
    """
    named = [(key, dicom[key.text]) for text in _IDENTITY if (key := key_of(text)) and not is_empty(dicom.get(text))]
    known = {key.text: _is_known(key, value, series, comparison) for key, value in named}
    unknown = [text for text, found in known.items() if found is False and not text.startswith("Media")]
    explanations = Explanations(dicom, series, reference, comparison)
    unknown = [text for text in unknown if not explanations.of_value((text,), dicom[text])]
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
        is_rebuilt_uid(value, in_file) or comparison.explains(key, value, data_set) for data_set, in_file in filled
    )


def _scalar_edits(
    dicom: Mapping[str, Any], series: Series, reference: Reference, comparison: Comparison
) -> Iterator[Edit | str]:
    """Yield the edits in ``header.dicom``, and notes."""
    explanations = Explanations(dicom, series, reference, comparison)
    reach = ItemReach(dicom, series, reference.index, comparison)
    for text in dicom:
        key = key_of(text)
        findings = list(reach.findings(text, reference.index))
        differences = [one for one in findings if isinstance(one, Difference)]
        if key and findings and (explained := explanations.of_key(key, differs=bool(differences))):
            yield from _noted(key, explained)
            continue
        yield from (one.text for one in findings if isinstance(one, Remark))
        for one in differences:
            path = path_in_header(dicom, one)
            if explained := explanations.of_value(path[1:], one.wanted):
                yield from _noted(one.keys[-1], explained)
            else:
                edit = Edit(one, Cause.EDIT, None, (path,), _before(one, comparison.marks))
                has_items = isinstance(one.value, Items)
                yield from reach.spread(edit) if has_items else spread(edit, series, reference, comparison.options)


def _noted(key: Key, explanation: Explanation) -> Iterator[str]:
    if explanation.note:
        yield f"{key.name}: {explanation.note}"


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


def _before(difference: Difference, marks: Marks) -> Any:
    """Return what the header's importer makes of an element, ABSENT where it stores nothing."""
    in_file, key = difference.in_file, difference.keys[-1]
    if in_file is None or not marks.likeliest.stores(in_file, key):
        return ABSENT
    return project(in_file, marks.likeliest)
