"""Patterns mean what they mean to Python, and are given up when they take too long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_site.listing.patterns import Pattern

TEXTS = ["", "a", "ab", "b{e}", "1 2", "{", "a,b", "[a]", "aab12", "\n", "x.y", "5f-00"]


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@settings(max_examples=500)
@given(st.text("ab{}[]()|*+?.,^$\\dws1230-: iex<>=!PN", max_size=10))
def test_what_python_understands_is_found_where_python_finds_it(text: str) -> None:
    try:
        expected = re.compile(text)
    except (re.error, OverflowError):
        with pytest.raises(ValueError, match=r"."):
            Pattern(text)
        return
    assert [Pattern(text).found_in(each) for each in TEXTS] == [bool(expected.search(each)) for each in TEXTS]


@pytest.mark.parametrize(
    ("text", "found", "missed"),
    [
        (r"^(a|b)+\.[0-9]{2,}$", "ab.12", "ab.1"),
        (r"^(?!QC).*scan$", "a scan", "QC scan"),
        (r"scan(?=_01)", "scan_01", "scan_02"),
        (r"(?<=_)01", "scan_01", "scan01"),
        (r"(?i)MPRAGE", "t1 mprage", "t2"),
        (r"(.)\1", "aa", "ab"),
        ("a{e}", "a{e}", "a"),
        (re.escape("(x) [y] {z}"), "(x) [y] {z}", "x y z"),
    ],
)
def test_the_usual_syntax_works(text: str, found: str, missed: str) -> None:
    assert Pattern(text).found_in(found)
    assert not Pattern(text).found_in(missed)


@pytest.mark.parametrize("text", ["^(a|aa)+$", "^(a|a)*$", "^((a+)+)+$"])
def test_a_search_that_takes_too_long_is_given_up_for_good(text: str) -> None:
    pattern = Pattern(text)
    with pytest.raises(TimeoutError):
        any(pattern.found_in("a" * 5000 + "b") for _ in range(100))
    with pytest.raises(TimeoutError):
        pattern.found_in("a" * 5000 + "b")


@pytest.mark.parametrize(
    "text", ["(?:(?:a{1000}){1000}){1000}", "a{99999999999}", "a{" + "9" * 5000 + "}", "(?R)", "(?a)(?u)x", "(", "\\"]
)
def test_what_cannot_be_bounded_or_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Pattern(text)


def test_the_time_is_enough_for_many_texts() -> None:
    pattern = Pattern("x")
    assert not any(pattern.found_in("a" * 100) for _ in range(20_000))
