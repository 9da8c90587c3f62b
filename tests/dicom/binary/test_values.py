"""JSON values become what PS3.5 §6.2 allows, or are refused with a reason that names the right form."""

from __future__ import annotations

import re
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session.dicom.binary.refusal import Unwritable
from export_session.dicom.binary.values import fits_multiplicity, to_bytes, to_text
from export_session.dicom.writing.elements import encode_value

LATIN1 = ["latin_1"]


def encode(value: Any, vr: str, vm: str = "1", order: str = "<") -> bytes:
    return encode_value(value, vr, vm, LATIN1, order)


@pytest.mark.parametrize(
    ("value", "vr", "vm", "expected"),
    [
        ("SOME_AE", "AE", "1", b"SOME_AE "),
        ("034Y", "AS", "1", b"034Y"),
        (["ORIGINAL", "PRIMARY"], "CS", "2-n", b"ORIGINAL\\PRIMARY"),
        ("ORIGINAL\\PRIMARY", "CS", "2-n", b"ORIGINAL\\PRIMARY"),
        ("20240229", "DA", "1", b"20240229"),
        (20240229, "DA", "1", b"20240229"),
        (70.5, "DS", "1", b"70.5"),
        (70.0, "DS", "1", b"70"),
        ("70.500", "DS", "1", b"70.500"),
        ([0.5, -0.5, 1e-7], "DS", "3", b"0.5\\-0.5\\1e-07"),
        (1 / 8192, "DS", "1", b"0.0001220703125 "),
        (0.123456789012345, "DS", "1", b".123456789012345"),
        (5, "IS", "1", b"5 "),
        (5.0, "IS", "1", b"5 "),
        ("+0005", "IS", "1", b"+0005 "),
        ("20200131134501.25+0100", "DT", "1", b"20200131134501.25+0100"),
        ("2020", "DT", "1", b"2020"),
        ("1345", "TM", "1", b"1345"),
        ("134501.250000", "TM", "1", b"134501.250000 "),
        ("1.2.840.0", "UI", "1", b"1.2.840.0\0"),
        ("https://example.org/a?b=c", "UR", "1", b"https://example.org/a?b=c "),
        ("a\\b\r\nc", "LT", "1", b"a\\b\r\nc"),
        ("Müller^Jörg", "PN", "1", "Müller^Jörg ".encode("latin-1")),
        ("x   ", "LO", "1", b"x "),
        (7, "LO", "1", b"7 "),
        ([1, 65535], "US", "1-n", b"\1\0\xff\xff"),
        ("0x", "LO", "1", b"0x"),
        (-1, "SS", "1", b"\xff\xff"),
        ("(0018,1063)", "AT", "1", b"\x18\0\x63\x10"),
        ("00181063", "AT", "1", b"\x18\0\x63\x10"),
        (0x00181063, "AT", "1", b"\x18\0\x63\x10"),
        (2**63 - 1, "SV", "1", b"\xff" * 7 + b"\x7f"),
        (0.1, "FD", "1", struct.pack("<d", 0.1)),
        ("0.25", "FL", "1", struct.pack("<f", 0.25)),
        (None, "PN", "1", b""),
        ("", "US", "1", b""),
        ([], "CS", "1", b""),
    ],
)
def test_a_valid_value_is_encoded(value: Any, vr: str, vm: str, expected: bytes) -> None:
    assert encode(value, vr, vm) == expected


@pytest.mark.parametrize(
    ("value", "vr", "vm", "hint"),
    [
        ("x" * 17, "AE", "1", "17 characters"),
        ("34", "AS", "1", "034Y"),
        ("male", "CS", "1", '"MALE"'),
        ("2020-01-31", "DA", "1", "YYYYMMDD"),
        ("20230229", "DA", "1", "YYYYMMDD"),
        ("13:45:01", "TM", "1", "HHMMSS"),
        ("2500", "TM", "1", "HHMMSS"),
        ("2020-01-31T13:45", "DT", "1", "YYYYMMDDHHMMSS"),
        ("abc", "DS", "1", "not a valid decimal number"),
        (1 / 3, "DS", "1", "0.33333333333333"),
        (float("nan"), "DS", "1", "nan"),
        (float("inf"), "FD", "1", "inf"),
        (float("nan"), "FD", "1", "nan"),
        (10**400, "FD", "1", "inf"),
        (True, "DS", "1", "true"),
        (1.5, "IS", "1", "not an integer"),
        (2**31, "IS", "1", "2147483647"),
        ("9" * 300, "IS", "1", "2147483647"),
        (-1, "US", "1", "0 to 65535"),
        (1e39, "FL", "1", "range of FL"),
        ("1.02.3", "UI", "1", "no component starts with 0"),
        ("x" * 65, "LO", "1", "65 characters"),
        ("a\\b", "LO", "1", "backslash"),
        (["a", "b"], "LT", "1", "not a list"),
        ("a\x07b", "LO", "1", "U+0007"),
        ("a\nb", "LO", "1", "U+000A"),
        ("a\ufffdb", "LT", "1", "U+FFFD"),
        ("a\ud800b", "LT", "1", "U+D800"),
        ("ü", "CS", "1", "ASCII"),
        ("ü", "UI", "1", "ASCII"),
        ("a^b^c^d^e^f", "PN", "1", "five components"),
        ("a=b=c=d", "PN", "1", "three representations"),
        ("x" * 65, "PN", "1", "65 characters"),
        ([1.0], "LO", "1", "text"),
        ({"a": 1}, "LO", "1", "object"),
        ([["a"]], "LO", "1", "list"),
        ([1, 2], "DS", "3", "3 values"),
        ("a b", "UR", "1", "%XX"),
        ("0018", "AT", "1", "(gggg,eeee)"),
        ([{"PatientID": "x"}], "SQ", "1", "element by element"),
        ("AAAA", "OB", "1", "binary"),
    ],
)
def test_an_invalid_value_is_refused_with_a_reason(value: Any, vr: str, vm: str, hint: str) -> None:
    with pytest.raises(Unwritable) as refusal:
        encode(value, vr, vm)
    assert hint in str(refusal.value)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.decimals(-9999, 9999, places=6).map(str))
def test_a_decimal_string_is_the_same_number_in_sixteen_characters_or_refused(value: Any) -> None:
    try:
        text = to_text(value, "DS", "1")
    except Unwritable:
        assert len(repr(value)) > 16
        return
    assert len(text) <= 16
    assert float(text) == float(value)


@given(st.integers() | st.floats(allow_nan=False))
def test_an_integer_string_is_the_same_number_in_twelve_characters_or_refused(value: float) -> None:
    try:
        text = to_text(value, "IS", "1")
    except Unwritable:
        assert not -(2**31) <= value < 2**31 or value != int(value)
        return
    assert len(text) <= 12
    assert int(text) == value


@given(st.sampled_from(["US", "SS", "UL", "SL", "UV", "SV"]), st.integers(-(2**65), 2**65), st.sampled_from("<>"))
def test_an_integer_reads_back_or_is_out_of_range(vr: str, value: int, order: str) -> None:
    size = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "UV": 8, "SV": 8}[vr]
    signed = vr.startswith("S")
    low, high = (-(2 ** (8 * size - 1)), 2 ** (8 * size - 1)) if signed else (0, 2 ** (8 * size))
    if not low <= value < high:
        with pytest.raises(Unwritable):
            to_bytes(value, vr, "1", order)
        return
    data = to_bytes(value, vr, "1", order)
    assert int.from_bytes(data, "little" if order == "<" else "big", signed=signed) == value


@given(st.sampled_from(["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UI", "UR", "LT"]), st.text())
def test_any_text_is_written_as_it_is_or_refused(vr: str, text: str) -> None:
    try:
        written = to_text(text, vr, "1")
    except Unwritable as refusal:
        assert str(refusal)
        return
    assert written == text.rstrip(" \0") or float(written) == float(text)
    assert "?" not in written or "?" in text


@pytest.mark.parametrize(
    ("vm", "allowed", "forbidden"),
    [
        ("1", [1], [0, 2]),
        ("3", [3], [1, 2, 4]),
        ("1-2", [1, 2], [3]),
        ("1-n", [1, 2, 99], [0]),
        ("2-n", [2, 3], [1]),
        ("2-2n", [2, 4, 6], [1, 3]),
        ("3-3n", [3, 6], [4]),
        ("1-99", [1, 99], [100]),
        ("6-n", [6, 7], [5]),
    ],
)
def test_multiplicity(vm: str, allowed: list[int], forbidden: list[int]) -> None:
    assert [n for n in allowed + forbidden if fits_multiplicity(n, vm)] == allowed


def test_as_many_values_as_the_file_holds_are_allowed() -> None:
    assert to_text(["a", "b"], "LO", "1", own="x\\y") == "a\\b"


@given(
    words=st.lists(st.text("abcdefghiÄ^-", min_size=1, max_size=30), min_size=1, max_size=30),
    vr=st.sampled_from(["AE", "LO", "PN", "SH"]),
)
def test_a_text_that_is_too_long_is_refused_with_one_that_would_do(words: list[str], vr: str) -> None:
    value = " ".join(words)
    try:
        to_text(value, vr, "1")
    except Unwritable as refusal:
        reason = str(refusal)
    else:
        return
    if not reason.startswith("it has"):
        return
    (named,) = re.findall('; "(.*)" would do', reason)
    assert value.startswith(named)
    longest = 64 if vr in ("LO", "PN") else 16
    assert len(named) <= longest
    assert value[len(named)] == " " or " " not in value[: longest + 1]
    assert vr == "PN" or to_text(named, vr, "1") == named


@given(st.text("ab \n\r\t\0\x85\\", max_size=80), st.sampled_from(["AE", "CS", "LO", "LT", "PN", "SH", "UI", "UT"]))
def test_in_place_of_a_text_with_control_characters_one_that_would_do_is_named(text: str, vr: str) -> None:
    try:
        to_text(text, vr, "1")
    except Unwritable as refusal:
        named = re.findall('; "(.*)" would do', str(refusal), re.DOTALL)
    else:
        return
    for value in named:
        assert to_text(value, vr, "1") == value
        assert value.split() == re.sub("[\0\x85]", " ", text).split() or len(text) > len(value)


@pytest.mark.parametrize(("text", "named"), [("Knee\r\nleft", "Knee left"), ("Doe^Jane\n", "Doe^Jane"), ("\tX\0", "X")])
def test_what_was_pasted_with_line_ends_is_refused_with_the_text_without_them(text: str, named: str) -> None:
    with pytest.raises(Unwritable, match=f'control character .*; "{re.escape(named)}" would do'):
        to_text(text, "PN" if "^" in text else "SH", "1")


def test_of_a_text_that_fills_a_page_no_part_is_named() -> None:
    with pytest.raises(Unwritable, match=r"^it has 11000 characters, LT holds 10240$"):
        to_text("x" * 11000, "LT", "1")
