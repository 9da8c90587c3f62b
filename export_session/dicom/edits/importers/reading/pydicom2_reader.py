"""How pydicom 2 reads a file, on which the older importers were built: not by force, and with less understanding."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from typing import BinaryIO

from pydicom.charset import convert_encodings, default_encoding
from pydicom.datadict import dictionary_VR
from pydicom.fileutil import read_undefined_length_value
from pydicom.tag import ItemTag, SequenceDelimiterTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from export_session.dicom.dictionary import SPECIFIC_CHARACTER_SET
from export_session.dicom.edits.importers.reading.pydicom2_dataset import UNDEFINED, Element, Form, OldDataSet
from export_session.dicom.edits.importers.reading.pydicom2_values import Uid, Unknown, Values, empty

_ITEM_DELIMITER = 0xFFFEE00D
_TRANSFER_SYNTAX = 0x00020010
_GROUP_LENGTH = 0x00020000
_SOP_CLASS = 0x00020002
_DIRECTORY = "1.2.840.10008.1.3.10"
# not among them are OV, SV and UV, which that version reads wrongly
_LENGTH_32 = frozenset(["OB", "OD", "OF", "OL", "OW", "SQ", "UC", "UN", "UR", "UT"])

Stop = Callable[[int], bool]


def read_file(source: BinaryIO, *, since_2_1: bool) -> OldDataSet:
    """Read a whole file; raise what that version raises where it can make nothing of it."""
    source.seek(128)
    if source.read(4) != b"DICM":
        raise ValueError("no DICOM file by its preamble")
    meta = _meta(source, since_2_1=since_2_1)
    command = _Reader(
        source, Form(implicit=True, order="<", since_2_1=since_2_1), stop=lambda tag: tag >> 16 != 0
    ).data_set(is_item=False)
    syntax = meta.at(_TRANSFER_SYNTAX).value if _TRANSFER_SYNTAX in meta.elements else None
    start = source.tell()
    ahead = source.read(6)
    source.seek(start)
    implicit, order = True, "<"
    if ahead and syntax is None:
        group, vr = struct.unpack("<H2x2s", ahead)
        implicit = not _is_vr(vr.decode(default_encoding))
        order = ">" if not implicit and group >= 1024 else "<"  # 0004 of big endian
    elif ahead:
        implicit = syntax == ImplicitVRLittleEndian
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        if syntax == DeflatedExplicitVRLittleEndian:
            source = BytesIO(zlib.decompress(source.read(), -zlib.MAX_WBITS))
    form = Form(implicit, order, since_2_1)
    made = _Reader(source, form).data_set(is_item=False)
    made.elements |= command.elements
    made.is_file = True
    return made


def _meta(source: BinaryIO, *, since_2_1: bool) -> OldDataSet:
    start = source.tell()
    for implicit in (False, True):
        source.seek(start)
        form = Form(implicit, "<", since_2_1)
        meta = _Reader(source, form, stop=lambda tag: tag >> 16 != 2).data_set(is_item=False)
        try:
            first = next(iter(meta.elements), None)
            if first is not None:
                meta.at(first)
            break
        except Unknown:
            if implicit:
                raise
    if _GROUP_LENGTH in meta.elements:
        meta.at(_GROUP_LENGTH)
    of_file = meta.at(_SOP_CLASS).value if _SOP_CLASS in meta.elements else None
    if of_file and (not isinstance(of_file, Uid) or of_file == _DIRECTORY):
        raise ValueError("a directory, or nobody knows what")
    return meta


def _is_vr(text: str) -> bool:
    with suppress(Exception):
        Values([default_encoding], "<", since_2_1=True, items=lambda _raw: []).convert(text, b"", 0)
        return True
    return False


class _Reader:
    """Reads data sets from where the source stands."""

    def __init__(
        self, source: BinaryIO, form: Form, encodings: Sequence[str] = (default_encoding,), stop: Stop | None = None
    ) -> None:
        self._source = source
        self._form = form
        self._encodings = encodings
        self._stop = stop

    def data_set(self, length: int | None = None, *, is_item: bool = True) -> OldDataSet:
        """Read to the length or, without one, to the delimiter or the end; what comes before a fault is kept."""
        inherited = self._encodings
        start = self._source.tell()
        if not is_item:
            self._form = Form(self._is_implicit(), self._form.order, self._form.since_2_1)
            self._source.seek(start)
        elements: dict[int, Element] = {}
        stream = self._elements()
        with suppress(StopIteration, EOFError, NotImplementedError):
            while length is None or self._source.tell() - start < length:
                element = next(stream)
                if element.tag == _ITEM_DELIMITER:
                    break
                elements[element.tag] = element
        made = OldDataSet(elements, inherited, self._form, _items)
        made.read_charset()
        return made

    def _is_implicit(self) -> bool:
        vr = self._source.read(6)[4:]
        if len(vr) < 2:  # letters of a VR
            return self._form.implicit
        return not all(0x40 < letter < 0x5B for letter in vr)  # A to Z

    def sequence(self, length: int | None) -> list[OldDataSet]:
        """Read items up to the length or, without one, to the delimiter."""
        items = []
        start = self._source.tell()
        while length != 0 and (length is None or self._source.tell() - start < length):
            head = self._source.read(8)
            if len(head) < 8:  # bytes of an item's head
                raise OSError("a sequence ends without its delimiter")
            group, element, size = struct.unpack(self._form.order + "HHL", head)
            if (group << 16 | element) == SequenceDelimiterTag:
                break
            reader = _Reader(self._source, self._form, self._encodings)
            items.append(reader.data_set(None if size == UNDEFINED else size))
        return items

    def _elements(self) -> Iterator[Element]:
        order, implicit = self._form.order, self._form.implicit
        while len(head := self._source.read(8)) == 8:  # bytes of a short head
            vr: str | None = None
            if implicit:
                group, number, length = struct.unpack(order + "HHL", head)
            else:
                group, number, letters, length = struct.unpack(order + "HH2sH", head)
                vr = letters.decode(default_encoding)
                if vr in _LENGTH_32:
                    head += (more := self._source.read(4))
                    (length,) = struct.unpack(order + "L", more)
            tag = group << 16 | number
            if self._stop is not None and self._stop(tag):
                self._source.seek(-len(head), 1)
                return
            if length == UNDEFINED:
                yield self._of_undefined_length(tag, vr)
                continue
            value = self._source.read(length)
            if tag == SPECIFIC_CHARACTER_SET:
                plain = Values([default_encoding], order, self._form.since_2_1, lambda _raw: [])
                self._encodings = convert_encodings(plain.convert("CS", value, len(value)))
            yield Element(tag, vr, value, length)

    def _of_undefined_length(self, tag: int, vr: str | None) -> Element:
        if vr is None:
            try:
                vr = dictionary_VR(tag)
            except KeyError:
                ahead = self._source.read(4)
                self._source.seek(-len(ahead), 1)
                group, number = struct.unpack(self._form.order + "HH", ahead)
                vr = "SQ" if (group << 16 | number) == ItemTag else None
        if vr == "SQ":
            return Element(tag, vr, self.sequence(None) or empty(vr), UNDEFINED, is_raw=False)
        value = read_undefined_length_value(self._source, self._form.order == "<", SequenceDelimiterTag)
        return Element(tag, vr, value, UNDEFINED)


def _items(held: bytes, form: Form, encodings: Sequence[str]) -> list[OldDataSet]:
    return _Reader(BytesIO(held), form, encodings).sequence(len(held))
