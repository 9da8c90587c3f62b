"""Elements, items and sequences as JSON: what an importer stores of them."""

from __future__ import annotations

from typing import Any

from pydicom.datadict import keyword_for_tag

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.dictionary import BINARY_VRS, Key
from export_session.dicom.edits.equality import is_empty
from export_session.dicom.edits.importers import ABSENT, Importer, fmi, fmi_stores, mrc

PER_FRAME_GROUPS = 0x52009230


def project(stored: Value, importer: Importer = fmi) -> Any:
    """Return the JSON value an importer stores for an element, ABSENT where it stores none."""
    if not stored.is_sequence:
        return importer(stored)
    try:
        if importer is mrc:
            return _merged(stored)
        if importer is fmi and stored.tag == PER_FRAME_GROUPS:
            first = stored.item(0)
            return project_data_set(first, importer) if first else ABSENT
        return [project_data_set(item, importer) for item in stored.items()] or ABSENT
    except Malformed:
        return ABSENT


def project_data_set(level: DataSet, importer: Importer = fmi) -> dict[str, Any]:
    """Return the dict an importer makes of an item of a sequence."""
    made: dict[str, Any] = {}
    for tag in level.elements:
        keyword, stored = keyword_for_tag(tag), level.at(tag)
        if not keyword or stored is None or (importer is fmi and not fmi_stores(stored, Key(keyword, tag))):
            continue
        value = project(stored, importer)
        made[keyword] = ([] if stored.is_sequence else "") if value is ABSENT else value
    return made


def _merged(stored: Value) -> Any:
    """Return the one dict that MRC makes of all items: later ones win, UIDs and empty values are left out."""
    made: dict[str, Any] = {}
    for item in stored.items():
        for text, value in project_data_set(item, mrc).items():
            tag = next(tag for tag in item.elements if keyword_for_tag(tag) == text)
            if value and item.elements[tag].vr != "UI":
                made[text] = value
    return made or ABSENT


def as_json(stored: Value) -> Any:
    """Return the value the bytes hold, as faithfully as JSON can; None when there is none."""
    if stored.vr in BINARY_VRS and not stored.is_sequence:
        return f"{len(stored.element.raw)} bytes" if stored.element.held else f"{stored.element.length} bytes"
    value = project(stored)
    return None if value is ABSENT or is_empty(value) else value
