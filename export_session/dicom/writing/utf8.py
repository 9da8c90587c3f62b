"""Re-declares a data set as ISO_IR 192 (UTF-8) and re-encodes its text, losslessly or not at all.

Every text element is decoded strictly by the character set that is declared for it, and what is written
decodes to the same text. Elements of plain ASCII keep their bytes. Only what is about to be replaced need not be
decodable: it stands there as importers read it until it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Element, Malformed
from export_session.dicom.binary.refusal import Unwritable
from export_session.dicom.binary.text import UTF8, UTF8_CODECS, Undecodable, decode_text, encode_text
from export_session.dicom.dictionary import CHARSET_VRS, FRAGMENT_VRS, SPECIFIC_CHARACTER_SET
from export_session.dicom.vocabulary import Items, KeptItem
from export_session.dicom.writing.apply import Request
from export_session.dicom.writing.elements import reread, write_element
from export_session.dicom.writing.sequences import ExactSequence

_DECLARATIONS = (b"\x08\x00\x05\x00", b"\x00\x08\x00\x05")  # the tag, in both byte orders


class InTheWay(Exception):
    """An element cannot be re-encoded; the text says which and why."""


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
        As it is.
    requests
        What is about to be replaced in it.

    Raises
    ------
    InTheWay
        Some other text is not what its declared character set allows, or would not fit any more.
    """
    recoded = Recoded()
    elements = _texts(data_set, requests, "", recoded)
    recoded.elements = {**elements, SPECIFIC_CHARACTER_SET: _declaration(data_set)}
    return recoded


def transcoded(data_set: DataSet, elements: Mapping[int, bytes]) -> DataSet:
    """Return the data set as it reads with these elements in it."""
    return replace(data_set, elements={**data_set.elements, **reread(elements, data_set.syntax)}, codecs=UTF8_CODECS)


def _declaration(data_set: DataSet) -> bytes:
    present = data_set.elements.get(SPECIFIC_CHARACTER_SET)
    vr = "CS" if present is None else present.vr
    return write_element(SPECIFIC_CHARACTER_SET, vr, UTF8.encode("ascii"), data_set.syntax)


def _texts(data_set: DataSet, requests: Collection[Request], above: str, recoded: Recoded) -> dict[int, bytes]:
    changed = {}
    for tag, element in data_set.elements.items():
        value = Value(element, data_set)
        if tag >> 16 == 2 or _is_plain(value):
            continue
        name = above + data_set.name_of(tag)
        meant = [one for one in requests if (found := data_set.get(one.path[0].key)) and found.tag == tag]
        try:
            raw = _recoded(value, meant, name, recoded)
        except Undecodable:
            raise InTheWay(f"{name} is no text in the character set that is declared for it") from None
        except Malformed as error:
            raise InTheWay(f"{name} is damaged ({error})") from None
        except Unwritable as refusal:
            raise InTheWay(f"{name} has no room for it ({refusal})") from None
        if raw != element.raw:
            changed[tag] = raw
    return changed


def _is_plain(value: Value) -> bool:
    """Whether an element reads the same in any character set, and declares none for its items."""
    element = value.element
    if not element.held or not element.value.isascii() or b"\x1b" in element.value:
        return False
    return not any(tag in element.value for tag in _DECLARATIONS) or not _holds_items(value)


def _holds_items(value: Value) -> bool:
    return value.is_sequence or (value.element.undefined and value.element.vr not in FRAGMENT_VRS)


def _recoded(value: Value, meant: Sequence[Request], name: str, recoded: Recoded) -> bytes:
    element: Element = value.element
    if _holds_items(value):
        return _sequence(value, meant, name, recoded)
    if value.vr in CHARSET_VRS:
        if not element.held:
            raise InTheWay(f"{name} is too long to be re-encoded")
        return _text(value, meant, recoded)
    if value.vr == "UN":
        recoded.opaque.append(name)
    return element.raw


def _text(value: Value, meant: Sequence[Request], recoded: Recoded) -> bytes:
    try:
        raw = encode_text(decode_text(value.raw, value.vr, value.data_set.codecs), value.vr, UTF8_CODECS)
    except Undecodable:
        if not any(_replaces(request, value) for request in meant):
            raise
        recoded.guessed = True
        raw = value.decoded(value.vr).encode()
    if len(raw) % 2:
        raw = raw[:-1] if raw.endswith(b" ") else raw + b" "
    return write_element(value.tag, value.element.vr, raw, value.syntax)


def _replaces(request: Request, value: Value) -> bool:
    """Whether a request leaves nothing of a text that is not plain: a component or name group that stays is kept."""
    wanted = request.value if isinstance(request.value, list) else [request.value]
    kept = {part for one in wanted for part in _parts(str(one or ""), value.vr)}
    return all(part.isascii() or part not in kept for part in _parts(value.decoded(value.vr), value.vr))


def _parts(text: str, vr: str) -> list[str]:
    return re.split(r"[\\=]" if vr == "PN" else r"\\", text)


def _sequence(value: Value, meant: Sequence[Request], name: str, recoded: Recoded) -> bytes:
    whole = [request.value for request in meant if len(request.path) == 1]
    if whole and not isinstance(whole[-1], Items):  # it is about to be removed as a whole
        return value.element.raw
    sequence = ExactSequence(value)
    stay = {one.number: one.values for one in whole[-1].items if isinstance(one, KeptItem)} if whole else {}
    new = {}
    for number in range(len(sequence)):
        item = sequence.item(number)
        within = [replace(one, path=one.path[1:]) for one in meant if one.path[0].item == number]
        within += [Request(n, one.path, one.vr, one.value) for n, one in enumerate(stay.get(number, ()))]
        try:
            changed = _texts(item, within, f"{name}[{number}].", recoded)
        except InTheWay:
            if whole and number not in stay:
                continue  # it is about to be removed
            raise
        if SPECIFIC_CHARACTER_SET in item.elements:
            changed[SPECIFIC_CHARACTER_SET] = _declaration(item)
        if changed:
            new[number] = changed
    return sequence.with_elements(new) if new else value.element.raw
