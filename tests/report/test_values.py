from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session.report.cells import Numeral, safe
from export_session.report.values import shown_cell, shown_text

SPELLED = st.from_regex(r"\A[+-]?([0-9]{1,7}(\.[0-9]{0,6})?|\.[0-9]{1,6})(E[+-]?[0-9]{1,2})?\Z")


@pytest.mark.parametrize(
    ("vr", "value", "cell"),
    [
        ("DS", "40", Decimal(40)),
        ("DS", "-1024.0", Decimal("-1024.0")),
        ("DS", "1E5", "1E5"),
        ("IS", "0012", "0012"),
        ("DS", "1234567890.123456", "1234567890.123456"),  # more digits than a spreadsheet keeps
        ("LO", "007", "007"),
        ("LO", "40", "40"),
        ("DS", "-0", "-0"),
        ("DS", "-0.00", "-0.00"),
        ("DA", "20200101", "20200101"),
        ("US", 7, 7),
        ("FD", -0.25, -0.25),
        ("FD", float("nan"), "NaN"),
        ("SV", 2**62, "4611686018427387904"),
        ("US", True, "true"),
        ("DS", None, ""),
        ("DS", "#0123456789abcdef", "#0123456789abcdef"),
    ],
)
def test_a_number_is_a_number_where_its_characters_can_be_shown_and_all_else_is_text(
    vr: str, value: Any, cell: Any
) -> None:
    shown = shown_cell(value, vr)
    assert (shown, isinstance(shown, str)) == (cell, isinstance(cell, str))


@given(SPELLED)
def test_a_decimal_string_keeps_its_characters_and_gets_no_apostrophe(text: str) -> None:
    assert str(safe(shown_cell(text, "DS"))) == text


@given(st.text(max_size=12))
def test_no_text_is_taken_for_a_number(text: str) -> None:
    for vr in ("LO", "DA", "UI"):
        shown = shown_cell(text, vr)
        assert isinstance(shown, str)
        assert not isinstance(shown, Numeral)


def test_several_numbers_are_a_json_list_of_their_characters() -> None:
    text = shown_text(["1", "-0.50", "007", 2.5, ""], "DS")
    assert text == '[1, -0.50, "007", 2.5, ""]'
    assert json.loads(text)[1] == -0.5
    assert shown_text(["a", "b"], "LO") == '["a", "b"]'
