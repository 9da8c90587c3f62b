"""Sequences that are written anew with other elements in some of their items."""

from __future__ import annotations

from collections.abc import Mapping

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import write_item
from export_session.dicom.binary.items import exact_elements, exact_items
from export_session.dicom.binary.splice import rebuilt, with_value


class ExactSequence:
    """A sequence of which every byte is accounted for.

    Raises
    ------
    Malformed
        The value is not exactly a row of items.
    """

    def __init__(self, value: Value) -> None:
        self._value = value
        self._raw = value.element.value
        self._items = exact_items(self._raw, value.items_syntax)
        self._read: dict[int, DataSet] = {}

    def __len__(self) -> int:
        return len(self._items)

    def item(self, number: int) -> DataSet:
        """Return an item; it is read once.

        Raises
        ------
        Malformed
            It is not exactly a row of elements.
        """
        if number not in self._read:
            syntax = self._value.items_syntax
            elements = exact_elements(self._content(number), syntax)
            self._read[number] = self._value.data_set.nested(elements, syntax)
        return self._read[number]

    def with_elements(self, new: Mapping[int, Mapping[int, bytes]]) -> bytes:
        """Return the element with new elements in some items, by number and tag; lengths keep their form."""
        parts = [
            self._rewritten(number, new[number]) if number in new else self._raw[item.start : item.end]
            for number, item in enumerate(self._items)
        ]
        return with_value(self._value.element, b"".join(parts), self._value.syntax)

    def _rewritten(self, number: int, new: Mapping[int, bytes]) -> bytes:
        syntax = self._value.items_syntax
        content = rebuilt(self._content(number), self.item(number).elements, new, syntax)
        return write_item(content, syntax, undefined=self._items[number].undefined)

    def _content(self, number: int) -> bytes:
        item = self._items[number]
        return self._raw[item.content : item.stop]
