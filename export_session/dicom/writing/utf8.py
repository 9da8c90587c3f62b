"""Re-declares a data set as ISO_IR 192 (UTF-8) and re-encodes its text, losslessly or not at all.

Every text element is decoded strictly by the character set that is declared for it, and what is written
decodes to the same text. Elements of plain ASCII keep their bytes.
"""

from __future__ import annotations

from dataclasses import replace

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.binary.text import UTF8, UTF8_CODECS, Undecodable, decode_text, encode_text
from export_session.dicom.binary.values import Unwritable
from export_session.dicom.dictionary import CHARSET_VRS, FRAGMENT_VRS, SPECIFIC_CHARACTER_SET
from export_session.dicom.writing.elements import reread, write_element
from export_session.dicom.writing.sequences import ExactSequence


def transcode(data_set: DataSet) -> dict[int, bytes]:
    """Return the elements that change when a data set is re-declared as ISO_IR 192, by tag.

    Raises
    ------
    Undecodable
        Some text is not what its declared character set allows, or would not fit any more.
    """
    try:
        return {**_texts(data_set), SPECIFIC_CHARACTER_SET: _declaration(data_set)}
    except (Malformed, Unwritable):
        raise Undecodable from None


def transcoded(data_set: DataSet, elements: dict[int, bytes]) -> DataSet:
    """Return the data set as it reads with these elements in it."""
    return replace(data_set, elements={**data_set.elements, **reread(elements, data_set.syntax)}, codecs=UTF8_CODECS)


def _declaration(data_set: DataSet) -> bytes:
    present = data_set.elements.get(SPECIFIC_CHARACTER_SET)
    vr = "CS" if present is None else present.vr
    return write_element(SPECIFIC_CHARACTER_SET, vr, UTF8.encode("ascii"), data_set.syntax)


def _texts(data_set: DataSet) -> dict[int, bytes]:
    changed = {}
    for tag, element in data_set.elements.items():
        value = Value(element, data_set)
        if not element.held or tag >> 16 == 2 or (element.value.isascii() and b"\x1b" not in element.value):
            continue
        if value.vr in CHARSET_VRS and not element.undefined:
            changed[tag] = _text(value)
        elif value.is_sequence or (element.undefined and element.vr not in FRAGMENT_VRS):
            raw = _sequence(value)
            if raw != element.raw:
                changed[tag] = raw
    return changed


def _text(value: Value) -> bytes:
    raw = encode_text(decode_text(value.raw, value.vr, value.data_set.codecs), value.vr, UTF8_CODECS)
    if len(raw) % 2:
        raw = raw[:-1] if raw.endswith(b" ") else raw + b" "
    return write_element(value.tag, value.element.vr, raw, value.syntax)


def _sequence(value: Value) -> bytes:
    sequence = ExactSequence(value)
    new = {}
    for number in range(len(sequence)):
        item = sequence.item(number)
        changed = _texts(item)
        if SPECIFIC_CHARACTER_SET in item.elements:
            changed[SPECIFIC_CHARACTER_SET] = _declaration(item)
        if changed:
            new[number] = changed
    return sequence.with_elements(new) if new else value.element.raw
