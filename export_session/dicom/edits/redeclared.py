"""``info.header`` of a file for whose text another character set is declared than before: it may read otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.dictionary import CHARSET_VRS, SPECIFIC_CHARACTER_SET, key_of
from export_session.dicom.edits.importers import ABSENT, IMPORTERS, PER_FRAME_GROUPS, Importer
from export_session.dicom.edits.projection import project


def as_imported(value: Value, importer: Importer, *, nested: bool) -> Any:
    """Return what an importer would show of a value; what it would lose is shown as it is."""
    made = project(value, importer, lossless=True)
    if made is ABSENT:
        return ([] if value.is_sequence else "") if nested else ABSENT
    return importer.of_multiplicity(made, value.tag)


@dataclass(frozen=True)
class Redeclared:
    """One instance, as it was and as it will be."""

    was: DataSet
    now: DataSet

    def enter(self, dicom: dict[str, Any], importer: Importer) -> None:
        """Enter what reads otherwise now in ``header.dicom``, with the character set itself."""
        charset = self.now.at(SPECIFIC_CHARACTER_SET)
        if charset and charset.raw != _raw(self.was) and not charset.empty:
            dicom["SpecificCharacterSet"] = as_imported(charset, importer, nested=False)
        _enter(dicom, self.was, self.now, importer, nested=False)

    def entry(self, text: str, entry: Any) -> Any:
        """Return an entry of ``dicom_array``: only file-metadata-importer, the first of the importers, makes any."""
        shown = {text: entry}
        _enter(shown, self.was, self.now, IMPORTERS[0], nested=True)
        return shown[text]


def _raw(data_set: DataSet) -> bytes | None:
    charset = data_set.at(SPECIFIC_CHARACTER_SET)
    return charset.raw if charset else None


def _enter(shown: dict[str, Any], was: DataSet, now: DataSet, importer: Importer, *, nested: bool) -> None:
    for text, part in list(shown.items()):
        key = key_of(text)
        before, after = (was.get(key), now.get(key)) if key else (None, None)
        if before is None or after is None:
            continue
        if before.is_sequence:
            _enter_items(part, before, after, importer)
        elif _reads_otherwise(before, after):
            made = as_imported(after, importer, nested=nested)
            if made is ABSENT:
                del shown[text]
            else:
                shown[text] = made


def _enter_items(shown: Any, before: Value, after: Value, importer: Importer) -> None:
    """Enter what reads otherwise in the items; items that an importer has merged are left as they are."""
    entries: Sequence[Any] = shown if isinstance(shown, list) else ()
    if isinstance(shown, Mapping) and before.tag == PER_FRAME_GROUPS:
        entries = [shown]
    try:
        for entry, was, now in zip(entries, before.items(), after.items(), strict=False):
            if isinstance(entry, dict):
                _enter(entry, was, now, importer, nested=True)
    except Malformed:
        return


def _reads_otherwise(before: Value, after: Value) -> bool:
    if before.tag == SPECIFIC_CHARACTER_SET:
        return before.raw != after.raw
    return before.vr in CHARSET_VRS and before.texts(before.vr) != after.texts(after.vr)


def redeclared(before: Mapping[int, DataSet], after: Mapping[int, DataSet], *, stated: bool) -> dict[int, Redeclared]:
    """Return the instances for which another character set is declared than before, by index.

    Parameters
    ----------
    before, after
        The data sets of the instances; those that change are in both.
    stated
        Whether somebody edited a Specific Character Set, which may lie in an item.
    """
    return {
        index: Redeclared(before[index], now)
        for index, now in after.items()
        if stated or _raw(now) != _raw(before[index])
    }


def enter_texts(
    header: dict[str, Any],
    instances: Mapping[int, Redeclared],
    reference: int,
    order: Sequence[int],
    importer: Importer,
) -> None:
    """Enter in ``info.header`` what reads otherwise now.

    Parameters
    ----------
    header
        To be mended.
    instances
        By index, those whose declaration has changed.
    reference
        The instance that ``header.dicom`` describes.
    order
        The instances in the order of ``dicom_array``.
    importer
        Who made ``header.dicom``.
    """
    dicom, arrays = header.get("dicom"), header.get("dicom_array")
    if reference in instances and isinstance(dicom, dict) and dicom:
        instances[reference].enter(dicom, importer)
    for text, entries in arrays.items() if isinstance(arrays, Mapping) else ():
        if isinstance(entries, list):
            for index, member in zip(range(len(entries)), order, strict=False):
                if member in instances:
                    entries[index] = instances[member].entry(text, entries[index])
