"""Which rules of its kind of object an instance breaks that it did not break before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session.dicom.binary.dataset import main_data_set
from export_session.dicom.conformance import added_findings
from tests.support.instances import Items, instance

MR, ENHANCED_MR, SECONDARY_CAPTURE = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("4", "4.1", "7"))
CODE: Items = {"CodeValue": "T-A0100", "CodingSchemeDesignator": "SRT", "CodeMeaning": "Brain"}
WHOLE: Items = {
    "SOPClassUID": MR, "Modality": "MR", "PatientID": "1", "PatientSex": "F", "ScanningSequence": "SE",
    "ImageType": "ORIGINAL\\PRIMARY\\M", "AnatomicRegionSequence": [CODE], "PatientIdentityRemoved": "NO",
}  # fmt: skip


def added(after: Items, before: Items = WHOLE) -> list[str]:
    """What `after` breaks: it is `before` with these elements in place of its own."""
    old, new = (main_data_set(instance(elements)) for elements in (before, {**before, **after}))
    return [str(finding) for finding in added_findings(old, new)]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"Modality": ""}, "Modality is empty, but must have a value (type 1, PS3.3 §C.7.3.1)"),
        ({"PatientSex": "FEMALE"}, "PatientSex: FEMALE is not one of M, F, O (PS3.3 §C.7.1.1)"),
        ({"ScanningSequence": "SE\\XX"}, "ScanningSequence: XX is not one of SE, IR, GR, EP, RM (PS3.3 §C.8.3.1)"),
        ({"ImageType": "MADE\\PRIMARY\\M"}, "ImageType: MADE is not one of ORIGINAL, DERIVED (PS3.3 §C.7.6.1)"),
        (
            {"AnatomicRegionSequence": [{**CODE, "CodeMeaning": ""}]},
            "AnatomicRegionSequence[0].CodeMeaning is empty, but must have a value (type 1, PS3.3 table 8.8-1a)",
        ),
        (
            {"OtherPatientIDsSequence": [{"PatientID": "7", "TypeOfPatientID": "TEXT"}, {"PatientID": "8"}]},
            "OtherPatientIDsSequence[1].TypeOfPatientID is absent, but required (type 1, PS3.3 §C.7.1.1)",
        ),
        (
            {"PatientIdentityRemoved": "YES", "DeidentificationMethodCodeSequence": [CODE]},
            "",
        ),
        (
            {"StudyInstanceUID": "1.2.7"},
            "",
        ),
    ],
)  # fmt: skip
def test_what_a_change_breaks_is_told_and_nothing_else(after: Items, said: str) -> None:
    assert added(after) == ([f"{said}, which the change brought in"] if said else [])


def test_what_a_changed_value_makes_necessary_is_told() -> None:
    found = added({"PatientIdentityRemoved": "YES"})
    assert [text.partition(" ")[0] for text in found] == [
        "DeidentificationMethod",
        "DeidentificationMethodCodeSequence",
    ]
    assert "is absent, but required where PatientIdentityRemoved is YES and" in found[0]


@pytest.mark.parametrize("after", [{"PatientID": ""}, {"PatientSex": ""}, {"PatientSex": "M "}, {"ImageType": "\\\\M"}])
def test_what_may_be_empty_may_become_so(after: Items) -> None:
    assert added(after) == []


def test_what_was_broken_before_is_no_concern() -> None:
    broken: Items = {**WHOLE, "PatientSex": "FEMALE", "Modality": "", "ImageType": "MADE\\UP\\M"}
    assert added({"PatientID": "2", "ImageType": "MADE\\UP\\OTHER"}, broken) == []
    assert len(added({"PatientSex": "MALE"}, broken)) == 1


def test_an_optional_module_that_is_not_there_asks_for_nothing() -> None:
    assert "ClinicalTrialSponsorName" not in WHOLE
    assert added({"ClinicalTrialSubjectID": "7"}) == []
    assert len(added({"ClinicalTrialSponsorName": ""}, {**WHOLE, "ClinicalTrialSponsorName": "ACME"})) == 1


@pytest.mark.parametrize("after", [{"SOPClassUID": "1.2.3"}, {"SOPClassUID": ""}])
def test_nothing_is_said_of_objects_that_the_standard_does_not_know(after: Items) -> None:
    assert added({"PatientSex": "FEMALE"}, {**WHOLE, **after}) == []


def test_the_rules_are_those_of_the_kind_of_object() -> None:
    other: Items = {**WHOLE, "SOPClassUID": SECONDARY_CAPTURE}
    assert added({"ScanningSequence": "XX"}, other) == []
    assert added({"ConversionType": ""}, {**other, "ConversionType": "WSD"})
    assert not added({"ConversionType": ""}, {**WHOLE, "ConversionType": "WSD"})


def test_items_of_functional_groups_are_looked_into() -> None:
    def groups(**values: Any) -> Items:
        return {"PerFrameFunctionalGroupsSequence": [{"FrameAnatomySequence": [{"FrameLaterality": "R", **values}]}]}

    whole: Items = {"SOPClassUID": ENHANCED_MR, **groups()}
    (found,) = added(groups(FrameLaterality="X"), whole)
    place = "PerFrameFunctionalGroupsSequence[0].FrameAnatomySequence[0].FrameLaterality"
    assert found.startswith(f"{place}: X is not one of R, L, U, B (PS3.3 §C.7.6.16.2.8)")


ITEMS = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(CODE, st.sampled_from(["", "A", "B"]))), max_size=4)


@given(ITEMS, st.randoms(use_true_random=False))
def test_items_that_come_or_go_bring_no_finding_of_those_that_stay(items: list[Items], random: Any) -> None:
    fewer = [item for item in items if random.random() < 0.7]
    before: Items = {**WHOLE, "AnatomicRegionSequence": items}
    assert added({"AnatomicRegionSequence": fewer}, before) == []
    more = [*fewer, CODE]
    assert added({"AnatomicRegionSequence": more}, before) == []


@given(ITEMS)
def test_an_item_that_is_mended_does_not_hide_one_that_is_broken(items: list[Items]) -> None:
    other: Items = {**CODE, "CodeValue": "T-11100"}
    before: Items = {**WHOLE, "AnatomicRegionSequence": [{**CODE, "CodeMeaning": ""}, other, *items]}
    found = added({"AnatomicRegionSequence": [CODE, {**other, "CodeMeaning": ""}, *items]}, before)
    assert [text.partition(" ")[0] for text in found] == ["AnatomicRegionSequence[1].CodeMeaning"]
