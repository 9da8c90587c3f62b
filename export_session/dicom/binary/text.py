"""Text in the character sets that DICOM allows (PS3.5 §6.1, PS3.3 §C.12.1.1.2), without ever losing a character.

pydicom's codecs do the encoding, or :mod:`~export_session.dicom.binary.code_extensions` where they do not get there;
everything they produce is decoded again and compared, since they put ``?`` or U+FFFD where they fail.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from pydicom.charset import decode_bytes, encode_string

from export_session.dicom.binary.code_extensions import (
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

_HIGH_IN_ASCII = re.compile(rb"\x1b\(B[^\x1b]*[\x80-\xff]")  # ESC ( B announces ASCII
# Where code extensions fall back to the first character set (PS3.5 §6.1.2.5.3)
_NAME_BREAKS = re.compile(r"([\\^=])")
_VALUE_BREAKS = re.compile(r"([\\\t\n\f\r])")
_LINE_BREAKS = re.compile(r"([\t\n\f\r])")


class NotInRepertoire(Exception):
    """The declared character sets cannot hold the text."""


class Undecodable(Exception):
    """The bytes are no text in the declared character sets."""


def encode_text(text: str, vr: str, codecs: Sequence[str]) -> bytes:
    """Encode a text value, proven by decoding it again.

    Parameters
    ----------
    text
        The value, its components joined by a backslash.
    vr
        Decides which characters reset code extensions.
    codecs
        Python's names of the declared character sets, as pydicom gives them.

    Raises
    ------
    NotInRepertoire
        The character sets cannot hold the text.
    """
    for form in (text, unicodedata.normalize("NFC", text)):
        if form.isascii():
            return form.encode("ascii")
        encoded = _encode(form, vr, codecs)
        if encoded is not None:
            return encoded
    raise NotInRepertoire


def _encode(text: str, vr: str, codecs: Sequence[str]) -> bytes | None:
    if not all(any(holds(codec, character) for codec in codecs) for character in set(text)):
        return None
    for encode in (encode_string, encode_extended):
        try:
            parts = [
                part.encode("ascii") if part.isascii() else encode(part, codecs) for part in _breaks(vr).split(text)
            ]
        except (UnicodeError, LookupError):
            continue
        if _reads_as(b"".join(parts), text, vr, codecs):
            return b"".join(parts)
    return None


def _reads_as(encoded: bytes, text: str, vr: str, codecs: Sequence[str]) -> bool:
    delimiters = "\\=" if vr == "PN" else "\\"
    if vr not in MULTI_LINE_VRS and any(text.count(d) != encoded.count(d.encode()) for d in delimiters):
        return False  # a byte of a multi-byte character would read as a delimiter
    try:
        return decode_text(encoded, vr, codecs) == text
    except Undecodable:
        return False


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
            read = decode_bytes(value, [strict(codecs[0]), *codecs[1:]], set(_delimiters(vr)))
            misread = text != without_escapes(read, codecs) or bool(_HIGH_IN_ASCII.search(value))
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
