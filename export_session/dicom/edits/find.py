"""Decide which values a person edited, and what is to be written to which instances.

``info.header`` is a lossy picture that one of several importers drew of one instance. A value counts as
edited only when no importer would have made it from the bytes of that instance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from export_session.dicom.binary.instance import Instance
from export_session.dicom.dictionary import Key, key_of
from export_session.dicom.edits.compare import Comparison
from export_session.dicom.edits.difference import Difference, Remark, Restated
from export_session.dicom.edits.division import with_divisions_told
from export_session.dicom.edits.edit import Decision, Edit, HeaderPath, Shown
from export_session.dicom.edits.explain import Explanation, Explanations
from export_session.dicom.edits.identity import check_identity, is_repeated, of_one_instance, reference_of
from export_session.dicom.edits.importers import ABSENT, Marks, marks_of
from export_session.dicom.edits.importers.shown import value_at
from export_session.dicom.edits.mapped import with_mapping
from export_session.dicom.edits.per_slice import slice_edits
from export_session.dicom.edits.projection import project
from export_session.dicom.edits.reach import spread
from export_session.dicom.edits.reach_items import ItemReach
from export_session.dicom.edits.reconcile import reconciled
from export_session.dicom.edits.series import Reference, Reread, Series
from export_session.dicom.vocabulary import Cause, Items, Options
from export_session.errors import InvalidEdit

_DEPTH_MAX = 150  # levels of the metadata; sites store no more than 100


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
    reference = reference_of(dicom, series, comparison)
    check_identity(dicom, series, reference, comparison)

    scalars = list(_scalar_edits(dicom, series, reference, comparison))
    slices = slice_edits(arrays, series, comparison)
    edits = reconciled([one for one in scalars if isinstance(one, Edit)], slices.edits, reference.index)
    decided, conflicts = with_mapping(edits, overrides or {}, header, series, comparison)
    if comparison.options.edit_varying == "auto":
        decided = list(with_divisions_told(decided, series))
    shown = (*(one for one in scalars if isinstance(one, Shown)), *slices.shown)
    notes = (*(one for one in scalars if isinstance(one, str)), *slices.notes, *conflicts, *(one.note for one in shown))
    return Decision(series, reference.index, slices.order, tuple(decided), tuple(dict.fromkeys(notes)), shown)


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


def _scalar_edits(
    dicom: Mapping[str, Any], series: Series, reference: Reference, comparison: Comparison
) -> Iterator[Edit | Shown | str]:
    """Yield the edits in ``header.dicom``, what it shows otherwise than importers, and notes."""
    explanations = Explanations(dicom, series, reference, comparison)
    reach = ItemReach(dicom, series, reference.index, comparison)
    for text in dicom:
        if is_repeated(text, dicom, series, reference, comparison):
            continue
        key = key_of(text)
        findings = list(reach.findings(text, reference.index))
        differences = [one for one in findings if isinstance(one, Difference)]
        if key and findings and (explained := explanations.of_key(key, differs=bool(differences))):
            yield from _noted(key, explained)
            continue
        yield from (one.text for one in findings if isinstance(one, Remark))
        yield from (
            Shown(path_in_header(dicom, one.difference), _before(one.difference, comparison.marks))
            for one in findings
            if isinstance(one, Restated)
        )
        for one in differences:
            path = path_in_header(dicom, one)
            if explained := explanations.of_value(path[1:], value_at(dicom, path[1:])):
                yield from _noted(one.keys[-1], explained)
            elif one.was_typed and explanations.of_value(path[1:], one.wanted):
                yield Shown(path, one.wanted)
            else:
                edit = Edit(one, Cause.EDIT, None, (path,), _before(one, comparison.marks))
                edit = of_one_instance(edit, dicom, series, reference, comparison)
                if isinstance(one.value, Items):
                    yield from reach.spread(edit)
                else:
                    yield from [edit] if edit.instances else spread(edit, series, reference, comparison.options)


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
