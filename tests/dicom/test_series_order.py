"""Per-slice values go to the instance the importer meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session.dicom.binary.instance import Instance
from export_session.dicom.edits.edit import Decision
from export_session.dicom.edits.find import find_edits
from export_session.dicom.edits.series import Reference, Series
from export_session.dicom.vocabulary import Cause, Options
from tests.dicom.crafted import Items, instance, not_dicom, series


def decide(
    members: list[Instance], arrays: dict[str, Any], dicom: dict[str, Any] | None = None, **options: Any
) -> Decision:
    return find_edits(members, {"dicom": dicom or {}, "dicom_array": arrays}, None, Options(**options))


def written(decision: Decision, members: list[Instance]) -> dict[str, Any]:
    """The value for each member, by name."""
    return {
        members[i].name: one.value
        for one in decision.assignments
        for i in (range(len(members)) if one.instances is None else one.instances)
    }


def numbered(name: str, number: str | None, location: str) -> Instance:
    elements: Items = (
        {"SliceLocation": location} if number is None else {"InstanceNumber": number, "SliceLocation": location}
    )
    return instance(elements, name)


def test_entries_follow_the_instance_number_and_then_the_path() -> None:
    members = [
        numbered("b/x.dcm", "10", "10"),
        numbered("b.dcm", "2", "2.5"),
        numbered("a.dcm", "2", "2"),
        numbered("c.dcm", "1", "1"),
        numbered("z.dcm", None, "0"),
    ]
    arrays = {"SliceLocation": [0.0, 1.0, 2.0, 2.5, 10.0]}
    assert not decide(members, arrays).edits
    arrays["SliceLocation"][2] = 7.0
    decision = decide(members, arrays)
    assert written(decision, members) == {"a.dcm": 7.0}
    assert decision.assignments[0].cause is Cause.SLICE


def test_paths_are_sorted_folder_by_folder() -> None:
    members = [numbered("a-b/1.dcm", "1", "2"), numbered("a/1.dcm", "1", "1")]
    assert not decide(members, {"SliceLocation": [1.0, 2.0]}).edits
    assert written(decide(members, {"SliceLocation": [1.5, 2.0]}), members) == {"a/1.dcm": 1.5}


def test_members_that_are_no_dicom_take_an_entry_unless_they_are_empty() -> None:
    members = [not_dicom(), not_dicom("empty", b""), numbered("1.dcm", "1", "1"), numbered("2.dcm", "2", "2")]
    assert not decide(members, {"SliceLocation": [None, 1.0, 2.0]}).edits
    assert written(decide(members, {"SliceLocation": [None, 1.0, 3.0]}), members) == {"2.dcm": 3.0}


def test_a_list_may_be_shorter_than_the_series() -> None:
    members = series(5, {}, SliceLocation=["1", "2", "3", "4", "5"])
    assert not decide(members, {"SliceLocation": [1.0, 2.0]}).edits
    assert written(decide(members, {"SliceLocation": [1.0, 9.0]}), members) == {"2.dcm": 9.0}


def test_a_list_that_lost_an_entry_shifts_no_values() -> None:
    members = series(5, {}, SliceLocation=["1", "2", "3", "4", "5"])
    decision = decide(members, {"SliceLocation": [1.0, 3.0, 4.0, 5.0]})
    assert not decision.assignments
    assert "unclear" in decision.refused[0].reason


def test_what_is_no_list_is_refused() -> None:
    members = series(2, {}, SliceLocation=["1", "2"])
    decision = decide(members, {"SliceLocation": 5.0})
    assert not decision.assignments
    assert "list" in decision.refused[0].reason


def test_a_list_longer_than_the_series_is_refused_if_anything_in_it_was_edited() -> None:
    members = series(2, {}, SliceLocation=["1", "2"])
    decision = decide(members, {"SliceLocation": [1.0, 2.0, 3.0]})
    assert not decision.assignments
    assert "unclear" in decision.refused[0].reason


def test_another_order_of_the_same_values_is_no_reason_to_shuffle_the_slices() -> None:
    members = [numbered("1.dcm", "3", "3"), numbered("2.dcm", "2", "2"), numbered("3.dcm", "1", "1")]
    assert not decide(members, {"SliceLocation": [3.0, 2.0, 1.0]}).edits  # by path
    shuffled = decide(members, {"SliceLocation": [2.0, 1.0, 3.0]})
    assert not shuffled.assignments
    assert all("order" in change.reason for change in shuffled.refused)


def test_null_stands_for_an_absent_element() -> None:
    members = [numbered("1.dcm", "1", "1"), instance({"InstanceNumber": "2"}, "2.dcm")]
    assert not decide(members, {"SliceLocation": [1.0, None]}).edits
    assert written(decide(members, {"SliceLocation": [1.0, 5.0]}), members) == {"2.dcm": 5.0}
    assert written(decide(members, {"SliceLocation": ["", None]}), members) == {"1.dcm": None}


def test_only_the_changed_component_of_an_entry_is_written() -> None:
    members = series(2, {}, ImagePositionPatient=["1.500\\2.0\\3", "1\\2\\4"])
    decision = decide(members, {"ImagePositionPatient": [[1.5, 2.0, 3.25], [1.0, 2.0, 4.0]]})
    assert written(decision, members) == {"1.dcm": ["1.500", "2.0", 3.25]}


def test_private_lists_are_per_slice_as_well() -> None:
    private: Items = {"00190010 LO": "ACME", "00191008 LO": "held"}
    members = series(2, private)
    decision = decide(members, {"ACME,0019xx08": ["held", "new"]})
    assert written(decision, members) == {"2.dcm": "new"}


# --- the same element in dicom and in dicom_array


def test_the_list_is_the_whole_story_where_both_agree_on_the_reference() -> None:
    members = series(3, {}, SliceLocation=["1", "2", "3"])
    dicom = {"SOPInstanceUID": "1.2.3.4.1", "SliceLocation": 9.0}
    decision = decide(members, {"SliceLocation": [9.0, 2.0, 8.0]}, dicom)
    assert written(decision, members) == {"1.dcm": 9.0, "3.dcm": 8.0}
    assert not decision.refused


def test_where_both_were_edited_and_disagree_neither_is_written() -> None:
    members = series(3, {}, SliceLocation=["1", "2", "3"])
    dicom = {"SOPInstanceUID": "1.2.3.4.1", "SliceLocation": 9.0}
    for edit_varying in ("refuse", "all"):
        decision = decide(members, {"SliceLocation": [8.0, 2.0, 3.0]}, dicom, edit_varying=edit_varying)
        assert not decision.assignments
        assert any("disagree" in change.reason for change in decision.refused)


def test_where_only_one_was_edited_that_one_counts() -> None:
    members = series(3, {"EchoTime": "14.3"})
    arrays = {"EchoTime": [14.3] * 3}
    assert set(written(decide(members, arrays, {"EchoTime": 15.0}), members).values()) == {15.0}
    assert written(decide(members, {"EchoTime": [14.3, 16, 14.3]}, {"EchoTime": 14.3}), members) == {"2.dcm": 16}


# --- frames of one multi-frame member


def frames(locations: list[str]) -> list[Instance]:
    groups: list[Items] = [{"PlanePositionSequence": [{"ImagePositionPatient": at}]} for at in locations]
    elements: Items = {
        "NumberOfFrames": str(len(locations)),
        "EchoTime": "14.3",
        "PerFrameFunctionalGroupsSequence": groups,
    }
    return [instance(elements)]


def test_entries_stand_for_frames_of_a_multi_frame_member() -> None:
    members = frames(["0\\0\\1", "0\\0\\2"])
    shown: dict[str, Any] = {"ImagePositionPatient": [[0.0, 0.0, 1.0], [0.0, 0.0, 2.0]], "EchoTime": [14.3, 14.3]}
    assert not decide(members, shown).edits
    shown["ImagePositionPatient"][1] = [0.0, 0.0, 5.0]
    (assignment,) = decide(members, shown).assignments
    assert [step.item for step in assignment.path] == [1, 0, None]
    assert assignment.value == ["0", "0", 5.0]


def test_a_value_that_all_frames_share_changes_for_all_or_for_none() -> None:
    members = frames(["0\\0\\1", "0\\0\\2"])
    (assignment,) = decide(members, {"EchoTime": [15.0, 15.0]}).assignments
    assert (len(assignment.path), assignment.value) == (1, 15.0)
    decision = decide(members, {"EchoTime": [15.0, 14.3]})
    assert not decision.assignments
    assert "frames" in decision.refused[0].reason


# --- the reference instance


def test_the_reference_is_the_instance_the_metadata_names_or_the_first_by_number() -> None:
    members = series(3, {})
    found = Series(tuple(members))
    assert found.reference({"SOPInstanceUID": "1.2.3.4.3"}) == Reference(2, is_named=True)
    assert found.reference({}) == Reference(0, is_named=False)
    assert Series((not_dicom(), *reversed(members))).reference({}).index == 3


@given(st.permutations(range(6)), st.integers(0, 5), st.floats(100, 1000))
def test_every_entry_reaches_its_own_instance_whatever_the_order_of_the_zip(
    order: list[int], index: int, new: float
) -> None:
    in_order = series(6, {}, SliceLocation=[str(i) for i in range(6)])
    members = [in_order[i] for i in order]
    arrays = {"SliceLocation": [new if i == index else float(i) for i in range(6)]}
    assert written(decide(members, arrays), members) == {f"{index + 1}.dcm": pytest.approx(new)}
