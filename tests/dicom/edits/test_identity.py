"""Which file, and which instance of it, the metadata describe when UIDs were edited."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session.dicom.binary.instance import Instance
from export_session.dicom.edits.edit import Decision
from export_session.dicom.edits.find import find_edits
from export_session.dicom.vocabulary import Options
from export_session.errors import StaleMetadata
from tests.support.instances import UID, Items, instance, series

EXAM: Items = {
    "StudyDate": "20240311",
    "SeriesDate": "20240311",
    "StudyTime": "091523.5",
    "SeriesTime": "092744",
    "Modality": "MR",
    "PatientName": "Doe^Jane",
    "PatientID": "P-48213",
    "ScanningSequence": "SE",
    "MagneticFieldStrength": "2.89362",
    "RepetitionTime": "1893.25",
    "SeriesDescription": "t1 sag",
    "Rows": 4,
}
# As metadata-import-dicom shows it: no file meta, a list where more than one value may be
SHOWN: dict[str, Any] = {
    **EXAM,
    "ScanningSequence": ["SE"],
    "MagneticFieldStrength": 2.89362,
    "RepetitionTime": 1893.25,
}
NEW = {"SOPInstanceUID": "9.8.4", "SeriesInstanceUID": "9.8.3", "StudyInstanceUID": "9.8.2"}


def decide(members: list[Instance], dicom: dict[str, Any], *, edit_uids: bool = True, **arrays: Any) -> Decision:
    header = {"dicom": dicom, **({"dicom_array": arrays} if arrays else {})}
    return find_edits(members, header, None, Options(edit_uids=edit_uids))


def written(decision: Decision) -> dict[str, tuple[Any, frozenset[int] | None]]:
    return {one.path[-1].key.name: (one.value, one.instances) for one in decision.assignments}


def test_all_three_uids_are_edited_at_once_where_the_rest_agrees() -> None:
    decision = decide([instance(EXAM)], {**SHOWN, **NEW})
    assert written(decision) == {name: (uid, None) for name, uid in NEW.items()}


def test_without_edit_uids_such_metadata_are_stale() -> None:
    with pytest.raises(StaleMetadata, match="edit_uids"):
        decide([instance(EXAM)], {**SHOWN, **NEW}, edit_uids=False)


@pytest.mark.parametrize("edits", [{"PatientName": "Roe^Jane"}, {"PatientID": "7", "SeriesDescription": "t1"}], ids=len)
def test_a_few_other_edits_leave_no_doubt(edits: dict[str, str]) -> None:
    assert written(decide([instance(EXAM)], {**SHOWN, **NEW, **edits})).keys() == {*NEW, *edits}


@pytest.mark.parametrize(
    "other",
    [
        {"StudyDate": "20240918", "SeriesDate": "20240918", "StudyTime": "101112", "SeriesTime": "101533"},
        {"StudyTime": "101112", "SeriesTime": "101533"},
        {"PatientName": "Roe^Max", "PatientID": "P-1", "SeriesDescription": "t2", "RepetitionTime": 4000.0},
    ],
    ids=["a follow-up of the same protocol", "another scan of that day", "too many edits"],
)
def test_metadata_that_may_be_those_of_another_file_stay_stale(other: dict[str, Any]) -> None:
    with pytest.raises(StaleMetadata, match="dates, times, numbers"):
        decide([instance(EXAM)], {**SHOWN, **NEW, **other})


@given(
    kept=st.sets(st.sampled_from([name for name in EXAM if name not in ("RepetitionTime", "MagneticFieldStrength")]))
)
def test_metadata_without_numbers_and_times_are_not_enough(kept: set[str]) -> None:
    telling = {name for name in kept if name.endswith(("Date", "Time", "ID"))}
    shown = {name: SHOWN[name] for name in kept - telling}
    with pytest.raises(StaleMetadata):
        decide([instance(EXAM)], {**shown, **NEW})


def members(count: int = 4) -> list[Instance]:
    positions = [rf"-120.5\-98.25\{12.5 * number}" for number in range(count)]
    times = [f"0930{number:02}" for number in range(count)]
    return series(count, EXAM, ImagePositionPatient=positions, AcquisitionTime=times)


def of_member(number: int) -> dict[str, Any]:
    return {
        **SHOWN,
        "InstanceNumber": number + 1,
        "ImagePositionPatient": [-120.5, -98.25, 12.5 * number],
        "AcquisitionTime": f"0930{number:02}",
    }


@given(number=st.integers(0, 3), edited=st.sampled_from([{}, {"InstanceNumber": 77}, {"PatientName": "Roe^Jane"}]))
def test_the_instance_of_a_series_is_found_by_what_differs_between_them(number: int, edited: dict[str, Any]) -> None:
    decision = decide(members(), {**of_member(number), **NEW, **edited})
    assert decision.reference == number
    found = written(decision)
    assert found["SOPInstanceUID"] == (NEW["SOPInstanceUID"], frozenset([number]))
    assert found["StudyInstanceUID"] == (NEW["StudyInstanceUID"], None)


def test_a_uid_of_one_instance_is_refused_where_it_cannot_be_told_which_is_meant() -> None:
    decision = decide(members(), {**SHOWN, **UID, "SOPInstanceUID": "9.8.4"})
    assert not decision.assignments
    assert "dicom_array" in decision.refused[0].reason


def test_an_instance_that_is_no_longer_in_the_series_gives_its_uid_to_no_other() -> None:
    decision = decide(members(), {**of_member(9), **UID, "SOPInstanceUID": "1.2.3.4.10"})
    assert "SOPInstanceUID" not in written(decision)


def test_each_instance_gets_the_uid_of_its_entry_and_the_scalar_is_one_of_them() -> None:
    new = [f"9.8.4.{number}" for number in range(4)]
    decision = decide(members(), {**of_member(2), **NEW, "SOPInstanceUID": new[2]}, SOPInstanceUID=new)
    uids = {one.value: one.instances for one in decision.assignments if one.path[-1].key.name == "SOPInstanceUID"}
    assert uids == {uid: frozenset([number]) for number, uid in enumerate(new)}
