"""Elements, items and sequences as JSON: what an importer stores of them."""

from __future__ import annotations

from typing import Any

from pydicom.datadict import keyword_for_tag

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.dictionary import BINARY_VRS, Key
from export_session.dicom.edits.equality import ABSENT, is_empty
from export_session.dicom.edits.importers import FAITHFUL, Importer


def project(value: Value, importer: Importer = FAITHFUL) -> Any:
    """Return the JSON value an importer stores for an element, ABSENT where it stores none."""
    if not value.is_sequence:
        return importer.of_value(value)
    try:
        return importer.of_items(value, (project_data_set(item, importer) for item in value.items()))
    except Malformed:
        return ABSENT


def project_data_set(data_set: DataSet, importer: Importer = FAITHFUL) -> dict[str, Any]:
    """Return the dict an importer makes of an item of a sequence."""
    made: dict[str, Any] = {}
    for tag in data_set.elements:
        keyword, value = keyword_for_tag(tag), data_set.at(tag)
        if keyword and value is not None and importer.stores(value, Key(keyword, tag)):
            part = project(value, importer)
            made[keyword] = ([] if value.is_sequence else "") if part is ABSENT else part
    return made


def as_json(value: Value) -> Any:
    """Return the value the bytes hold, as faithfully as JSON can; None when there is none."""
    if value.vr in BINARY_VRS and not value.is_sequence:
        return f"{value.length:,} bytes"
    made = project(value)
    return None if made is ABSENT or is_empty(made) else made
