"""To which instances and frames other items of a sequence go: to those alone in which the same items are meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet
from export_session.dicom.edits.compare import Comparison
from export_session.dicom.edits.difference import Difference, Finding
from export_session.dicom.edits.edit import Edit
from export_session.dicom.edits.explain import imported_items
from export_session.dicom.edits.importers import PER_FRAME_GROUPS
from export_session.dicom.edits.reach import FIRST_FRAME, not_written_to
from export_session.dicom.edits.series import Series
from export_session.dicom.entities import entity_of
from export_session.dicom.vocabulary import Step

_VARYING = (
    "the instances of the file differ in this sequence, so which of their items are meant is unclear: give the items "
    "of each instance in info.header.dicom_array"
)


@dataclass(frozen=True)
class ItemReach:
    """The instances of a file, each compared with the same metadata."""

    dicom: Mapping[str, Any]
    series: Series
    reference: int
    comparison: Comparison

    def findings(self, text: str, index: int) -> Iterator[Finding]:
        """Yield what differs between the value of a key and an instance."""
        reading = imported_items(self.series, self.comparison.marks, index)
        comparison = replace(self.comparison, imported=reading)
        return comparison.of_data_set({text: self.dicom[text]}, self.series.data_sets[index])

    def spread(self, edit: Edit) -> Iterator[Edit]:
        """Write other items of a sequence to all instances and frames where the same is to be done, or refuse it."""
        edit = self._over_instances(edit)
        shown = self.dicom[str(edit.places[0][1])]
        if edit.refused or edit.path[0].tag != PER_FRAME_GROUPS or not isinstance(shown, Mapping):
            yield edit
            return
        twins = [self._twin_in_frame(edit, shown, frame, data_set) for frame, data_set in self._other_frames()]
        if all(twin and _is_same(twin, edit.difference) for twin in twins):
            yield edit
            yield from (replace(edit, difference=twin, places=()) for twin in twins if twin)
        else:
            yield edit.warn(FIRST_FRAME)

    def _over_instances(self, edit: Edit) -> Edit:
        """Write items to the instances of the entity that their sequence describes; where there is none, to all."""
        entity = entity_of(edit.path) if self.comparison.options.edit_varying == "auto" else None
        members = self.series.those_of(entity, self.reference) if entity else frozenset(self.series.indices)
        left = [index for index in self.series.indices if index not in members]
        if left and entity:
            edit = edit.warn(not_written_to(left, entity))
        key = edit.difference.keys[0]
        for together in self.series.distinct(key):
            group = [index for index in together if index in members]
            if not group or self.reference in group:
                continue
            found = [one for one in self.findings(str(edit.places[0][1]), group[0]) if isinstance(one, Difference)]
            twin = _twin(found, edit.path)
            is_damaged = all(self.series.members[i].problem for i in group)
            if is_damaged and self.series.data_sets[group[0]].get(key) is None:
                continue  # it may be in the part that is damaged
            if not any(_meet(one.path, edit.path) for one in found):
                left += group  # they hold these items already
            elif twin is None or not _is_same(twin, edit.difference):
                return edit.refuse((twin and twin.refusal) or _VARYING)
        return replace(edit, instances=frozenset(self.series.indices).difference(left)) if left else edit

    def _other_frames(self) -> Iterator[tuple[int, DataSet]]:
        groups = self.series.data_sets[self.reference].at(PER_FRAME_GROUPS)
        yield from list(enumerate(groups.items() if groups else ()))[1:]

    def _twin_in_frame(self, edit: Edit, shown: Mapping[str, Any], frame: int, data_set: DataSet) -> Difference | None:
        """Return what a frame asks for if it is compared with what the metadata show of the first one."""
        first, *rest = edit.path
        found = self.comparison.of_data_set(shown, data_set, ((edit.difference.keys[0], frame),))
        return _twin((one for one in found if isinstance(one, Difference)), (replace(first, item=frame), *rest))


def _twin(found: Iterable[Difference], path: Sequence[Step]) -> Difference | None:
    return next((one for one in found if tuple(one.path) == tuple(path)), None)


def _is_same(twin: Difference, one: Difference) -> bool:
    """Whether the same is to be done to the same items, as far as the metadata show them."""
    return bool(twin.value == one.value and twin.old == one.old)


def _meet(one: Sequence[Step], other: Sequence[Step]) -> bool:
    """Whether one of two ways is the way to the other, or they are the same."""
    short = min(len(one), len(other)) - 1
    return one[:short] == other[:short] and one[short].key == other[short].key
