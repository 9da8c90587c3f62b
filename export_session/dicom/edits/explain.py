"""What else than an edit can have made a value of ``header.dicom`` that its instance does not explain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from export_session.dicom.dictionary import Key
from export_session.dicom.edits.compare import Comparison
from export_session.dicom.edits.difference import Above, Imported
from export_session.dicom.edits.equality import ABSENT
from export_session.dicom.edits.importers import Importer, Marks
from export_session.dicom.edits.importers.shown import is_part_of, shows, value_at
from export_session.dicom.edits.series import Reference, Series
from export_session.dicom.vocabulary import HeaderPath

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


@dataclass(frozen=True)
class Explanation:
    """Why a value is no edit."""

    note: str = ""  # what a person should know; "" where it is certain that nobody edited anything


_IMPORTED = Explanation()


@dataclass(frozen=True)
class Explanations:
    """What is known of where the values of ``header.dicom`` come from."""

    dicom: Mapping[str, Any]
    series: Series
    reference: Reference
    comparison: Comparison

    def of_key(self, key: Key, *, differs: bool) -> Explanation | None:
        """Explain the value of a key as a whole; None where it cannot be.

        Parameters
        ----------
        key
            As the metadata spell it.
        differs
            Whether the reference instance holds another value; else there only is something to remark.
        """
        value = self.dicom[key.text]
        explanation = self.of_value((key.text,), value)
        if explanation is None and self._describes_no_instance(key, value):
            explanation = _IMPORTED
        return explanation or (self._of_other_instances(key, value) if differs else None)

    def of_value(self, path: HeaderPath, value: Any) -> Explanation | None:
        """Explain a value by what importers themselves put at its place, by their own way of reading.

        Where one that replaces what others left has a value for the place, no other can have made it. An older
        one that left no mark of its own may have, of another instance; but so may a person.
        """
        marks = self.comparison.marks
        for importer in marks.possible:
            is_overlaid = any(one.replaces_others for one in marks.marked if one is not importer)
            headers = list(self._headers_by(importer, is_overlaid=is_overlaid))
            *of_others, of_reference = [value_at(header, path) for header in headers]
            if shows(of_reference, value) or any(shows(one, value) for one in of_others):
                if importer.faithful or importer in marks.marked:
                    return _IMPORTED
                return Explanation(_OLDER if shows(of_reference, value) else _EARLIER)
            if importer.replaces_others and importer in marks.marked:
                made = zip(headers, (*of_others, of_reference), strict=True)
                written = [one for header, one in made if is_part_of(self.dicom, header)]
                if written and written[0] is not ABSENT:
                    return None
        return None

    def _headers_by(self, importer: Importer, *, is_overlaid: bool) -> Iterator[Mapping[str, Any]]:
        return self.series.headers_by(importer, self.dicom, self.reference.index, is_overlaid=is_overlaid)

    def _describes_no_instance(self, key: Key, value: Any) -> bool:
        """Whether a value is that of a member which is no instance, such as a DICOMDIR that the importer read."""
        others = (other for other in self.series.others if other.get(key))
        return any(not any(self.comparison.of_values(key, value, other)) for other in others)

    def _of_other_instances(self, key: Key, value: Any) -> Explanation | None:
        """Explain a value by another instance that holds it, or by damage that hides where it is from.

        Another instance explains it where the header does not name its own, or where it may be left from an
        earlier header: never silently then.
        """
        series, marks = self.series, self.comparison.marks
        member, in_file = series.members[self.reference.index], series.data_sets[self.reference.index].get(key)
        if in_file is None and member.unread and key.tag > max(member.elements, default=0):
            read_on = (any(self._headers_by(one, is_overlaid=False)) for one in marks.possible)
            if not any(read_on):
                return Explanation(_NOT_READ)
        others = (group[0] for group in series.distinct(key) if self.reference.index not in group)
        if not any(self.comparison.explains(key, value, series.data_sets[i]) for i in others):
            return None
        if not self.reference.is_named:
            return _IMPORTED
        return None if marks.overwrote(in_file, key) else Explanation(_EARLIER)


def imported_items(series: Series, marks: Marks, index: int) -> Imported:
    """Return what shows the items of a sequence of an instance as importers themselves read them."""

    def imported(key: Key, above: Above) -> list[Sequence[Any]]:
        headers = (series.header_by(importer, index) for importer in marks.makers if importer.lists_items)
        found = (_items_at(header, key, above) for header in headers)
        return [items for items in found if isinstance(items, list)]

    return imported


def _items_at(header: Mapping[str, Any], key: Key, above: Above) -> Any:
    """Return a sequence as a header shows it; one that it shows as a dict is its first item."""
    node: Any = header
    for passed, number in above:
        items = node.get(passed.name)
        shown = items if isinstance(items, list) else [items]
        node = shown[number] if number < len(shown) else None
        if not isinstance(node, Mapping):
            return None
    return node.get(key.name)
