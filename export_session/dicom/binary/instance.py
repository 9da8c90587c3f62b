"""One DICOM instance, read from its bytes as far as its header goes.

The parse accounts for every byte of the file: preamble, file meta, data elements, padding. Bulk data is
passed over without being kept. Whatever cannot be accounted for is kept as :attr:`Instance.problem`; such an
instance is shown as far as it could be read, and must not be rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from pydicom.charset import convert_encodings, default_encoding

from export_session.dicom.binary.elements import EXPLICIT_LITTLE, Element, Syntax
from export_session.dicom.dictionary import SPECIFIC_CHARACTER_SET

_IMPROPER = re.compile(r"[^A-Za-z0-9 _\-]")  # what no defined term of Specific Character Set holds
DIRECTORY_STORAGE = "1.2.840.10008.1.3.10"  # Media Storage Directory Storage: a DICOMDIR


class Kind(StrEnum):
    """What a file or a member of an archive is."""

    INSTANCE = "DICOM instance"
    DIRECTORY = "DICOMDIR"
    PACKED = "compressed by a method that is not read here"
    OTHER = "not DICOM"


@dataclass(frozen=True, slots=True)
class Instance:
    """The header of one DICOM instance."""

    name: str  # zip member name or file name
    kind: Kind
    elements: Mapping[int, Element] = field(default_factory=dict)  # top level, group 0002 included, in file order
    prefixed: bool = True  # whether preamble and "DICM" are there
    syntax: Syntax = EXPLICIT_LITTLE  # of the data set; file meta is explicit little endian
    deflated: bool = False
    bulk: Mapping[int, int] = field(default_factory=dict)  # where elements start whose value is not held
    end: int = 0  # of the last element; positions count a deflated data set as inflated
    trailing: int = 0  # bytes of padding behind the last element
    truncated: bool = False  # whether pixel data ends early
    unread: bool = False  # whether there are bytes behind the problem, which other readers may make sense of
    problem: str = ""  # why the bytes are not completely accounted for; "" when they are

    def raw(self, tag: int) -> bytes | None:
        """Return the value bytes of a top-level element, None when it is absent.

        Of bulk data only the first bytes are kept, see :attr:`Element.held`.
        """
        element = self.elements.get(tag)
        return None if element is None else element.value

    def text(self, tag: int) -> str:
        """Return a value of the default repertoire (UI, CS, IS …) without padding, "" when it is absent."""
        return (self.raw(tag) or b"").decode("ascii", "replace").strip(" \0")

    @property
    def charset(self) -> list[str]:
        """Python's names of the encodings that Specific Character Set declares (PS3.3 §C.12.1.1.2)."""
        return codecs_of(self.raw(SPECIFIC_CHARACTER_SET) or b"")

    @property
    def start(self) -> int:
        """Where the first element starts."""
        return 132 if self.prefixed else 0


def codecs_of(value: bytes) -> list[str]:
    """Return Python's names of the encodings that a Specific Character Set value declares."""
    return list(_codecs_of(value))


@lru_cache(maxsize=256)
def _codecs_of(value: bytes) -> tuple[str, ...]:
    terms = [_IMPROPER.sub("", term).strip(" ") for term in value.decode("latin-1").split("\\")]
    found = convert_encodings(terms if len(terms) > 1 else terms[0])
    return tuple(name if _extends_ascii(name) else default_encoding for name in found)


def _extends_ascii(name: str) -> bool:
    """Tell whether an encoding is one for text that DICOM could mean; pydicom lets any of Python's pass."""
    try:
        return "aZ9^".encode(name) == b"aZ9^" and b"aZ9^".decode(name) == "aZ9^"
    except (LookupError, ValueError):
        return False


def decode_plain(value: bytes) -> str:
    """Decode a private creator or other plain text for comparing."""
    return value.decode("latin-1").strip(" \0")
