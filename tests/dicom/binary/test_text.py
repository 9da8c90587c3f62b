"""Text survives: what is encoded decodes to the same text, what cannot be held is said so, never replaced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import decode_bytes
from pydicom.valuerep import TEXT_VR_DELIMS

from export_session.dicom.binary.instance import codecs_of
from export_session.dicom.binary.text import NotInRepertoire, Undecodable, decode_text, encode_text

DECLARED = [
    b"",
    b"ISO_IR 6",
    b"ISO_IR 13",
    b"ISO_IR 100",
    b"ISO_IR 101",
    b"ISO_IR 126",
    b"ISO_IR 127",
    b"ISO_IR 138",
    b"ISO_IR 144",
    b"ISO_IR 148",
    b"ISO_IR 166",
    b"ISO_IR 192",
    b"GB18030",
    b"GBK",
    b"\\ISO 2022 IR 87",
    b"\\ISO 2022 IR 149",
    b"\\ISO 2022 IR 58",
    b"ISO 2022 IR 100\\ISO 2022 IR 58\\ISO 2022 IR 87",
    b"\\ISO 2022 IR 100\\ISO 2022 IR 144",
    b"ISO 2022 IR 13\\ISO 2022 IR 87",
    b"ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126",
    b"ISO 2022 IR 6\\ISO 2022 IR 100\\ISO 2022 IR 87\\ISO 2022 IR 159",
]
SAMPLES = "Müller^Jörg Ångström Ωμέγα Жук שלום مرحبا 山田^太郎=やまだ ﾔﾏﾀﾞ 홍길동 王小东 ñ × 🏥 \\ = ~"
TEXTS = st.text(
    st.sampled_from(SAMPLES)
    | st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"], exclude_characters="\ufffd"),  # no character
    max_size=20,
)


@given(st.sampled_from(DECLARED), TEXTS, st.sampled_from(["PN", "LO", "LT", "UC"]))
def test_what_is_encoded_reads_back_with_pydicom(declared: bytes, text: str, vr: str) -> None:
    codecs = codecs_of(declared)
    try:
        encoded = encode_text(text, vr, codecs)
    except NotInRepertoire:
        assert not text.isascii()
        return
    assert encoded.count(b"?") >= text.count("?")
    read = decode_bytes(encoded, codecs, TEXT_VR_DELIMS).replace("\x1b$)A", "")  # pydicom leaves this one there
    assert read == text or encoded.decode("utf-8", "ignore") != text
    assert decode_text(encoded, vr, codecs) in {text, read}


@given(TEXTS)
def test_unicode_holds_everything(text: str) -> None:
    assert decode_text(encode_text(text, "LT", ["UTF8"]), "LT", ["UTF8"]) == text


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (b"", "Müller"),
        (b"ISO_IR 6", "Müller"),
        (b"ISO_IR 100", "Жук"),
        (b"ISO_IR 144", "Müller"),
        (b"ISO_IR 13", "山田"),
        (b"\\ISO 2022 IR 87", "Müller"),
        (b"\\ISO 2022 IR 100", "Жук"),
        (b"GBK", "🏥"),
    ],
)
def test_a_text_beyond_the_repertoire_is_not_encoded(declared: bytes, text: str) -> None:
    with pytest.raises(NotInRepertoire):
        encode_text(text, "LO", codecs_of(declared))


def test_a_decomposed_letter_is_composed_where_that_helps() -> None:
    assert encode_text("Mu\u0308ller", "PN", ["latin_1"]) == b"M\xfcller"
    assert encode_text("Mu\u0308ller", "PN", ["UTF8"]) == "Mu\u0308ller".encode()


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        (b"", b"M\xfcller"),
        (b"ISO_IR 192", b"M\xfcller"),
        (b"\\ISO 2022 IR 87", b"\x1b$Z12\x1b(B"),
        (b"\\ISO 2022 IR 87", b"\x1b(BM\xfcller"),
        (b"GB18030", b"\xff\xff"),
        (b"ISO_IR 101\\ISO_IR 13", b"\x1b"),
    ],
)
def test_bytes_that_are_no_text_are_not_decoded(declared: bytes, data: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_text(data, "LO", codecs_of(declared))


@pytest.mark.parametrize(
    "declared", [b"\0\xff", b"ISO_IR 100\0", b"hex", b"utf_16", b"rot13", b"ISO_IR 999", b"\\\\", b"\xe9"]
)
def test_any_declaration_gives_usable_encodings(declared: bytes) -> None:
    codecs = codecs_of(declared)
    assert encode_text("plain", "LO", codecs) == b"plain"
    assert decode_text(b"plain", "LO", codecs) == "plain"


CHINESE = b"\\ISO 2022 IR 58"


@pytest.mark.parametrize(
    ("vr", "text", "encoded"),
    [  # the examples of PS3.5 annex K.2 and K.3
        ("PN", "Zhang^XiaoDong=张^小东=", b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="),
        ("LT", "1 第一行文字。\r\n2\r\n\t中A\r\n", "1 \x1b$)A第一行文字。\r\n2\r\n\t\x1b$)A中A\r\n".encode("gb2312")),
        ("LO", "中\\文", "\x1b$)A中\\\x1b$)A文".encode("gb2312")),
        ("LO", "A中B文", "A\x1b$)A中B文".encode("gb2312")),
    ],
)
def test_chinese_is_announced_anew_behind_every_delimiter(vr: str, text: str, encoded: bytes) -> None:
    assert encode_text(text, vr, codecs_of(CHINESE)) == encoded
    assert decode_text(encoded, vr, codecs_of(CHINESE)) == text


@pytest.mark.parametrize(
    ("declared", "text", "encoded"),
    [
        (b"ISO 2022 IR 100\\ISO 2022 IR 144", "é ЖЖ é^Ж", b"\xe9 \x1b-L\xb6\xb6 \x1b-A\xe9^\x1b-L\xb6"),
        (b"\\ISO 2022 IR 100\\ISO 2022 IR 144", "aéb Ж=é", b"a\x1b-A\xe9b \x1b-L\xb6=\x1b-A\xe9"),
        (b"\\ISO 2022 IR 87\\ISO 2022 IR 100", "山é山A", b"\x1b$B;3\x1b(B\x1b-A\xe9\x1b$B;3\x1b(BA"),
        (b"\\ISO 2022 IR 58\\ISO 2022 IR 149", "们홍", b"\x1b$)A\xc3\xc7\x1b$)C\xc8\xab"),
    ],
)
def test_several_character_sets_share_a_value(declared: bytes, text: str, encoded: bytes) -> None:
    codecs = codecs_of(declared)
    written = encode_text(text, "PN", codecs)
    assert written.replace(b"\x1b-A\xe9 ", b"\xe9 ", 1) == encoded
    assert decode_bytes(written, codecs, TEXT_VR_DELIMS).replace("\x1b$)A", "") == text


@pytest.mark.parametrize(
    ("declared", "vr", "data"),
    [
        (CHINESE, "PN", b"\x1b$)A\xd5\xc5^\xd0\xa1"),  # not announced behind the delimiter
        (CHINESE, "LO", b"\xd5\xc5"),
        (CHINESE, "LO", b"\x1b$)A\xd5"),
        (CHINESE, "LO", b"\x1b$)C\xc8\xab"),  # not declared
        (b"", "LO", b"\x1b$)A\xd5\xc5"),
        (b"\\ISO 2022 IR 100", "LO", b"\x1b-A\xe9\\\xe9"),
    ],
)
def test_what_is_not_announced_is_not_decoded(declared: bytes, vr: str, data: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_text(data, vr, codecs_of(declared))
