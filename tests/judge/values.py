"""Values of every VR as bytes: typical, odd, extreme and broken (PS3.5 §6.2)."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable

from tests.judge.dataset import Encoding

NUMBERS = {"FD": "d", "FL": "f", "SL": "l", "SS": "h", "SV": "q", "UL": "L", "US": "H", "UV": "Q"}
WORDS = {"OB": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8, "UN": 1}

_AE = ["STORE_SCP", " LEADING", "TRAILING ", "TWO WORDS", "A" * 16, "A" * 17, "a\\b", "tab\there", "", " ", "é"]
_AS = [
    "034Y",
    "002W",
    "45",
    "045",
    "3Y",
    "034y",
    "34 Y",
    "1000Y",
    "abcY",
    "000D",
    "",
    "034Y ",
    "034Y\0",
    "-01Y",
    "0 34",
]
_CS = [
    "ORIGINAL", "lower", "A\\B\\C", "A\\\\C", "\\A", "A\\", "A ", " A", "TOO LONG A CODE STRING", "ÄÖ", "A\0", "A\r\n",
    "", "  ", "A-B", "A,B", "?", "1", "1.0", "001\\002", "A\\ B \\C ", "_", "5E3", "NaN", "inf", "\\", "\\\\",
]  # fmt: skip
_DA = [
    "20040826", "2004.08.26", "26/08/2004", "2004-08-26", "20040231", "2004", "200408", "00000000", "20040826\\20050101",
    "20040826 ", "20040826\0", "abc", "Aug 26 2004", "20040826-20050101", "-20040826", "", "99999999", "0", "20040826\r\n",
    "20049999", " 20040826", "1", "2004082", "20040826120000", "\\20040826", "today", "10", "12.5", "00010101",
]  # fmt: skip
_DS = [
    "1.5", "1,5", " 2 ", "+07", "1e5", "1E-5", "-0", "0.0000000000001", "3.14159265358979323846", "5.000", "90.", ".5",
    "2.0E+03", "abc", "1.5mm", "", " ", "\\", "1\\2\\3", "1\\\\3", "1\\abc\\3", "1,5\\2", "NaN", "inf", "-inf", "1e999",
    "0x10", "1_000", "12345678901234567890", "1.5\0", "1.5\r\n", "--1", "1-2", "e5", "+", "1 2", "0", "00", "-",
    "123456789012345678", "1.7976931348623157e308", "nan\\1", "1.5 \\ 2.5", "\\1", "1\\", "0\\0\\0", "1/2", "１", "1.5.5",
    "1.0\\1.50\\2.500", "-.5", "5.", "1d5", "TRUE", "4.9e-324", "1e-400", "1 \\1", "1.1\\1,1\\x", "١",
]  # fmt: skip
_DT = [
    "20040826185059.123456+0100", "20040826", "2004", "20040826185059", "2004-08-26T18:50:59", "18:50:59", "abc", "",
    "20040826185059.1 ", "20040826185059&ZZXX", "20041399", "20040826\\20050826", "20040826250000", "20040826185060",
    "20040826185059.123456789", "20040826185059+9999", "20040826 185059", "0", "10", "20040826185059\0",
]  # fmt: skip
_IS = [
    "1", "+07", " 2 ", "1.0", "1.5", "1e3", "-0", "0", "00012", "2147483648", "-2147483649", "99999999999999", "abc", "",
    "1\\2", "1\\\\2", "1\\abc", "1.5\\x", "1,000", "1,5", "0x10", "1_000", "12mm", "1\0", "1\r\n", "\\", "1 2", "+", "NaN",
    "inf", "1\\1.5\\2", "9007199254740993", "1.0\\2.0", "-5", "1e400", "1.5\\2", "2 \\ 3", "\\1", "1\\", "0\\0", "１", "e",
    "1-2", "1.9999999999999999999", "-1.5", "1.0000000000001", "12345678901234567890123",
]  # fmt: skip
_TM = [
    "185059", "185059.1", "185059.123456", "18:50:59", "1850", "18", "250000", "186059", "185060", "abc", "", "185059 ",
    "185059\0", "6:50 PM", "18:50", "1850.5", "185059.", "185059.1234567", "185059\\190000", "-185059", "0", "1", "24:00:00",
    "185059+0100", " 185059", "185059\r\n", "noon", "18.50", "185959.9999999",
]  # fmt: skip
_UI = [
    "1.2.840.10008.1.2", "1.2.3", "1.02.003", "1.2.", ".1.2", "1..2", "abc", "1.2.3 ", "1.2.3\0\0", "", "1", "1.2", "0",
    "1." * 32 + "1", "1." + "9" * 70, "1.2\\3.4", "1.2.3a", " 1.2.3", "1.2.3\r\n", "007", "1-2-3", "1.2.840.10008.1.2\\", "\\",
    "1.2.840.10008.5.1.4.1.1.2\0", "Ü", "9.9.9", "1e5", "12.0", "3.999999999999999999999999",
]  # fmt: skip
_UR = [
    "https://example.org/a?b=c", " https://example.org", "https://example.org \r\n", "no url at all", "", "a\\b", "x " * 40,
    "https://münchen.example", "http://a/\0", "https://example.org/\n", "\thttp://a", "1", "http://a/   ",
]  # fmt: skip
PLAIN = [
    "Text", "", " ", "  leading", "trailing  ", "trailing\0", "trailing \0", "\0", "\0\0 ", "\0leading", "a\\b", "a\\\\b",
    "\\a", "a\\", "\\", "\\\\", "line\r\nline", "ends\r\n", "tab\tinside", "bell\x07", "esc\x1b[0m", "form\x0cfeed", "del\x7f", "1",
    "007", "1.50", "1e5", "NaN", "nan", "inf", "Infinity", "-1", "?", "??", "None", "null", "true", "[]", "{}", "x" * 65,
    "x" * 17, "y" * 1025, "z" * 10300, "5" * 10300, "=HYPERLINK(1)", "a\\ b \\c ", "001\\002", "1\\2\\x", "b'\\x01'",
    "0x1F", "1_0", "(0018,1063)", "2004\\2005", "\u00a0", "\u00a0x\u00a0", "a\u2028b", "\x85", "x\x85", "\ufeffx", "a\0b", "_", "=",
    "A=B", "^", "1,5", " 5", "5 ", "+5", "5.0", "a\vb", "\x1c", "a\x1cb", " \\ ", "a \\b", "\xad", "٣", "٣\\٤", "½",
]  # fmt: skip
NAMES = [
    "Doe^John", "Doe^John^^Dr.", "Doe^John^^^", "Doe", "^", "^^^^", "=", "==", "Doe^John=", "Doe^John==", "=Doe^John",
    "A^B=C^D=E^F", "A^B=C^D=E^F=G^H", "a=b=c=d", "Doe ^ John", " Doe^John", "Doe^John ", "Doe^John\0", "Doe^John^ ", "",
    " ", "A^B\\C^D", "A^B\\", "\\A^B", "A^B\\\\C^D", "a^b^c^d^e^f", "Doe^" + "x" * 70, "O'Neil^\"J\"", "Doe^J\r\n", "1", "1.5", "?",
    "Doe^John= =", "Doe^John = ^ = ", "Doe^J\tK", "Doe^J\x1bK", "Doe=\0", "\0Doe", "A^B = C^D", "=\\=", "^=^", "1^2", "007",
    "Doe^John^", "Doe^^^^ ", "None", "NaN", "5\\6", "Doe^John=\\Roe^Jane=",
]  # fmt: skip

_TEXTS = {
    "AE": _AE, "AS": _AS, "CS": _CS, "DA": _DA, "DS": _DS, "DT": _DT, "IS": _IS, "TM": _TM, "UI": _UI, "UR": _UR,
    "LO": PLAIN, "LT": PLAIN, "SH": PLAIN, "ST": PLAIN, "UC": PLAIN, "UT": PLAIN, "PN": NAMES,
}  # fmt: skip
_CODECS = ("utf-8", "latin-1", "cp1252")


def value_of(vr: str, rng: random.Random, form: Encoding) -> bytes:
    """A value of this VR, now and then one that belongs to another VR altogether."""
    if rng.random() < 0.04:
        vr = rng.choice([*_TEXTS, *NUMBERS, "AT", "UN"])
    maker = _MAKERS.get(vr)
    value = maker(vr, rng, form) if maker else b""
    return _mangled(value, rng) if rng.random() < 0.06 else value


def _mangled(value: bytes, rng: random.Random) -> bytes:
    kind = rng.randrange(7)
    if kind == 0:
        return value[:-1]
    if kind == 1:
        return value + b"\0" * rng.randint(1, 3)
    if kind == 2:
        return value + b" " * rng.randint(1, 3)
    if kind == 3:
        return value + value
    if kind == 4 and value:
        at = rng.randrange(len(value))
        return (
            value[:at]
            + bytes([rng.choice([0x5C, 0x00, 0x20, 0x80, 0xFF, 0x1B, 0x0A, rng.randrange(256)])])
            + value[at + 1 :]
        )
    return b"" if kind == 5 else value + b"\r\n"


def _text(vr: str, rng: random.Random, form: Encoding) -> bytes:
    del form
    text = rng.choice(_TEXTS[vr])
    if vr in ("DS", "IS") and rng.random() < 0.3:
        text = "\\".join([text, *rng.choices(_TEXTS[vr], k=rng.randint(1, 2))])
    if vr == "DS" and rng.random() < 0.2:
        text = repr(rng.uniform(-1, 1) * 10 ** rng.randint(-20, 20))
    codec = rng.choice(_CODECS)
    value = text.encode(codec, "ignore")
    if len(value) % 2 and rng.random() < 0.9:
        value += b"\0" if vr == "UI" else b" "
    return value


def _number(vr: str, rng: random.Random, form: Encoding) -> bytes:
    code = NUMBERS[vr]
    size = struct.calcsize("<" + code)
    count = rng.choice([1, 1, 1, 1, 2, 3, 6, 0])
    made = b""
    for _ in range(count):
        if code in "df":
            number = rng.choice(
                [0.0, -0.0, 0.1, 1.0, -1.5, math.nan, math.inf, -math.inf, 1e-40, 3e38, rng.gauss(0, 1e3)]
            )
            made += struct.pack(form.order + code, number)
        else:
            fill = rng.choice([b"\0", b"\xff", b"\x5c", b"\x5f", b"\x80", b"\x20", b"\x7f"])
            made += rng.choice([fill * size, rng.randbytes(size), fill + b"\0" * (size - 1), b"\0" * (size - 1) + fill])
    return made if rng.random() < 0.95 else made[:-1]


def _tags(vr: str, rng: random.Random, form: Encoding) -> bytes:
    del vr
    tags = [
        rng.choice([0x00181063, 0x00100020, 0, 0xFFFFFFFF, 0x5C5C5C5C, 0x00091001])
        for _ in range(rng.choice([1, 1, 2, 3, 0]))
    ]
    made = b"".join(struct.pack(form.order + "HH", tag >> 16, tag & 0xFFFF) for tag in tags)
    return made if rng.random() < 0.93 else made[:-2]


def _words(vr: str, rng: random.Random, form: Encoding) -> bytes:
    del form
    unit = WORDS[vr]
    pattern = rng.choice(
        [b"\x5c", b"\0", b"ab", b"12", b"\xff", b"\xc3\xa4", b"a\\b", b"\x01\x02\x03", b" ", b"1.5 ", b"text"]
    )
    size = unit * rng.choice([0, 1, 2, 3, 4, 5, 9, 10, 11, 40, 70, 130, 1100])
    return (pattern * (size // len(pattern) + 1))[:size] if rng.random() < 0.7 else rng.randbytes(size)


_MAKERS: dict[str, Callable[[str, random.Random, Encoding], bytes]] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(WORDS, _words),
    "AT": _tags,
}
