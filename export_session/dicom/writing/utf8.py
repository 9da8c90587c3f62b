"""Re-declares a data set as ISO_IR 192 (UTF-8) and re-encodes its text, losslessly or not at all.

Every text element is decoded strictly by the character set that is declared for it, and what is written
decodes to the same text. Elements of plain ASCII keep their bytes.
"""

from __future__ import annotations

from dataclasses import replace

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.binary.splice import items_of, rebuilt, with_contents
from export_session.dicom.binary.text import UTF8, UTF8_CODECS, Undecodable, decode_text, encode_text
from export_session.dicom.binary.values import Unwritable
from export_session.dicom.dictionary import CHARSET_VRS, FRAGMENT_VRS, SPECIFIC_CHARACTER_SET
from export_session.dicom.writing.elements import inner_syntax, item_data_set, reread, write_element


def transcode(level: DataSet) -> dict[int, bytes]:
    """Return the elements that change when a data set is re-declared as ISO_IR 192, by tag.

    Raises
    ------
    Undecodable
        Some text is not what its declared character set allows, or would not fit any more.
    """
    try:
        return {**_texts(level), SPECIFIC_CHARACTER_SET: _declaration(level)}
    except (Malformed, Unwritable):
        raise Undecodable from None


def transcoded(level: DataSet, elements: dict[int, bytes]) -> DataSet:
    """Return the level as it reads with these elements in it."""
    return replace(level, elements={**level.elements, **reread(elements, level.syntax)}, codecs=UTF8_CODECS)


def _declaration(level: DataSet) -> bytes:
    present = level.elements.get(SPECIFIC_CHARACTER_SET)
    vr = "CS" if present is None else present.vr
    return write_element(SPECIFIC_CHARACTER_SET, vr, UTF8.encode("ascii"), level.syntax)


def _texts(level: DataSet) -> dict[int, bytes]:
    changed = {}
    for tag, element in level.elements.items():
        stored = Value(element, level)
        if not element.held or tag >> 16 == 2 or (element.value.isascii() and b"\x1b" not in element.value):
            continue
        if stored.vr in CHARSET_VRS and not element.undefined:
            changed[tag] = _text(stored)
        elif stored.is_sequence or (element.undefined and element.vr not in FRAGMENT_VRS):
            raw = _sequence(stored)
            if raw != element.raw:
                changed[tag] = raw
    return changed


def _text(stored: Value) -> bytes:
    text = decode_text(stored.raw, stored.vr, stored.level.codecs)
    value = encode_text(text, stored.vr, UTF8_CODECS)
    if len(value) % 2:
        value = value[:-1] if value.endswith(b" ") else value + b" "
    return write_element(stored.tag, stored.element.vr, value, stored.syntax)


def _sequence(stored: Value) -> bytes:
    inner = inner_syntax(stored)
    contents = {}
    value = stored.element.value
    for number, item in enumerate(items_of(value, inner)):
        content = value[item.content : item.stop]
        level = item_data_set(content, inner, stored.level)
        changed = _texts(level)
        if SPECIFIC_CHARACTER_SET in level.elements:
            changed[SPECIFIC_CHARACTER_SET] = _declaration(level)
        if changed:
            contents[number] = rebuilt(content, level.elements, changed, inner)
    return with_contents(stored.element, contents, inner, stored.syntax) if contents else stored.element.raw
