"""Archives of several instances: whose value it was, whose it becomes."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from export_session.dicom import Result
from tests.corpus.catalogue import Edit
from tests.corpus.judge import outcome, wrong_instance
from tests.support import build
from tests.support.build import element, plain
from tests.support.dicom_bytes import pieces

LOCATION, POSITION, DESCRIPTION, NUMBER = 0x00201041, 0x00200032, 0x0008103E, 0x00200013
ARRIVAL = ("d.dcm", "b.dcm", "c.dcm", "a.dcm")  # in the archive; by InstanceNumber it is a, b, c, d


def _slice(number: int, *, location: str = "", description: str = "T1", numbered: bool = True) -> bytes:
    text = location or f"{number * 2.5:.4f}"
    name, own = element(0x00100010, "PN", b"Old^Name"), element(NUMBER, "IS", str(number).encode())
    geometry = element(POSITION, "DS", f"-1.50000\\2.0E+01\\{text}".encode()) + element(LOCATION, "DS", text.encode())
    data = plain(number=number).replace(name, element(DESCRIPTION, "LO", description.encode()) + name)
    return data.replace(own, (own if numbered else b"") + geometry)


def _series(**changed: bytes) -> dict[str, bytes]:
    made = {name: _slice(ord(name[0]) - ord("a") + 1) for name in ARRIVAL}
    return made | {f"{name}.dcm": data for name, data in changed.items()}


def _metadata(count: int = 4) -> dict[str, Any]:
    locations = [number * 2.5 for number in range(1, count + 1)]
    return {
        "dicom": {
            "InstanceNumber": 1,
            "PatientName": "Old^Name",
            "SeriesDescription": "T1",
            "SliceLocation": 2.5,
            "ImagePositionPatient": [-1.5, 20.0, 2.5],
        },
        "dicom_array": {
            "InstanceNumber": list(range(1, count + 1)),
            "SliceLocation": locations,
            "ImagePositionPatient": [[-1.5, 20.0, z] for z in locations],
        },
    }


def _run(
    folder: Path, members: dict[str, bytes], header: dict[str, Any], **options: Any
) -> tuple[Any, dict[str, bytes]]:
    source, target = folder / "source.zip", folder / "target.zip"
    build.archive(source, members)
    target.unlink(missing_ok=True)
    result = outcome(source, target, header, **({"on_invalid_edit": "skip"} | options))
    if not target.exists():
        assert isinstance(result, Exception) or not result.modified
        return result, {}
    with zipfile.ZipFile(target) as new:
        return result, {name: new.read(name) for name in new.namelist()}


def _touched(members: dict[str, bytes], after: dict[str, bytes], edit: Edit) -> str:
    """The members that changed, as letters; each of them exactly as asked."""
    changed = [name for name in members if after[name] != members[name]]
    for name in changed:
        assert wrong_instance(members[name], after[name], edit) == [], name
    return "".join(sorted(name[0] for name in changed))


def _location(value: float) -> Edit:
    return Edit("", {}, (LOCATION,), "DS", value)


def _value(data: bytes, tag: int) -> bytes:
    return next(piece.body for piece in pieces(data) if piece.path == (tag,))


def test_nothing_is_found_in_metadata_that_nobody_edited(tmp_path: Path) -> None:
    result, after = _run(tmp_path, _series(), _metadata())
    assert isinstance(result, Result)
    assert (result.changes, result.refused, after) == ((), (), {})


@pytest.mark.parametrize("entry", range(4))
def test_an_entry_of_a_list_goes_to_its_own_instance(tmp_path: Path, entry: int) -> None:
    header = _metadata()
    header["dicom_array"]["SliceLocation"][entry] = 99.25
    result, after = _run(tmp_path, _series(), header)
    assert [change.cause for change in result.changes] == ["per-slice edit"]
    assert _touched(_series(), after, _location(99.25)) == "abcd"[entry]


def test_one_component_changes_and_the_others_keep_their_text(tmp_path: Path) -> None:
    header = _metadata()
    header["dicom_array"]["ImagePositionPatient"][2] = [-1.5, 20.0, 0.125]
    _, after = _run(tmp_path, _series(), header)
    edit = Edit("", {}, (POSITION,), "DS", [-1.5, 20.0, 0.125])
    assert _touched(_series(), after, edit) == "c"
    assert _value(after["c.dcm"], POSITION).rstrip() == b"-1.50000\\2.0E+01\\0.125"


def test_a_value_that_all_instances_share_goes_to_all(tmp_path: Path) -> None:
    header = _metadata()
    header["dicom"]["SeriesDescription"] = "T1 after contrast"
    result, after = _run(tmp_path, _series(), header)
    edit = Edit("", {}, (DESCRIPTION,), "LO", "T1 after contrast")
    assert _touched(_series(), after, edit) == "abcd"
    assert [change.instances for change in result.changes] == [4]


def test_one_value_for_all_is_refused_where_the_instances_differ(tmp_path: Path) -> None:
    members = _series(b=_slice(2, description="T2"))
    header = _metadata()
    header["dicom"]["SeriesDescription"] = "T1 after contrast"
    result, after = _run(tmp_path, members, header, edit_varying="refuse")
    assert after == {}
    assert "dicom_array" in result.refused[0].reason
    result, after = _run(tmp_path, members, header, edit_varying="all")
    edit = Edit("", {}, (DESCRIPTION,), "LO", "T1 after contrast")
    assert _touched(members, after, edit) == "abcd"
    assert sorted(str(change.old) for change in result.changes) == ["T1", "T2"]


@pytest.mark.parametrize("shown", ["T1", "T2"])
def test_a_value_of_any_instance_is_no_edit(tmp_path: Path, shown: str) -> None:
    header = _metadata()
    header["dicom"]["SeriesDescription"] = shown
    result, after = _run(tmp_path, _series(b=_slice(2, description="T2")), header)
    assert isinstance(result, Result)
    assert (result.changes, result.refused, after) == ((), (), {})


def test_one_value_for_a_list_element_touches_one_instance_at_most(tmp_path: Path) -> None:
    header = _metadata()
    header["dicom"]["SliceLocation"] = 99.25
    result, after = _run(tmp_path, _series(), header)
    if after:
        assert _touched(_series(), after, _location(99.25)) == "a"
    else:
        assert result.refused


def test_two_different_wishes_for_one_instance_are_refused(tmp_path: Path) -> None:
    header = _metadata()
    header["dicom"]["SliceLocation"] = 99.25
    header["dicom_array"]["SliceLocation"][0] = 11.5
    result, after = _run(tmp_path, _series(), header)
    assert after == {}
    assert isinstance(result, Exception) or result.refused


def test_the_same_wish_in_both_places_is_one_change(tmp_path: Path) -> None:
    header = _metadata()
    header["dicom"]["SliceLocation"] = header["dicom_array"]["SliceLocation"][0] = 99.25
    result, after = _run(tmp_path, _series(), header)
    assert _touched(_series(), after, _location(99.25)) == "a"
    assert len(result.changes) == 1


def test_equal_instance_numbers_are_told_apart_by_path(tmp_path: Path) -> None:
    def numbered_one(number: int) -> bytes:
        return _slice(number).replace(element(NUMBER, "IS", str(number).encode()), element(NUMBER, "IS", b"1"))

    members = {name: numbered_one(ord(name[0]) - ord("a") + 1) for name in ARRIVAL}
    header = _metadata()
    header["dicom_array"]["InstanceNumber"] = [1, 1, 1, 1]
    header["dicom_array"]["SliceLocation"][1] = 99.25
    _, after = _run(tmp_path, members, header)
    assert _touched(members, after, _location(99.25)) == "b"


def test_an_instance_without_number_comes_first(tmp_path: Path) -> None:
    members = _series(d=_slice(4, numbered=False))
    header = _metadata()
    order = [3, 0, 1, 2]
    for keyword, entries in header["dicom_array"].items():
        header["dicom_array"][keyword] = [entries[place] for place in order]
    header["dicom_array"]["InstanceNumber"][0] = None
    header["dicom"] |= {"SliceLocation": 10.0, "ImagePositionPatient": [-1.5, 20.0, 10.0]}
    del header["dicom"]["InstanceNumber"]
    header["dicom_array"]["SliceLocation"][2] = 99.25
    _, after = _run(tmp_path, members, header)
    assert _touched(members, after, _location(99.25)) == "b"


def test_lists_of_more_entries_than_instances_are_not_applied(tmp_path: Path) -> None:
    header = _metadata(5)
    header["dicom_array"]["SliceLocation"][1] = 99.25
    result, after = _run(tmp_path, _series(), header)
    assert after == {}
    assert isinstance(result, Exception) or result.refused


def test_lists_that_were_cut_short_speak_of_the_first_instances(tmp_path: Path) -> None:
    header = _metadata(3)
    header["dicom_array"]["SliceLocation"][1] = 99.25
    result, after = _run(tmp_path, _series(), header)
    assert _touched(_series(), after, _location(99.25)) == "b" if after else result.refused


def test_files_beside_the_instances_take_their_place_in_the_lists(tmp_path: Path) -> None:
    """The importer counts every file that is not empty, and one without InstanceNumber comes first."""
    members = {"README": b"read me", **_series()}
    header = _metadata()
    for keyword, entries in header["dicom_array"].items():
        header["dicom_array"][keyword] = [None, *entries]
    header["dicom"] = {}
    header["dicom_array"]["SliceLocation"][3] = 99.25
    _, after = _run(tmp_path, members, header)
    assert _touched(members, after, _location(99.25)) == "c"


def test_an_element_added_to_all_instances(tmp_path: Path) -> None:
    header = _metadata()
    header["dicom"]["BodyPartExamined"] = "HEAD"
    _, after = _run(tmp_path, _series(), header)
    assert _touched(_series(), after, Edit("", {}, (0x00180015,), "CS", "HEAD")) == "abcd"


def test_several_edits_at_once(tmp_path: Path) -> None:
    header = _metadata()
    header["dicom"] |= {"SeriesDescription": "T1 after contrast", "PatientName": "New^Name"}
    header["dicom_array"]["SliceLocation"][3] = 99.25
    result, after = _run(tmp_path, _series(), header)
    assert sorted(change.keyword for change in result.changes) == ["PatientName", "SeriesDescription", "SliceLocation"]
    assert [_value(after[name], LOCATION).rstrip() for name in ("a.dcm", "d.dcm")] == [b"2.5000", b"99.25"]
    assert {_value(data, DESCRIPTION).rstrip() for data in after.values()} == {b"T1 after contrast"}
