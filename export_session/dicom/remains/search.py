"""Searches the headers of a file for old values: every element of every instance, but no pixel data nor other bulk.

The instances of a series share the elements they have in common (see :mod:`~export_session.dicom.binary.parser`), so
each is looked at once; and of those only the few whose bytes hold a word of an old value are decoded.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value, main_data_set
from export_session.dicom.binary.elements import EXPLICIT_LITTLE, Element, Malformed
from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.binary.items import exact_elements
from export_session.dicom.dictionary import (
    BINARY_VRS,
    NUMBER_FORMATS,
    PIXEL_DATA,
    SPECIFIC_CHARACTER_SET,
    STRING_VRS,
    tag_text,
)
from export_session.dicom.remains.identifying import BIRTH_DATES
from export_session.dicom.remains.long_values import LongValue, traces_in
from export_session.dicom.remains.traces import Trace, prefilter, traces_of
from export_session.dicom.remains.words import folded
from export_session.dicom.vocabulary import Change, Remaining

MEMBER_NAME = "the name in the archive"
PREVIOUS = "OriginalAttributesSequence, which keeps previous values"
ORIGINAL_ATTRIBUTES = 0x04000561
_ITEM = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
_UNTYPED = frozenset({"UN", "OB", ""})
_MOMENTS = frozenset({"DA", "DT"})
_NUMBERS = frozenset({"AS", "DS", "IS", "TM", "UI"})  # text that is neither a name nor an identifier
_NO_TEXT = _NUMBERS | (BINARY_VRS - _UNTYPED) | {*NUMBER_FORMATS, "AT"}

Elements = Mapping[int, Mapping[int, bytes]]  # instance → tag → new element
Hit = tuple[Trace, str]  # what was found, and where


def find_remaining(
    instances: Sequence[Instance],
    elements: Elements,
    changes: Iterable[Change],
    *,
    dates: Collection[str] = (),
    source: str = "",
    long: Iterable[LongValue] = (),
) -> tuple[Remaining, ...]:
    """Find where old values of identifying elements still stand.

    Parameters
    ----------
    instances
        All members of the file, as they were.
    elements
        The new elements of those that are rewritten.
    changes
        What was applied.
    dates
        When the instances were made.
    source
        The name of the file itself, which a single instance bears, too; it is no member's.
    long
        Values that the instances do not hold themselves, since they are long.
    """
    traces = traces_of(changes, dates)
    if not traces:
        return ()
    search = _Search(traces)
    found: dict[Hit, int] = defaultdict(int)
    for index, instance in enumerate(instances):
        lead = "" if instance.kind is Kind.INSTANCE else f"{instance.name}: "
        for trace, where in dict.fromkeys(search.in_instance(instance, elements.get(index, {}))):
            found[trace, lead + where] += 1
    for member, tag, data in long:
        if tag not in elements.get(member, {}):
            data_set = main_data_set(instances[member])
            for trace in traces_in(data, traces, data_set.codecs[0]):
                found[trace, _name(data_set, tag)] += 1
    members = [instance.name for instance in instances if instance.name != source]
    for trace, count in _in_names(members, traces).items():
        found[trace, MEMBER_NAME] = count
    return tuple(Remaining(trace.element, trace.old, where, count) for (trace, where), count in found.items())


class _Search:
    """Looks at elements, and remembers what it saw in those that instances share."""

    def __init__(self, traces: Sequence[Trace]) -> None:
        self._traces = traces
        self._may_hold = prefilter(traces).search
        self._suspect: dict[int, bool] = {}  # by the identity of an element, which the instances keep alive
        self._known: dict[Any, tuple[Hit, ...]] = {}  # by the bytes of an element, and what decides how they read

    def in_instance(self, instance: Instance, new: Mapping[int, bytes]) -> Iterator[Hit]:
        """Yield what stands in an instance as it will be."""
        raws = {e.tag: e.raw for e in instance.elements.values() if self._is_suspect(e) and e.tag not in new}
        raws |= {tag: raw for tag, raw in new.items() if self._may_hold(raw.lower())}
        if not raws:
            return
        reader = _Rewritten(instance, new)
        context = reader.element(SPECIFIC_CHARACTER_SET), instance.syntax
        for tag, raw in raws.items():
            grounds = raw, reader.element(_creator(tag)), context
            if grounds not in self._known:
                self._known[grounds] = tuple(self._in_element(reader.value(tag)))
            yield from self._known[grounds]

    def _is_suspect(self, element: Element) -> bool:
        known = self._suspect.get(id(element))
        if known is None:
            known = element.vr not in _NO_TEXT and bool(self._may_hold(element.raw.lower()))
            self._suspect[id(element)] = known
        return known

    def _in_element(self, value: Value) -> Iterator[Hit]:
        name = _name(value.data_set, value.tag)
        if _may_hold_items(value):
            try:
                for number, item in enumerate(value.items()):
                    for hit in self._in_item(item):
                        yield hit[0], PREVIOUS if value.tag == ORIGINAL_ATTRIBUTES else f"{name}[{number}].{hit[1]}"
            except Malformed:
                pass
            else:
                return
        text = _text(value)
        if text:
            among_names = value.vr == "PN"
            yield from ((trace, name) for trace in self._traces if trace.is_in(text, names=among_names))

    def _in_item(self, item: DataSet) -> Iterator[Hit]:
        for tag, element in item.elements.items():
            if tag not in PIXEL_DATA and self._may_hold(element.raw.lower()):
                yield from self._in_element(Value(element, item))


class _Rewritten:
    """An instance as it will be; its data set is made when a value is asked for."""

    def __init__(self, instance: Instance, new: Mapping[int, bytes]) -> None:
        self._instance = instance
        self._new = new

    def element(self, tag: int) -> bytes | None:
        """Return the bytes of an element."""
        present = self._instance.elements.get(tag)
        return self._new.get(tag, present.raw if present else None)

    def value(self, tag: int) -> Value:
        """Return an element that is there."""
        return Value(self._data_set.elements[tag], self._data_set)

    @cached_property
    def _data_set(self) -> DataSet:
        instance, new = self._instance, self._new
        syntax = {tag: EXPLICIT_LITTLE if tag >> 16 == 2 else instance.syntax for tag in new}
        written = {tag: exact_elements(raw, syntax[tag])[tag] for tag, raw in new.items()}
        return main_data_set(replace(instance, elements={**instance.elements, **written}))


def _name(data_set: DataSet, tag: int) -> str:
    name = data_set.name_of(tag)
    return tag_text(tag) if name == f"{tag:08X}" else name


def _creator(tag: int) -> int:
    """Return the tag of the element that reserves the block of a private one."""
    return tag & 0xFFFF0000 | tag >> 8 & 0xFF if tag >> 16 & 1 else 0


def _may_hold_items(value: Value) -> bool:
    return value.is_sequence or (value.vr in _UNTYPED and value.raw[:4] in _ITEM)


def _text(value: Value) -> str:
    """Return the folded text of an element, "" where it holds none in which a person could be named."""
    vr, public = value.vr, not value.tag >> 16 & 1
    if not value.element.held or vr in _NUMBERS or (vr in _MOMENTS and public and value.tag not in BIRTH_DATES):
        return ""
    if vr in STRING_VRS:
        return folded(value.decoded(vr))
    return folded(value.raw.decode(value.data_set.codecs[0], "replace")) if vr in _UNTYPED else ""


def _in_names(names: Sequence[str], traces: Iterable[Trace]) -> Mapping[Trace, int]:
    """Return in how many names of members old values stand; numbers that count the members are none."""
    texts = [folded(name) for name in names]
    found = {trace: sum(map(trace.is_in, texts)) for trace in traces}
    every = len(texts)
    return {trace: n for trace, n in found.items() if n and (n == every or not _counts(trace.old, texts))}


def _counts(value: str, names: Collection[str]) -> bool:
    """Tell whether a number is one of a row, such as ``0001`` beside ``0002``."""
    if not value.isdigit():
        return False
    beside = {f"{int(value) + step:0{len(value)}}" for step in (-1, 1)}
    return any(beside.intersection(re.findall(r"\d+", name)) for name in names)
