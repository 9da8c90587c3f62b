"""Proves of a written sequence that it has the items that were asked for, and that nothing else in it changed.

How many items there are, and which elements in each, is counted by pydicom, too, which had no part in writing them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_sequence

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.binary.text import UTF8_CODECS
from export_session.dicom.binary.values import is_blank
from export_session.dicom.dictionary import SPECIFIC_CHARACTER_SET, Key
from export_session.dicom.vocabulary import Items, ItemValue, KeptItem
from export_session.dicom.writing.decoded import holds, read_alike
from export_session.dicom.writing.sequences import ExactSequence


def holds_items(value: Value, was: Value | None, items: Items) -> bool:
    """Whether a sequence has these items and no others.

    Parameters
    ----------
    value
        The sequence as it was written.
    was
        As it was before, None where there was none.
    items
        What was asked for.
    """
    try:
        found, before = _items(value), _items(was) if was else []
    except Malformed:
        return False
    return (
        len(found) == len(items.items)
        and _is_read_alike(value, found)
        and all(
            _is_kept(item, before[one.number], one.values) if isinstance(one, KeptItem) else _is_new(item, one.values)
            for item, one in zip(found, items.items, strict=True)
        )
    )


def _items(value: Value) -> list[DataSet]:
    sequence = ExactSequence(value)
    return [sequence.item(number) for number in range(len(sequence))]


def _is_read_alike(value: Value, found: Sequence[DataSet]) -> bool:
    """Whether pydicom finds the same elements in the same items."""
    implicit, little = value.items_syntax
    raw = value.element.value
    try:
        read = read_sequence(BytesIO(raw), implicit, little, len(raw), list(value.data_set.codecs))
        return len(read) == len(found) and all(map(_has_the_elements, read, found))
    except Exception:  # noqa: BLE001 - whatever pydicom cannot read is not proven
        return False


def _has_the_elements(read: Dataset, item: DataSet) -> bool:
    if list(map(int, read.keys())) != list(item.elements):
        return False
    for tag in item.elements:
        value = item.at(tag)
        if value and value.is_sequence and read[tag].VR == "SQ":
            inner = _items(value)
            if len(inner) != len(read[tag].value) or not all(map(_has_the_elements, read[tag].value, inner)):
                return False
    return True


def _is_new(item: DataSet, values: Sequence[ItemValue]) -> bool:
    """Whether an item holds these values, and nothing else, in the order of their tags (PS3.5 §7.1)."""
    expected = set(_tags(item, [one.path[0].key for one in values]))
    found = all(_holds(item.get(one.path[0].key), None, one) for one in values)
    return found and item.elements.keys() == expected and list(item.elements) == sorted(expected)


def _is_kept(item: DataSet, was: DataSet, values: Sequence[ItemValue]) -> bool:
    """Whether an item is as it was but for these values."""
    within: Mapping[Key, list[ItemValue]] = defaultdict(list)
    for one in values:
        within[one.path[0].key].append(one)
    changed = {tag for tag in _tags(item, list(within)) if not _is_creator(tag) or tag not in was.elements}
    return (
        item.elements.keys() - changed == was.elements.keys() - changed
        and all(_is_as_it_was(tag, item, was) for tag in item.elements.keys() - changed)
        and all(_is_edited(item.get(key), was.get(key), inner) for key, inner in within.items())
    )


def _is_as_it_was(tag: int, item: DataSet, was: DataSet) -> bool:
    value, old = item.at(tag), was.at(tag)
    if value is None or old is None:
        return False
    if value.element == old.element or not tag & 0xFFFF:  # group lengths follow their groups
        return True
    if tag == SPECIFIC_CHARACTER_SET:
        return item.codecs == UTF8_CODECS
    return _is_edited(value, old, ()) if value.is_sequence else read_alike(value, old)


def _is_edited(value: Value | None, was: Value | None, values: Sequence[ItemValue]) -> bool:
    """Whether an element of an item that stays holds what was asked for it, or for the items in it."""
    whole = [one for one in values if len(one.path) == 1]
    if whole:
        return _holds(value, was, whole[-1])
    if value is None or was is None:
        return False
    found, before = _items(value), _items(was)
    inner = [
        [replace(one, path=one.path[1:]) for one in values if one.path[0].item == number]
        for number in range(len(found))
    ]
    return len(found) == len(before) and all(map(_is_kept, found, before, inner))


def _holds(value: Value | None, was: Value | None, wanted: ItemValue) -> bool:
    if isinstance(wanted.value, Items):
        return value is not None and holds_items(value, was, wanted.value)
    if value is None and was is None and is_blank(wanted.value):
        return True
    return holds(value, wanted.value)


def _tags(item: DataSet, keys: Sequence[Key]) -> Iterator[int]:
    """Yield the tags that keys have in an item, and those of the creators that reserve their blocks."""
    for key in keys:
        value = item.get(key)
        if value:
            yield value.tag
            if key.creator:
                yield value.tag & 0xFFFF0000 | value.tag >> 8 & 0xFF


def _is_creator(tag: int) -> bool:
    return bool(tag >> 16 & 1) and tag & 0xFFFF <= 0xFF
