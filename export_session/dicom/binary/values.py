"""From a JSON value to the text or bytes of a DICOM value, or a reason why not (PS3.5 §6.2)."""

from __future__ import annotations

from struct import Struct
from typing import Any

from export_session.dicom.binary.forms import check_form
from export_session.dicom.binary.numbers import attribute_tag, decimal_string, integer, integer_string, real
from export_session.dicom.binary.refusal import Unwritable, named
from export_session.dicom.dictionary import INTEGER_RANGES, NUMBER_FORMATS, UNSPLIT_VRS


def is_blank(value: Any) -> bool:
    """Tell whether a JSON value asks for a zero-length element."""
    return value is None or value in ("", [])


def to_text(value: Any, vr: str, vm: str, count: int = 0) -> str:
    r"""Return the text of a string value, its components joined by ``\``.

    Parameters
    ----------
    value
        The JSON value: text, number or a list of those.
    vr, vm
        As the data dictionary gives them.
    count
        How many values the file holds now; this many are allowed, whatever the VM says.

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
    _check_count(len(values), vm, count)
    return "\\".join("" if item is None else _spell(item, vr) for item in values)


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


def _spell(value: Any, vr: str) -> str:
    if vr == "DS":
        return decimal_string(value)
    if vr == "IS":
        return integer_string(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Unwritable(f"{named(value)} is not text; write it as text")
    text = value.rstrip(" \0")  # trailing padding is not part of a value (PS3.5 §6.2)
    check_form(text, vr)
    return text
