"""An element in ``info.header.dicom``: how people name it, what the metadata say of it, and how they say another value.

Values are those of one instance; ``dicom_array`` is not touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from export_session.dicom.dictionary import Key, key_of, vr_in_dictionary, why_unknown
from export_session.dicom.edits.equality import ABSENT
from export_session.support.wording import counted

__all__ = ["ABSENT", "Element", "NoElement", "element_of", "path_in", "value_in", "with_value"]

_FIRST_OF_ALL = "PerFrameFunctionalGroupsSequence"  # of whose items importers show the first one alone, as a dict
_STEP = re.compile(r"(?P<sequence>.+?)\[(?P<item>\d+)\]\.(?P<rest>.+)")


class NoElement(ValueError):
    """A text names no element, or the metadata have no place for it; the message says why, for people."""


@dataclass(frozen=True)
class Element:
    """An element at any depth."""

    keys: tuple[Key, ...]
    items: tuple[int, ...] = ()  # of each sequence on the way

    @property
    def key(self) -> Key:
        """The element itself."""
        return self.keys[-1]

    @property
    def path(self) -> str:
        """The element as the change log names it."""
        steps = [f"{key.name}[{item}]." for key, item in zip(self.keys, self.items, strict=False)]
        return "".join(steps) + self.key.name

    @property
    def place(self) -> tuple[object, ...]:
        """What is the same for two spellings of one element."""
        keys = [(key.tag, key.creator.replace(".", "_").casefold()) for key in self.keys]
        return tuple(step for pair in zip(keys, (*self.items, None), strict=True) for step in pair if step is not None)


def element_of(text: str) -> Element:
    """Return the element that a text names: a keyword, eight digits, ``Creator, ggggxxee``, or a path to one of these.

    Raises
    ------
    NoElement
        It names none.
    """
    text = text.strip()
    step = None if key_of(text) else _STEP.fullmatch(text)
    if step:
        below = element_of(step["rest"])
        sequence = _key(step["sequence"].strip())
        if not sequence.creator and vr_in_dictionary(sequence.tag) not in ("SQ", ""):
            raise NoElement(f"{sequence.name} is not a sequence, so there is nothing inside it")
        return Element((sequence, *below.keys), (int(step["item"]), *below.items))
    return Element((_key(text),))


def _key(text: str) -> Key:
    key = key_of(text)
    if key is None:
        head = text.partition(".")[0]
        if key_of(head):
            raise NoElement(f"{text}: say which item of {head} is meant, such as {head}[0].{text.partition('.')[2]}")
        raise NoElement(why_unknown(text))
    return key


def value_in(dicom: Mapping[str, Any], element: Element) -> Any:
    """Return what the metadata say of an element, ABSENT where they say nothing.

    Raises
    ------
    NoElement
        The metadata do not show the item in which it would lie.
    """
    holder = dicom
    for key, item in zip(element.keys, element.items, strict=False):
        holder = _item(holder, key, item)
    name = _name_in(holder, element.key)
    return ABSENT if name is None else holder[name]


def path_in(dicom: Mapping[str, Any], element: Element) -> str:
    """Return the path of an element by the names that the metadata have for it."""
    holder, steps = dicom, []
    for key, item in zip(element.keys, element.items, strict=False):
        name = _name_in(holder, key) or key.name
        steps.append(name if isinstance(holder.get(name), Mapping) else f"{name}[{item}]")
        holder = _item(holder, key, item)
    return ".".join((*steps, _name_in(holder, element.key) or element.key.name))


def with_value(dicom: Mapping[str, Any], element: Element, value: Any) -> dict[str, Any]:
    """Return the metadata with another value of an element; ABSENT takes its key away.

    Raises
    ------
    NoElement
        As :func:`value_in`.
    """
    return _with(dicom, element.keys, element.items, value)


def _with(holder: Mapping[str, Any], keys: tuple[Key, ...], items: tuple[int, ...], value: Any) -> dict[str, Any]:
    name = _name_in(holder, keys[0])
    changed = dict(holder)
    if len(keys) == 1:
        if value is ABSENT:
            changed.pop(name or "", None)
        else:
            changed[name if name is not None else _as_stored(keys[0])] = value
        return changed
    inside = _with(_item(holder, keys[0], items[0]), keys[1:], items[1:], value)
    assert name is not None
    node = holder[name]
    changed[name] = inside if isinstance(node, Mapping) else [*node[: items[0]], inside, *node[items[0] + 1 :]]
    return changed


def _item(holder: Mapping[str, Any], key: Key, item: int) -> Mapping[str, Any]:
    name = _name_in(holder, key)
    node = holder[name] if name is not None else None
    if isinstance(node, Mapping) and key.name == _FIRST_OF_ALL:
        if item == 0:
            return node
        raise NoElement(f"the metadata show the first item of {key.name} alone, so only [0] can be corrected there")
    if isinstance(node, Mapping):
        raise NoElement(f"the metadata show the items of {key.name} as one, so it cannot be told which one is meant")
    if not isinstance(node, list) or not node:
        raise NoElement(f"the metadata show no {key.name}, so nothing inside it can be corrected")
    if item >= len(node) or not isinstance(node[item], Mapping):
        raise NoElement(f"the metadata show {counted(len(node), 'item')} of {key.name}, so there is no [{item}]")
    found: Mapping[str, Any] = node[item]
    return found


def _name_in(holder: Mapping[str, Any], key: Key) -> str | None:
    """Return by which name the metadata show an element: importers and people spell private ones in several ways."""
    if key.name in holder:
        return key.name
    if not key.creator and key.text in holder:
        return key.text
    if key.creator:
        for name in holder:
            found = key_of(name) if "," in name else None
            if found and found.is_like(key):
                return name
    return None


def _as_stored(key: Key) -> str:
    """Return the name by which Flywheel stores an element: without dots."""
    return key.name.replace(".", "_").replace("$", "-")
