"""metadata-import-dicom (GRP-3): for years the standard importer; ASCII only, whatever looks numeric as a number."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from export_session.dicom.binary.dataset import Value
from export_session.dicom.dictionary import BINARY_VRS, TEXT_VRS, Key, single_valued, vr_in_dictionary
from export_session.dicom.edits.equality import ABSENT, as_number, same_component
from export_session.dicom.edits.importers.file_metadata_importer import finite, unwrapped
from export_session.dicom.edits.importers.importer import Importer

if TYPE_CHECKING:
    from export_session.dicom.edits.importers.reading.rereading import Rereading

_ASCII = frozenset(string.printable)
_LONG_TEXT = 10240
_ALWAYS_LISTS = ("SpecificCharacterSet", "ImageType", "ScanningSequence")  # of VM other than 1, often with one value


class MetadataImportDicom(Importer):
    """Text without what is not printable ASCII; lists that look numeric as numbers."""

    drops_empty_components = True
    spells_none = True

    def of_value(self, value: Value) -> Any:
        if value.vr == "AE" or (value.vr in TEXT_VRS and single_valued(value.tag)):
            return plain_text(value.decoded(value.vr))
        return typed(value)

    def of_multiplicity(self, made: Any, tag: int) -> Any:
        """Return a list for an element of VM other than 1."""
        return made if single_valued(tag) or isinstance(made, list) or made is ABSENT else [made]

    def header_in(self, opinion: Rereading) -> Mapping[str, Any]:
        return opinion.of_metadata_import_dicom

    def left_marks(self, header: Mapping[str, Any], dicom: Mapping[Key, Any]) -> bool:
        return any(_is_mark(key, value) for key, value in dicom.items())

    def loses_text(self, value: Value) -> bool:
        return value.vr in TEXT_VRS and not all(char in _ASCII for char in value.decoded(value.vr))

    def may_show(self, part: Any, own: Any, vr: str) -> bool:
        """Whether a component is the number that the file's text spells, or its text in ASCII."""
        if not isinstance(own, str):
            return False
        if isinstance(part, str):
            return same_component(part, plain_text(own), vr)
        number = as_number(own)
        return number is not None and is_number(part) and bool(part == number)


def _is_mark(key: Key, value: Any) -> bool:
    if key.text in _ALWAYS_LISTS:
        return isinstance(value, list) and len(value) == 1
    text = value[0] if isinstance(value, list) and len(value) == 1 else value
    # PS3.6 VR: dicom-mr-classifier writes this form of AT as well, but never in a list
    return (
        isinstance(text, str) and isinstance(value, list) and vr_in_dictionary(key.tag) == "AT" and text.startswith("(")
    )


def typed(value: Value) -> Any:
    """Return a value as both old importers type it."""
    vr = value.vr
    if value.empty and vr not in BINARY_VRS:
        return ABSENT
    if vr in TEXT_VRS or vr in ("DS", "IS"):
        return _typed_texts(value.texts(vr), vr)
    try:
        if vr == "AT":
            return unwrapped([f"({tag >> 16:04x}, {tag & 0xFFFF:04x})" for tag in value.tags()])
        return unwrapped([finite(number) for number in value.numbers(vr)])
    except (KeyError, ValueError):
        return repr(value.raw)


def _typed_texts(texts: list[str], vr: str) -> Any:
    if len(texts) == 1:
        return number_or_text(texts[0]) if vr in ("DS", "IS") else plain_text(texts[0])
    if vr == "PN" or (vr in ("DS", "IS") and not all(texts)):
        return ABSENT  # the conversion fails and the element is left out
    try:
        return [finite(float(text)) for text in texts]
    except ValueError:
        return "\\".join(texts) if vr in ("DS", "IS") else [plain_text(text) for text in texts if text]


def number_or_text(text: str) -> Any:
    """Return the number that a text spells, else the text."""
    number = _number(text)
    return plain_text(text) if number is None else finite(number)


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def plain_text(text: str) -> Any:
    """Return a text as both old importers store it: without what is not printable ASCII."""
    if len(text) >= _LONG_TEXT:
        number = _number(text)
        return text if number is None else finite(number)
    plain = "".join(char for char in text if char in _ASCII)
    return None if plain == "?" else plain


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
