"""Decide which values a person edited, and what is to be written to which instances.

``info.header`` is a lossy picture that one of several importers drew of one instance. A value counts as
edited only when no importer would have made it from the bytes of that instance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from export_session.dicom.binary.instance import Instance
from export_session.dicom.dictionary import Key, key_of
from export_session.dicom.edits.authorship import attributed, is_corrected, nobodys_note, settled
from export_session.dicom.edits.compare import Comparison
from export_session.dicom.edits.difference import Difference, Remark, Restated
from export_session.dicom.edits.division import with_divisions_told
from export_session.dicom.edits.edit import Decision, Edit, Shown
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
from export_session.dicom.vocabulary import Cause, HeaderPath, Items, Options, Written, written_by_somebody
from export_session.errors import InvalidEdit

_DEPTH_MAX = 150  # levels of the metadata; sites store no more than 100


def find_edits(
    instances: Sequence[Instance],
    header: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    options: Options | None = None,
    reread: Reread | None = None,
    *,
    written: Written = written_by_somebody,
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
    written
        Tells who wrote a value last, where that is known; it is asked of edits and doubts alone.

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
    comparison = Comparison(marks_of(header), options or Options(), written=written)
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
    scalars = _Scalars(dicom, series, reference, comparison)
    for text in dicom:
        if not is_repeated(text, dicom, series, reference, comparison):
            yield from scalars.of_key(text)


@dataclass(frozen=True)
class _Scalars:
    """The values of ``header.dicom``, and what the instance that they describe holds."""

    dicom: Mapping[str, Any]
    series: Series
    reference: Reference
    comparison: Comparison

    @cached_property
    def _explanations(self) -> Explanations:
        return Explanations(self.dicom, self.series, self.reference, self.comparison)

    @cached_property
    def _reach(self) -> ItemReach:
        return ItemReach(self.dicom, self.series, self.reference.index, self.comparison)

    def of_key(self, text: str) -> Iterator[Edit | Shown | str]:
        """Yield what there is to say of the value of a key."""
        key, found = key_of(text), list(self._reach.findings(text, self.reference.index))
        differs = any(isinstance(one, Difference) for one in found)
        explained = self._explanations.of_key(key, differs=differs) if key and found else None
        if key and explained and not self._is_outweighed(explained, ("dicom", text)):
            yield from self._noted(key, explained, ("dicom", text))
            return
        findings = settled(found, lambda one: path_in_header(self.dicom, one.difference), self.comparison.written)
        yield from (one.text for one in findings if isinstance(one, Remark))
        yield from (
            Shown(path_in_header(self.dicom, one.difference), _before(one.difference, self.comparison.marks))
            for one in findings
            if isinstance(one, Restated)
        )
        for one in findings:
            if isinstance(one, Difference):
                yield from self._of_difference(one)

    def _of_difference(self, one: Difference) -> Iterator[Edit | Shown | str]:
        path = path_in_header(self.dicom, one)
        explained = self._explanations.of_value(path[1:], value_at(self.dicom, path[1:]))
        if explained and not self._is_outweighed(explained, path):
            yield from self._noted(one.keys[-1], explained, path)
        elif one.was_typed and self._explanations.of_value(path[1:], one.wanted):
            yield Shown(path, one.wanted)
        else:
            edit = Edit(one, Cause.EDIT, None, (path,), _before(one, self.comparison.marks))
            for known in attributed(edit, self.comparison.written):
                yield from [known] if isinstance(known, Shown) else self._spread(known)

    def _spread(self, edit: Edit) -> Iterator[Edit]:
        """Write an edit to all instances that it can be meant for."""
        edit = of_one_instance(edit, self.dicom, self.series, self.reference, self.comparison)
        if isinstance(edit.difference.value, Items):
            return self._reach.spread(edit)
        return iter([edit]) if edit.instances else spread(edit, self.series, self.reference, self.comparison.options)

    def _is_outweighed(self, explained: Explanation, path: HeaderPath) -> bool:
        """Whether an explanation leaves a doubt, and a person is known to have corrected the value."""
        return bool(explained.note) and is_corrected(path, self.comparison.written)

    def _noted(self, key: Key, explained: Explanation, path: HeaderPath) -> Iterator[str]:
        """Yield what a person should know of a value that something else than an edit explains."""
        if explained.note:
            yield nobodys_note(path, self.comparison.written) or f"{key.name}: {explained.note}"


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
