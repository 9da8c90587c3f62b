"""Code extensions as PS3.5 §6.1.2.5 has them, checked by a decoder of its own beside pydicom's."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import decode_bytes
from pydicom.valuerep import TEXT_VR_DELIMS

from export_session.dicom.binary.instance import codecs_of
from export_session.dicom.binary.text import NotInRepertoire, decode_text, encode_text

# PS3.3 tables C.12-3 and C.12-4: what each term announces for bytes from 80 on (G1), by the codecs of Python
G1 = {
    "100": (b"-A", "iso8859-1"), "101": (b"-B", "iso8859-2"), "109": (b"-C", "iso8859-3"), "110": (b"-D", "iso8859-4"),
    "126": (b"-F", "iso8859-7"), "127": (b"-G", "iso8859-6"), "138": (b"-H", "iso8859-8"), "144": (b"-L", "iso8859-5"),
    "148": (b"-M", "iso8859-9"), "166": (b"-T", "tis-620"), "58": (b"$)A", "gb2312"), "149": (b"$)C", "euc_kr"),
    "13": (b")I", "shift_jis"),
}  # fmt: skip
G0 = {"87": b"$B", "159": b"$(D"}
DELIMITERS = {"PN": b"\\^=", "LO": b"\\\t\n\f\r", "LT": b"\t\n\f\r"}


def read(value: bytes, vr: str, terms: list[str]) -> str:
    """Decode by the letter of the standard; the delimiters bring G1 of the first term back."""
    numbers = [term.rpartition(" ")[2] for term in terms]
    first = G1.get(numbers[0], (b"", "ascii"))[1]
    low, high, text, at = b"(B", first, "", 0
    while at < len(value):
        if value[at] == 0x1B:
            escape = next(
                value[at + 1 : at + 1 + n] for n in (2, 3) if value[at + 1 : at + 1 + n] in _announced(numbers)
            )
            at += 1 + len(escape)
            in_g1 = next((codec for sign, codec in G1.values() if sign == escape), None)
            low, high = (low, in_g1) if in_g1 else (escape, high)
        elif low in G0.values():
            text += (b"\x1b" + low + value[at : at + 2] + b"\x1b(B").decode("iso2022_jp_2")
            at += 2
        elif value[at] < 0x80:
            text += chr(value[at])
            high = first if value[at] in DELIMITERS[vr] else high
            at += 1
        else:
            size = 2 if high in ("gb2312", "euc_kr") else 1
            text += value[at : at + size].decode(high)
            at += size
    assert low not in G0.values(), "a set of two bytes is left active"
    return text


def _announced(numbers: list[str]) -> Iterator[bytes]:
    yield b"(B"
    yield from (b"(J",) * ("13" in numbers)
    yield from (G1[number][0] for number in numbers if number in G1)
    yield from (G0[number] for number in numbers if number in G0)


def _repertoire(number: str) -> list[str]:
    if number in G0:
        rows = (
            bytes([27]) + G0[number] + bytes([row, cell]) for row in range(0x21, 0x7F) for cell in range(0x21, 0x7F)
        )
        texts = (row.decode("iso2022_jp_2", "ignore") for row in rows)
    elif number in ("58", "149"):
        texts = (bytes([r, c]).decode(G1[number][1], "ignore") for r in range(0xA1, 0xFF) for c in range(0xA1, 0xFF))
    else:
        texts = (bytes([byte]).decode(G1[number][1], "ignore") for byte in range(0xA1, 0x100))
    return [text for text in texts if len(text) == 1]


REPERTOIRES = {number: _repertoire(number) for number in (*G1, *G0)}
COMBINED = st.tuples(
    st.sampled_from(["", *(f"ISO 2022 IR {number}" for number in G1 if number not in ("58", "149"))]),
    st.lists(st.sampled_from([f"ISO 2022 IR {number}" for number in (*G1, *G0)]), min_size=1, max_size=3, unique=True),
).map(lambda pair: [pair[0], *pair[1]])


@st.composite
def _texts(draw: st.DrawFn) -> tuple[list[str], str, str]:
    terms = draw(COMBINED)
    numbers = [term.rpartition(" ")[2] for term in terms if term]
    part = st.one_of(
        st.text("aZ9 ", max_size=3), *(st.text(st.sampled_from(REPERTOIRES[number]), max_size=3) for number in numbers)
    )
    vr = draw(st.sampled_from(sorted(DELIMITERS)))
    delimiter = st.sampled_from({"PN": "\\^=", "LO": "\\", "LT": "\t\n\f\r\\"}[vr]) | st.just("")
    return terms, vr, "".join(draw(st.lists(st.tuples(part, delimiter).map("".join), max_size=6)))


@given(_texts())
def test_text_in_the_declared_sets_reads_back_by_the_standard_and_by_pydicom(case: tuple[list[str], str, str]) -> None:
    terms, vr, text = case
    codecs = codecs_of("\\".join(terms).encode())
    try:
        encoded = encode_text(text, vr, codecs)
    except NotInRepertoire:  # no byte of a character may look like a delimiter, and pydicom has to agree
        assert {"ISO 2022 IR 87", "ISO 2022 IR 159", "ISO 2022 IR 13"} & set(terms)
        return
    assert read(encoded, vr, terms) == text
    assert decode_bytes(encoded, codecs, TEXT_VR_DELIMS).replace("\x1b$)A", "") == text
    assert decode_text(encoded, vr, codecs) == text


@given(_texts())
def test_text_written_by_the_letter_of_the_standard_is_read(case: tuple[list[str], str, str]) -> None:
    """Each character announced anew, and only where it is not active already."""
    terms, vr, text = case
    value = _written(text, vr, terms)
    codecs = codecs_of("\\".join(terms).encode())
    if read(value, vr, terms) == text and decode_bytes(value, codecs, TEXT_VR_DELIMS) == text:
        assert decode_text(value, vr, codecs) == text


def _written(text: str, vr: str, terms: list[str]) -> bytes:
    numbers = [term.rpartition(" ")[2] for term in terms]
    first = active = numbers[0]
    value = b""
    for character in text:
        number = next((one for one in numbers if one and character in REPERTOIRES[one]), "")
        if character.isascii():
            active = first if character.encode() in DELIMITERS[vr] else active
            value += character.encode()
        elif number in G0:
            value += character.encode("iso2022_jp_2" if number == "159" else "iso2022_jp")
        else:
            value += (b"" if number == active else b"\x1b" + G1[number][0]) + character.encode(G1[number][1])
            active = number
    return value


@pytest.mark.parametrize(
    ("declared", "text", "encoded"),
    [
        # the first set is active again before each delimiter (PS3.5 §6.1.2.5.3)
        (b"ISO 2022 IR 100\\ISO 2022 IR 144", "Ж^é=Ж", b"\x1b-L\xb6\x1b-A^\xe9=\x1b-L\xb6"),
        (b"ISO 2022 IR 100\\ISO 2022 IR 58", "张^é", b"\x1b$)A\xd5\xc5\x1b-A^\xe9"),
        # the example of PS3.5 annex H.3.2: ISO-IR 14 in place of ASCII
        (
            b"ISO 2022 IR 13\\ISO 2022 IR 87",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
        ),
        # the example of annex I.2
        (
            b"\\ISO 2022 IR 149",
            "Hong^Gildong=洪^吉洞=홍^길동",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        ),
    ],
)
def test_the_first_set_is_active_again_before_a_delimiter(declared: bytes, text: str, encoded: bytes) -> None:
    codecs = codecs_of(declared)
    assert encode_text(text, "PN", codecs) == encoded
    assert decode_text(encoded, "PN", codecs) == text


def test_a_syllable_that_the_set_lacks_is_not_spelled_in_letters() -> None:
    """Python does so in eight bytes, which other programs show as eight jamo (KS X 1001 annex 3)."""
    lacking = next(c for c in map(chr, range(0xAC00, 0xD7A4)) if len(c.encode("euc_kr")) > 2)
    with pytest.raises(NotInRepertoire):
        encode_text(lacking, "LO", codecs_of(b"\\ISO 2022 IR 149"))
    assert re.fullmatch("[가-힣]", lacking)


@pytest.mark.parametrize("first", [b"ISO 2022 IR 100", b"ISO 2022 IR 144", b""])
def test_chinese_without_a_return_before_the_delimiter_is_read(first: bytes) -> None:
    """Which pydicom does not, as it takes all up to the next escape sequence for Chinese."""
    codecs = codecs_of(first + b"\\ISO 2022 IR 58")
    assert decode_text(b"\x1b$)A\xd5\xc5^abc", "PN", codecs) == "张^abc"
    if first:
        assert decode_text(b"\x1b$)A\xd5\xc5^\xe9", "PN", codecs) == "张^" + b"\xe9".decode(codecs[0])
