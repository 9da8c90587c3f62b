"""What an item of a sequence holds and the metadata do not show: it must stay with its own item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydicom.datadict import keyword_for_tag

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.dictionary import BINARY_VRS, Key, key_of
from export_session.dicom.edits.equality import is_empty, same
from export_session.dicom.edits.importers import ABSENT, FAITHFUL, Importer


def hidden_in(item: DataSet, importers: Sequence[Importer]) -> Iterator[str]:
    """Yield the elements of an item that some importer leaves out or shows with a loss, those in its items included.

    Parameters
    ----------
    item
        Of the file.
    importers
        Those that can have made the metadata.
    """
    for tag in item.elements:
        value = item.at(tag)
        if value is None or value.empty or not _says_something(tag):
            continue
        key = key_of(item.name_of(tag))
        if key is None or tag >> 16 & 1 or not keyword_for_tag(tag):
            yield item.name_of(tag)
        elif value.is_sequence:
            yield from _in_items(value, key, importers)
        elif value.vr in BINARY_VRS or any(_loses(value, key, importer) for importer in importers):
            yield key.name


def _says_something(tag: int) -> bool:
    """Whether an element is neither a group length nor the creator of a private block."""
    return tag & 0xFFFF > 0xFF if tag >> 16 & 1 else tag & 0xFFFF > 0


def _in_items(value: Value, key: Key, importers: Sequence[Importer]) -> Iterator[str]:
    if not all(importer.stores(value, key) and importer.lists_items for importer in importers):
        yield key.name
        return
    try:
        for number, item in enumerate(value.items()):
            yield from (f"{key.name}[{number}].{name}" for name in hidden_in(item, importers))
    except Malformed:
        yield key.name


def _loses(value: Value, key: Key, importer: Importer) -> bool:
    if not importer.stores(value, key) or importer.loses_text(value):
        return True
    made, held = importer.of_value(value), FAITHFUL.of_value(value)
    if made is ABSENT or (is_empty(made) and not is_empty(held)):
        return True
    return not same(made, held, value.vr)
