"""A refused edit holds its file back, whatever the reason, unless the file is to go out without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from export_session.dicom import Cause, Options, Outcome, rewrite
from export_session.errors import ConfigError, HeaderError, InvalidEdit, NotDicom
from tests.support import build
from tests.support.build import element

REFUSED: dict[str, dict[str, Any]] = {  # an edit that is refused, by its reason
    "badly formed": {"dicom": {"PatientBirthDate": "Doe's birthday"}},
    "too long": {"dicom": {"PatientName": "x" * 70}},
    "a UID": {"dicom": {"DeviceUID": "1.2.3"}},
    "about the pixels": {"dicom": {"Rows": 4}},
    "different in each slice": {"dicom": {"ImageComments": "new"}},
    "not clear which slice": {"dicom_array": {"ImageComments": "new"}},
    "in conflict": {"dicom": {"ImageComments": "new"}, "dicom_array": {"ImageComments": ["other", "slice 2"]}},
    "of a sequence": {"dicom": {"ReferencedStudySequence": None}},
}
OLD: dict[str, Any] = {"Modality": "MR", "PatientID": "ID-1"}


def file(folder: Path) -> Path:
    study = build.sequence(0x00081110, [build.item(element(0x00081155, "UI", b"1.2.3"))])
    members = {}
    for number in (1, 2):
        name = element(0x00100010, "PN", b"Old^Name")
        comment = element(0x00204000, "LT", f"slice {number}".encode())
        data = build.plain(number=number).replace(name, study + name)
        pixels = data.index(b"\xe0\x7f\x10\0")
        members[f"{number}.dcm"] = data[:pixels] + comment + data[pixels:]
    return build.archive(folder / "source.zip", members)


def merged(*headers: dict[str, Any]) -> dict[str, Any]:
    """One header with all that these have."""
    dicom, arrays = (
        {k: v for one in headers for k, v in one.get(part, {}).items()} for part in ("dicom", "dicom_array")
    )
    return {"dicom": {"SOPInstanceUID": "1.2.3.4.5.1", "TransferSyntaxUID": "1.2.840.10008.1.2.1", **dicom}} | (
        {"dicom_array": arrays} if arrays else {}
    )


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refused_edit_fails_the_file_whatever_the_reason(tmp_path: Path, kind: str) -> None:
    header = merged(OLD, REFUSED[kind], {"dicom": {"PatientID": "new"}})
    target = tmp_path / "target.zip"
    with pytest.raises(InvalidEdit) as failure:
        rewrite(file(tmp_path), target, header)
    assert not target.exists()
    (keyword,) = {keyword for part in REFUSED[kind].values() for keyword in part}
    assert keyword in str(failure.value)
    assert {change.path for change in failure.value.refused} == {keyword}
    assert all(change.reason and change.outcome is Outcome.REFUSED for change in failure.value.refused)
    (not_made,) = failure.value.changes
    assert (not_made.keyword, not_made.old, not_made.new) == ("PatientID", "ID-1", "new")
    assert (not_made.outcome.value, not_made.instances) == ("not made", 2)
    assert "not exported" in not_made.reason


@pytest.mark.parametrize("option", [{"on_refused_edit": "export"}, {"on_invalid_edit": "skip"}])
@pytest.mark.parametrize("kind", REFUSED)
def test_the_file_goes_out_without_it_if_so_asked(tmp_path: Path, kind: str, option: dict[str, Any]) -> None:
    header = merged(OLD, REFUSED[kind], {"dicom": {"PatientID": "new"}})
    result = rewrite(file(tmp_path), tmp_path / "target.zip", header, **option)
    assert [(change.keyword, change.outcome) for change in result.changes] == [("PatientID", Outcome.APPLIED)]
    assert result.refused


def test_all_refusals_are_carried_and_the_first_are_named(tmp_path: Path) -> None:
    wrong = dict.fromkeys(("PatientBirthDate", "StudyDate", "SeriesDate", "PatientBirthTime", "StudyTime"), "x")
    header = merged(OLD, {"dicom": {**wrong, "Rows": 4, "DeviceUID": "1.2.3", "SeriesDescription": "new"}})
    with pytest.raises(InvalidEdit) as failure:
        rewrite(file(tmp_path), tmp_path / "target.zip", header)
    assert {change.keyword for change in failure.value.refused} == {*wrong, "Rows", "DeviceUID"}
    named = [keyword for keyword in (*wrong, "Rows", "DeviceUID") if f"{keyword}: " in str(failure.value)]
    assert len(named) == 5
    assert "2 more" in str(failure.value)
    assert [change.keyword for change in failure.value.changes] == ["SeriesDescription"]


def test_an_element_that_is_refused_in_many_slices_is_named_once(tmp_path: Path) -> None:
    header = merged(OLD, {"dicom_array": {"AcquisitionDate": ["x", "y"]}})
    with pytest.raises(InvalidEdit) as failure:
        rewrite(file(tmp_path), tmp_path / "target.zip", header)
    assert len(failure.value.refused) == 2
    assert str(failure.value).count("AcquisitionDate") == 1


def test_a_mapped_value_that_does_not_fit_is_a_remark(tmp_path: Path) -> None:
    overrides = {"StudyID": "x" * 17, "ReferencedStudySequence": "x", "PatientID": "mapped"}
    result = rewrite(file(tmp_path), tmp_path / "target.zip", {}, overrides)
    assert {(change.keyword, change.cause) for change in result.refused} == {
        ("StudyID", Cause.MAPPING),
        ("ReferencedStudySequence", Cause.MAPPING),
    }
    assert [change.keyword for change in result.changes] == ["PatientID"]


@pytest.mark.parametrize("mapped", ["mapped", "ID-1"])
@pytest.mark.parametrize("wanted", ["edited", "x" * 70])
def test_an_edit_that_the_mapping_overrules_is_logged_and_the_file_goes_out(
    tmp_path: Path, mapped: str, wanted: str
) -> None:
    header = merged(OLD, {"dicom": {"PatientID": wanted}})
    result = rewrite(file(tmp_path), tmp_path / "target.zip", header, {"PatientID": mapped})
    assert [(change.keyword, change.cause) for change in result.refused] == [("PatientID", Cause.EDIT)]
    assert "the mapping wins" in result.refused[0].reason
    assert [change.new for change in result.changes] == ([] if mapped == "ID-1" else ["mapped"])


@pytest.mark.parametrize("mapped", ["x" * 17, {"a": 1}, [{"a": 1}], [[1]], ["a", "b"], "tab\tin it"])
def test_a_mapped_value_that_does_not_fit_decides_nothing_and_the_edit_is_made(tmp_path: Path, mapped: Any) -> None:
    header = merged(OLD, {"dicom": {"StudyID": "edited"}})
    result = rewrite(file(tmp_path), tmp_path / "target.zip", header, {"StudyID": mapped})
    assert [(change.keyword, change.new) for change in result.changes] == [("StudyID", "edited")]
    assert [(change.keyword, change.cause) for change in result.refused] == [("StudyID", Cause.MAPPING)]


def test_a_refused_edit_fails_its_file_beside_a_mapped_value_that_does_not_fit(tmp_path: Path) -> None:
    header = merged(OLD, {"dicom": {"StudyID": "y" * 20}})
    with pytest.raises(InvalidEdit, match="StudyID"):
        rewrite(file(tmp_path), tmp_path / "target.zip", header, {"StudyID": "x" * 17})


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"])
@pytest.mark.parametrize("blank", ["", None])
def test_what_an_instance_is_identified_by_cannot_be_emptied(tmp_path: Path, keyword: str, blank: Any) -> None:
    options: dict[str, Any] = {"edit_uids": True, "on_refused_edit": "export"}
    result = rewrite(file(tmp_path), tmp_path / "target.zip", merged(OLD, {"dicom": {keyword: blank}}), **options)
    assert not result.changes
    whole = rewrite(
        file(tmp_path), tmp_path / "target.zip", merged(OLD, {"dicom_array": {"SOPInstanceUID": ["", ""]}}), **options
    )
    assert not whole.changes
    assert whole.refused


def test_a_damaged_file_tells_what_was_to_be_done_with_it(tmp_path: Path) -> None:
    source = tmp_path / "cut.dcm"
    source.write_bytes(build.plain()[:-5])
    header = {"dicom": {"PatientID": "new", "Rows": 4}}
    with pytest.raises(NotDicom) as failure:
        rewrite(source, tmp_path / "target", header, on_refused_edit="export")
    assert [change.keyword for change in failure.value.refused] == ["Rows"]
    assert [(change.keyword, change.outcome) for change in failure.value.changes] == [("PatientID", Outcome.NOT_MADE)]


def test_both_names_of_the_option_mean_the_same() -> None:
    assert Options(on_invalid_edit="skip") == Options(on_refused_edit="export")
    assert Options(on_invalid_edit="fail") == Options(on_refused_edit="fail") == Options()
    assert Options(on_invalid_edit="skip", on_refused_edit="export").on_refused_edit == "export"


@pytest.mark.parametrize(("new", "earlier"), [("fail", "skip"), ("export", "fail")])
def test_two_names_with_two_meanings_are_a_wrong_configuration(tmp_path: Path, new: Any, earlier: str) -> None:
    with pytest.raises(ConfigError, match="on_invalid_edit is the earlier name of on_refused_edit"):
        rewrite(file(tmp_path), tmp_path / "target.zip", {}, on_refused_edit=new, on_invalid_edit=earlier)


def test_nothing_is_told_where_nothing_was_found() -> None:
    error = HeaderError("damaged")
    assert (error.refused, error.changes) == ((), ())
