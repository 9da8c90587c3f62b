"""Elements, items and sequences as JSON: what an importer stores of them."""

from __future__ import annotations

from typing import Any

from pydicom.datadict import keyword_for_tag

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.dictionary import BINARY_VRS, Key
from export_session.dicom.edits.equality import ABSENT, is_empty
from export_session.dicom.edits.importers import FAITHFUL, Importer


def project(value: Value, importer: Importer = FAITHFUL, *, lossless: bool = False) -> Any:
    """Return the JSON value an importer stores for an element, ABSENT where it stores none.

    With ``lossless``, text that it would lose is shown as it is.
    """
    if not value.is_sequence:
        return (FAITHFUL if lossless and importer.loses_text(value) else importer).of_value(value)
    try:
        items = (project_data_set(item, importer, lossless=lossless) for item in value.items())
        return importer.of_items(value, items)
    except Malformed:
        return ABSENT


def project_data_set(data_set: DataSet, importer: Importer = FAITHFUL, *, lossless: bool = False) -> dict[str, Any]:
    """Return the dict an importer makes of an item of a sequence; see :func:`project`."""
    made: dict[str, Any] = {}
    for tag in data_set.elements:
        keyword, value = keyword_for_tag(tag), data_set.at(tag)
        if keyword and value is not None and importer.stores(value, Key(keyword, tag)):
            part = importer.of_multiplicity(project(value, importer, lossless=lossless), tag)
            made[keyword] = ([] if value.is_sequence else "") if part is ABSENT else part
    return made


def as_json(value: Value) -> Any:
    """Return the value the bytes hold, as faithfully as JSON can; None when there is none."""
    if value.vr in BINARY_VRS and not value.is_sequence:
        return f"{value.length:,} bytes"
    made = project(value)
    return None if made is ABSENT or is_empty(made) else made
