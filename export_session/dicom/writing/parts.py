r"""Parts of a text value that stay keep the file's own bytes, whatever rule of their VR they break.

A value is parted at its backslashes, a person name also into its component groups (PS3.5 §6.2, §6.4).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydicom.charset import decode_bytes
from pydicom.valuerep import TEXT_VR_DELIMS

from export_session.dicom.binary.code_extensions import ESCAPE, without_escapes
from export_session.dicom.binary.dataset import Value
from export_session.dicom.binary.text import as_pydicom_reads, encode_text
from export_session.dicom.binary.values import is_same
from export_session.dicom.dictionary import CHARSET_VRS, UNSPLIT_VRS

_PADDED = re.compile(r"[ \0]+(?=[\\=]|$)")  # padding before the end of a part


@dataclass(frozen=True)
class Own:
    """A text value of the file, or a part of it."""

    text: str
    raw: bytes | None  # None where it cannot be told which bytes are those of the text
    vr: str
    codecs: Sequence[str]

    @classmethod
    def of(cls, value: Value, vr: str) -> Own | None:
        """Return the text that an element holds, None where it is empty."""
        codecs = value.data_set.codecs
        return cls(without_escapes(value.decoded(vr), codecs), value.raw, vr, codecs) if value.raw else None

    def parted(self, delimiter: str) -> list[Own]:
        """Part text and bytes alike; a byte of a multi-byte character can look like a delimiter."""
        texts = self.text.split(delimiter)
        raws = (self.raw or b"").split(delimiter.encode())
        told = [self._read(raw).rstrip(" \0") for raw in raws] == [text.rstrip(" \0") for text in texts]
        return [replace(self, text=text, raw=raws[number] if told else None) for number, text in enumerate(texts)]

    def _read(self, raw: bytes) -> str:
        if self.vr not in CHARSET_VRS:
            return raw.decode("latin-1")
        return without_escapes(decode_bytes(raw, self.codecs, TEXT_VR_DELIMS), self.codecs)


def encode_keeping(text: str, vr: str, codecs: Sequence[str], own: Own | None) -> bytes:
    """Encode a text value; parts that are as the file has them keep their bytes.

    Only a part that leaves another character set active for those behind it is encoded anew.

    Raises
    ------
    NotInRepertoire
        The character sets do not hold a part that is new.
    """
    delimiters = "" if vr in UNSPLIT_VRS else "\\=" if vr == "PN" else "\\"
    encoded = _encode(text, vr, codecs, own, delimiters)
    if vr in CHARSET_VRS and ESCAPE in encoded and not _reads_as(encoded, text, codecs):
        return encode_text(text, vr, codecs)
    return encoded


def _reads_as(encoded: bytes, text: str, codecs: Sequence[str]) -> bool:
    read = unicodedata.normalize("NFC", as_pydicom_reads(encoded, codecs))
    return _PADDED.sub("", read) == _PADDED.sub("", unicodedata.normalize("NFC", text))


def _encode(
    text: str, vr: str, codecs: Sequence[str], own: Own | None, delimiters: str, *, goes_on: bool = False
) -> bytes:
    if own and own.raw is not None and is_same(text, own.text, vr):
        return own.raw
    if not own or not delimiters:
        return encode_text(text, vr, codecs, goes_on=goes_on) if vr in CHARSET_VRS else text.encode("ascii")
    delimiter, within = delimiters[0], delimiters[1:]
    parts, owns, last = text.split(delimiter), own.parted(delimiter), text.count(delimiter)
    encoded = [
        _encode(
            part,
            vr,
            codecs,
            owns[number] if number < len(owns) else None,
            within,
            goes_on=goes_on or number < last,
        )
        for number, part in enumerate(parts)
    ]
    if len(parts) > len(owns):  # what was padding at the end is so no more
        encoded[len(owns) - 1] = encoded[len(owns) - 1].rstrip(b" \0")
    return delimiter.encode().join(encoded)
