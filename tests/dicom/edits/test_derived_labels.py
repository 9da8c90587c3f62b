"""Mapped Flywheel fields: what changes an element, and what says only what the header says already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session.dicom.binary.instance import Kind
from export_session.dicom.edits.derived_labels import age_string, same_age
from export_session.dicom.edits.edit import Decision
from export_session.dicom.edits.find import find_edits
from export_session.dicom.files.file import read_instances
from export_session.dicom.vocabulary import Cause
from export_session.dicom.writing.plan import make_plan
from tests.corpus.samples import FMI, samples
from tests.support.instances import Items, instance, series

YEAR = 31557600
HEADER: Items = {
    "SeriesNumber": "3",
    "SeriesDescription": "T1 MPRAGE*/sag  p2",
    "ProtocolName": "t1_mprage",
    "StudyDescription": "Brain^Routine",
    "StudyDate": "20040826",
    "StudyTime": "185059.123",
    "StudyID": "1",
    "PatientID": "P1",
    "PatientAge": "034Y",
    "PatientWeight": "80.00",
}


def map_onto(elements: Items, **overrides: Any) -> Decision:
    return find_edits([instance(elements)], {}, overrides)


def mapped(decision: Decision) -> dict[str, Any]:
    return {edit.difference.keys[0].name: edit.difference.value for edit in decision.edits if not edit.refused}


@pytest.mark.parametrize(
    "label",
    [
        "3 - T1 MPRAGE*/sag  p2",
        "T1 MPRAGE*/sag  p2",
        "3 - T1 MPRAGEstar_sag p2",
        "3 - T1 MPRAGE__sag p2",
        "3 - t1_mprage",
        "3 - 2004-08-26T18-50-59",
        "3 - 1.2.3",
        "1.2.3",
    ],
)
def test_an_acquisition_label_made_from_the_header_changes_nothing(label: str) -> None:
    assert not map_onto(HEADER, SeriesDescription=label).edits


@pytest.mark.parametrize(
    "label",
    [
        "Brain^Routine",
        "Brain_Routine",
        "2004-08-26 18:50:59",
        "2004-08-26T18:50:59Z",
        "2004-08-26T16:50:59+00:00",
        "2004-08-26 18:50:59.123",
        "2004-08-26T18-50-59",
        "20040826",
        "20040826_185059",
        "2004-08-26",
        "1.2",
    ],
)
def test_a_session_label_made_from_the_header_changes_nothing(label: str) -> None:
    assert not map_onto(HEADER, StudyID=label).edits


@pytest.mark.parametrize("label", ["T2", "4 - T1 MPRAGE*/sag  p2", "3 - ", "2004-08-27", "Brain"])
def test_a_label_that_a_person_chose_is_mapped(label: str) -> None:
    assert mapped(map_onto(HEADER, SeriesDescription=label, StudyID=label)) == {
        "SeriesDescription": label,
        "StudyID": label,
    }


def test_a_long_label_is_compared_as_far_as_labels_go() -> None:
    long = "x" * 70
    assert not map_onto({"SeriesDescription": long}, SeriesDescription=long[:64]).edits


def test_only_labels_of_sessions_and_acquisitions_are_derived() -> None:
    assert mapped(map_onto(HEADER, PatientID="Brain^Routine")) == {"PatientID": "Brain^Routine"}


def platform_labels(header: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The labels that the platform gives the containers of a file."""
    label = header.get("SeriesDescription") or header.get("ProtocolName") or header.get("SeriesInstanceUID")
    number = header.get("SeriesNumber")
    if isinstance(label, str):
        yield "SeriesDescription", f"{number} - {label}" if number else label
    session = header.get("StudyDescription") or header.get("StudyInstanceUID")
    if isinstance(session, str):
        yield "StudyID", session
    if isinstance(header.get("PatientID"), str):
        yield "PatientID", header["PatientID"]


def test_the_labels_of_real_files_change_none_of_them() -> None:
    changed, count = {}, 0
    for sample in samples():
        if FMI not in sample.importers:
            continue
        header = sample.header()
        overrides = dict(platform_labels(header["dicom"]))
        members = read_instances(sample.path)
        if any(member.kind is Kind.INSTANCE for member in members):
            count += 1
            decision = find_edits(members, header, overrides)
            if decision.edits:
                changed[sample.name] = mapped(decision)
    assert count > 150
    assert changed == {}


@pytest.mark.parametrize("value", [None, "", "  ", "unknown", "Unknown", [], {}])
def test_a_field_that_says_nothing_touches_no_element(value: Any) -> None:
    overrides = dict.fromkeys(("PatientID", "PatientSex", "PatientAge", "StudyID", "PatientComments"), value)
    assert not map_onto(HEADER, **overrides).edits


@pytest.mark.parametrize("weight", [80, 80.0, "80", "80.000"])
def test_a_number_of_the_same_value_changes_nothing(weight: Any) -> None:
    assert not map_onto(HEADER, PatientWeight=weight).edits
    assert mapped(map_onto(HEADER, PatientWeight=81)) == {"PatientWeight": 81}


def test_a_mapped_value_changes_only_the_instances_that_lack_it() -> None:
    members = series(3, {}, PatientID=["P1", "P2", "P1"])
    (assignment,) = find_edits(members, {}, {"PatientID": "P1"}).assignments
    assert (assignment.cause, assignment.instances) == (Cause.MAPPING, frozenset({1}))
    (assignment,) = find_edits(members, {}, {"PatientID": "P9"}).assignments
    assert assignment.instances is None


@pytest.mark.parametrize("age", ["034Y", "34Y", 34 * YEAR, 34.9 * YEAR, 34 * 365 * 86400, "412M"])
def test_an_age_that_means_the_same_changes_nothing(age: Any) -> None:
    assert not map_onto(HEADER, PatientAge=age).edits


def test_an_age_in_seconds_is_written_in_the_unit_of_the_file() -> None:
    assert mapped(map_onto(HEADER, PatientAge=36 * YEAR)) == {"PatientAge": "036Y"}
    assert mapped(map_onto({"PatientAge": "018M"}, PatientAge=2 * YEAR)) == {"PatientAge": "024M"}
    assert mapped(map_onto({}, PatientAge=5 * 86400)) == {"PatientAge": "005D"}


@given(st.integers(0, 999), st.sampled_from("DWMY"))
def test_an_age_string_equals_its_own_seconds(count: int, unit: str) -> None:
    days = {"D": 1, "W": 7, "M": 30.4375, "Y": 365.25}[unit]
    text = f"{count:03d}{unit}"
    assert same_age(text, count * days * 86400)
    assert same_age(text, text)
    assert not same_age(text, (count + 2) * days * 86400)


@given(st.floats(0, 120 * YEAR), st.sampled_from(["", "D", "W", "M", "Y"]))
def test_an_age_is_always_written_as_an_age_string_of_the_same_meaning(seconds: float, unit: str) -> None:
    text = age_string(seconds, unit)
    assert len(text) == 4
    assert text[:3].isdigit()
    assert same_age(text, seconds)


# --- the mapping and edits of the same element


def both(edited: Any, field: Any, held: str = "P1", keyword: str = "PatientID") -> Decision:
    file = instance({**HEADER, keyword: held})
    return find_edits(
        [file], {"dicom": {"TransferSyntaxUID": "1.2.840.10008.1.2.1", keyword: edited}}, {keyword: field}
    )


def test_the_mapping_wins_over_an_edit_and_says_so() -> None:
    decision = both("P2", "P3")
    (assignment,) = decision.assignments
    assert (assignment.value, assignment.cause) == ("P3", Cause.MAPPING)
    assert assignment.warning
    (refused,) = decision.refused
    assert (refused.new, refused.cause) == ("P2", Cause.EDIT)
    assert "PatientID" in decision.notes[0]


def test_an_edit_is_refused_where_the_mapping_says_what_the_file_holds() -> None:
    decision = both("P2", "P1")
    assert not decision.assignments
    assert "mapping" in decision.refused[0].reason


def test_an_edit_that_agrees_with_the_mapping_is_made_once() -> None:
    decision = both("P2", "P2")
    assert [one.value for one in decision.assignments] == ["P2"]
    assert not decision.refused


def test_a_label_made_from_the_header_overrides_no_edit() -> None:
    decision = both("T1 sagittal", "3 - T1", "T1", "SeriesDescription")
    assert [(one.value, one.cause) for one in decision.assignments] == [("T1 sagittal", Cause.EDIT)]
    assert not decision.refused


def test_a_label_changed_along_with_the_element_agrees_with_the_edit() -> None:
    decision = both("T1 sagittal", "3 - T1 sagittal", "T1", "SeriesDescription")
    assert [(one.value, one.cause) for one in decision.assignments] == [("T1 sagittal", Cause.EDIT)]
    assert not decision.refused


def test_elements_that_may_not_be_edited_may_not_be_mapped_either() -> None:
    decision = map_onto({**HEADER, "Rows": 4}, Rows=8, StudyInstanceUID="9.9", NoKeyword="x")
    assert not decision.assignments
    assert {change.keyword for change in decision.refused} == {"Rows", "StudyInstanceUID"}
    assert "NoKeyword" in decision.notes[0]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@given(ANY_JSON, st.sampled_from(["PatientAge", "PatientID", "PatientWeight", "SeriesNumber", "StudyDate", "Rows"]))
def test_whatever_a_field_holds_is_written_or_refused_with_words(value: Any, keyword: str) -> None:
    elements: Items = {"PatientAge": "018M", "PatientID": "P", "PatientWeight": "70", "SeriesNumber": "3"}
    decision = map_onto(elements, **{keyword: value})
    plan = make_plan([instance(elements)], decision.assignments)
    assert all(one.reason for one in (*decision.refused, *plan.refused))


@pytest.mark.parametrize("value", [{"years": 34}, [{"a": 1}], [["034Y"]], True, ["034Y", "035Y"]])
def test_a_list_or_object_is_no_age(value: Any) -> None:
    decision = map_onto({"PatientAge": "018M"}, PatientAge=value)
    plan = make_plan([instance({"PatientAge": "018M"})], decision.assignments)
    assert not plan.changes
    assert [change.reason for change in (*decision.refused, *plan.refused) if change.reason]
