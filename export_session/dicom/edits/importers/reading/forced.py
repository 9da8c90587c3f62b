"""How file-metadata-importer reads a file: as pydicom does by force, without its hooks, which are the process's."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import suppress
from io import BytesIO
from struct import unpack
from typing import Any, BinaryIO

from pydicom.charset import convert_encodings, default_encoding
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import _is_implicit_vr, data_element_generator
from pydicom.fileutil import read_undefined_length_value
from pydicom.filewriter import correct_ambiguous_vr_element
from pydicom.hooks import _private_vr_for_tag
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, ItemTag, SequenceDelimiterTag, Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import AMBIGUOUS_VR, EXPLICIT_VR_LENGTH_32
from pydicom.values import convert_string, converters

from export_session.dicom.dictionary import SPECIFIC_CHARACTER_SET
from export_session.dicom.edits.importers.reading.conversion import Converter, charset
from export_session.dicom.edits.importers.reading.left_out import is_shown

_UNDEFINED = 0xFFFFFFFF
_DEFERRED = 256  # bytes; the importer leaves longer values in the file until it wants them
_BULK = 1 << 16  # bytes that show whether a longer binary value is text
_BYTE_VRS = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW"])

Encodings = str | MutableSequence[str]
Stop = Callable[[BaseTag, str | None, int], bool]


class ForcedDataset(Dataset):
    """A data set whose elements are converted as the importer converts them, when they are asked for."""

    meta: ForcedDataset  # the file meta information; items have none
    source: BinaryIO | None = None  # what deferred values are read from

    def __getitem__(self, key: Any) -> Any:
        tag = Tag(key)
        raw = self._dict[tag]
        if isinstance(raw, RawDataElement):
            encodings = default_encoding if tag == SPECIFIC_CHARACTER_SET else self.original_character_set
            converter = Converter(encodings or self._character_set, self._private_vr, _items)
            raw = self._present(raw, converter.vr(raw))
            self[tag] = element = converter.element(raw)
            if element.VR in AMBIGUOUS_VR:
                self[tag] = correct_ambiguous_vr_element(element, self, raw.is_little_endian)
        return self._dict[tag]

    def _private_vr(self, tag: BaseTag) -> str:
        vr = _private_vr_for_tag(self, tag)
        return str(getattr(vr, "value", vr))

    def _present(self, raw: RawDataElement, vr: str) -> RawDataElement:
        """Fetch a deferred value; of binary ones no more than is shown."""
        if raw.value is not None or raw.length == 0 or self.source is None:
            return raw
        if vr in _BYTE_VRS and not is_shown(keyword_for_tag(raw.tag)):
            return raw._replace(value=b"")
        self.source.seek(raw.value_tell)
        if raw.length == _UNDEFINED:
            value = read_undefined_length_value(self.source, raw.is_little_endian, SequenceDelimiterTag)
            return raw._replace(value=value)
        if vr in _BYTE_VRS:
            start = self.source.read(min(raw.length, _BULK))
            if not _may_be_text(start):
                return raw._replace(value=start)
            return raw._replace(value=start + self.source.read(raw.length - len(start)))
        return raw._replace(value=self.source.read(raw.length))


def _may_be_text(start: bytes) -> bool:
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4  # a character that goes on behind the cut
    return True


def read_file(source: BinaryIO) -> ForcedDataset:
    """Read the whole file; raise what pydicom raises where the importer can make nothing of it."""
    source.seek(128)
    if source.read(4) != b"DICM":
        source.seek(0)
    meta = _Reader(source, implicit=False, little=True, stop=lambda tag, _vr, _length: tag >> 16 != 2).dataset()
    meta.set_original_encoding(is_implicit_vr=False, is_little_endian=True, character_encoding=default_encoding)
    command = _Reader(source, implicit=True, little=True, stop=lambda tag, _vr, _length: tag >> 16 != 0).dataset()
    implicit, little = True, True
    syntax = meta.get("TransferSyntaxUID")
    start = source.tell()
    ahead = source.read(6)
    source.seek(start)
    if ahead and syntax is None:
        group, vr = unpack("<H2x2s", ahead)
        implicit = vr.decode(default_encoding) not in converters
        little = implicit or group < 1024  # a group of big endian looks high
    elif ahead:
        implicit = syntax == ImplicitVRLittleEndian
        little = syntax != ExplicitVRBigEndian
        if syntax == DeflatedExplicitVRLittleEndian:
            source = BytesIO(zlib.decompress(source.read(), -zlib.MAX_WBITS))
    made = _Reader(source, implicit=implicit, little=little, defer=_DEFERRED).dataset()
    made.source = source
    made.update(command)
    made.set_original_encoding(implicit, little, made._character_set)  # noqa: SLF001 - as pydicom does
    made.meta = meta.meta = meta
    return made


class _Reader:
    """Reads one data set as pydicom's functions do, which would use the hooks for Specific Character Set."""

    def __init__(
        self,
        source: BinaryIO,
        *,
        implicit: bool,
        little: bool,
        encodings: Encodings = default_encoding,
        stop: Stop | None = None,
        defer: int | None = None,
    ) -> None:
        self._source = source
        self._implicit = implicit
        self._little = little
        self._encodings = encodings
        self._stop = stop
        self._defer = defer

    def dataset(self, length: int | None = None, *, is_item: bool = False) -> ForcedDataset:
        """Read up to the length or, without one, to the end or the delimiter; if that is missing, all is lost."""
        inherited = self._encodings
        start = self._source.tell()
        self._implicit = _is_implicit_vr(self._source, self._implicit, self._little, self._stop, is_sequence=is_item)
        self._source.seek(start)
        elements: dict[BaseTag, Any] = {}
        stream = self._elements()
        with suppress(StopIteration, EOFError, NotImplementedError):
            if length is None:
                elements = {element.tag: element for element in stream}
            else:
                while self._source.tell() - start < length:
                    element = next(stream)
                    elements[element.tag] = element
        made = ForcedDataset(elements, parent_encoding=inherited)
        own = elements.get(BaseTag(SPECIFIC_CHARACTER_SET))
        encodings = inherited if own is None else convert_encodings(charset(own))
        made.set_original_encoding(self._implicit, self._little, encodings)
        return made

    def sequence(self, length: int | None) -> Sequence:
        """Read items up to the length or, without one, to the delimiter."""
        items = []
        start = self._source.tell()
        while not length or self._source.tell() - start < length:
            head = self._source.read(8)
            if len(head) < 8:
                raise OSError("a sequence ends without its delimiter")
            group, element, size = unpack("<HHL" if self._little else ">HHL", head)
            if (group << 16 | element) == SequenceDelimiterTag:
                break
            reader = _Reader(self._source, implicit=self._implicit, little=self._little, encodings=self._encodings)
            items.append(reader.dataset(None if size == _UNDEFINED else size, is_item=True))
        return Sequence(items)

    def _elements(self) -> Iterator[Any]:
        """Yield the elements as pydicom finds them; those of undefined length are read here."""
        undefined: tuple[BaseTag, str | None] | None

        def stops(tag: BaseTag, vr: str | None, length: int) -> bool:
            nonlocal undefined
            if self._stop is not None and self._stop(tag, vr, length):
                return True
            undefined = (tag, vr) if length == _UNDEFINED else None
            return undefined is not None

        while True:
            undefined = None
            for element in data_element_generator(self._source, self._implicit, self._little, stops, self._defer):
                if element.tag == SPECIFIC_CHARACTER_SET:
                    self._encodings = convert_encodings(convert_string(element.value or b"", self._little))
                yield element
            if undefined is None:
                return
            self._source.seek(12 if not self._implicit and undefined[1] in EXPLICIT_VR_LENGTH_32 else 8, 1)
            yield self._of_undefined_length(*undefined)

    def _of_undefined_length(self, tag: BaseTag, vr: str | None) -> RawDataElement | DataElement:
        """Read items where the VR is, or may be, SQ, and else all up to the delimiter."""
        start = self._source.tell()
        if vr is None:
            try:
                vr = dictionary_VR(tag)
            except KeyError:
                group, element = unpack("<HH" if self._little else ">HH", self._source.read(4))
                self._source.seek(start)
                vr = "SQ" if (group << 16 | element) == ItemTag else None
        if vr in ("SQ", "UN"):
            return DataElement(tag, "SQ", self.sequence(None), start, is_undefined_length=True)
        value = read_undefined_length_value(self._source, self._little, SequenceDelimiterTag, self._defer)
        return RawDataElement(tag, vr, _UNDEFINED, value, start, self._implicit, self._little)


def _items(raw: RawDataElement, encodings: Encodings) -> Sequence:
    held = raw.value or b""
    reader = _Reader(BytesIO(held), implicit=raw.is_implicit_VR, little=raw.is_little_endian, encodings=encodings)
    return reader.sequence(len(held))
