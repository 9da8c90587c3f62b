"""Reads every written value back, with pydicom, and compares what it means with what was asked for.

Values are decoded by pydicom, which had no part in encoding them.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from struct import pack, unpack
from typing import Any

from pydicom.dataelem import RawDataElement, convert_raw_data_element
from pydicom.tag import Tag

from export_session.dicom.binary.code_extensions import without_escapes
from export_session.dicom.binary.dataset import Value, main_data_set
from export_session.dicom.binary.elements import Element
from export_session.dicom.binary.instance import Instance
from export_session.dicom.binary.values import is_blank, is_same
from export_session.dicom.dictionary import CHARSET_VRS, STRING_VRS, UNSPLIT_VRS
from export_session.dicom.vocabulary import Assignment, Step
from export_session.dicom.writing.apply import Edited
from export_session.dicom.writing.sequences import ExactSequence


class ReadBack:
    """What the written instances of a file have to hold; a value that many share is read once."""

    def __init__(self, assignments: Sequence[Assignment], edited: Mapping[int, Edited]) -> None:
        self._assignments = assignments
        self._edited = edited
        self._right: set[tuple[int, tuple[str, ...], Element | None]] = set()

    def wrong(self, index: int, written: Instance) -> str:
        """Say which value of an instance does not read back, "" if all do."""
        reading: _Reading | None = None
        for number, effect in self._edited[index].effects.items():
            if number < 0 or not effect.written:
                continue
            key = (number, tuple(written.charset), written.elements.get(effect.top))
            if key in self._right:
                continue
            reading = reading or _Reading(written)
            assignment = self._assignments[number]
            wanted = assignment.value if effect.value is None else effect.value
            if not _holds(reading.find(assignment.path), wanted):
                return f"the new value of {assignment.path[-1].key.name}"
            self._right.add(key)
        return ""


class _Reading:
    """One written instance; a sequence is read once, however many requests go there."""

    def __init__(self, instance: Instance) -> None:
        self._main = main_data_set(instance)
        self._sequences: dict[tuple[Step, ...], ExactSequence] = {}

    def find(self, path: Sequence[Step]) -> Value | None:
        """Return the element at the end of a path, None where there is none."""
        data_set = self._main
        for depth, step in enumerate(path, 1):
            value = data_set.get(step.key)
            if value is None or depth == len(path):
                return value
            place = (*path[: depth - 1], replace(step, item=None))
            if place not in self._sequences:
                self._sequences[place] = ExactSequence(value)
            sequence = self._sequences[place]
            if step.item is None or not 0 <= step.item < len(sequence):
                return None
            data_set = sequence.item(step.item)
        return None


def _holds(value: Value | None, wanted: Any) -> bool:
    if value is None or is_blank(wanted):
        return value is not None and not value.raw
    asked = wanted if isinstance(wanted, list) else [wanted]
    if len(asked) == 1 and isinstance(asked[0], str) and value.vr not in UNSPLIT_VRS:
        asked = asked[0].split("\\")
    codecs = value.data_set.codecs
    found = [without_escapes(str(one), codecs) if value.vr in CHARSET_VRS else one for one in _converted(value)]
    texts = [without_escapes(text, codecs) for text in value.texts(value.vr)] if value.vr in STRING_VRS else found
    return len(found) == len(texts) == len(asked) and all(
        # A component that stays is its own text, though no such number or the like
        (isinstance(one, str) and isinstance(text, str) and is_same(one, text, value.vr)) or _same(part, one, value.vr)
        for part, text, one in zip(found, texts, asked, strict=True)
    )


def _converted(value: Value) -> list[Any]:
    """Return the components as pydicom reads them; their text where one is nothing that it can convert."""
    implicit, little = value.syntax
    element = RawDataElement(Tag(value.tag), value.vr, len(value.raw), value.raw, 0, implicit, little)
    try:
        found = convert_raw_data_element(element, encoding=list(value.data_set.codecs)).value
    except (ValueError, OverflowError):
        return list(value.texts(value.vr)) if value.vr in STRING_VRS else []
    return list(found) if isinstance(found, Sequence) and not isinstance(found, str | bytes) else [found]


def _same(found: Any, wanted: Any, vr: str) -> bool:
    if vr == "AT":
        return bool(int(found) == _tag(wanted))
    if found is None or found == "":
        return wanted is None or not str(wanted).strip(" \0")
    if vr in ("SV", "UV") or isinstance(found, int):
        return int(found) == int(wanted)
    if vr == "FL":
        return bool(found == unpack("<f", pack("<f", float(wanted)))[0])
    if isinstance(found, float):
        return math.isclose(found, float(wanted), rel_tol=1e-15, abs_tol=0.0)
    ends = "=^ \0" if vr == "PN" else " \0"
    return _normal(str(found), ends) == _normal(str(wanted), ends)


def _normal(text: str, ends: str) -> str:
    return unicodedata.normalize("NFC", text.rstrip(ends))


def _tag(value: Any) -> int:
    return value if isinstance(value, int) else int("".join(c for c in value if c.isalnum()), 16)
