"""Text in the character sets that DICOM allows (PS3.5 §6.1, PS3.3 §C.12.1.1.2), without ever losing a character.

What is encoded is decoded again and compared, by pydicom, too, which most programs read with: it puts ``?`` or U+FFFD
where it fails.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from pydicom.charset import decode_bytes
from pydicom.valuerep import TEXT_VR_DELIMS

from export_session.dicom.binary.code_extensions import (
    CHINESE,
    ESCAPE,
    decode_extended,
    encode_extended,
    holds,
    strict,
    without_escapes,
)
from export_session.dicom.dictionary import MULTI_LINE_VRS

UTF8 = "ISO_IR 192"
UTF8_CODECS = ("UTF8",)

# Where code extensions fall back to the first character set (PS3.5 §6.1.2.5.3)
_NAME_BREAKS = re.compile(r"([\\^=])")
_VALUE_BREAKS = re.compile(r"([\\\t\n\f\r])")
_LINE_BREAKS = re.compile(r"([\t\n\f\r])")


class NotInRepertoire(Exception):
    """The declared character sets cannot hold the text."""


class Undecodable(Exception):
    """The bytes are no text in the declared character sets."""


def encode_text(text: str, vr: str, codecs: Sequence[str], *, goes_on: bool = False) -> bytes:
    """Encode a text value, proven by decoding it again.

    Parameters
    ----------
    text
        The value, its components joined by a backslash.
    vr
        Decides which characters reset code extensions.
    codecs
        Python's names of the declared character sets, as pydicom gives them.
    goes_on
        Whether it is but a part of a value, behind which a delimiter follows.

    Raises
    ------
    NotInRepertoire
        The character sets cannot hold the text.
    """
    for form in (text, unicodedata.normalize("NFC", text)):
        if form.isascii():
            return form.encode("ascii")
        encoded = _encode(form, vr, codecs, goes_on=goes_on)
        if encoded is not None:
            return encoded
    raise NotInRepertoire


def _encode(text: str, vr: str, codecs: Sequence[str], *, goes_on: bool) -> bytes | None:
    if not all(any(holds(codec, character) for codec in codecs) for character in set(text)):
        return None
    parts = _breaks(vr).split(text)
    last = len(parts) - 1
    try:
        encoded = b"".join(
            part.encode("ascii") if part.isascii() else encode_extended(part, codecs, goes_on=goes_on or number < last)
            for number, part in enumerate(parts)
        )
    except (UnicodeError, LookupError):
        return None
    return encoded if _reads_as(encoded, text, vr, codecs) else None


def _reads_as(encoded: bytes, text: str, vr: str, codecs: Sequence[str]) -> bool:
    delimiters = "\\=" if vr == "PN" else "\\"
    if vr not in MULTI_LINE_VRS and any(text.count(d) != encoded.count(d.encode()) for d in delimiters):
        return False  # a byte of a multi-byte character would read as a delimiter
    try:
        return decode_text(encoded, vr, codecs) == text == as_pydicom_reads(encoded, codecs)
    except Undecodable:
        return False


def as_pydicom_reads(value: bytes, codecs: Sequence[str], delimiters: Collection[int] = TEXT_VR_DELIMS) -> str:
    """Return a text as pydicom decodes it, which takes line ends alone for delimiters if it is not told better."""
    return without_escapes(decode_bytes(value, [strict(codecs[0]), *codecs[1:]], set(delimiters)), codecs)


def decode_text(value: bytes, vr: str, codecs: Sequence[str]) -> str:
    """Decode a text value strictly.

    Raises
    ------
    Undecodable
        The bytes are no text in these character sets.
    """
    try:
        if ESCAPE not in value:
            text = value.decode(strict(codecs[0]))
            misread = vr not in MULTI_LINE_VRS and text.count("\\") != value.count(b"\\")
        else:
            text = decode_extended(value, _delimiters(vr), codecs)
            # With Chinese among the sets pydicom knows of no delimiters
            misread = CHINESE not in codecs and text != as_pydicom_reads(value, codecs, _delimiters(vr))
    except (UnicodeDecodeError, LookupError):
        raise Undecodable from None
    if misread or "\ufffd" in text:  # U+FFFD: pydicom could not decode it
        raise Undecodable
    return text


def _delimiters(vr: str) -> bytes:
    if vr == "PN":
        return b"\\^="
    return b"\t\n\f\r" if vr in MULTI_LINE_VRS else b"\\\t\n\f\r"


def _breaks(vr: str) -> re.Pattern[str]:
    if vr == "PN":
        return _NAME_BREAKS
    return _LINE_BREAKS if vr in MULTI_LINE_VRS else _VALUE_BREAKS
