"""Text in the character sets that DICOM allows (PS3.5 §6.1, PS3.3 §C.12.1.1.2), without ever losing a character.

pydicom's codecs do the encoding; everything they produce is decoded again and compared, since they put ``?``
or U+FFFD where they fail.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from pydicom.charset import custom_encoders, decode_bytes, default_encoding, encode_string

from export_session.dicom.dictionary import MULTI_LINE_VRS

UTF8 = "ISO_IR 192"
UTF8_CODECS = ("UTF8",)

_ESCAPE = b"\x1b"
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
    if not all(any(_holds(codec, character) for codec in codecs) for character in set(text)):
        return None
    encoded = b"".join(
        part.encode("ascii") if part.isascii() else encode_string(part, codecs) for part in _breaks(vr).split(text)
    )
    delimiters = "\\=" if vr == "PN" else "\\"
    if vr not in MULTI_LINE_VRS and any(text.count(d) != encoded.count(d.encode()) for d in delimiters):
        return None  # a byte of a multi-byte character would read as a delimiter
    try:
        return encoded if decode_text(encoded, vr, codecs) == text else None
    except Undecodable:
        return None


def _holds(codec: str, character: str) -> bool:
    encode = custom_encoders.get(codec)
    try:
        if encode is not None:
            encode(character)
        else:
            character.encode(_strict(codec))
    except UnicodeEncodeError:
        return False
    return True


def decode_text(value: bytes, vr: str, codecs: Sequence[str]) -> str:
    """Decode a text value strictly.

    Raises
    ------
    Undecodable
        The bytes are no text in these character sets.
    """
    try:
        if _ESCAPE not in value:
            text = value.decode(_strict(codecs[0]))
            misread = vr not in MULTI_LINE_VRS and text.count("\\") != value.count(b"\\")
        else:
            text = decode_bytes(value, [_strict(codecs[0]), *codecs[1:]], set(_delimiters(vr)))
            misread = "\x1b" in text or bool(_HIGH_IN_ASCII.search(value))
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


def _strict(codec: str) -> str:
    """Return a codec as the standard has it: without a declaration, ASCII (PS3.5 §6.1.2.3); pydicom takes Latin-1."""
    return "ascii" if codec == default_encoding else codec
