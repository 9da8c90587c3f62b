"""The instances of a file as the importers saw them: in which order, and which one they described."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any

from export_session.dicom.binary.dataset import DataSet, main_data_set
from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.dictionary import SOP_INSTANCE_UID, Key
from export_session.dicom.edits.belonging import TOLD_BY, Belonging
from export_session.dicom.edits.equality import as_number, is_empty, same
from export_session.dicom.edits.importers import FAITHFUL, Importer
from export_session.dicom.edits.importers.importer import by_path
from export_session.dicom.edits.importers.shown import can_be_part_of
from export_session.dicom.entities import Entity

if TYPE_CHECKING:
    from export_session.dicom.edits.importers.reading.rereading import Rereading

INSTANCE_NUMBER = 0x00200013
NUMBER_OF_FRAMES = 0x00280008

_ORDERS_MAX = 20  # of members that may be empty
_NAMES_OF_INSTANCE = ("SOPInstanceUID", "MediaStorageSOPInstanceUID")


Reread = Callable[[int], "Rereading | None"]  # what the importer makes of a member; None where it cannot be had


@dataclass(frozen=True)
class Reference:
    """The instance that ``header.dicom`` describes."""

    index: int
    is_named: bool  # whether the header says so; else it is the likeliest of several


@dataclass(frozen=True)
class Series:
    """All members of a file; an index is always one into ``members``."""

    members: tuple[Instance, ...]
    reread: Reread = lambda _index: None  # gives no second opinion

    @cached_property
    def indices(self) -> tuple[int, ...]:
        """The members that are DICOM instances."""
        return tuple(i for i, member in enumerate(self.members) if member.kind is Kind.INSTANCE)

    @cached_property
    def data_sets(self) -> Mapping[int, DataSet]:
        """The main data set of each instance."""
        return {i: main_data_set(self.members[i]) for i in self.indices}

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The order of file-metadata-importer: by path, then by InstanceNumber, those without one first.

        Every member takes part, also what is no DICOM.
        """
        return tuple(FAITHFUL.order(self.members, self._numbers))

    def order_of(self, rewritten: Mapping[int, DataSet]) -> tuple[int, ...]:
        """Return the same order once instances are rewritten, by index."""
        new = {i: _sort_key(_instance_number(data_set)) for i, data_set in rewritten.items()}
        return tuple(FAITHFUL.order(self.members, {**self._numbers, **new}))

    @cached_property
    def _numbers(self) -> Mapping[int, tuple[int, float]]:
        return {i: _sort_key(_instance_number(data_set)) for i, data_set in self.data_sets.items()}

    @cached_property
    def _order_by_importer(self) -> tuple[int, ...]:
        """The same order where the importer reads numbers in members that are damaged, or no instances to others."""
        odd = [i for i, member in enumerate(self.members) if member.problem]
        read = {i: rereading.array_entry("InstanceNumber") for i in odd if (rereading := self.reread(i))}
        return tuple(FAITHFUL.order(self.members, {**self._numbers, **{i: _sort_key(n) for i, n in read.items()}}))

    def orders(self, entries: int) -> Iterator[tuple[int, ...]]:
        """Yield the orders that a ``dicom_array`` of so many entries can have, the likeliest first."""
        found: set[tuple[int, ...]] = set()
        for order in self._whole_orders():
            for shorter in self._without_empty_members(order, entries):
                if shorter not in found:
                    found.add(shorter)
                    yield shorter

    def _whole_orders(self) -> Iterator[tuple[int, ...]]:
        yield self.order
        yield self._order_by_importer
        yield tuple(by_path(self.members))
        yield tuple(range(len(self.members)))

    def _without_empty_members(self, order: tuple[int, ...], entries: int) -> Iterator[tuple[int, ...]]:
        """Yield an order without as many of what is no DICOM as are too many: empty members do not take part."""
        surplus = len(order) - entries
        others = [i for i in order if i not in self.data_sets]
        if not 0 < surplus <= len(others):
            yield order
            return
        for left_out in islice(combinations(others, surplus), _ORDERS_MAX):
            yield tuple(i for i in order if i not in left_out)

    @property
    def is_multiframe(self) -> bool:
        """Whether the entries of ``dicom_array`` stand for frames instead of members."""
        return len(self.members) == len(self.indices) == 1 and NUMBER_OF_FRAMES in self.members[0].elements

    def reference(self, dicom: Mapping[str, Any]) -> Reference:
        """Find the instance that ``header.dicom`` describes.

        Its SOPInstanceUID tells; else it is the first one in the order of file-metadata-importer, if possible
        one that is not damaged.
        """
        named = [i for i in self.indices if any(self._is(i, dicom.get(keyword)) for keyword in _NAMES_OF_INSTANCE)]
        candidates = named or [i for i in self.order if i in self.data_sets]
        return Reference(min(candidates, key=lambda i: bool(self.members[i].problem)), len(named) == 1)

    def _is(self, index: int, uid: Any) -> bool:
        value = self.data_sets[index].at(SOP_INSTANCE_UID)
        return bool(uid and value and same(uid, FAITHFUL.of_value(value), "UI"))

    def headers_by(
        self, importer: Importer, dicom: Mapping[str, Any], reference: int, *, is_overlaid: bool
    ) -> Iterator[Mapping[str, Any]]:
        """Yield what an importer makes of the members that it may have described, by its own way of reading.

        Those are the first one in the importer's order of which it makes anything, which may be no instance to
        others, and the reference instance, which may be the one of an older header that shows through.

        Parameters
        ----------
        importer
            Whose header.
        dicom
            The metadata.
        reference
            The index of the reference instance.
        is_overlaid
            Whether a later importer has written over it, and over the name of its instance.
        """
        order = self._order_by_importer if importer.faithful else importer.order(self.members, {})
        first = next((index for index in order if self.header_by(importer, index)), reference)
        if first != reference and (is_overlaid or can_be_part_of(dicom, self.header_by(importer, first))):
            yield self.header_by(importer, first)
        yield self.header_by(importer, reference)

    def header_by(self, importer: Importer, index: int) -> Mapping[str, Any]:
        """Return what an importer makes of a member by its own way of reading; empty where that is unknown."""
        rereading = self.reread(index)
        return importer.header_in(rereading) if rereading else {}

    @cached_property
    def others(self) -> tuple[DataSet, ...]:
        """What can be read of members that are no instances, such as a DICOMDIR."""
        return tuple(main_data_set(member) for member in self.members if member.kind is not Kind.INSTANCE)

    @cached_property
    def identities(self) -> Mapping[int, Belonging]:
        """What each instance says of whose it is."""
        return {i: Belonging.of(data_set) for i, data_set in self.data_sets.items()}

    def those_of(self, entity: Entity, index: int) -> frozenset[int]:
        """Return the instances that belong to the same entity as one of them.

        A damaged one that does not come to say whose it is counts among them, so that no edit passes it by.
        """
        own, told_by = self.identities[index], TOLD_BY[entity]
        return frozenset(
            i
            for i, other in self.identities.items()
            if own.shares(entity, other) or (self.members[i].problem and told_by not in self.members[i].elements)
        )

    def distinct(self, key: Key) -> list[list[int]]:
        """Group the instances by the bytes of an element, and whatever else decides how these read."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for i, data_set in self.data_sets.items():
            in_file = data_set.get(key)
            groups.setdefault((in_file and in_file.element, data_set.codecs, data_set.signed), []).append(i)
        return list(groups.values())


def _instance_number(data_set: DataSet) -> Any:
    in_file = data_set.at(INSTANCE_NUMBER)
    return None if in_file is None or in_file.empty else FAITHFUL.of_value(in_file)


def _sort_key(value: Any) -> tuple[int, float]:
    """Sort as natural sort does: missing first, then by number; text that is no number last."""
    if is_empty(value):
        return (0, 0.0)
    number = as_number(value[0] if isinstance(value, list) else value)
    return (2, 0.0) if number is None else (1, number)
