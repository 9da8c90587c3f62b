"""Re-declares a data set as ISO_IR 192 (UTF-8) and re-encodes its text, losslessly or not at all.

Every text element is decoded strictly by the character set that is declared for it, and what is written
decodes to the same text. Elements of plain ASCII keep their bytes. Only what is about to be replaced need not be
decodable: it stands there as importers read it until it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.refusal import Unwritable
from export_session.dicom.binary.text import UTF8, UTF8_CODECS, Undecodable, decode_text, encode_text
from export_session.dicom.dictionary import CHARSET_VRS, SPECIFIC_CHARACTER_SET
from export_session.dicom.writing.apply import Request
from export_session.dicom.writing.elements import write_element
from export_session.dicom.writing.sequences import ExactSequence
from export_session.dicom.writing.texts import holds_items, items, meant_for, unplain


class NoRoom(Exception):
    """An element cannot hold its text in UTF-8; the text says which and why."""


@dataclass
class Recoded:
    """What changes when a data set is re-declared."""

    elements: Mapping[int, bytes] = field(default_factory=dict)
    guessed: bool = False  # whether text that is about to be replaced stands there as it was guessed
    opaque: list[str] = field(default_factory=list)  # elements of unknown VR, which keep bytes that may be text


def transcode(data_set: DataSet, requests: Sequence[Request]) -> Recoded:
    """Return the elements that change when a data set is re-declared as ISO_IR 192, by tag.

    Parameters
    ----------
    data_set
        As it is, with nothing :func:`~export_session.dicom.writing.texts.in_the_way`.
    requests
        What is about to be replaced in it.

    Raises
    ------
    NoRoom
        Some text would not fit any more.
    """
    recoded = Recoded()
    elements = _texts(data_set, requests, "", recoded)
    recoded.elements = {**elements, SPECIFIC_CHARACTER_SET: _declaration(data_set)}
    return recoded


def _declaration(data_set: DataSet) -> bytes:
    present = data_set.elements.get(SPECIFIC_CHARACTER_SET)
    vr = "CS" if present is None else present.vr
    return write_element(SPECIFIC_CHARACTER_SET, vr, UTF8.encode("ascii"), data_set.syntax)


def _texts(data_set: DataSet, requests: Sequence[Request], above: str, recoded: Recoded) -> dict[int, bytes]:
    changed = {}
    for value in unplain(data_set):
        name = above + data_set.name_of(value.tag)
        try:
            raw = _recoded(value, meant_for(value, requests), name, recoded)
        except Unwritable as refusal:
            raise NoRoom(f"{name} has no room for it ({refusal})") from None
        if raw != value.element.raw:
            changed[value.tag] = raw
    return changed


def _recoded(value: Value, meant: Sequence[Request], name: str, recoded: Recoded) -> bytes:
    if holds_items(value):
        return _sequence(value, meant, name, recoded)
    if value.vr in CHARSET_VRS:
        return _text(value, recoded)
    if value.vr == "UN":
        recoded.opaque.append(name)
    return value.element.raw


def _text(value: Value, recoded: Recoded) -> bytes:
    try:
        raw = encode_text(decode_text(value.raw, value.vr, value.data_set.codecs), value.vr, UTF8_CODECS)
    except Undecodable:
        recoded.guessed = True
        raw = value.decoded(value.vr).encode()
    if len(raw) % 2:
        raw = raw[:-1] if raw.endswith(b" ") else raw + b" "
    return write_element(value.tag, value.element.vr, raw, value.syntax)


def _sequence(value: Value, meant: Sequence[Request], name: str, recoded: Recoded) -> bytes:
    new = {}
    for number, item, within in items(value, meant, staying=False):
        changed = _texts(item, within, f"{name}[{number}].", recoded)
        if SPECIFIC_CHARACTER_SET in item.elements:
            changed[SPECIFIC_CHARACTER_SET] = _declaration(item)
        if changed:
            new[number] = changed
    return ExactSequence(value).with_elements(new) if new else value.element.raw
