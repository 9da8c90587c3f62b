"""Whom and what a file shows, as it is stored: read from the headers of all its instances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from pydicom.datadict import keyword_for_tag

from export_session.dicom.binary.dataset import DataSet, Value, main_data_set
from export_session.dicom.binary.elements import Element, Malformed
from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.dictionary import SOP_INSTANCE_UID, SPECIFIC_CHARACTER_SET, STRING_VRS, vr_in_dictionary
from export_session.dicom.entities import DESCRIBING
from export_session.dicom.vocabulary import Identity

_STUDY, _SERIES = 0x0020000D, 0x0020000E
_REFERENCED = 0x00081155  # ReferencedSOPInstanceUID
_OF_PATIENT = (0x00100010, 0x00100020, 0x00100030, 0x00100040)  # Patient's Name, ID, Birth Date, Sex (PS3.3 §C.7.1.1)
_OF_STUDY = (0x00080020, 0x00200010, 0x00080050, 0x00081030)  # Study Date, ID, Accession Number, Description (§C.7.2.1)
_MADE_ON = (0x00080012, 0x00080020, 0x00080021, 0x00080022, 0x00080023)  # Instance Creation, Study … Content Date
# What else describes a patient, study, series, frame of reference or equipment, by name or number
_DESCRIBING = tuple(
    tag for tag in DESCRIBING if tag not in _OF_PATIENT + _OF_STUDY and vr_in_dictionary(tag) in STRING_VRS - {"UI"}
)
PATIENT = tuple(map(keyword_for_tag, _OF_PATIENT))
STUDY = tuple(map(keyword_for_tag, _OF_STUDY))


def identity_of(instances: Iterable[Instance]) -> Identity | None:
    """Return what the instances among the members of a file show, None where there is none."""
    found = [instance for instance in instances if instance.kind is Kind.INSTANCE]
    if not found:
        return None
    reader = _Reader()
    studies: dict[str, list[Instance]] = {}
    for instance in found:
        studies.setdefault(instance.text(_STUDY), []).append(instance)
    return Identity(
        values=reader.values(found, _OF_PATIENT),
        studies={uid: reader.values(members, _OF_STUDY) for uid, members in studies.items() if uid},
        dates=frozenset(instance.text(tag) for instance in found for tag in _MADE_ON),
        instances=tuple(number(uid) for instance in found if (uid := instance.text(SOP_INSTANCE_UID))),
        series=frozenset(map(number, {uid for instance in found if (uid := instance.text(_SERIES))})),
        references=frozenset(pair for instance in found for pair in reader.references(instance)),
        described=reader.values(found, [tag for tag in _DESCRIBING if any(tag in one.elements for one in found)]),
    )


def identity_in(dicom: Mapping[str, Any]) -> Identity | None:
    """Return what ``info.header.dicom`` tells of one instance, None where it does not name its study."""

    def text(keyword: str) -> str:
        value = dicom.get(keyword)
        parts = value if isinstance(value, list) else [value]
        return "\\".join("" if part is None else str(part) for part in parts).strip()

    study = text("StudyInstanceUID")
    if not study:
        return None
    return Identity(
        values={keyword: (text(keyword),) for keyword in PATIENT},
        studies={study: {keyword: (text(keyword),) for keyword in STUDY}},
        instances=tuple(number(uid) for uid in [text("SOPInstanceUID")] if uid),
        series=frozenset(number(uid) for uid in [text("SeriesInstanceUID")] if uid),
        described={keyword: (text(keyword),) for keyword in map(keyword_for_tag, _DESCRIBING) if keyword in dicom},
        complete=False,
    )


def number(uid: str) -> int:
    """Return a number that stands for a UID."""
    return int.from_bytes(blake2b(uid.encode(), digest_size=8).digest(), "big")


class _Reader:
    """Reads elements, each once; they are known by their identity, as the instances keep them alive."""

    def __init__(self) -> None:
        self._texts: dict[tuple[int, int], str] = {}
        self._references: dict[int, tuple[tuple[int, int], ...]] = {}

    def values(self, instances: Sequence[Instance], tags: Iterable[int]) -> dict[str, tuple[str, ...]]:
        """Return the different values of elements, by keyword."""
        return {
            keyword_for_tag(tag): tuple(dict.fromkeys(self.text(instance, tag) for instance in instances))
            for tag in tags
        }

    def text(self, instance: Instance, tag: int) -> str:
        """Return a value as text, "" where it is absent."""
        element = instance.elements.get(tag)
        if element is None:
            return ""
        grounds = id(element), id(instance.elements.get(SPECIFIC_CHARACTER_SET))
        if grounds not in self._texts:
            value = Value(element, main_data_set(instance))
            self._texts[grounds] = value.decoded(value.vr).strip()
        return self._texts[grounds]

    def references(self, instance: Instance) -> Iterator[tuple[int, int]]:
        """Yield the references that name an instance and its series."""
        for element in instance.elements.values():
            if id(element) not in self._references:
                named = tuple(_references(Value(element, main_data_set(instance)))) if _may_refer(element) else ()
                self._references[id(element)] = named
            yield from self._references[id(element)]


def _may_refer(element: Element) -> bool:
    """Tell whether an element holds, in either byte order, the tags of a series and of a reference."""
    little = b"\x20\0\x0e\0" in element.raw and b"\x08\0\x55\x11" in element.raw
    return little or (b"\0\x20\0\x0e" in element.raw and b"\0\x08\x11\x55" in element.raw)


def _references(value: Value, series: int = 0) -> Iterator[tuple[int, int]]:
    if not value.is_sequence:
        return
    try:
        for item in value.items():
            own = number(uid) if (uid := _uid(item, _SERIES)) else series
            if own and (uid := _uid(item, _REFERENCED)):
                yield own, number(uid)
            for tag in item.elements:
                yield from _references(Value(item.elements[tag], item), own)
    except Malformed:
        return


def _uid(item: DataSet, tag: int) -> str:
    value = item.at(tag)
    return value.decoded("UI") if value else ""
