"""A second opinion on what the older importers make of one DICOM file: metadata-import-dicom, dicom-mr-classifier.

Of a sequence that holds something they cannot convert they show nothing at all; here the rest of it is there. So what
they show is always found here, but not the other way round.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, BinaryIO

from pydicom.datadict import dictionary_VM, dictionary_VR, keyword_for_tag, tag_for_keyword

from export_session.dicom.edits.importers.reading.pydicom2_dataset import OldDataSet
from export_session.dicom.edits.importers.reading.pydicom2_reader import read_file
from export_session.dicom.edits.importers.reading.pydicom2_values import Name, Number, Uid

_ASCII = frozenset(string.printable)
_LONG_TEXT = 10240
_NOT_SHOWN = frozenset(["PixelData"])
_NOT_SHOWN_BY_GRP3 = _NOT_SHOWN | {"ContourData", "EncryptedAttributesSequence"}
# of which a text that has backslashes is one value, whatever pydicom says
_SPLIT_VRS = frozenset(["UT", "ST", "LT", "FL", "FD", "AT", "OB", "OW", "OF", "SL", "SQ", "SS", "UL", "UN", "OB or OW"])
# the dictionaries of today allow for several values of these
_WERE_SINGLE = frozenset([0x001440A0, 0x001440A1, 0x001440A2, 0x00620009])


def by_metadata_import_dicom(source: BinaryIO) -> Mapping[str, Any]:
    """Return ``info.header.dicom`` as metadata-import-dicom 2.8.4 stores it; empty where it fails."""
    with suppress(Exception):
        read = read_file(source, since_2_1=False)
        _join_single_texts(read)
        header: dict[str, Any] = {}
        for keyword, tag in _named(read):
            with suppress(Exception):  # it leaves out what it cannot convert
                value = read.at(tag).value
                if keyword in _NOT_SHOWN_BY_GRP3 or not _is_shown(value):
                    continue
                header[keyword] = [_item(item) for item in value] if _is_items(value) else _value(value)
        return _listed(_stored(header))
    return {}


def by_dicom_mr_classifier(source: BinaryIO) -> Mapping[str, Any]:
    """Return what dicom-mr-classifier 1.4.10 stores; empty where it fails."""
    with suppress(Exception):
        read = read_file(source, since_2_1=True)
        header: dict[str, Any] = {}
        for keyword, tag in _named(read):
            with suppress(Exception):  # it leaves out what it cannot convert
                value = read.at(tag).value
                if keyword in _NOT_SHOWN or not _is_shown(value):
                    continue
                made = _merged(value) if _is_items(value) else _value(value, whole_numbers=True)
                header |= {keyword: made} if made or not _is_items(value) else {}
        return dict(_stored(header))
    return {}


def _named(read: OldDataSet) -> list[tuple[str, int]]:
    """Return the elements that are found by their keyword, which those of repeating groups are not."""
    named = ((keyword_for_tag(tag), tag) for tag in read.elements)
    return sorted((keyword, tag) for keyword, tag in named if keyword and tag_for_keyword(keyword) is not None)


def _is_items(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], OldDataSet)


def _is_shown(value: Any) -> bool:
    """Whether a value of the main data set is none of those that count as empty."""
    return bool(value.raw) if isinstance(value, Name) else bool(value) or value == 0


def _join_single_texts(read: OldDataSet) -> None:
    """Decode all that can be decoded, and put texts together again that can have but one value."""
    for tag in sorted(read.elements):
        with suppress(Exception):
            element = read.at(tag)
            if element.vr == "SQ":
                for item in element.value:
                    _join_single_texts(item)
            elif element.count > 1 and _is_single(tag) and _is_joined(dictionary_VR(tag)):
                element.value = "\\".join(element.value)


def _is_joined(vr: str) -> bool:
    return vr not in _SPLIT_VRS and "US" not in vr


def _is_single(tag: int) -> bool:
    return tag in _WERE_SINGLE or dictionary_VM(tag) == "1"


def _item(item: OldDataSet) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for tag, element in item.elements.items():
        keyword = keyword_for_tag(tag)
        if element.is_raw or not keyword or keyword in _NOT_SHOWN_BY_GRP3:
            continue
        with suppress(Exception):
            shown[keyword] = [_item(part) for part in element.value] if element.vr == "SQ" else _value(element.value)
    return shown


def _merged(items: Iterable[OldDataSet]) -> dict[str, Any]:
    """All items as one: the later wins; UIDs and what is empty or zero are left out."""
    shown: dict[str, Any] = {}
    for item in items:
        for keyword, tag in _named(item):
            with suppress(Exception):
                element = item.at(tag)
                if isinstance(element.value, Uid) or keyword in _NOT_SHOWN:
                    continue
                if element.vr == "SQ":
                    shown[keyword] = _merged(element.value)
                elif made := _value(element.value, whole_numbers=True):
                    shown[keyword] = made
    return shown


def _value(value: Any, *, whole_numbers: bool = False) -> Any:
    """Return the JSON value of one of pydicom.

    Parameters
    ----------
    value
        What pydicom made of the bytes.
    whole_numbers
        Whether integers of a list stay integers, and UIDs may be numbers.
    """
    if isinstance(value, Name):
        return _ascii(value.text)
    if isinstance(value, str) and len(value) < _LONG_TEXT and not (whole_numbers and isinstance(value, Uid)):
        return _ascii(value)
    if not isinstance(value, list):
        return _number_or_text(value)
    try:
        return [part if whole_numbers and type(part) is int else _as_float(part) for part in value]
    except ValueError:
        return [_ascii(part) for part in value if len(part) > 0]


def _as_float(part: Any) -> float:
    return float(part.number if isinstance(part, Number) else part)


def _number_or_text(value: Any) -> Any:
    if type(value) in (int, float):
        return value
    text = value.text if isinstance(value, Number) else str(value)
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return _ascii(text)


def _ascii(text: str) -> str | None:
    plain = "".join(filter(_ASCII.__contains__, text))
    return None if plain == "?" else plain


def _listed(header: Mapping[str, Any]) -> dict[str, Any]:
    """Put every value into a list of which there may be several."""
    shown: dict[str, Any] = {}
    for keyword, value in header.items():
        if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
            shown[keyword] = [_listed(part) for part in value]
        else:
            alone = isinstance(value, list) or _is_single(tag_for_keyword(keyword) or 0)
            shown[keyword] = value if alone else [value]
    return shown


def _stored(value: Any) -> Any:
    """Return a value as it arrives at the site by JSON, which knows no NaN."""
    if isinstance(value, dict):
        return {key: _stored(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_stored(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
