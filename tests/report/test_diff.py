from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from export_session.report.diff import SHOWN, marked
from export_session.support.wording import visible

VALUE = st.one_of(st.text(max_size=40), st.text(alphabet="<>&\"'ab1^\\ ", max_size=40))


def text(markup: str) -> str:
    return html.unescape(re.sub(r"</?(del|ins)>", "", markup))


def unmarked(markup: str) -> str:
    return html.unescape(re.sub(r"<(del|ins)>.*?</\1>", "", markup, flags=re.DOTALL))


@given(VALUE, VALUE)
def test_the_marks_add_nothing_to_the_values_and_take_nothing_away(old: str, new: str) -> None:
    before, after = marked(old, new)
    assert text(before) == visible(old)
    assert text(after) == visible(new)


@given(VALUE, VALUE)
def test_what_is_not_marked_is_common_to_both(old: str, new: str) -> None:
    before, after = marked(old, new)
    assert unmarked(before) == unmarked(after)
    assert "<ins>" not in before
    assert "<del>" not in after


def test_only_the_characters_that_differ_are_marked() -> None:
    assert marked("19610203", "19610213") == ("196102<del>0</del>3", "196102<ins>1</ins>3")
    assert marked("Doe^Jane ", "Doe^Jane") == ("Doe^Jane<del> </del>", "Doe^Jane")


def test_a_character_that_happens_to_recur_within_a_change_is_marked_with_it() -> None:
    assert marked("Doe^Peter", "Doe^Jane") == ("Doe^<del>Peter</del>", "Doe^<ins>Jane</ins>")


def test_values_with_little_in_common_are_marked_as_a_whole() -> None:
    assert marked("anon^01", "sub-02") == ("<del>anon^01</del>", "<ins>sub-02</ins>")


def test_of_long_values_the_place_of_the_difference_is_shown() -> None:
    before, after = marked("x" * 5000 + "A" + "y" * 5000, "x" * 5000 + "B" + "y" * 5000)
    assert "x<del>A</del>y" in before
    assert "x<ins>B</ins>y" in after
    assert len(text(before)) < 2 * SHOWN
    assert before.startswith("…")
    assert "more characters" in before


@given(st.text(min_size=SHOWN, max_size=3 * SHOWN))
def test_a_difference_at_the_end_of_a_long_value_is_shown(old: str) -> None:
    before, after = marked(old, old + "!")
    assert before == after.removesuffix("<ins>!</ins>")
