"""Which item of the metadata is which item of the file; where it matters and cannot be told, nothing is written."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from export_session.dicom.edits.edit import Decision
from export_session.dicom.edits.find import find_edits
from export_session.dicom.vocabulary import Items as OtherItems
from export_session.dicom.vocabulary import KeptItem, Options
from tests.support.instances import Items, instance, series

FMI_MARK = {"TransferSyntaxUID": "1.2.840.10008.1.2.1"}
HIDDEN: Items = {"00190010 LO": "ACME", "00191001 LO": "kept"}
KEYWORD = "AnatomicRegionSequence"


def code(value: str, meaning: str = "", scheme: str = "99X") -> dict[str, Any]:
    return {"CodeValue": value, "CodeMeaning": meaning or f"meaning {value}", "CodingSchemeDesignator": scheme}


def decide(held: Sequence[Mapping[str, Any]], shown: Any, **options: Any) -> Decision:
    header = {"dicom": {**FMI_MARK, KEYWORD: shown}}
    return find_edits([instance({KEYWORD: held})], header, None, Options(**options))


def layout(decision: Decision) -> list[int | str]:
    """The items that stay by their number in the file, those that are new as "new"."""
    (assignment,) = decision.assignments
    assert isinstance(assignment.value, OtherItems)
    return [one.number if isinstance(one, KeptItem) else "new" for one in assignment.value.items]


A, B, C, D = (code(value) for value in "1234")
HELD = [{**one, **HIDDEN} for one in (A, B, C)]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ([B, C], [1, 2]),
        ([A, C], [0, 2]),
        ([A, B], [0, 1]),
        ([B], [1]),
        ([D, A, B, C], ["new", 0, 1, 2]),
        ([A, D, B, C], [0, "new", 1, 2]),
        ([A, B, C, D], [0, 1, 2, "new"]),
        ([B, C, D], [1, 2, "new"]),
        ([D, A, C], ["new", 0, 2]),
    ],
)
def test_items_that_nobody_edited_are_found_wherever_they_stand(shown: Any, expected: list[int | str]) -> None:
    assert layout(decide(HELD, shown)) == expected


def test_an_edited_item_is_found_by_what_is_left_of_it() -> None:
    decision = decide(HELD, [A, {**C, "CodeMeaning": "edited"}])
    assert layout(decision) == [0, 2]
    (assignment,) = decision.assignments
    assert [[one.value for one in item.values] for item in assignment.value.items] == [[], ["edited"]]


def test_an_edited_item_that_is_like_several_is_refused() -> None:
    more = {"MappingResource": "DCMR", "ContextGroupVersion": "20200101"}
    held = [{**one, **more, **HIDDEN, "CodeMeaning": "same"} for one in (A, B, C)]
    shown = [{**one, **more, "CodeMeaning": "same"} for one in (A, B, C)]
    decision = decide(held, [{**shown[0], "CodeValue": "9"}, shown[2]])
    assert "alike" in decision.refused[0].reason


def test_a_copy_with_another_value_is_new() -> None:
    assert layout(decide(HELD, [A, {**A, "CodeValue": "9"}, B, C])) == [0, "new", 1, 2]
    assert layout(decide(HELD, [A, B, C, {**A, "CodeValue": "9"}])) == [0, 1, 2, "new"]


@pytest.mark.parametrize("shown", [[A, A], [A]])
def test_twins_with_hidden_contents_are_refused_with_what_these_are(shown: Any) -> None:
    held = [{**A, **HIDDEN, "00191001 LO": text} for text in ("one", "two")]
    held = held if len(shown) == 1 else held[:1]
    (refused,) = decide(held, shown).refused
    assert "ACME, 0019xx01" in refused.reason
    assert "look the same" in refused.reason


@pytest.mark.parametrize("shown", [[A, {**B, "CodeMeaning": "edited"}], [B, A, {**C, "CodeMeaning": "edited"}]])
def test_twins_beside_an_edited_item_are_refused_too(shown: Any) -> None:
    twins = [{**A, **HIDDEN, "00191001 LO": text} for text in ("one", "two")]
    held = [*twins, B] if len(shown) == 2 else [B, *twins, C]
    assert "look the same" in decide(held, shown).refused[0].reason


def test_a_twin_that_stands_behind_another_item_is_none() -> None:
    held = [{**A, **HIDDEN}, B, {**A, **HIDDEN, "00191001 LO": "other"}]
    assert layout(decide(held, [A, B])) == [0, 1]
    assert layout(decide(held, [B, A])) == [1, 2]


def test_twins_may_be_edited_in_place() -> None:
    twins = [{**A, **HIDDEN, "00191001 LO": text} for text in ("one", "two")]
    decision = decide([*twins, B], [{**A, "CodeMeaning": "edited"}, A, B])
    assert [edit.path[0].item for edit in decision.edits] == [0]


def test_one_of_a_thousand_items_is_removed_in_no_time() -> None:
    held = [{**code(str(n)), **HIDDEN} for n in range(1000)]
    shown = [code(str(n)) for n in range(1000) if n != 400]
    start = time.process_time()
    assert layout(decide(held, shown)) == [n for n in range(1000) if n != 400]
    assert time.process_time() - start < 5  # about 1 on an idle machine


def test_twins_that_are_the_same_bytes_may_be_removed() -> None:
    assert layout(decide([{**A, **HIDDEN}] * 3, [A, A])) == [0, 1]


def test_twins_that_hide_nothing_may_be_added_and_removed() -> None:
    assert layout(decide([A], [A, A])) == [0, "new"]
    assert len(layout(decide([A, {**A, "CodeValue": "1"}, B], [A, B]))) == 2


@pytest.mark.parametrize("hidden", [False, True])
def test_a_replaced_item_is_new_where_the_old_one_hides_nothing_and_else_refused(hidden: bool) -> None:
    old = {**B, "MappingResource": "DCMR"}
    decision = decide([A, {**old, **HIDDEN} if hidden else old, C], [A, code("9", "other", "DCM"), C])
    if hidden:
        (refused,) = decision.refused
        assert "edited or replaced" in refused.reason
        assert not decision.assignments
    else:
        assert layout(decision) == [0, "new", 2]


def test_one_item_in_place_of_two_that_hide_something_is_refused() -> None:
    decision = decide(HELD, [code("9", "other", "DCM"), C])
    assert not decision.assignments
    assert "edited or replaced" in decision.refused[0].reason


@pytest.mark.parametrize("shown", [[B, A, C], [C, A, B], [C, A], [B, A, D], [C, {**A, "CodeMeaning": "edited"}]])
def test_items_in_another_order_are_refused(shown: Any) -> None:
    decision = decide(HELD, shown)
    assert not decision.assignments
    assert "order" in decision.refused[0].reason


def test_all_values_of_an_item_that_hides_nothing_may_be_edited_in_place() -> None:
    decision = decide([A], [code("9", "other", "DCM")])
    assert {edit.path[-1].tag for edit in decision.edits} == {0x00080100, 0x00080102, 0x00080104}


def test_a_key_that_is_gone_from_an_item_removes_nothing() -> None:
    assert not decide([A, B], [{"CodeValue": "1"}, B]).edits
    decision = decide([A, B], [{"CodeValue": "9"}, B])
    assert [edit.path[0].item for edit in decision.edits] == [0]


def test_items_without_anything_to_show_are_told_apart_by_nothing() -> None:
    held = [{"00190010 LO": "ACME", "00191001 LO": text} for text in "ab"]
    assert not decide(held, [{}, {}]).edits
    assert "ACME, 0019xx01" in decide(held, [{}]).refused[0].reason


# --- what cannot be in a new item


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"NoSuchKeyword": "x"}, "no DICOM keyword"),
        ({"CodeValue": "1", "00080100": "2"}, "two keys"),
        ({"ContextUID": "1.2"}, "edit_uids"),
        ({"RedPaletteColorLookupTableData": "0102"}, "binary"),
        ({"SpecificCharacterSet": "ISO_IR 999"}, "character set"),
        ({"00191001": "x"}, "creator"),
        ({"BitsAllocated": 8}, "pixel"),
    ],
)
@pytest.mark.parametrize("held", [[], [A]])
def test_a_new_item_that_cannot_be_written_is_refused(
    item: Any, reason: str, held: Sequence[Mapping[str, Any]]
) -> None:
    shown = [*held, item]
    elements: Items = {KEYWORD: held} if held else {}
    decision = find_edits([instance(elements)], {"dicom": {**FMI_MARK, KEYWORD: shown}})
    assert not decision.assignments
    assert [reason in change.reason for change in decision.refused] == [True]


@pytest.mark.parametrize("value", [{"CodeValue": "1"}, "x", 7, [{"CodeValue": "1"}, "x"]])
def test_a_new_sequence_is_a_list_of_objects(value: Any) -> None:
    decision = find_edits([instance({})], {"dicom": {**FMI_MARK, KEYWORD: value}})
    assert "list of objects" in decision.refused[0].reason


def test_frames_are_neither_added_nor_removed() -> None:
    frame = {"FrameContentSequence": [{"FrameComments": "a"}]}
    file = instance({"PerFrameFunctionalGroupsSequence": [frame, frame], "NumberOfFrames": "2"})
    for count in (1, 3):
        decision = find_edits([file], {"dicom": {**FMI_MARK, "PerFrameFunctionalGroupsSequence": [frame] * count}})
        assert "geometry" in decision.refused[0].reason


# --- series


def of_series(held: Sequence[Sequence[Mapping[str, Any]]], shown: Any, **options: Any) -> Decision:
    members = series(len(held), {}, **{KEYWORD: held})
    return find_edits(
        members, {"dicom": {**FMI_MARK, "SOPInstanceUID": "1.2.3.4.1", KEYWORD: shown}}, None, Options(**options)
    )


def test_instances_with_the_same_items_get_the_same_and_keep_their_own_hidden_contents() -> None:
    held = [[{**one, **HIDDEN, "00191001 LO": str(n)} for one in (A, B)] for n in range(3)]
    decision = of_series(held, [A, D, B])
    assert layout(decision) == [0, "new", 1]
    assert decision.assignments[0].instances is None


@pytest.mark.parametrize("edit_varying", ["refuse", "all"])
def test_instances_with_other_items_are_refused(edit_varying: Any) -> None:
    decision = of_series([[A, B], [A, B], [A, C]], [A], edit_varying=edit_varying)
    assert not decision.assignments
    assert "dicom_array" in decision.refused[0].reason


def test_twins_in_one_instance_are_enough_to_refuse() -> None:
    twins = [{**A, **HIDDEN, "00191001 LO": text} for text in ("one", "two")]
    decision = of_series([[twins[0], twins[0]], twins], [A])
    assert not decision.assignments
    assert "look the same" in decision.refused[0].reason


def test_instances_that_hold_the_items_already_are_left_alone() -> None:
    decision = of_series([[A], [A, B], [A]], [A, B])
    assert layout(decision) == [0, "new"]
    assert decision.assignments[0].instances == frozenset({0, 2})
