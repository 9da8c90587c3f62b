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
    read = decode_bytes(encoded, codecs, TEXT_VR_DELIMS)
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
