"""A model of metadata-import-dicom 2.8.4."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pydicom
from pydicom.datadict import dictionary_VM, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID
from pydicom.valuerep import PersonName

from tests.judge.old.conversion import LONGEST_TEXT, NOT_SHOWN, ascii_text, is_list, number_or_text, texts
from tests.judge.old.serve import serve

_EXCLUDED = NOT_SHOWN | {"ContourData", "EncryptedAttributesSequence"}


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
                except Exception:  # noqa: BLE001, S112  # the next file may be one
                    continue
                if header:
                    return listed(header)
    raise ValueError("no member is DICOM")


def converted(read: Dataset) -> dict[str, Any]:
    """The elements with a keyword; one that is empty or cannot be converted is left out."""
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
                header[keyword] = _value(keyword, value)
        except Exception:  # noqa: BLE001, S112  # as that importer does
            continue
    return header


def _item(item: Dataset) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for keyword in item.dir():
        if keyword in _EXCLUDED:
            continue
        try:
            value = getattr(item, keyword, "")
            if type(value) is Sequence or item[keyword].VR == "SQ":
                shown[keyword] = [_item(part) for part in value or ()]
            else:
                shown[keyword] = "None" if value is None else _value(keyword, value)
        except Exception:  # noqa: BLE001, S112  # as that importer does
            continue
    return shown


def _value(keyword: str, value: Any) -> Any:
    if is_list(value) and _is_single(keyword) and all(type(part) is str for part in value):
        value = "\\".join(value)
    if type(value) is PersonName or type(value) is UID:
        return ascii_text(value)
    if type(value) is str and len(value) < LONGEST_TEXT:
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
