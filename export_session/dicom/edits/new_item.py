"""Items that a person added to the metadata, as they are to be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydicom.charset import python_encoding

from export_session.dicom.binary.dataset import DataSet
from export_session.dicom.binary.elements import MAX_DEPTH
from export_session.dicom.dictionary import (
    NUMBER_VRS,
    SPECIFIC_CHARACTER_SET,
    Key,
    key_of,
    vr_in_dictionary,
    why_unknown,
)
from export_session.dicom.edits.difference import Above, Compares, Difference
from export_session.dicom.edits.equality import is_empty
from export_session.dicom.vocabulary import Items, ItemValue, NewItem, path_text

NO_ITEMS = "the value of a sequence is a list of objects"
_TWO_KEYS = "two keys of the new item name this element"
_UNKNOWN_TEXT = "PS3.3 §C.12.1.1.2 defines no such character set"
_TOO_DEEP = f"sequences are nested more than {MAX_DEPTH} deep"


class CannotAdd(Exception):
    """A sequence cannot get the items of the metadata; the text says why."""


def new_sequence(compares: Compares, difference: Difference, data_set: DataSet, above: Above) -> Difference:
    """Return a sequence that the file lacks as it is to be written.

    Parameters
    ----------
    compares
        Says of each value how it is to be written.
    difference
        Of the sequence.
    data_set
        Where it is to be.
    above
        The way there.
    """
    shown, key = difference.wanted, difference.keys[-1]
    if not is_list_of_items(shown):
        return replace(difference, refusal=NO_ITEMS)
    item = data_set.nested({}, data_set.syntax)
    try:
        items = tuple(new_item(compares, part, item, (*above, (key, number))) for number, part in enumerate(shown))
    except CannotAdd as reason:
        return replace(difference, refusal=str(reason))
    return replace(difference, value=Items(items, 0, [item.asked for item in items]))


def is_list_of_items(value: Any) -> bool:
    """Whether a value of the metadata has the form of a sequence."""
    return isinstance(value, list) and all(isinstance(part, Mapping) for part in value)


def new_item(compares: Compares, shown: Mapping[str, Any], item: DataSet, above: Above) -> NewItem:
    """Return an item that the file lacks as it is to be written.

    Parameters
    ----------
    compares
        Says of each value how it is to be written.
    shown
        What the item is to hold.
    item
        The item without its elements.
    above
        The way there, its own number included.

    Raises
    ------
    CannotAdd
        Something in it cannot be written.
    """
    if item.depth > MAX_DEPTH:
        raise CannotAdd(_TOO_DEEP)
    values: list[ItemValue] = []
    keys: list[Key] = []
    asked = dict(shown)
    for text, value in shown.items():
        key = key_of(text)
        if key is None and not is_empty(value):
            raise CannotAdd(why_unknown(text))
        if key is None:
            continue
        if any(key.is_like(other) for other in keys):
            raise CannotAdd(f"{key.name}: {_TWO_KEYS}")
        keys.append(key)
        difference = compares.to_add(key, "" if _is_blank(key, value, compares) else value, item, above)
        if key.tag == SPECIFIC_CHARACTER_SET:  # of text that is all new, so nothing is misread
            difference = replace(difference, value=value, refusal="" if _are_known(value) else _UNKNOWN_TEXT)
        if not difference.refusal:
            values.append(ItemValue(difference.path[-1:], difference.vr, difference.value, difference.warning))
            if not is_empty(value):  # in the form in which it is written
                asked[text] = difference.value.asked if isinstance(difference.value, Items) else difference.wanted
        elif not is_empty(value):
            raise CannotAdd(f"{path_text(difference.path, difference.keys)}: {difference.refusal}")
    return NewItem(tuple(values), asked)


def _are_known(charsets: Any) -> bool:
    terms = charsets if isinstance(charsets, list) else [charsets]
    return all(term in python_encoding for term in ("" if term is None else term for term in terms))


def _is_blank(key: Key, value: Any, compares: Compares) -> bool:
    """Whether a value asks for an element without a value; some importers spell that "None" where a number is due."""
    spelled = value in ("None", ["None"]) and any(one.spells_none for one in compares.marks.makers)
    return value is None or (spelled and vr_in_dictionary(key.tag, key.creator) in NUMBER_VRS)
