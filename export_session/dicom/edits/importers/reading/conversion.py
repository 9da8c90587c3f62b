"""How file-metadata-importer makes a value of the bytes of one element: its VR, its repairs, its last resorts."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from typing import Any

from pydicom.charset import default_encoding, encode_string
from pydicom.config import WARN
from pydicom.datadict import dictionary_VM, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.valuerep import AMBIGUOUS_VR, VR, format_number_as_ds
from pydicom.values import convert_value

from export_session.dicom.dictionary import LUT_DESCRIPTORS, SPECIFIC_CHARACTER_SET

# Of VM 1, these keep their backslashes. No undecided VR but "OB or OW" is among them.
_BACKSLASH_VRS = frozenset(
    ["AT", "DS", "FD", "FL", "IS", "LT", "OB", "OB or OW", "OF", "OW", "SL", "SQ", "SS", "ST", "UL", "UN", "US", "UT"]
)
_NUMBER_CHARACTERS = frozenset("0123456789Ee.+- ")
_ATTEMPTS = 10  # what has not settled by then never does


class Converter:
    """Makes values of the elements of one data set.

    Parameters
    ----------
    private_vr
        Tells the VR that pydicom's private dictionary has for a private element of this data set, or UN.
    read_items
        Reads the items of a sequence that has a length, in these encodings.
    """

    def __init__(
        self,
        encodings: str | MutableSequence[str],
        private_vr: Callable[[BaseTag], str],
        read_items: Callable[[RawDataElement, list[str]], Any],
    ) -> None:
        self._encodings = [encodings] if isinstance(encodings, str) else list(encodings)
        self._private_vr = private_vr
        self._read_items = read_items

    def vr(self, raw: RawDataElement) -> str:
        """Return the VR of the dictionary, or the file's where that decides what the dictionary leaves open."""
        try:
            known = dictionary_VR(raw.tag)
        except KeyError:
            if not raw.tag.is_private:
                return "UL" if raw.tag.element == 0 else "UN"
            stated = raw.VR or "UN"
            return self._private_vr(raw.tag) if stated == "UN" else stated
        if known in AMBIGUOUS_VR and raw.VR in known.split(" or "):
            return str(raw.VR)
        # Items and delimiters have no VR; but one of undefined length is read by "NONE", and that breaks the importer
        return "OB" if known == "NONE" != raw.VR else known

    def element(self, raw: RawDataElement) -> DataElement:
        """Make the value, and raise what the importer raises."""
        vr, value = self._settled(_without_backslash(_stripped_charset(raw._replace(VR=self.vr(raw)))))
        if raw.tag in LUT_DESCRIPTORS:
            value = _lifted(value)
        undefined = raw.length == 0xFFFFFFFF
        return DataElement(raw.tag, vr, value, raw.value_tell, undefined, already_converted=True)

    def _settled(self, raw: RawDataElement) -> tuple[str, Any]:
        """Try VR and value of the file, then another VR, then a repaired value, then the bytes."""
        overflows = False
        for _ in range(_ATTEMPTS):
            vr = str(raw.VR)
            try:
                return vr, self._checked(raw, self._value(raw))
            except (ValueError, OverflowError, TypeError, NotImplementedError) as error:
                overflows = isinstance(error, OverflowError)
                private = self._private_vr(raw.tag) if raw.tag.is_private else "UN"
                raw = raw._replace(VR=private) if private not in ("UN", vr) else self._repaired(raw)
            except Exception:  # noqa: BLE001 - whatever else it is, the importer gives the value up
                raw = raw._replace(value=b"", length=0)
        if overflows:
            raise RecursionError("the importer runs out of stack in the repair")
        return vr, self._value(raw._replace(value=b"", length=0))  # in the conversion, which it gives up for empty

    def _value(self, raw: RawDataElement) -> Any:
        if raw.VR != VR.SQ or raw.length == 0:
            return convert_value(str(raw.VR), raw, self._encodings)
        try:
            return self._read_items(raw, self._encodings)
        except ValueError:
            return convert_value("SH", raw, self._encodings)  # the first that pydicom tries in its place

    @staticmethod
    def _checked(raw: RawDataElement, value: Any) -> Any:
        DataElement(raw.tag, str(raw.VR), value, validation_mode=WARN)
        return value

    def _repaired(self, raw: RawDataElement) -> RawDataElement:
        """Return the element with a value that converts, or else as bytes.

        Only numbers have repairs that are ever reached: dates, times, ages, UIDs and text convert whatever they hold
        as long as pydicom only warns of faults.
        """
        if not raw.value:
            raise AssertionError("there is nothing to repair")
        value = self._repaired_number(raw) if raw.VR in ("DS", "IS") else raw.value
        fixed = raw._replace(value=value)
        try:
            self._value(fixed)
            self._checked(raw, value)
        except ValueError:
            return raw._replace(VR="OB")
        return fixed._replace(length=len(value))

    def _repaired_number(self, raw: RawDataElement) -> bytes:
        """Drop the characters that do not belong into numbers; an IS loses its fraction, too."""
        held = raw.value or b""
        try:
            parts = [_number(part) for part in held.decode(default_encoding).split("\\")]
            made = encode_string("\\".join(parts), self._encodings)
            DataElement(raw.tag, "DS", made)
        except (ValueError, OverflowError):
            return held
        if raw.VR == "DS":
            return made
        numbers = convert_value("DS", raw._replace(value=made))
        numbers = numbers if isinstance(numbers, MultiValue) else [numbers]
        return encode_string("\\".join(str(int(number)) for number in numbers), self._encodings)


def _number(text: str) -> str:
    return format_number_as_ds(float("".join(filter(_NUMBER_CHARACTERS.__contains__, text))))


def _stripped_charset(raw: RawDataElement) -> RawDataElement:
    if raw.tag != SPECIFIC_CHARACTER_SET or b"\\" not in (raw.value or b""):
        return raw
    value = b"\\".join(term.strip() for term in (raw.value or b"").split(b"\\"))
    return raw._replace(value=value, length=len(value))


def _without_backslash(raw: RawDataElement) -> RawDataElement:
    """Make an underscore of every byte 5C of an element of VM 1, where the importer takes it for text."""
    try:
        vr, vm = dictionary_VR(raw.tag), dictionary_VM(raw.tag)
    except KeyError:
        return raw
    if vm != "1" or vr != raw.VR or vr in _BACKSLASH_VRS or not raw.value:
        return raw
    return raw._replace(value=raw.value.replace(b"\\", b"_"))


def _lifted(value: Any) -> Any:
    """Lift the number of entries of a look-up table out of the negative."""
    try:
        if value[0] >= 0:
            return value
    except TypeError:  # it is not a list of numbers
        return value
    return [value[0] + (1 << 15), value[1], value[2]]


def charset(raw: RawDataElement) -> Any:
    """Return the terms of Specific Character Set."""
    return convert_value("CS", _stripped_charset(raw._replace(VR="CS")))
