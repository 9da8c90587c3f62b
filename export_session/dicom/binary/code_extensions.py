"""Several character sets in one value, announced by escape sequences (PS3.5 §6.1.2.5, PS3.3 table C.12-3).

This is a reading and a writing of its own, beside pydicom's: pydicom leaves the escape sequence of ISO 2022 IR 58 in
the text, writes none, takes for the default repertoire what is not ASCII, and leaves other sets than the first active
before delimiters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pydicom.charset import CODES_TO_ENCODINGS, custom_encoders, default_encoding

ESCAPE = b"\x1b"
CHINESE = "iso_ir_58"  # Python's name of GB 2312, see PS3.5 annex K
_KOREAN = "euc_kr"
_CHINESE_ESCAPE = "\x1b$)A"  # as pydicom leaves it in text

_ASCII = "ascii"
_TO_ASCII = b"\x1b(B"
_TO_ROMAN = b"\x1b(J"  # ISO-IR 14, what is there in place of ASCII where ISO-IR 13 comes first
_KANJI = frozenset(["iso2022_jp", "iso2022_jp_2"])  # two bytes of 7 bits each, in the place of ASCII
_KATAKANA = "shift_jis"  # of one byte, with Roman letters in the place of ASCII
_CODECS = {escape: _ASCII if codec == default_encoding else codec for escape, codec in CODES_TO_ENCODINGS.items()}
_ESCAPES = {codec: escape for escape, codec in _CODECS.items() if escape != _TO_ROMAN}
_TOKENS = re.compile(rb"\x1b\$[()].|\x1b..|[\x00-\x1a\x1c-\x7f]+|[\x80-\xff]+|\x1b", re.DOTALL)


def decode_extended(value: bytes, delimiters: bytes, codecs: Sequence[str]) -> str:
    """Decode text with escape sequences.

    Parameters
    ----------
    value
        The encoded text.
    delimiters
        Bytes that bring the first character set back (§6.1.2.5.3).
    codecs
        Python's names of the declared character sets.

    Raises
    ------
    UnicodeDecodeError, LookupError
        The bytes are no such text, or a character set is announced that is not declared.
    """
    low, high = _ASCII, codecs[0]  # what bytes below and from 80 on stand for
    text = []
    for token in _TOKENS.findall(value):
        if token[:1] == ESCAPE:
            codec = _CODECS[token]
            if codec not in (_ASCII, *codecs):
                raise LookupError(codec)
            if codec in _KANJI or token[1:2] == b"(":
                low = codec
            else:
                high = codec
        elif token[0] >= 0x80:
            text.append(token.decode(strict(high)))
        elif low in _KANJI:
            text.append((_ESCAPES[low] + token).decode(low))
        else:
            text.append(token.decode(_ASCII))
            if any(byte in delimiters for byte in token):
                high = codecs[0]
    return "".join(text)


def encode_extended(text: str, codecs: Sequence[str], *, goes_on: bool) -> bytes:
    """Encode text without delimiters, each run of characters in a declared character set that holds it.

    Parameters
    ----------
    text
        A part of a value.
    codecs
        Python's names of the declared character sets.
    goes_on
        Whether a delimiter follows, before which the first character set has to be active again (§6.1.2.5.3).

    Raises
    ------
    UnicodeEncodeError, LookupError
        No character set holds some character, or it cannot be announced.
    """
    return b"".join(_runs(text, codecs, goes_on=goes_on))


def _runs(text: str, codecs: Sequence[str], *, goes_on: bool) -> Iterator[bytes]:
    first = strict(codecs[0])
    high = announced = first  # what bytes from 80 on stand for, and what programs take them for that know but one set
    for codec, run in _chosen(text, codecs):
        if codec in _KANJI:
            yield custom_encoders[codec](run) + (_TO_ROMAN if first == _KATAKANA else _TO_ASCII)
            announced = _ASCII
            continue
        if codec != announced:
            yield _ESCAPES[codec]
            high = high if codec == _ASCII else codec
        yield run.encode(codec)
        announced = codec
    if goes_on and first not in {high, _ASCII, *_KANJI}:
        yield _ESCAPES[first]


def _chosen(text: str, codecs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Part text into runs of one character set; ASCII goes with any but those that take its place."""
    codec, run = strict(codecs[0]), ""
    for character in text:
        previous = codec
        if character.isascii():
            codec = _ASCII if codec in _KANJI else codec
        elif not holds(codec, character):
            codec = next((strict(one) for one in codecs if holds(one, character)), _ASCII)
        if codec != previous and run:
            yield previous, run
            run = ""
        run += character
    yield codec, run


def without_escapes(text: str, codecs: Sequence[str]) -> str:
    """Return text as pydicom decodes it without the escape sequences that it leaves there."""
    return text.replace(_CHINESE_ESCAPE, "") if CHINESE in codecs else text


def holds(codec: str, character: str) -> bool:
    """Tell whether a character set has a character."""
    encode = custom_encoders.get(codec)
    try:
        encoded = encode(character) if encode else character.encode(strict(codec))
    except UnicodeEncodeError:
        return False
    return codec != _KOREAN or len(encoded) <= 2  # Python spells in letters what KS X 1001 has no syllable for


def strict(codec: str) -> str:
    """Return a codec as the standard has it: without a declaration, ASCII (PS3.5 §6.1.2.3); pydicom takes Latin-1."""
    return _ASCII if codec == default_encoding else codec
