"""Whole elements as bytes: JSON values encoded by a VR, and encoded ones shown as JSON values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from struct import Struct
from typing import Any

from export_session.dicom.binary.code_extensions import without_escapes
from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import (
    EXPLICIT_LITTLE,
    SEQUENCE_DELIMITER,
    UNDEFINED,
    Element,
    Malformed,
    Syntax,
    write_head,
    write_item,
)
from export_session.dicom.binary.items import exact_elements
from export_session.dicom.binary.refusal import Unwritable
from export_session.dicom.binary.splice import with_value
from export_session.dicom.binary.values import is_blank, to_bytes, to_text
from export_session.dicom.dictionary import (
    NUMBER_FORMATS,
    NUMBER_STRINGS,
    SHORT_VRS,
    STRING_VRS,
    resolved_vr,
    tag_text,
    vm_in_dictionary,
)
from export_session.dicom.vocabulary import Items
from export_session.dicom.writing.parts import Own, encode_keeping

_SHORT_MAX = 0xFFFE  # bytes of a value with a 2-byte length (PS3.5 §7.1.2)
_LONG_MAX = 0xFFFFFFFE
_UNCLEAR_ORDER = (
    "its VR is UN in a big-endian file: PS3.5 §6.2.2 has such numbers in little-endian order, but many programs read "
    "them in big-endian order, so whatever is written would be misread by some; convert the file to little-endian "
    "order first"
)
_UNREADABLE = (
    "no dictionary gives its VR, and a file with implicit VR does not say it (PS3.5 §A.1), so no program could read "
    "the value; convert the file to explicit VR first"
)


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
    if value.is_sequence and element.held and is_blank(new):
        return value.vr, with_value(element, b"", syntax)
    candidates = _candidates(element.vr, value.dictionary_vr, vr)
    if element.undefined:
        raise Unwritable("it holds a sequence or fragments, not a value")
    if not element.held:
        raise Unwritable("its value is too long to be metadata")
    vm, codecs = vm_in_dictionary(value.tag, creator), value.data_set.codecs

    def encode(candidate: str) -> bytes:
        raw = encode_value(new, candidate, vm, codecs, syntax.order, old=value)
        if element.vr == "UN" and not syntax.little and raw != encode_value(new, candidate, vm, codecs, "<", old=value):
            raise Unwritable(_UNCLEAR_ORDER)
        return write_element(value.tag, element.vr if element.vr in ("", "UN") else candidate, raw, syntax)

    return _first_that_fits(candidates, encode)


def new_element(data_set: DataSet, tag: int, new: Any, vr: str, creator: str) -> tuple[str, bytes]:
    """Encode an element that the data set does not have yet; see :func:`element_with`."""
    syntax = data_set.syntax
    candidates = _candidates(_vr_of_new(data_set, tag, creator), vr)
    vm = vm_in_dictionary(tag, creator)

    def encode(candidate: str) -> bytes:
        raw = encode_value(new, candidate, vm, data_set.codecs, syntax.order)
        return write_element(tag, candidate, raw, syntax)

    return _first_that_fits(candidates, encode)


def new_sequence(data_set: DataSet, tag: int, contents: Iterable[bytes], creator: str) -> bytes:
    """Encode a sequence that the data set does not have yet, in the form of the one before it, else of the next.

    Parameters
    ----------
    data_set
        Where it is to be.
    tag, creator
        With its private block, and who reserved that.
    contents
        Of its items.
    """
    _vr_of_new(data_set, tag, creator)
    syntax = data_set.syntax
    sequences = [one for one, _ in data_set.elements.items() if (value := data_set.at(one)) and value.is_sequence]
    neighbour = max((one for one in sequences if one < tag), default=min(sequences, default=0))
    undefined = neighbour > 0 and data_set.elements[neighbour].undefined
    items = b"".join(write_item(content, syntax, undefined=undefined) for content in contents)
    if not undefined:
        return write_element(tag, "SQ", items, syntax)
    head = write_head(tag, "SQ", UNDEFINED, syntax)
    return head + items + write_head(SEQUENCE_DELIMITER, "", 0, syntax)


def _vr_of_new(data_set: DataSet, tag: int, creator: str) -> str:
    """Return the VR that the dictionary gives an element to add.

    Raises
    ------
    Unwritable
        A data set does not have such elements, or nobody could read it there.
    """
    known = resolved_vr(tag, creator, "", signed=data_set.signed)
    if not _belongs(tag >> 16):
        raise Unwritable(f"elements of group {tag >> 16:04X} are not part of such a file")
    if data_set.syntax.implicit and not known:
        raise Unwritable(_UNREADABLE)
    return known


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


def encode_value(value: Any, vr: str, vm: str, codecs: Sequence[str], order: str, *, old: Value | None = None) -> bytes:
    """Encode a JSON value, padded to an even length; components that are as in the ``old`` one keep their bytes.

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
        own = Own.of(old, vr) if old else None
        raw = encode_keeping(to_text(value, vr, vm, own.text if own else ""), vr, codecs, own)
        return raw if own and raw == own.raw else _padded(raw, vr)
    if vr == "AT" or vr in NUMBER_FORMATS:
        return to_bytes(value, vr, vm, order, _count(old, vr) if old else 0)
    if vr == "SQ":
        raise Unwritable("a sequence is changed element by element, not as a whole")
    raise Unwritable("its value is binary data")


def _padded(raw: bytes, vr: str) -> bytes:
    """Make the length even; padding that the last component has already may be what is too much."""
    padding = b"\0" if vr == "UI" else b" "
    if len(raw) % 2 == 0:
        return raw
    return raw[:-1] if raw.endswith(padding) else raw + padding


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


def _count(value: Value, vr: str) -> int:
    """Count the numbers that an element holds now."""
    return len(value.raw) // Struct("<" + NUMBER_FORMATS.get(vr, "L")).size


def shown(value: Value | None) -> Any:
    """Return the value of an element as the log shows it; None where there is no element.

    Numbers of DS and IS are the characters that the file has for them.
    """
    if value is None:
        return None
    if not value.raw:
        return ""
    if value.is_sequence:
        return _shown_items(value)
    if value.vr in NUMBER_STRINGS:
        return value.spelled()
    if value.vr in STRING_VRS:
        codecs = value.data_set.codecs
        parts: list[Any] = [without_escapes(text, codecs) for text in value.texts(value.vr)]
    elif value.vr == "AT":
        parts = [tag_text(tag) for tag in value.tags()]
    elif value.vr in NUMBER_FORMATS:
        unpack = Struct(value.syntax.order + NUMBER_FORMATS[value.vr])
        whole = len(value.raw) // unpack.size * unpack.size
        parts = [part for (part,) in unpack.iter_unpack(value.raw[:whole])]
    else:
        return f"{value.length:,} bytes"
    return "" if not parts else parts[0] if len(parts) == 1 else parts


def _shown_items(value: Value) -> Any:
    try:
        items = list(value.items())
        return [shown_item(item) for item in items]
    except Malformed:
        return f"{value.length:,} bytes"


def shown_item(item: DataSet) -> dict[str, Any]:
    """Return the values of an item as metadata show them, those included that importers leave out."""
    return {item.name_of(tag): shown(item.at(tag)) for tag in item.elements}


def as_asked(value: Any) -> Any:
    """Return a value to write as JSON."""
    return value.asked if isinstance(value, Items) else value


def as_written(value: Any, vr: str, old: Any) -> Any:
    """Return a value as the log shows it once it is written: numbers of DS and IS by their characters in the file."""
    if vr not in NUMBER_STRINGS or is_blank(value):
        return value
    own = old if isinstance(old, list) else [old or ""]
    spelled = to_text(value, vr, "1-n", "\\".join(map(str, own))).split("\\")
    return spelled[0] if len(spelled) == 1 else spelled
