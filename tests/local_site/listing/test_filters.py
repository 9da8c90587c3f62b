"""Filters: the grammar holds for any text, and the sieve never loses a match."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local_site.errors import BadRequestError
from local_site.listing.filters import Filter, values_at
from local_site.storage.store import encode

LABELS = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=20)
KEYS = st.sampled_from(["label", "info.a", "info.b.c", "tags", "info.list.x"])
LEAVES = st.none() | st.booleans() | st.integers(-1000, 1000) | LABELS
DOCS = st.fixed_dictionaries(
    {
        "label": LABELS,
        "tags": st.lists(LABELS, max_size=3),
        "info": st.fixed_dictionaries(
            {
                "a": LEAVES,
                "b": st.fixed_dictionaries({"c": LEAVES}),
                "list": st.lists(st.fixed_dictionaries({"x": LEAVES})),
            }
        ),
    }
)


def matches(text: str, doc: dict[str, Any]) -> bool:
    return Filter.parse(text).matches(doc, lambda _doc, _level: None)


def quoted(value: str) -> str:
    return '"' + value.replace(",", r"\,") + '"'


@given(st.text(max_size=60))
@example("=|[")
@example(r"a=\,")
@example("label=~(")
@example("a=2020-99-99")
def test_any_text_is_a_filter_or_a_bad_request(text: str) -> None:
    with suppress(BadRequestError):
        matches(text, {"label": "x"})


@given(LABELS)
@example("a, b")
@example("1001")
@example("null")
@example("2020-01-31")
@example("5f0000000000000000000000")
@example("x=y<z")
def test_a_quoted_label_with_escaped_commas_finds_exactly_itself(label: str) -> None:
    if label.endswith("\\") or "\\," in label:
        return  # the grammar has no way to write a backslash before a comma
    assert matches(f"label={quoted(label)}", {"label": label})
    assert not matches(f"label={quoted(label)}", {"label": label + "x"})


@given(KEYS, LABELS, DOCS)
def test_the_sieve_keeps_every_match(key: str, value: str, doc: dict[str, Any]) -> None:
    if "\\" in value:
        return
    parsed = Filter.parse(f"{key}={quoted(value)}")
    if parsed.matches(doc, lambda _doc, _level: None):
        assert all(text in encode(doc) for text in parsed.sieve())


@given(st.lists(LABELS.filter(lambda label: "\\" not in label), min_size=1, max_size=3), DOCS)
def test_conditions_are_anded(labels: list[str], doc: dict[str, Any]) -> None:
    text = ",".join(f"tags={quoted(label)}" for label in labels)
    assert matches(text, doc) == all(label in doc["tags"] for label in labels)


@given(LABELS)
def test_an_escaped_pattern_finds_its_text_anywhere(label: str) -> None:
    pattern = re.escape(label).replace(",", r"\,")
    if pattern != pattern.strip() or "\\\\" in pattern:
        return
    assert matches(f"label=~{pattern}", {"label": f"before {label} after"})


@pytest.mark.parametrize(
    ("text", "doc", "expected"),
    [
        ("info.n=5", {"info": {"n": 5.0}}, True),
        ("info.n=5", {"info": {"n": "5"}}, False),
        ('info.n="5"', {"info": {"n": 5}}, False),
        ("info.n>4", {"info": {"n": 5}}, True),
        ("info.n>4", {"info": {"n": "5"}}, False),
        ("info.f=true", {"info": {"f": True}}, True),
        ("info.f=1", {"info": {"f": True}}, False),
        ("info.x=null", {"info": {}}, True),
        ("info.x!=null", {"info": {}}, False),
        ("info.x!=a", {"info": {}}, True),
        ("info.o=x", {"info": {"o": {"x": 1}}}, False),
        ("tags=~^EX", {"tags": ["b", "EXPORTED"]}, True),
        ("label=|[a,b]", {"label": "b"}, True),
        (r"label=|[a\,b,c]", {"label": "a,b"}, True),
        ("created>2018-10-31", {"created": "2020-01-01T00:00:00.000000+00:00"}, True),
        ("label=2020-01-31", {"label": "2020-01-31"}, False),
        ("date_of_birth=1990-01-31", {"date_of_birth": "1990-01-31"}, True),
        ("date_of_birth<1990-02-01", {"date_of_birth": "1990-01-31"}, True),
        ("", {}, True),
    ],
)
def test_values_compare_by_type(text: str, doc: dict[str, Any], expected: bool) -> None:
    assert matches(text, doc) is expected


def test_a_path_through_arrays_reaches_every_element() -> None:
    assert list(values_at({"a": [{"b": 1}, {"b": [2, 3]}]}, "a.b")) == [1, 2, 3]
