"""What instances say of their patient, study, series, equipment and frame of reference has one value in all of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session.dicom import Result, rewrite
from export_session.dicom.edits.importers.reading.rereading import Rereading
from export_session.dicom.entities import Entity, entity_of
from export_session.dicom.vocabulary import Step
from export_session.errors import NotDicom
from tests.corpus.catalogue import Edit
from tests.corpus.judge import wrong_instance
from tests.support import build
from tests.support.instances import UID, Items, Value, file_bytes

TEXT = {  # an attribute of text of each module of PS3.3 §C.7.1-C.7.5, and its tag
    "PatientComments": 0x00104000,
    "ClinicalTrialSiteName": 0x00120031,
    "StudyDescription": 0x00081030,
    "AdditionalPatientHistory": 0x001021B0,
    "ClinicalTrialTimePointID": 0x00120050,
    "ProtocolName": 0x00181030,
    "ClinicalTrialSeriesDescription": 0x00120072,
    "PositionReferenceIndicator": 0x00201040,
    "InstitutionName": 0x00080080,
    "ManufacturerModelName": 0x00081090,
}
Series = list[Items]


def series(count: int = 3, /, **varying: Sequence[Value | None]) -> Series:
    """Elements of instances, numbered from 1, that differ in some of them; None leaves an element out."""
    return [
        {
            **UID,
            "SOPInstanceUID": f"1.2.3.4.{i}",
            "InstanceNumber": str(i),
            "PatientID": "ID-1",
            "ImageComments": f"slice {i}",
            **{keyword: value for keyword, values in varying.items() if (value := values[i - 1]) is not None},
        }
        for i in range(1, count + 1)
    ]


def files_of(instances: Series) -> dict[str, bytes]:
    return {f"{i}.dcm": file_bytes(one) for i, one in enumerate(instances, 1)}


def imported(files: Mapping[str, bytes], *arrays: str) -> dict[str, Any]:
    """The metadata that the importer makes of files, of the first as reference."""
    read = [Rereading(io.BytesIO(data)) for data in files.values()]
    listed = {key: [one.array_entry(key) for one in read] for key in ("InstanceNumber", *arrays)}
    return {"dicom": dict(read[0].header), "dicom_array": listed}


def rewritten(
    folder: Path, files: Mapping[str, bytes], header: dict[str, Any], **options: Any
) -> tuple[Result, dict[str, bytes]]:
    source, target = build.archive(folder / "source.zip", files), folder / "target.zip"
    result = rewrite(source, target, header, **options)
    with zipfile.ZipFile(target if result.modified else source) as archive:
        return result, {name: archive.read(name) for name in files}


def values(files: Mapping[str, bytes], keyword: str) -> list[Any]:
    read = [pydicom.dcmread(io.BytesIO(data), force=True) for data in files.values()]
    return [str(one[keyword].value) if keyword in one else None for one in read]


def edited(folder: Path, instances: Series, keyword: str, value: Any, **options: Any) -> tuple[Result, list[Any]]:
    """Edit one value in ``header.dicom``; return the result and what the instances hold then."""
    files = files_of(instances)
    header = imported(files)
    header["dicom"][keyword] = value
    result, after = rewritten(folder, files, header, **options)
    return result, values(after, keyword)


@given(keyword=st.sampled_from(sorted(TEXT)), held=st.lists(st.sampled_from([None, "", "one", "two"]), min_size=2))
def test_an_edit_goes_to_all_instances_whatever_they_held(keyword: str, held: list[str | None]) -> None:
    files = files_of(series(len(held), **{keyword: held}))
    header = imported(files)
    header["dicom"][keyword] = "new"
    with TemporaryDirectory() as folder:
        result, after = rewritten(Path(folder), files, header)
    edit = Edit(
        "", {}, (TEXT[keyword],), "LT" if keyword in {"PatientComments", "AdditionalPatientHistory"} else "LO", "new"
    )
    assert [wrong_instance(files[name], data, edit) for name, data in after.items()] == [[]] * len(held)
    assert not result.refused
    assert sum(change.instances for change in result.changes) == len(held)
    assert {change.old for change in result.changes} == set(held)
    assert rewrite_again(after, result) == ()


def rewrite_again(files: Mapping[str, bytes], result: Result) -> tuple[Any, ...]:
    """What the record of a copy, read against the copy, still shows as edited."""
    with TemporaryDirectory() as folder:
        again, _ = rewritten(Path(folder), files, dict(result.header))
    return (*again.changes, *again.refused)


def test_each_old_value_is_in_the_log(tmp_path: Path) -> None:
    names = ["Doe^J", "Doe^J", "Dow^J", None]
    result, after = edited(tmp_path, series(4, PatientName=names), "PatientName", "Doe^Jane")
    assert after == ["Doe^Jane"] * 4
    assert [(change.old, change.instances, change.member) for change in result.changes] == [
        ("Doe^J", 2, ""),
        ("Dow^J", 1, "3.dcm"),
        (None, 1, "4.dcm"),
    ]


def test_what_describes_an_image_is_refused_where_images_differ(tmp_path: Path) -> None:
    result, after = edited(tmp_path, series(), "ImageComments", "new", on_invalid_edit="skip")
    assert after == ["slice 1", "slice 2", "slice 3"]
    assert "dicom_array" in result.refused[0].reason


def test_pixel_padding_is_that_of_an_image_though_it_stands_in_the_equipment_module() -> None:
    assert entity_of([Step(0x00280120)]) is None
    assert entity_of([Step(0x00080070)]) is Entity.EQUIPMENT
    assert entity_of([Step(0x00400275, 0), Step(0x00400009)]) is Entity.SERIES
    assert entity_of([Step(0x00100020, None, "ACME")]) is None


@pytest.mark.parametrize(
    ("policy", "after"), [("refuse", ["A", "B", "A"]), ("all", ["new"] * 3), ("auto", ["new"] * 3)]
)
def test_an_entity_edit_can_be_refused_where_instances_differ(tmp_path: Path, policy: str, after: list[str]) -> None:
    instances = series(StudyDescription=["A", "B", "A"])
    options = {"edit_varying": policy, "on_invalid_edit": "skip"}
    assert edited(tmp_path, instances, "StudyDescription", "new", **options)[1] == after


TWO = ["1.2.3", "1.2.3", "1.2.9"]


@pytest.mark.parametrize(
    ("keyword", "apart", "after"),
    [
        ("SeriesDescription", "SeriesInstanceUID", ["new", "new", "old"]),
        ("StationName", "SeriesInstanceUID", ["new", "new", "old"]),
        ("StudyDescription", "SeriesInstanceUID", ["new", "new", "new"]),
        ("PatientComments", "SeriesInstanceUID", ["new", "new", "new"]),
        ("PositionReferenceIndicator", "SeriesInstanceUID", ["new", "new", "old"]),
        ("StudyDescription", "StudyInstanceUID", ["new", "new", "old"]),
        ("PatientComments", "StudyInstanceUID", ["new", "new", "new"]),
        ("PositionReferenceIndicator", "FrameOfReferenceUID", ["new", "new", "old"]),
    ],
)
@pytest.mark.parametrize("others", ["old", "theirs"])
def test_it_goes_to_the_instances_of_the_same_entity_alone(
    tmp_path: Path, keyword: str, apart: str, after: list[str], others: str
) -> None:
    instances = series(**{apart: TWO, keyword: ["old", "x", others]})
    result, held = edited(tmp_path, instances, keyword, "new")
    assert held == [others if one == "old" else one for one in after]
    left = ["1 instance of another" in change.reason for change in result.changes]
    assert left == [after[-1] == "old"] * len(result.changes)


@pytest.mark.parametrize(
    ("third", "after"),
    [
        ({"StudyInstanceUID": "7.7", "PatientID": "ID-1"}, "new"),
        ({"StudyInstanceUID": "7.7", "PatientID": "ID-2"}, "ID-2"),
        ({"StudyInstanceUID": "1.2", "PatientID": "ID-2"}, "new"),
        ({"StudyInstanceUID": "7.7", "PatientID": ""}, ""),
        ({"StudyInstanceUID": "7.7", "PatientID": "ID-1", "IssuerOfPatientID": "elsewhere"}, "ID-1"),
    ],
)
def test_a_patient_is_told_by_the_id_of_its_issuer_and_by_the_study(
    tmp_path: Path, third: dict[str, str], after: str
) -> None:
    instances: Series = [{**one, "IssuerOfPatientID": "here"} for one in series()]
    instances[2] = {**instances[2], **third}
    assert edited(tmp_path, instances, "PatientID", "new")[1] == ["new", "new", after]


def test_patients_that_no_study_tells_apart_stay_apart(tmp_path: Path) -> None:
    bare: Series = [
        {k: v for k, v in one.items() if k != "StudyInstanceUID"} for one in series(PatientID=["A", "A", "B"])
    ]
    assert edited(tmp_path, bare, "PatientID", "new")[1] == ["new", "new", "B"]


def request(step: str, *more: str) -> list[Items]:
    return [{"ScheduledProcedureStepID": one} for one in (step, *more)]


def steps(files: Mapping[str, bytes]) -> list[list[str]]:
    read = [pydicom.dcmread(io.BytesIO(data)) for data in files.values()]
    return [[str(i.ScheduledProcedureStepID) for i in one.get("RequestAttributesSequence", [])] for one in read]


@pytest.mark.parametrize(
    ("second", "third", "after"),
    [
        (request("B"), request("A"), [["new"]] * 3),
        (request("A"), None, [["new"], ["new"], []]),
        (request("B", "A"), request("A"), None),
    ],
)
def test_in_a_sequence_of_an_entity_it_goes_to_the_same_item(
    tmp_path: Path, second: Any, third: Any, after: list[list[str]] | None
) -> None:
    instances = series(RequestAttributesSequence=[request("A"), second, third])
    files = files_of(instances)
    header = imported(files)
    header["dicom"]["RequestAttributesSequence"][0]["ScheduledProcedureStepID"] = "new"
    result, written = rewritten(tmp_path, files, header, on_invalid_edit="skip")
    assert steps(written) == (after or steps(files))
    assert ["number of items" in change.reason for change in result.refused] == [True] * (after is None)
    lacking = third is None
    assert any("without this item" in change.reason for change in result.changes) is lacking


@pytest.mark.parametrize("theirs", [[], request("other"), request("one"), request("new", "more")])
@pytest.mark.parametrize("own", [[], request("one")])
@pytest.mark.parametrize("new", [["new"], ["one", "new"], ["a", "b", "c"]])
def test_new_items_go_to_the_instances_of_the_same_entity_alone(
    tmp_path: Path, theirs: list[Items], own: list[Items], new: list[str]
) -> None:
    instances = series(3, SeriesInstanceUID=["1.2.3.3", "1.2.3.9", "1.2.3.3"])
    pairs = zip(instances, [own, theirs, own], strict=True)
    files = files_of([{**instance, "RequestAttributesSequence": items} for instance, items in pairs])
    header = imported(files)
    header["dicom"]["RequestAttributesSequence"] = [{"ScheduledProcedureStepID": step} for step in new]
    result, after = rewritten(tmp_path, files, header)
    assert steps(after) == [new, [item["ScheduledProcedureStepID"] for item in theirs], new]
    assert {change.instances for change in result.changes} == {2}
    assert own or "not written to 1 instance of another series" in result.changes[0].reason


def test_a_uid_follows_its_own_rule_and_then_goes_to_its_entity(tmp_path: Path) -> None:
    instances = series(SeriesInstanceUID=TWO)
    result, held = edited(tmp_path, instances, "DeviceUID", "4.5.6", on_invalid_edit="skip")
    assert "edit_uids" in result.refused[0].reason
    assert held == [None] * 3
    _, held = edited(tmp_path, instances, "SeriesInstanceUID", "4.5.6", edit_uids=True)
    assert held == ["4.5.6", "4.5.6", "1.2.9"]


def test_a_damaged_member_of_the_entity_stops_the_file_and_one_of_another_does_not(tmp_path: Path) -> None:
    files = files_of(series(SeriesInstanceUID=TWO, SeriesDescription=["A", "B", "C"]))
    header = imported(files)
    header["dicom"]["SeriesDescription"] = "new"
    for name, stops in (("2.dcm", True), ("3.dcm", False)):
        damaged = {**files, name: files[name][:-3]}
        if stops:
            with pytest.raises(NotDicom, match=name):
                rewritten(tmp_path, damaged, header)
        else:
            _, after = rewritten(tmp_path, damaged, header)
            assert values(after, "SeriesDescription") == ["new", "new", "C"]
    behind = files["3.dcm"].index(b"\x08\0\x3e\x10LO") + 14  # in the element behind it: its series is not to be read
    with pytest.raises(NotDicom, match=r"3\.dcm"):
        rewritten(tmp_path, {**files, "3.dcm": files["3.dcm"][:behind]}, header)


# --- single slices


def of_slices(folder: Path, keyword: str, held: list[str], wanted: list[str], **given: Any) -> tuple[Result, list[Any]]:
    files = files_of(series(**{keyword: held}, **given))
    header = imported(files, keyword)
    header["dicom_array"][keyword] = wanted
    result, after = rewritten(folder, files, header)
    return result, values(after, keyword)


def warned(result: Result) -> list[bool]:
    return ["now differ" in change.reason for change in result.changes]


def test_slices_are_edited_one_by_one_and_it_is_said_that_their_entity_is_divided_now(tmp_path: Path) -> None:
    result, held = of_slices(tmp_path, "StudyDescription", ["A", "A", "A"], ["A", "new", "A"])
    assert held == ["A", "new", "A"]
    assert warned(result) == [True]


def test_nothing_is_said_of_slices_that_agree_in_the_end(tmp_path: Path) -> None:
    result, held = of_slices(tmp_path, "StudyDescription", ["A", "B", "C"], ["new", "new", "new"])
    assert held == ["new"] * 3
    assert warned(result) == [False] * 3
    result, held = of_slices(tmp_path, "StudyDescription", ["A", "B", "A"], ["A", "A", "A"])
    assert held == ["A"] * 3
    assert warned(result) == [False]


def test_nothing_is_said_where_the_slices_are_of_two_entities(tmp_path: Path) -> None:
    held, wanted = ["A", "A", "A"], ["A", "A", "new"]
    result, _ = of_slices(tmp_path, "SeriesDescription", held, wanted, SeriesInstanceUID=TWO)
    assert warned(result) == [False]
    result, _ = of_slices(tmp_path, "StudyDescription", held, wanted, SeriesInstanceUID=TWO)
    assert warned(result) == [True]


def test_nothing_is_said_of_what_images_have_of_their_own(tmp_path: Path) -> None:
    result, _ = of_slices(tmp_path, "SliceLocation", ["1.0", "2.0", "3.0"], ["1.0", "9.0", "3.0"])
    assert warned(result) == [False]
