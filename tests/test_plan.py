"""The digest of a plan stands for all that it says, in whatever order it was found out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session.plan import Part, Plan, PlannedFile, differences, digest_of, document

WORDS = st.text("abc/:", max_size=4)
CHANGES = st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple)
NUMBERS = st.integers(1, 3)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    ids = iter(range(1000))

    def file() -> PlannedFile:
        words = {name: draw(WORDS) for name in ("path", "to", "fate", "replaces", "content")}
        return PlannedFile(file_id=f"file-{next(ids)}", version=draw(NUMBERS), changes=draw(CHANGES), **words)

    def part() -> Part:
        containers = tuple((f"id-{next(ids)}", draw(WORDS), draw(WORDS)) for _ in range(draw(NUMBERS)))
        return Part("session", f"id-{next(ids)}", draw(WORDS), containers, tuple(file() for _ in range(draw(NUMBERS))))

    decided = {"gear": draw(WORDS), "settings": {"edit_uids": draw(st.booleans()), "archive": None}}
    return Plan(decided, tuple(part() for _ in range(draw(NUMBERS))))


def read_again(plan: Plan) -> dict[str, Any]:
    return dict(json.loads(json.dumps(document(plan))))


@given(plan=plans(), data=st.data())
def test_the_order_in_which_things_are_listed_does_not_count(plan: Plan, data: st.DataObject) -> None:
    def turned(items: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(data.draw(st.permutations(items)))

    parts = (replace(part, containers=turned(part.containers), files=turned(part.files)) for part in plan.parts)
    other = Plan(plan.decided, turned(list(parts)))
    assert other.digest == plan.digest
    assert list(differences(read_again(plan), other)) == []


@given(plan=plans(), data=st.data())
def test_whatever_is_changed_in_a_file_is_found_and_said(plan: Plan, data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(plan.parts))
    file = data.draw(st.sampled_from(part.files))
    name = data.draw(st.sampled_from([one.name for one in fields(PlannedFile) if one.name not in ("agreed", "guard")]))
    value: Any = {"version": 4, "changes": (*file.changes, ("PatientName", "new"))}.get(name, "other")
    changed = replace(part, files=tuple(replace(one, **{name: value}) if one is file else one for one in part.files))
    other = Plan(plan.decided, tuple(changed if one is part else one for one in plan.parts))
    assert other.digest != plan.digest
    assert list(differences(read_again(plan), other))


@given(plan=plans(), data=st.data())
def test_what_comes_or_goes_is_found_and_said(plan: Plan, data: st.DataObject) -> None:
    part = data.draw(st.sampled_from(plan.parts))
    less = Plan(plan.decided, tuple(one for one in plan.parts if one is not part))
    assert less.digest != plan.digest
    assert list(differences(read_again(plan), less))
    assert list(differences(read_again(less), plan))
    done = replace(less, done={part.key: part.digest})  # by a run that finished it by this plan
    assert done.digest == plan.digest
    assert list(differences(read_again(plan), done)) == []


@given(plan=plans(), data=st.data())
def test_a_document_is_known_by_what_it_holds(plan: Plan, data: st.DataObject) -> None:
    held = read_again(plan)
    assert digest_of(held) == held["digest"] == plan.digest
    file = data.draw(st.sampled_from([file for part in held["parts"] for file in part["files"]]))
    file["to"] += "x"
    assert digest_of(held) != plan.digest


@given(plan=plans())
def test_a_copy_that_was_made_by_the_plan_counts_as_it_was_planned(plan: Plan) -> None:
    parts = (
        replace(part, files=tuple(replace(one, replaces="ours", agreed=one.digest) for one in part.files))
        for part in plan.parts
    )
    other = Plan(plan.decided, tuple(parts))
    assert other.digest == plan.digest
    assert digest_of(read_again(other)) == plan.digest


@pytest.mark.parametrize("content", [{}, {"parts": 1, "decided": {}}, {"parts": [{}], "decided": {}}])
def test_what_is_no_plan_has_no_digest(content: dict[str, Any]) -> None:
    assert digest_of(content) == ""
