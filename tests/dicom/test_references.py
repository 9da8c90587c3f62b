"""References follow edited UIDs through all the files of a session, judged by pydicom."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from demo.importer import read_header
from export_session.dicom import Cause, Result, plan_uids, read_uids, rewrite
from export_session.dicom.edits.importers.reading.pydicom2_importers import by_metadata_import_dicom
from export_session.errors import UidCollision
from tests.support import related
from tests.support.related import FRAME, ROOT, SERIES, SLICES, STUDY
from tests.support.world import instances

NEW_STUDY, NEW_SERIES, NEW_FRAME = f"{ROOT}.1001", f"{ROOT}.1002", f"{ROOT}.1003"
NEW_SLICES = tuple(f"{ROOT}.1004.{number}" for number in (7, 8, 9))
OF_OLD = {STUDY: NEW_STUDY, SERIES: NEW_SERIES, FRAME: NEW_FRAME, **dict(zip(SLICES, NEW_SLICES, strict=True))}
IMPLICIT = {"implicit": True}


class Session:
    """Files with the headers of their importer and the edits of a curator."""

    def __init__(self, folder: Path, files: dict[str, bytes]) -> None:
        self.folder, self.files, self.headers = folder, files, {name: read_header(data) for name, data in files.items()}
        for name, data in files.items():
            (folder / name).write_bytes(data)

    def edit(self, name: str, **values: Any) -> None:
        self.headers[name]["dicom"] |= values

    def edit_slices(self, name: str, keyword: str, values: list[str]) -> None:
        self.headers[name].setdefault("dicom_array", {})[keyword] = values

    def export(self, **options: Any) -> dict[str, Result]:
        """Rewrite the files in place; what the engine says of each by name."""
        options = {"edit_uids": True, **options}
        found = {name: read_uids(self.folder / name, self.headers[name], **options) for name in self.files}
        plan = plan_uids(found)
        results = {}
        for name, uids in found.items():
            target = self.folder / f"new-{name}"
            result = rewrite(self.folder / name, target, self.headers[name], follow=plan.of(uids), **options)
            results[name] = result
            if result.modified:
                self.files[name] = target.read_bytes()
        self.notes = {name: plan.notes(name, uids) for name, uids in found.items()}
        return results

    def read(self, name: str) -> list[pydicom.FileDataset]:
        return instances(self.files[name])

    def old_uids(self, *edited: str) -> dict[str, set[str]]:
        """Where old UIDs are left, by file."""
        left = {
            name: {place for one in self.read(name) for place, uid in related.uids(one) if uid in (edited or OF_OLD)}
            for name in self.files
        }
        return {name: places for name, places in left.items() if places}


def session(folder: Path, **how: Any) -> Session:
    return Session(folder, {"ct.dcm.zip": related.zipped(related.ct_slices(**how)), **related.derived(**how)})


def edit_all(one: Session) -> None:
    uids = {"StudyInstanceUID": NEW_STUDY, "SeriesInstanceUID": NEW_SERIES, "FrameOfReferenceUID": NEW_FRAME}
    one.edit("ct.dcm.zip", **uids)
    one.edit_slices("ct.dcm.zip", "SOPInstanceUID", list(NEW_SLICES))


@pytest.mark.parametrize("how", [{}, IMPLICIT], ids=["explicit", "implicit"])
def test_every_reference_follows_and_each_instance_says_of_itself_what_it_said(tmp_path: Path, how: Any) -> None:
    one = session(tmp_path, **how)
    edit_all(one)
    before = {name: dict(related.uids(one.read(name)[0])) for name in one.files}
    results = one.export()
    others = one.files.keys() - {"ct.dcm.zip"}
    assert one.old_uids() == {name: {"StudyInstanceUID"} for name in others}
    for name in others:
        read = one.read(name)[0]
        assert read.StudyInstanceUID == STUDY
        assert (read.SOPInstanceUID, read.SeriesInstanceUID) == (
            before[name]["SOPInstanceUID"],
            before[name]["SeriesInstanceUID"],
        )
        assert {change.cause for change in results[name].changes} == {Cause.REFERENCE}
        assert all("follows" in change.reason for change in results[name].changes)
        assert results[name].header == read_header(one.files[name])
    assert results["ct.dcm.zip"].header["dicom"] == read_header(one.files["ct.dcm.zip"])["dicom"]
    assert "6" in one.notes["ct.dcm.zip"][0]


def test_a_reference_goes_to_the_instance_that_took_the_place_of_the_old_one(tmp_path: Path) -> None:
    one = session(tmp_path)
    turned = [SLICES[1], SLICES[2], SLICES[0]]  # each old UID is a new one, too
    one.edit_slices("ct.dcm.zip", "SOPInstanceUID", [f"{uid}.5" for uid in turned])
    one.export()
    (read,) = one.read("rtstruct.dcm")
    contours = read.ROIContourSequence[0].ContourSequence
    wanted = [f"{uid}.5" for uid in turned]
    assert [contour.ContourImageSequence[0].ReferencedSOPInstanceUID for contour in contours] == wanted
    assert read[0x30071001].value == wanted[1]
    assert read[0x30071002].value == [wanted[0], f"{ROOT}.99", wanted[2]]


@settings(max_examples=15, deadline=None)
@given(edited=st.sets(st.sampled_from(list(OF_OLD)), min_size=1), how=st.sampled_from([{}, IMPLICIT]))
def test_nothing_else_changes_whichever_uids_are_edited(edited: set[str], how: Any) -> None:
    with TemporaryDirectory() as folder:
        one = session(Path(folder), **how)
        names = {STUDY: "StudyInstanceUID", SERIES: "SeriesInstanceUID", FRAME: "FrameOfReferenceUID"}
        one.edit("ct.dcm.zip", **{names[uid]: OF_OLD[uid] for uid in edited & names.keys()})
        one.edit_slices("ct.dcm.zip", "SOPInstanceUID", [OF_OLD[uid] if uid in edited else uid for uid in SLICES])
        before = {name: one.read(name) for name in one.files}
        one.export()
        assert all(places == {"StudyInstanceUID"} for places in one.old_uids(*edited).values())
        for name, old in before.items():
            for was, read in zip(old, one.read(name), strict=True):
                changed = {uid: OF_OLD[uid] for uid in edited}
                own = {"StudyInstanceUID"} if name != "ct.dcm.zip" else set()
                expected = [(place, uid if place in own else changed.get(uid, uid)) for place, uid in related.uids(was)]
                assert list(related.uids(read)) == expected


def test_a_second_export_finds_nothing_to_do(tmp_path: Path) -> None:
    one = session(tmp_path)
    edit_all(one)
    headers = {name: result.header for name, result in one.export().items()}
    again = Session(tmp_path, one.files)
    again.headers = {name: dict(header) for name, header in headers.items()}
    assert not any(result.modified for result in again.export().values())


def test_the_metadata_are_shown_as_their_importer_would_show_the_new_file(tmp_path: Path) -> None:
    one = session(tmp_path)
    for name, data in related.derived().items():
        one.headers[name] = {"dicom": by_metadata_import_dicom(io.BytesIO(data))}
    edit_all(one)
    results = one.export()
    for name in related.derived():
        made = by_metadata_import_dicom(io.BytesIO(one.files[name]))
        assert results[name].header == {"dicom": made}, name


def test_a_uid_that_cannot_be_written_leads_nothing(tmp_path: Path) -> None:
    one = session(tmp_path)
    one.edit("ct.dcm.zip", SeriesInstanceUID="not a UID")
    results = one.export(on_invalid_edit="skip")
    assert not any(result.modified for result in results.values())


def test_values_that_the_file_had_before_are_no_references(tmp_path: Path) -> None:
    data = pydicom.dcmread(io.BytesIO(related.sr()))
    history = related.items(ModifiedAttributesSequence=[related.items(StudyInstanceUID=STUDY)])
    data.OriginalAttributesSequence = [history]
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, data)
    one = Session(tmp_path, {"ct.dcm.zip": related.zipped(related.ct_slices()), "sr.dcm": stream.getvalue()})
    edit_all(one)
    one.export()
    (read,) = one.read("sr.dcm")
    assert read.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].StudyInstanceUID == STUDY
    assert read.CurrentRequestedProcedureEvidenceSequence[0].StudyInstanceUID == NEW_STUDY


def test_a_dicomdir_stays_and_is_told(tmp_path: Path) -> None:
    directory = Path(str(get_testdata_file("DICOMDIR"))).read_bytes()
    member = (Path(str(get_testdata_file("DICOMDIR"))).parent / "98892003" / "MR700" / "4467").read_bytes()
    one = Session(tmp_path, {"mr.dcm": member, "dir.dcm": directory})
    one.headers["dir.dcm"] = {}
    one.edit("mr.dcm", SeriesInstanceUID=NEW_SERIES)
    result = one.export()["dir.dcm"]
    assert not result.modified
    assert "DICOMDIR" in result.notes[0]


# --- where only a part has a new UID


def two_series(folder: Path) -> Session:
    """Two CT series of one study, and a key object selection that names both."""
    other = [f"{ROOT}.5.{number}" for number in (1, 2)]
    key_objects = pydicom.dcmread(io.BytesIO(related.sr(f"{ROOT}.75", related.KO)))
    images = [related.items(ReferencedSOPClassUID=related.CT, ReferencedSOPInstanceUID=uid) for uid in other]
    series = related.items(SeriesInstanceUID=f"{ROOT}.6", ReferencedSOPSequence=images)
    study = related.items(StudyInstanceUID=STUDY, ReferencedSeriesSequence=[series])
    key_objects.CurrentRequestedProcedureEvidenceSequence.append(study)
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, key_objects)
    return Session(
        folder,
        {
            "ct.dcm.zip": related.zipped(related.ct_slices()),
            "other.dcm.zip": related.zipped(related.ct_slices(other, f"{ROOT}.6")),
            "ko.dcm": stream.getvalue(),
        },
    )


def test_of_a_study_that_parts_a_reference_goes_with_the_series_it_names(tmp_path: Path) -> None:
    one = two_series(tmp_path)
    one.edit("ct.dcm.zip", StudyInstanceUID=NEW_STUDY)
    one.export()
    (read,) = one.read("ko.dcm")
    evidence = read.CurrentRequestedProcedureEvidenceSequence
    assert [item.StudyInstanceUID for item in evidence] == [NEW_STUDY, STUDY]
    assert "2" in one.notes["ct.dcm.zip"][0]


def test_a_frame_of_reference_follows_in_all_that_share_it(tmp_path: Path) -> None:
    one = two_series(tmp_path)
    one.edit("ct.dcm.zip", FrameOfReferenceUID=NEW_FRAME)
    results = one.export()
    assert {read.FrameOfReferenceUID for read in one.read("other.dcm.zip")} == {NEW_FRAME}
    assert results["other.dcm.zip"].header == read_header(one.files["other.dcm.zip"])


def test_a_reference_that_names_both_parts_stays_and_is_told(tmp_path: Path) -> None:
    one = two_series(tmp_path)
    data = one.read("ko.dcm")[0]
    first, second = data.CurrentRequestedProcedureEvidenceSequence
    first.ReferencedSeriesSequence.extend(second.ReferencedSeriesSequence)
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, data)
    one = Session(tmp_path, {**one.files, "ko.dcm": stream.getvalue()})
    one.edit("ct.dcm.zip", StudyInstanceUID=NEW_STUDY)
    results = one.export()
    evidence = one.read("ko.dcm")[0].CurrentRequestedProcedureEvidenceSequence
    assert [item.StudyInstanceUID for item in evidence] == [STUDY, STUDY]
    assert any("which part they mean" in note for note in results["ko.dcm"].notes)


def test_a_file_that_joins_the_study_of_another_is_no_collision(tmp_path: Path) -> None:
    files = {
        "a.dcm": related.ct_slices(SLICES[:1], study=f"{ROOT}.9")[0],
        "b.dcm": related.ct_slices(SLICES[1:2], f"{ROOT}.6")[0],
    }
    one = Session(tmp_path, files)
    one.edit("a.dcm", StudyInstanceUID=STUDY)
    one.export()
    assert one.read("a.dcm")[0].StudyInstanceUID == STUDY


# --- what is refused, and what is told


@pytest.mark.parametrize(
    ("edits", "what"),
    [
        ({"a.dcm": {"StudyInstanceUID": NEW_STUDY}, "b.dcm": {"StudyInstanceUID": f"{ROOT}.8"}}, "two new UIDs"),
        ({"a.dcm": {"SeriesInstanceUID": NEW_SERIES}, "b.dcm": {"SeriesInstanceUID": NEW_SERIES}}, "one new UID"),
        ({"a.dcm": {"SOPInstanceUID": SLICES[1]}}, "something else"),
        ({"a.dcm": {"SOPInstanceUID": NEW_SERIES}, "b.dcm": {"SOPInstanceUID": NEW_SERIES}}, "one new UID"),
        ({"a.dcm": {"SeriesInstanceUID": STUDY}}, "something else"),
    ],
    ids=["one study, two UIDs", "two series, one UID", "an instance that is there", "two instances", "another role"],
)
def test_edits_that_contradict_one_another_are_refused(tmp_path: Path, edits: dict[str, Any], what: str) -> None:
    files = {
        "a.dcm": related.ct_slices(SLICES[:1])[0],
        "b.dcm": related.ct_slices(SLICES[1:2], f"{ROOT}.6")[0],
    }
    one = Session(tmp_path, files)
    for name, values in edits.items():
        one.edit(name, **values)
    with pytest.raises(UidCollision, match=what) as failure:
        one.export()
    assert "a.dcm" in str(failure.value)
    assert ROOT not in str(failure.value)


def test_a_reference_that_an_edit_turns_to_nothing_is_told(tmp_path: Path) -> None:
    one = session(tmp_path)
    content = one.headers["sr.dcm"]["dicom"]["ContentSequence"]
    content[0]["ReferencedSOPSequence"][0]["ReferencedSOPInstanceUID"] = f"{ROOT}.4711"
    one.export()
    assert "dangling" in one.notes["sr.dcm"][0]
    assert not one.notes["rtstruct.dcm"]


def test_references_to_what_was_never_in_the_session_are_no_matter(tmp_path: Path) -> None:
    one = Session(tmp_path, related.derived())
    one.edit("sr.dcm", SeriesInstanceUID=NEW_SERIES)
    results = one.export()
    assert not any(one.notes.values())
    assert {name for name, result in results.items() if result.modified} == {"sr.dcm"}


def test_a_reference_that_a_person_edited_is_left_to_that_person(tmp_path: Path) -> None:
    one = session(tmp_path)
    edit_all(one)
    content = one.headers["sr.dcm"]["dicom"]["ContentSequence"]
    content[0]["ReferencedSOPSequence"][0]["ReferencedSOPInstanceUID"] = NEW_SLICES[2]
    one.export()
    (read,) = one.read("sr.dcm")
    assert read.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == NEW_SLICES[2]
    assert not one.notes["sr.dcm"]
