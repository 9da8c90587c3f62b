"""A model of dicom-mr-classifier 1.4.10; its flat metadata is put where the others have theirs."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID
from pydicom.valuerep import PersonName

from tests.judge.old.conversion import LONGEST_TEXT, NOT_SHOWN, ascii_text, is_list, number_or_text, texts
from tests.judge.old.serve import serve


def header_of(path: Path) -> dict[str, Any]:
    """What ``info`` holds of a file or an archive."""
    if not zipfile.is_zipfile(path):
        return converted(pydicom.dcmread(str(path)))
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        for name in reversed(archive.namelist()):
            member = Path(archive.extract(name, folder))
            if not member.is_file():
                continue
            try:
                read = pydicom.dcmread(str(member))
            except Exception:  # noqa: BLE001 - the one before it may be DICOM
                continue
            return converted(read)
    raise ValueError("no member is DICOM")


def converted(read: Dataset) -> dict[str, Any]:
    """The elements with a keyword; one that cannot be converted is left out."""
    header: dict[str, Any] = {}
    for keyword in read.dir():
        try:
            value = read.get(keyword)
            if type(value) is Sequence:
                merged = _merged(value)
                if merged:
                    header[keyword] = merged
            elif keyword not in NOT_SHOWN and (value or value == 0):
                header[keyword] = _value(value)
        except Exception:  # noqa: BLE001 - as that importer does
            continue
    return header


def _merged(items: Iterable[Dataset]) -> dict[str, Any]:
    """All items as one: the later wins, and what is empty, zero or a UID is left out."""
    shown: dict[str, Any] = {}
    for item in items:
        for keyword in item.dir():
            value = getattr(item, keyword, "")
            if type(value) is UID or keyword in NOT_SHOWN:
                continue
            if type(value) is Sequence:
                shown[keyword] = _merged(value)
                continue
            made = _value(value)
            if made:
                shown[keyword] = made
    return shown


def _value(value: Any) -> Any:
    if type(value) is PersonName:
        return ascii_text(value)
    if type(value) is str and len(value) < LONGEST_TEXT:
        return ascii_text(value)
    if is_list(value):
        try:
            return [part if type(part) is int else float(part) for part in value]
        except ValueError:
            return texts(value)
    return number_or_text(value)


if __name__ == "__main__":
    serve(header_of)
