"""``make_sheet``: a template that says what the metadata say, and nothing is written to the site."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import flywheel
import openpyxl
import pytest

from export_session.sheet.read import Sheet, read_sheet
from local_site import LocalSite
from tests.support import gear
from tests.support.world import World, image, slices

SELECTORS = ["subject", "session", "acquisition", "file", "id"]


def sheet(run: gear.Run) -> list[dict[str, str]]:
    with next(run.output.glob("*_corrections.csv")).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def workbook(run: gear.Run) -> Path:
    return next(run.output.glob("*_corrections.xlsx"))


@pytest.fixture(scope="module")
def study(site: LocalSite, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two subjects; the second session has two series, of which one has another name."""
    world = World(site, flywheel.Client(site.api_key), tmp_path_factory.mktemp("study"))
    session = world.session("007", "=Visit", age=1_000_000_000)
    world.file(session.add_acquisition(label="T1"), "t1.dcm", image(), {"PatientID": "007"}, type="dicom")
    session = world.session("sub-002", "Visit 2")
    for label, edits in {"T1": {"PatientName": "Doe^Jane"}, "T2": {}}.items():
        acquisition = session.add_acquisition(label=label)
        world.file(acquisition, f"{label}.zip", slices(), {"PatientID": "2", **edits}, type="dicom")
        world.file(acquisition, "notes.txt", b"not for a sheet")
    session.add_tag("ready")
    session.subject.update(sex="female")
    session.subject.update_info({"site": {"arm": "B"}})
    return world


def make(world: World, destination: Any, **config: Any) -> gear.Run:
    run = world.run(destination, **config)
    assert run.code == 0, run.printed
    return run


def test_each_file_has_a_row_with_what_its_metadata_say(study: World) -> None:
    run = make(study, study.quarantine.reload(), make_sheet="PatientID, PatientName,ImageType")
    rows = sheet(run)
    assert list(rows[0]) == [*SELECTORS, "PatientID", "PatientName", "ImageType"]
    assert [(row["subject"], row["file"], row["PatientID"]) for row in rows] == [
        ("007", "t1.dcm", "007"),
        ("sub-002", "T1.zip", "2"),
        ("sub-002", "T2.zip", "2"),
    ]
    assert rows[0]["ImageType"].split("\\")[0] == "DERIVED"
    assert rows[1]["PatientName"] == "Doe^Jane"
    assert rows[0]["session"] == "'=Visit"
    (acquisition,) = study.quarantine.sessions.find_first('label="=Visit"').acquisitions()
    assert rows[0]["id"] == study.stored(acquisition, "t1.dcm").file_id


def test_nothing_is_written_to_the_site_and_no_content_is_moved(study: World) -> None:
    study.site.clear_requests()
    make(study, study.quarantine.reload(), make_sheet="PatientName")
    calls = [f"{one.method} {one.path}" for one in study.site.requests]
    assert [call for call in calls if not call.startswith("GET") and call != "POST /lookup"] == []
    assert [call for call in calls if "/files/" in call] == []


def test_what_all_files_below_agree_in_is_said_once(study: World) -> None:
    run = make(study, study.quarantine.reload(), make_sheet="PatientID,PatientName", sheet_rows="subject")
    assert [tuple(row[name] for name in (*SELECTORS[:4], "PatientID")) for row in sheet(run)] == [
        ("007", "", "", "", "007"),
        ("sub-002", "", "", "", "2"),
        ("sub-002", "Visit 2", "T1", "", ""),
        ("sub-002", "Visit 2", "T2", "", ""),
    ]
    assert [row["PatientName"] for row in sheet(run)][1:3] == ["", "Doe^Jane"]


def test_fields_of_containers_have_rows_of_their_own(study: World) -> None:
    session = study.quarantine.sessions.find_first("label=Visit 2")
    asked = "subject.label,subject.sex,subject.info.site.arm,session.age,acquisition.label,PatientID"
    rows = sheet(make(study, session, make_sheet=asked))
    assert [row["subject.label"] for row in rows] == ["sub-002", "", "", "", "", ""]
    assert (rows[0]["subject.sex"], rows[0]["subject.info.site.arm"]) == ("female", "B")
    assert [row["acquisition.label"] for row in rows] == ["", "", "T1", "", "T2", ""]
    assert [row["PatientID"] for row in rows] == ["", "", "", "2", "", "2"]


def test_a_tag_selects_and_a_subject_is_its_sessions(study: World) -> None:
    tagged = sheet(make(study, study.quarantine.reload(), make_sheet="PatientID", select_tag="ready"))
    assert {row["subject"] for row in tagged} == {"sub-002"}
    subject = study.quarantine.subjects.find_first('label="007"')
    assert {row["subject"] for row in sheet(make(study, subject, make_sheet="PatientID"))} == {"007"}


def test_a_template_that_nobody_edited_asks_for_nothing(study: World) -> None:
    asked = "PatientName,PatientID,StudyTime,SOPInstanceUID,PatientWeight,ImageType,subject.label,session.age"
    for level in ("file", "subject"):
        run = make(study, study.quarantine.reload(), make_sheet=asked, sheet_rows=level)
        assert read_sheet(workbook(run)) == Sheet((), ())


def test_fields_that_nobody_edited_are_as_they_are_in_a_table_that_remembers_nothing(study: World) -> None:
    session = study.quarantine.sessions.find_first("label=Visit 2")
    session.update(timestamp="2024-02-01T10:00:00.000+00:00", age=1_000_000_000, weight=75.5, operator="007")
    session.subject.update(date_of_birth="1970-01-31T00:00:00.000+00:00", cohort="Study")
    asked = "subject.label,subject.sex,subject.date_of_birth,subject.cohort,subject.info.site.arm,session.timestamp"
    made = make(study, session, make_sheet=f"{asked},session.age,session.weight,session.operator")
    assert {"1970-01-31", "75.5"} <= {cell[:10] for row in sheet(made) for cell in row.values()}
    study.site.clear_requests()
    table = next(made.output.glob("*_corrections.csv"))
    run = make(study, session, corrections=table, apply_corrections_only=True)
    assert "0 values" in run.printed
    assert [one.path for one in study.site.requests if one.method in ("PUT", "PATCH", "DELETE")] == []


def test_an_edit_in_the_workbook_is_a_correction_with_its_condition(study: World) -> None:
    path = workbook(make(study, study.quarantine.reload(), make_sheet="PatientName,PatientID,PatientComments"))
    book = openpyxl.load_workbook(path)
    book["Corrections"]["F2"], book["Corrections"]["H2"], book["Corrections"]["G4"] = "Doe^John", "new", "<blank>"
    book.save(path)
    found = read_sheet(path)
    assert found.problems == ()
    assert [(str(one.place), one.target, one.new, one.current) for one in found.corrections] == [
        ("Corrections!F2", "PatientName", "Doe^John", "CompressedSamples^MR1"),
        ("Corrections!H2", "PatientComments", "new", None),
        ("Corrections!G4", "PatientID", None, "2"),
    ]


def test_what_no_sheet_can_set_is_refused_before_anything_is_read(study: World) -> None:
    run = study.run(study.quarantine.reload(), make_sheet="PatientNaem,PatientName,subject.id")
    assert (run.code, list(run.output.iterdir())) == (2, [])
    assert "did you mean PatientName?" in run.printed
    assert "subject.id cannot be set" in run.printed


def test_values_are_not_written_where_they_are_to_be_hidden(study: World) -> None:
    run = study.run(study.quarantine.reload(), make_sheet="PatientName", log_values="none")
    assert (run.code, list(run.output.iterdir())) == (2, [])


def test_private_keys_keep_their_comma(study: World) -> None:
    key = "SIEMENS MR HEADER, 0019xx0C"
    rows = sheet(make(study, study.quarantine.reload(), make_sheet=f"PatientName,{key},StudyDate"))
    assert list(rows[0])[5:] == ["PatientName", key, "StudyDate"]
