"""Data sets as pydicom 2 has them, on which the older importers were built: values are made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydicom.charset import convert_encodings, default_encoding
from pydicom.datadict import dictionary_VR

from export_session.dicom.dictionary import LUT_DESCRIPTORS, PIXEL_DATA, PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET
from export_session.dicom.edits.importers.reading.pydicom2_values import Values

UNDEFINED = 0xFFFFFFFF  # as a length
_WAVEFORM_BITS = 0x54001004
_LONG = 0xFFFF  # bytes of a UN from which on its VR is not looked up
_BY_SIGN = LUT_DESCRIPTORS.union(
    [0x00189810, 0x00221452, 0x00280110, 0x00280111, 0x00280120, 0x00280121],
    [0x00409211, 0x00409216, 0x00603004, 0x00603006],
    range(0x00280104, 0x0028010A),
)
_WAVEFORMS = frozenset([0x54000110, 0x54000112, 0x5400100A, 0x54001010])
_LUT_DATA = 0x00283006
_LUT_DESCRIPTOR = 0x00283002

ReadItems = Callable[[bytes, "Form", Sequence[str]], "list[OldDataSet]"]


@dataclass
class Element:
    """An element, its value raw until it is asked for."""

    tag: int
    vr: str | None
    value: Any
    length: int
    is_raw: bool = True

    @property
    def count(self) -> int:
        """How many values it has."""
        if self.value is None or self.value in ("", b""):
            return 0
        return len(self.value) if isinstance(self.value, list) else 1


@dataclass(frozen=True)
class Form:
    """How bytes are encoded, and which version reads them."""

    implicit: bool
    order: str
    since_2_1: bool


class OldDataSet:
    """A data set or an item.

    Parameters
    ----------
    elements
        By tag, in the order of the file.
    encodings
        Of its text.
    form
        How it is encoded, and which version reads it.
    read_items
        Reads the items of a sequence that has a length, in these encodings.
    """

    def __init__(
        self, elements: dict[int, Element], encodings: Sequence[str], form: Form, read_items: ReadItems
    ) -> None:
        self.elements = elements
        self._encodings = encodings
        self._form = form
        self._read_items = read_items
        self.is_file = False
        self._parent: OldDataSet | None = None

    def read_charset(self) -> None:
        """Take over the character sets that the data set declares itself."""
        if SPECIFIC_CHARACTER_SET in self.elements:
            declared = self._converted(self.elements[SPECIFIC_CHARACTER_SET])
            self._encodings = convert_encodings(declared.value or "")

    def at(self, tag: int) -> Element:
        """Return an element with its value; raise what pydicom raises, KeyError where there is none."""
        raw = self.elements[tag]
        self.elements[tag] = element = self._converted(raw) if raw.is_raw else raw
        for item in element.value if element.vr == "SQ" and element.value else ():
            item._parent = self  # noqa: SLF001
        if raw.is_raw and element.vr and "or" in element.vr:
            try:
                self._decide(element)
            except KeyError as missing:
                raise AttributeError(missing) from None
        return element

    def _converted(self, raw: Element) -> Element:
        vr = self._vr(raw)
        encodings = [default_encoding] if raw.tag == SPECIFIC_CHARACTER_SET else self._encodings
        values = Values(
            encodings,
            self._form.order,
            self._form.since_2_1,
            lambda held: self._read_items(held, self._form, encodings),
        )
        value = values.convert(vr, raw.value, raw.length)
        if raw.tag in LUT_DESCRIPTORS and value:
            with suppress(TypeError):
                if value[0] < 0:
                    value[0] += 1 << 16
        return Element(raw.tag, vr, value, raw.length, is_raw=False)

    def _vr(self, raw: Element) -> str:
        known = raw.vr is None or (
            raw.vr == "UN" and not raw.tag >> 16 & 1 and (raw.length == UNDEFINED or len(raw.value or b"") < _LONG)
        )
        if not known:
            return str(raw.vr)
        try:
            return dictionary_VR(raw.tag)
        except KeyError:
            if raw.vr is None and raw.tag >> 16 & 1:
                return "LO" if 0x10 <= raw.tag & 0xFFFF < 0x100 else "UN"  # a private creator
            return "UL" if raw.vr is None and not raw.tag & 0xFFFF else "UN"

    def _decide(self, element: Element) -> None:
        """Decide an ambiguous VR where that version knows how."""
        if element.tag in _BY_SIGN:
            element.vr = "SS" if self._signed() else "US"
            self._as_numbers(element)
        elif element.tag in _WAVEFORMS:
            if not (self.is_file and self._form.implicit):
                element.vr = "OW" if self.at(_WAVEFORM_BITS).value > 8 else "OB"  # bits
        elif element.tag == _LUT_DATA:
            element.vr = "US" if self.at(_LUT_DESCRIPTOR).value[0] == 1 else "OW"
            if element.vr == "US":
                self._as_numbers(element)

    def _signed(self) -> bool:
        place = self
        while PIXEL_REPRESENTATION not in place.elements and place._parent:
            place = place._parent
        if PIXEL_REPRESENTATION not in place.elements and not PIXEL_DATA & place.elements.keys():
            return False
        return bool(place.at(PIXEL_REPRESENTATION).value != 0)

    def _as_numbers(self, element: Element) -> None:
        if isinstance(element.value, bytes) and element.value:
            values = Values(self._encodings, self._form.order, self._form.since_2_1, lambda _raw: [])
            element.value = values.numbers(str(element.vr), element.value)
