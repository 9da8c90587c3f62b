"""From a JSON value to the text or bytes of a DICOM value, or a reason why not (PS3.5 §6.2)."""

from __future__ import annotations

from itertools import zip_longest
from struct import Struct
from typing import Any

from export_session.dicom.binary.forms import check_form
from export_session.dicom.binary.numbers import attribute_tag, decimal_string, integer, integer_string, real
from export_session.dicom.binary.refusal import Unwritable, named
from export_session.dicom.dictionary import INTEGER_RANGES, NUMBER_FORMATS, NUMBER_STRINGS, STRING_VRS, UNSPLIT_VRS

_PADDING = " \0"


def is_blank(value: Any) -> bool:
    """Tell whether a JSON value asks for a zero-length element."""
    return value is None or value in ("", [])


def is_same(text: str, own: str, vr: str) -> bool:
    """Tell whether two spellings of a text differ in nothing but padding (PS3.5 §6.2)."""
    if vr in NUMBER_STRINGS:
        return text.strip(_PADDING) == own.strip(_PADDING)
    return text.rstrip(_PADDING) == own.rstrip(_PADDING)


def to_text(value: Any, vr: str, vm: str, own: str = "") -> str:
    r"""Return the text of a string value, its components joined by ``\``.

    Parameters
    ----------
    value
        The JSON value: text, number or a list of those.
    vr, vm
        As the data dictionary gives them.
    own
        What the file holds now. As many components are allowed, whatever the VM says, and one that stays may
        break the rules of its VR.

    Raises
    ------
    Unwritable
        The value breaks a rule of its VR or VM.
    """
    if vr in UNSPLIT_VRS:
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, list):
            raise Unwritable(f"{vr} holds one value, not a list")
        return _spell(value, vr)
    if isinstance(value, str) and vm != "1":
        value = value.split("\\")
    values = value if isinstance(value, list) else [value]
    owns = own.split("\\") if own else []
    _check_count(len(values), vm, len(owns))
    pairs = zip_longest(values, owns[: len(values)], fillvalue="")
    return "\\".join("" if item is None else _spell(item, vr, was) for item, was in pairs)


def to_bytes(value: Any, vr: str, vm: str, order: str, count: int = 0) -> bytes:
    """Return the bytes of a numeric value or attribute tag in byte order ``<`` or ``>``.

    Raises
    ------
    Unwritable
        The value is not such a number, or its count breaks the VM.
    """
    if isinstance(value, str) and "\\" in value:
        value = value.split("\\")
    values = value if isinstance(value, list) else [value]
    _check_count(len(values), vm, count)
    if vr == "AT":
        return b"".join(Struct(order + "HH").pack(*attribute_tag(item)) for item in values)
    number = integer if vr in INTEGER_RANGES else real
    pack = Struct(order + NUMBER_FORMATS[vr]).pack
    return b"".join(pack(number(item, vr)) for item in values)


def why_unwritable(value: Any, vr: str, vm: str, own: str = "") -> str:
    """Say why a text or numeric VR cannot hold a value, "" where it can; see :func:`to_text`, :func:`to_bytes`."""
    try:
        if vr in STRING_VRS:
            to_text(value, vr, vm, own)
        elif vr in NUMBER_FORMATS or vr == "AT":
            to_bytes(value, vr, vm, "<")
    except Unwritable as refusal:
        return str(refusal)
    return ""


def fits_multiplicity(count: int, vm: str) -> bool:
    """Tell whether ``count`` values are allowed by a VM such as ``1``, ``3``, ``1-2``, ``1-n`` or ``2-2n``."""
    low, _, high = vm.replace(" or 1", "").partition("-")
    if not high:
        return not low.isdigit() or count == int(low)
    if not high.endswith("n"):
        return int(low) <= count <= int(high)
    step = int(high[:-1] or 1)
    return count >= int(low) and (count - int(low)) % step == 0


def _check_count(given: int, vm: str, count: int) -> None:
    if given != count and not fits_multiplicity(given, vm):
        wanted = "one value" if vm == "1" else f"{vm} values"
        raise Unwritable(f"it takes {wanted}, not {given}")


def _spell(value: Any, vr: str, own: str = "") -> str:
    if isinstance(value, str) and is_same(value, own, vr):
        return value.strip(_PADDING) if vr in NUMBER_STRINGS else value.rstrip(_PADDING)
    if vr == "DS":
        return decimal_string(value)
    if vr == "IS":
        return integer_string(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Unwritable(f"{named(value)} is not text; write it as text")
    text = value.rstrip(_PADDING)  # trailing padding is not part of a value (PS3.5 §6.2)
    if vr == "PN" and own:
        _check_name(text, own)
    else:
        check_form(text, vr)
    return text


def _check_name(text: str, own: str) -> None:
    """Check a name as a whole, its component groups as far as they are new."""
    groups, owns = text.split("="), own.split("=")
    new = [
        "-" if number < len(owns) and group and is_same(group, owns[number], "PN") else group
        for number, group in enumerate(groups)
    ]
    check_form("=".join(new), "PN")
