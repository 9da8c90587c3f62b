"""Whole elements as bytes: JSON values encoded by a VR, and encoded ones shown as JSON values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from struct import Struct
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import EXPLICIT_LITTLE, Element, Syntax, write_head
from export_session.dicom.binary.items import exact_elements
from export_session.dicom.binary.text import encode_text
from export_session.dicom.binary.values import Unwritable, is_blank, to_bytes, to_text
from export_session.dicom.dictionary import (
    CHARSET_VRS,
    NUMBER_FORMATS,
    NUMBER_STRINGS,
    SHORT_VRS,
    STRING_VRS,
    UNSPLIT_VRS,
    resolved_vr,
    tag_text,
    vm_in_dictionary,
)

_SHORT_MAX = 0xFFFE  # bytes of a value with a 2-byte length (PS3.5 §7.1.2)
_LONG_MAX = 0xFFFFFFFE


def element_with(value: Value, new: Any, vr: str, creator: str) -> tuple[str, bytes]:
    """Encode an element of the file with a new value; its own VR stays where that can hold it.

    Parameters
    ----------
    value
        The element as it is.
    new
        The JSON value.
    vr
        To use where neither file nor dictionary give one that fits.
    creator
        Who reserved its private block, "" for public elements.

    Returns
    -------
    tuple
        The VR by which the value was encoded, and the bytes of the element.

    Raises
    ------
    Unwritable
        The element cannot be changed, or no VR can hold the value.
    NotInRepertoire
        The character sets do not hold the text.
    """
    element, syntax = value.element, value.syntax
    candidates = _candidates(element.vr, value.dictionary_vr, vr)
    if element.undefined:
        raise Unwritable("it holds a sequence or fragments, not a value")
    if not element.held:
        raise Unwritable("its value is too long to be metadata")
    vm, count = vm_in_dictionary(value.tag, creator), _count(value)
    order = "<" if element.vr == "UN" else syntax.order  # PS3.5 §6.2.2

    def encode(candidate: str) -> bytes:
        raw = encode_value(new, candidate, vm, value.data_set.codecs, order, count=count)
        return write_element(value.tag, element.vr if element.vr in ("", "UN") else candidate, raw, syntax)

    return _first_that_fits(candidates, encode)


def new_element(data_set: DataSet, tag: int, new: Any, vr: str, creator: str) -> tuple[str, bytes]:
    """Encode an element that the data set does not have yet; see :func:`element_with`."""
    candidates = _candidates(resolved_vr(tag, data_set.creator_of(tag), "", signed=data_set.signed), vr)
    if not _belongs(tag >> 16):
        raise Unwritable(f"elements of group {tag >> 16:04X} are not part of such a file")
    vm, syntax = vm_in_dictionary(tag, creator), data_set.syntax

    def encode(candidate: str) -> bytes:
        raw = encode_value(new, candidate, vm, data_set.codecs, syntax.order)
        return write_element(tag, candidate, raw, syntax)

    return _first_that_fits(candidates, encode)


def _candidates(*vrs: str) -> list[str]:
    """Return the VRs that can be tried, in their order."""
    candidates = [vr for vr in dict.fromkeys(vrs) if vr not in ("", "UN") and " or " not in vr]
    if not candidates:
        raise Unwritable("neither the file nor the dictionary gives its VR")
    return candidates


def _first_that_fits(vrs: Iterable[str], encode: Callable[[str], bytes]) -> tuple[str, bytes]:
    """Encode by the first VR that can hold the value; the last one says why it cannot."""
    problem = Unwritable()
    for vr in vrs:
        try:
            return vr, encode(vr)
        except Unwritable as refusal:
            problem = refusal
    raise problem


def _belongs(group: int) -> bool:
    """Tell whether a data set may have elements of a group.

    Groups up to 0007 are those of commands, file meta and DICOMDIR, or not to be used (PS3.5 §7.1 and §7.8.1).
    """
    return 0x0008 <= group < 0xFFFE


def encode_value(value: Any, vr: str, vm: str, codecs: Sequence[str], order: str, *, count: int = 0) -> bytes:
    """Encode a JSON value, padded to an even length.

    Raises
    ------
    Unwritable
        The value breaks a rule of its VR or VM.
    NotInRepertoire
        The character sets do not hold the text.
    """
    if is_blank(value):
        return b""
    if vr in STRING_VRS:
        text = to_text(value, vr, vm, count)
        raw = encode_text(text, vr, codecs) if vr in CHARSET_VRS else text.encode("ascii")
        return raw + (b"\0" if vr == "UI" else b" ") * (len(raw) % 2)
    if vr == "AT" or vr in NUMBER_FORMATS:
        return to_bytes(value, vr, vm, order, count)
    if vr == "SQ":
        raise Unwritable("a sequence is changed element by element, not as a whole")
    raise Unwritable("its value is binary data")


def write_element(tag: int, vr: str, raw: bytes, syntax: Syntax) -> bytes:
    """Encode a whole element; ``vr`` "" gives the implicit form."""
    if tag >> 16 == 2:
        syntax = EXPLICIT_LITTLE
    longest = _SHORT_MAX if vr in SHORT_VRS and not syntax.implicit else _LONG_MAX
    if len(raw) > longest:
        raise Unwritable(f"it takes {len(raw)} bytes, {vr} holds {longest}")
    return write_head(tag, vr, len(raw), syntax) + raw


def reread(elements: Mapping[int, bytes], syntax: Syntax) -> dict[int, Element]:
    """Read elements that were just written."""
    return {
        tag: exact_elements(raw, EXPLICIT_LITTLE if tag >> 16 == 2 else syntax)[tag] for tag, raw in elements.items()
    }


def _count(value: Value) -> int:
    """Count the values that an element holds now."""
    if not value.raw:
        return 0
    if value.vr in NUMBER_FORMATS or value.vr == "AT":
        return len(value.raw) // Struct("<" + NUMBER_FORMATS.get(value.vr, "L")).size
    return 1 if value.vr in UNSPLIT_VRS else len(value.texts(value.vr))


def shown(value: Value | None) -> Any:
    """Return the value of an element as metadata shows it; None where there is no element."""
    if value is None:
        return None
    if value.vr in STRING_VRS:
        parts = [as_number(text, value.vr) for text in value.texts(value.vr)]
    elif value.vr == "AT":
        parts = [tag_text(tag) for tag in value.tags()]
    elif value.vr in NUMBER_FORMATS:
        unpack = Struct(value.syntax.order + NUMBER_FORMATS[value.vr])
        whole = len(value.raw) // unpack.size * unpack.size
        parts = [part for (part,) in unpack.iter_unpack(value.raw[:whole])]
    else:
        return None if value.raw else ""
    return "" if not parts else parts[0] if len(parts) == 1 else parts


def as_number(text: str, vr: str) -> Any:
    """Return the number that a component of DS or IS spells; any other text as it is."""
    if vr not in NUMBER_STRINGS:
        return text
    try:
        return int(text) if vr == "IS" else float(text)
    except ValueError:
        return text
