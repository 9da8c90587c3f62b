"""A model of metadata-import-dicom 2.8.4."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pydicom
from pydicom.datadict import dictionary_VM, dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName

from tests.judge.old.conversion import LONGEST_TEXT, NOT_SHOWN, ascii_text, is_list, number_or_text, texts
from tests.judge.old.serve import serve

_EXCLUDED = NOT_SHOWN | {"ContourData", "EncryptedAttributesSequence"}

_NEVER_JOINED = frozenset(["UT", "ST", "LT", "FL", "FD", "AT", "OB", "OW", "OF", "SL", "SQ", "SS", "UL", "UN"]) | {
    "OB or OW"
}


def header_of(path: Path) -> dict[str, Any]:
    """What ``info.header.dicom`` holds of a file or an archive."""
    if not zipfile.is_zipfile(path):
        return listed(converted(pydicom.dcmread(str(path))))
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
        for member in sorted(Path(folder).rglob("*"), key=str):
            if member.is_file() and member.stat().st_size:
                try:
                    header = converted(pydicom.dcmread(str(member)))
                except Exception:  # noqa: BLE001 - the next file may be one
                    continue
                if header:
                    return listed(header)
    raise ValueError("no member is DICOM")


def converted(read: Dataset) -> dict[str, Any]:
    """The elements with a keyword; one that is empty or cannot be converted is left out."""
    _decode(read)
    header: dict[str, Any] = {}
    for keyword in read.dir():
        if keyword in _EXCLUDED:
            continue
        try:
            value = read.get(keyword)
            if type(value) is Sequence:
                items = [_item(item) for item in value]
                header |= {keyword: items} if items else {}
            elif value or value == 0:
                header[keyword] = _value(value)
        except Exception:  # noqa: BLE001 - as that importer does; a sequence goes as a whole
            continue
    return header


def _decode(read: Dataset) -> None:
    """Decode what can be decoded, on all levels; a text that may have one value only is not split."""
    for tag in sorted(read.keys()):
        try:
            element = read[tag]
            if element.VR == "SQ":
                for item in element.value:
                    _decode(item)
            elif _is_joined(tag) and element.VM > 1:
                element._value = "\\".join(element.value)  # the value is not to be split again
        except Exception:  # noqa: BLE001 - it stays as it is
            continue


def _is_joined(tag: int) -> bool:
    vr = dictionary_VR(tag)
    return dictionary_VM(tag) == "1" and vr not in _NEVER_JOINED and "US" not in vr


def _item(item: Dataset) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    elements: list[Any] = list(item.values())
    for element in elements:
        keyword = getattr(element, "keyword", "")  # what could not be decoded has none
        if not keyword or keyword in _EXCLUDED:
            continue
        if element.VR == "SQ":
            shown[keyword] = [_item(part) for part in element.value]
        else:
            shown[keyword] = _value(element.value)
    return shown


def _value(value: Any) -> Any:
    if type(value) is PersonName or (isinstance(value, str) and len(value) < LONGEST_TEXT):
        return ascii_text(value)
    if is_list(value):
        try:
            return [float(part) for part in value]
        except ValueError:
            return texts(value)
    return number_or_text(value)


def listed(header: dict[str, Any]) -> dict[str, Any]:
    """The header with a list wherever the dictionary allows for more than one value."""
    shown = {}
    for keyword, value in header.items():
        if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
            shown[keyword] = [listed(part) for part in value]
        else:
            shown[keyword] = value if _is_single(keyword) or isinstance(value, list) else [value]
    return shown


def _is_single(keyword: str) -> bool:
    tag = tag_for_keyword(keyword)
    return tag is None or bool(dictionary_VM(tag) == "1")


if __name__ == "__main__":
    serve(header_of)
