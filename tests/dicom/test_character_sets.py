"""Defined terms are known, and what people write in their place is taken for what it means, or for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import python_encoding

from export_session.dicom.character_sets import NoDeclaration, declaration, term_meant
from tests.dicom.binary.test_text import DECLARED

NOT_OF_THE_STANDARD = {"", "ISO 2022 GBK", "ISO 2022 58"}  # pydicom's own, from an early correction


@pytest.mark.parametrize("term", sorted(python_encoding.keys() - NOT_OF_THE_STANDARD))
def test_every_defined_term_is_known(term: str) -> None:
    assert declaration([term]).removeprefix("\\") == term
    assert term_meant(term) == term


@pytest.mark.parametrize("declared", DECLARED[1:])
def test_what_is_declared_properly_stays_as_it_is(declared: bytes) -> None:
    assert declaration(declared.decode().split("\\")) == declared.decode()


@pytest.mark.parametrize(
    ("terms", "declared"),
    [
        (["ISO_IR 100", "ISO_IR 144"], "ISO 2022 IR 100\\ISO 2022 IR 144"),
        (["ISO 2022 IR 87"], "\\ISO 2022 IR 87"),
        (["ISO_IR 13", "ISO 2022 IR 87"], "ISO 2022 IR 13\\ISO 2022 IR 87"),
    ],
)
def test_several_sets_are_declared_as_code_extensions(terms: list[str], declared: str) -> None:
    assert declaration(terms) == declared


@pytest.mark.parametrize(
    ("terms", "named"),
    [
        (["ISO_IR 999"], "ISO_IR 999"),
        (["UTF-8"], "UTF-8"),
        ([""], "valid are"),
        (["ISO_IR 100", ""], "valid are"),
        (["ISO_IR 192", "ISO_IR 100"], "ISO_IR 192 stands alone"),
        (["", "GB18030"], "GB18030 stands alone"),
    ],
)
def test_what_declares_nothing_is_named(terms: list[str], named: str) -> None:
    with pytest.raises(NoDeclaration, match=named):
        declaration(terms)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("UTF-8", "ISO_IR 192"),
        ("utf8", "ISO_IR 192"),
        ("latin1", "ISO_IR 100"),
        ("Latin-1", "ISO_IR 100"),
        ("ISO-8859-5", "ISO_IR 144"),
        ("iso-ir-100", "ISO_IR 100"),
        (" ISO IR 192 ", "ISO_IR 192"),
        ("ISO-2022-IR-87", "ISO 2022 IR 87"),
        ("gb18030", "GB18030"),
    ],
)
def test_a_name_with_one_meaning_is_taken_for_its_term(text: str, term: str) -> None:
    assert term_meant(text) == term


@given(st.sampled_from(["hex", "utf-16", "cp1252", "shift_jis", "euc_kr", "gb2312", "\0", ""]) | st.text(max_size=9))
def test_any_other_name_is_no_term(text: str) -> None:
    term = term_meant(text)
    try:
        declaration([term])
    except NoDeclaration as error:
        assert "valid are" in str(error)
    else:
        assert term
