"""What somebody asks to be written in ``info.header.dicom``, judged before any file is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from export_session.dicom.binary.values import is_blank, why_unwritable
from export_session.dicom.dictionary import (
    FRAME_OF_REFERENCE_UID,
    IDENTITIES,
    NUMBER_VRS,
    SOP_CLASS_UID,
    SPECIFIC_CHARACTER_SET,
    STRING_VRS,
    UNSPLIT_VRS,
    Key,
    vm_in_dictionary,
    vr_in_dictionary,
)
from export_session.dicom.edits.equality import as_number, is_empty, is_plain, same
from export_session.dicom.edits.protected import why_protected
from export_session.dicom.edits.statement import statement
from export_session.dicom.edits.typed import Target, in_dicom_form
from export_session.dicom.vocabulary import Options

_NEEDED = IDENTITIES - {FRAME_OF_REFERENCE_UID} | {SOP_CLASS_UID}


@dataclass(frozen=True)
class Asked:
    """A value for an element, as an importer would show it once the file holds it."""

    value: Any  # "" or [] empties the element
    vr: str  # "" where no dictionary knows the element
    refusal: str = ""  # why no file can hold it
    remark: str = ""  # what was changed about it

    def is_shown(self, shown: Any) -> bool:
        """Tell whether the metadata say so already."""
        if is_empty(self.value) and not (isinstance(self.value, list) and len(self.value) > 1):
            return is_empty(shown)
        if not is_plain(self.value) or not is_plain(shown):
            return bool(self.value == shown)
        return same(self.value, shown, self.vr)

    def shaped_as(self, shown: Any) -> Any:
        """Return the value in the shape that this header's importer gives to the element."""
        if isinstance(shown, list) and not isinstance(self.value, list) and not is_empty(self.value):
            return [self.value]
        return self.value


def asked(key: Key, value: Any, options: Options, *, nested: bool = False) -> Asked:
    r"""Return a value that was typed for an element.

    Parameters
    ----------
    key
        The element.
    value
        A text, in which backslashes part the values of an element that can have several; or the JSON of them. None
        empties the element.
    options
        How edits are treated.
    nested
        Whether it lies in an item of a sequence.
    """
    vrs = vr_in_dictionary(key.tag, key.creator).split(" or ")
    tag = key.tag | 0x1000 if key.creator else key.tag  # as in the first block that a creator can reserve
    if protected := why_protected(tag, vrs[0], options):
        return Asked(value, vrs[0], protected)
    if vrs[0] == "SQ":
        blank = is_blank(value)
        return Asked([], "SQ", "" if blank else "it is a sequence; correct the elements in its items instead")
    if is_blank(value):
        return Asked("", vrs[0], "an instance needs this UID" if key.tag in _NEEDED and not nested else "")
    if key.tag == SPECIFIC_CHARACTER_SET:
        declared, refusal, remark = statement(value)
        return Asked(declared.split("\\") if "\\" in declared else declared, vrs[0], refusal, remark)
    answers = [_typed(key, value, vr) for vr in vrs]
    return next((one for one in answers if not one.refusal), answers[0])


def _typed(key: Key, value: Any, vr: str) -> Asked:
    if not vr:  # an element that only its maker knows
        return Asked(value, vr, "" if is_plain(value) else "it takes a value, not an object")
    vm = vm_in_dictionary(key.tag, key.creator)
    value = _as_tag(value) if vr == "AT" else value
    typed = in_dicom_form(value, Target(vr, "" if key.creator else key.name, vm))
    written = _as_text(typed.value) if vr in STRING_VRS - NUMBER_VRS else typed.value
    refusal = typed.refusal or why_unwritable(written, vr, vm)
    return Asked(written if refusal else _as_shown(written, vr, vm), vr, refusal, typed.remark)


def _as_tag(value: Any) -> Any:
    """Return the numbers as which importers show tags; eight digits are those of a tag as DICOM writes it."""
    if isinstance(value, list):
        return [_as_tag(part) for part in value]
    if isinstance(value, str) and "\\" in value:
        return _as_tag(value.split("\\"))
    is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) != len("00181063")
    return int(value) if is_number else value


def _as_text(value: Any) -> Any:
    """Return the digits of numbers that stand in a text."""
    if isinstance(value, list):
        return [_as_text(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _as_shown(value: Any, vr: str, vm: str) -> Any:
    """Return a value as importers store it: numbers as numbers, several values as a list."""
    if isinstance(value, str) and "\\" in value and vm != "1" and vr not in UNSPLIT_VRS:
        value = value.split("\\")
    if isinstance(value, list):
        return [_number(part) for part in value] if vr in NUMBER_VRS else value
    return _number(value) if vr in NUMBER_VRS else value


def _number(part: Any) -> Any:
    number = as_number(part)
    return part if number is None or not isfinite(number) else number


def varies(header: Mapping[str, Any], key: Key) -> bool:
    """Tell whether the metadata show different values of an element in the instances of a file."""
    arrays = header.get("dicom_array")
    values = arrays.get(key.name) if isinstance(arrays, Mapping) else None
    shown = [part for part in values if not is_empty(part)] if isinstance(values, list) else []
    return any(part != shown[0] for part in shown)
