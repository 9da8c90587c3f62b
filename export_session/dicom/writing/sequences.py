"""Sequences that are written anew with other items, or other elements in some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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

    def kept(self, number: int, new: Mapping[int, bytes]) -> bytes:
        """Return the bytes of an item, with new elements if there are any."""
        item = self._items[number]
        return self._rewritten(number, new) if new else self._raw[item.start : item.end]

    def added(self, content: bytes, near: int) -> bytes:
        """Return the bytes of an item to add, in the form of the one near to which it is to be."""
        neighbours = self._items[near : near + 1]
        undefined = neighbours[0].undefined if neighbours else self._value.element.undefined
        return write_item(content, self._value.items_syntax, undefined=undefined)

    def with_items(self, items: Iterable[bytes]) -> bytes:
        """Return the element with these items; its length keeps its form."""
        return with_value(self._value.element, b"".join(items), self._value.syntax)

    def with_elements(self, new: Mapping[int, Mapping[int, bytes]]) -> bytes:
        """Return the element with new elements in some items, by number and tag; lengths keep their form."""
        return self.with_items(self.kept(number, new.get(number, {})) for number, _ in enumerate(self._items))

    def _rewritten(self, number: int, new: Mapping[int, bytes]) -> bytes:
        syntax = self._value.items_syntax
        content = rebuilt(self._content(number), self.item(number).elements, new, syntax)
        return write_item(content, syntax, undefined=self._items[number].undefined)

    def _content(self, number: int) -> bytes:
        item = self._items[number]
        return self._raw[item.content : item.stop]
