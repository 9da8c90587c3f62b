"""Corrections from a spreadsheet: all or nothing, into the metadata of the origin and from there into the bytes."""

from __future__ import annotations

import csv
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from local_site.site.faults import Fault
from tests.faults import forked
from tests.support.gear import Run, stage
from tests.support.world import World, instances

FILES = (("T1", "t1.dicom.zip"), ("Localizer", "loc.dcm"))
HEAD = ("subject", "session", "acquisition", "file", "element", "current", "new", "reason", "id")


def sheet(world: World, *rows: Sequence[str], name: str = "Corrections.csv") -> Path:
    """Write rows of the long form: the first cells of them, in the order of the columns."""
    path = world.folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEAD, *([*row, *[""] * (len(HEAD) - len(row))] for row in rows)])
    return path


def row(element: str, new: str, *where: str, current: str = "", reason: str = "", by_id: str = "") -> list[str]:
    subject, session, acquisition, file, *_ = (*where, "", "", "", "")
    return [subject, session, acquisition, file, element, current, new, reason, by_id]


def header(world: World, session: Any, acquisition: str, name: str) -> dict[str, Any]:
    (found,) = [one for one in session.acquisitions() if one.label == acquisition]
    dicom: dict[str, Any] = world.stored(found, name).info["header"]["dicom"]
    return dicom


def wrote(world: World) -> list[str]:
    return [
        f"{one.method} {one.path}" for one in world.site.requests if one.method in ("PUT", "PATCH", "DELETE", "POST")
    ]


def refused(run: Run) -> list[str]:
    """Return the cells of which the job's log tells a problem."""
    return re.findall(r"Corrections[.\w]*!([A-Z]+\d+): ", run.printed)


def test_a_correction_is_in_the_metadata_of_the_origin_and_in_the_bytes_of_the_copy(world: World) -> None:
    session = world.typical_session()
    rows = [
        row("PatientSex", "M", reason="consent form"),
        row("PatientName", "Roe^Richard", "sub-001", "Visit 1", "T1", current="Doe^Jane", reason="wrong person"),
        row("SliceThickness", "1.5", "", "", "Localizer"),
        row("StudyDescription", "<blank>", "", "", "Localizer"),
    ]
    run = world.run(session, corrections=sheet(world, *rows), map_flywheel_to_dicom=False)
    assert run.code == 0, run.printed
    shown = header(world, session, "T1", "t1.dicom.zip")
    assert (shown["PatientSex"], shown["PatientName"]) == ("M", "Roe^Richard")
    assert header(world, session, "Localizer", "loc.dcm")["SliceThickness"] == 1.5
    copy = world.copy_of(session)
    for one in instances(world.content(copy, "T1", "t1.dicom.zip")):
        assert (one.PatientSex, str(one.PatientName)) == ("M", "Roe^Richard")
    (single,) = instances(world.content(copy, "Localizer", "loc.dcm"))
    assert (single.SliceThickness, single.PatientSex) == (1.5, "M")
    assert not single.get("StudyDescription")
    # A later run without the sheet finds nothing to do
    world.site.clear_requests()
    again = world.run(session, force_export=True, map_flywheel_to_dicom=False)
    assert again.code == 0
    assert [call for call in wrote(world) if not call.startswith("POST")] == []


@pytest.mark.parametrize("dry_run", [True, False])
def test_one_wrong_row_and_nothing_is_written(world: World, dry_run: bool) -> None:
    session = world.typical_session()
    path = sheet(
        world,
        row("PatientSex", "M"),  # 2: in order
        row("PatientSexx", "M"),
        row("PatientBirthDate", "31.31.1970"),
        row("PatientName", "A^B", "nobody"),
        row("PatientID", "1", current="other"),
        row("PatientComments", "one"),
        row("PatientComments", "two", "sub-001"),  # 8
        row("Rows", "3"),
        row("PatientSex", "M", "sub-001", "Visit 1", "Notes", "notes.txt"),
        row("RequestAttributesSequence[0].ScheduledProcedureStepID", "7"),
        row("subject.sex", "robot"),
        row("StudyInstanceUID", "1.2.3"),
    )
    world.site.clear_requests()
    run = world.run(session, corrections=path, dry_run=dry_run)
    assert run.code == 2, run.printed
    assert sorted(set(refused(run)), key=lambda cell: int(cell[1:])) == [
        "E3",
        "G4",
        "G5",
        "G6",
        "G8",
        "G9",
        "G10",
        "G11",
        "G12",
        "G13",
    ]
    assert not [call for call in wrote(world) if not call.startswith("POST /lookup")]
    assert not list(run.output.glob("*_undo*"))
    assert "31.31.1970" not in run.printed


def test_a_preview_writes_nothing_and_foretells_everything(world: World) -> None:
    session = world.typical_session()
    path = sheet(
        world,
        row("PatientSex", "O", reason="consent form"),
        row("subject.label", "sub-7", "sub-001", reason="wrong wristband"),
        row("session.weight", "71.5"),
        row("acquisition.label", "T1 MPRAGE", "", "", "T1"),
    )
    before = world.site.dump()
    preview = world.run(session, corrections=path, dry_run=True)
    assert preview.code == 0, preview.printed
    assert world.site.dump() == before
    assert not list(preview.output.glob("*_undo*"))
    run = world.run(session, corrections=path)
    assert run.code == 0, run.printed
    by_itself = {"Run": "", "Corrected At": ""}  # what differs between any two runs
    due = [{**one, **by_itself} for one in run.changes]
    assert [{**one, **by_itself} for one in preview.changes] == due
    said = {(one["Keyword"], one["New"]) for one in due}
    assert {("PatientSex", "O"), ("PatientID", "sub-7"), ("PatientWeight", "71.5")} <= said
    assert ("SeriesDescription", "T1 MPRAGE") in said
    assert [one["Export Path"] for one in preview.log] == [one["Export Path"] for one in run.log]


def test_change_log_and_copy_name_cell_and_reason_also_when_a_later_run_exports(world: World) -> None:
    session = world.typical_session()
    path = sheet(
        world,
        row("PatientSex", "O", "", "", "Localizer", reason="consent form"),
        row("subject.label", "sub-7", "sub-001", reason="wrong wristband"),
    )
    first = world.run(session, corrections=path, apply_corrections_only=True)
    assert first.code == 0, first.printed
    assert list(world.export.sessions()) == []
    run = world.run(session)
    assert run.code == 0, run.printed
    (acquisition,) = [one for one in world.copy_of(session.reload()).acquisitions() if one.label == "Localizer"]
    made = attributions(world, acquisition)
    assert (made["PatientSex"]["source"], made["PatientSex"]["reason"]) == ("Corrections.csv!G2", "consent form")
    assert (made["PatientID"]["source"], made["PatientID"]["reason"]) == ("Corrections.csv!G3", "wrong wristband")
    assert made["PatientSex"]["author"]
    assert "StudyID" not in made
    # What somebody else corrects later is not of the sheet
    origin = next(one for one in session.acquisitions() if one.label == "Localizer")
    world.edit(origin, "loc.dcm", PatientSex="M", PatientComments="seen")
    assert world.run(session.reload(), force_export=True).code == 0
    made = attributions(world, acquisition)
    assert made.keys() == {"PatientID"}


def attributions(world: World, acquisition: Any) -> dict[str, dict[str, str]]:
    kept = world.stored(acquisition, "loc.dcm").info["export"]["made"]
    return {one["path"]: one["attribution"] for one in kept if "attribution" in one}


def test_a_plan_that_was_approved_with_a_sheet_still_holds_once_the_sheet_is_applied(world: World) -> None:
    session = world.typical_session()
    path = sheet(
        world,
        row("session.timestamp", "2024-02-01T11:00:00+01:00"),
        row("session.weight", "71"),
        row("session.age", "034Y"),
        row("subject.label", "sub-9"),
        row("PatientWeight", "71.0"),
    )
    preview = world.run(session, corrections=path, dry_run=True)
    approved = re.findall("Plan: ([0-9a-f]{64})", preview.printed)[-1]
    assert world.run(session, corrections=path, apply_corrections_only=True).code == 0
    run = world.run(session, corrections=path, approved_plan=approved)
    assert run.code == 0, run.printed
    assert world.copy_of(session.reload()).weight == 71


def test_a_sheet_for_a_project_is_applied_and_undone(world: World) -> None:
    first, second = world.typical_session("sub-001"), world.typical_session("sub-002")
    path = sheet(world, row("PatientSex", "O"), row("PatientName", "A^B", "sub-002"))
    run = world.run(world.quarantine.reload(), corrections=path, fan_out=True, apply_corrections_only=True)
    assert run.code == 0, run.printed
    for session in (first, second):
        assert header(world, session, "Localizer", "loc.dcm")["PatientSex"] == "O"
    assert header(world, second, "Localizer", "loc.dcm")["PatientName"] == "A^B"
    (undo,) = run.output.glob("*_undo.csv")
    assert world.run(world.quarantine.reload(), corrections=undo, apply_corrections_only=True).code == 0
    assert header(world, second, "Localizer", "loc.dcm")["PatientSex"] == "F"


def test_a_sheet_without_anything_to_do_leaves_no_inverse(world: World) -> None:
    session = world.typical_session()
    path = sheet(world, row("PatientSex", "F", "", "", "Localizer"))
    run = world.run(session, corrections=path, apply_corrections_only=True)
    assert run.code == 0
    assert "1 there already" in run.printed
    assert not list(run.output.glob("*_undo*"))
    assert world.run(session, apply_corrections_only=True).code == 2


def test_the_inverse_of_a_sheet_that_was_exported_restores_the_bytes(world: World) -> None:
    session = world.typical_session()
    assert world.run(session, map_flywheel_to_dicom=False).code == 0
    copy = world.copy_of(session)
    before = [world.content(copy, *where) for where in FILES]
    options: dict[str, Any] = {"map_flywheel_to_dicom": False, "force_export": True}
    path = sheet(
        world,
        row("PatientSex", "O"),
        row("StudyDate", "2001-02-03"),
        row("PatientComments", "seen"),
        row("PatientName", "<blank>"),
    )
    run = world.run(session, corrections=path, **options)
    assert run.code == 0, run.printed
    assert all(world.content(copy, *where) != old for where, old in zip(FILES, before, strict=True))
    (undo,) = run.output.glob("*_undo.xlsx")
    back = world.run(session, corrections=undo, **options)
    assert back.code == 0, back.printed
    assert [world.content(copy, *where) for where in FILES] == before


def test_what_was_corrected_in_place_is_brought_back_by_restoring_and_then_undoing(world: World) -> None:
    session = world.typical_session()
    before = [(world.content(session, *where), header(world, session, *where)) for where in FILES]
    options: dict[str, Any] = {"map_flywheel_to_dicom": False, "mode": "in_place"}
    path = sheet(world, row("PatientSex", "O"), row("PatientComments", "seen"))
    run = world.run(session, corrections=path, **options)
    assert run.code == 0, run.printed
    (undo,) = run.output.glob("*_undo.xlsx")
    too_early = world.run(session, corrections=undo, dry_run=True, **options)
    assert "mode: restore" in too_early.printed
    assert world.run(session, mode="restore").code == 0
    back = world.run(session, corrections=undo, apply_corrections_only=True)
    assert back.code == 0, back.printed
    assert [(world.content(session, *where), header(world, session, *where)) for where in FILES] == before


def test_a_run_that_is_killed_leaves_its_inverse_and_the_next_one_finishes(world: World) -> None:
    session = world.typical_session()
    path = sheet(world, row("PatientSex", "O"), row("PatientComments", "seen"))
    folder = stage(
        world.folder / "killed", world.site.api_key, ("session", session.id), world.config(transfers=1), "", path
    )
    process = forked.start(folder)
    fault = Fault("hook_after", method="PATCH", route="/files/.*/info", nth=1)
    fault.hook = lambda _method, _path: os.kill(process.pid or 0, signal.SIGKILL)
    world.site.site.faults.add(fault)
    killed = forked.finish(process, folder)
    world.site.clear_faults()
    assert killed.code not in (0, 1, 2)
    undo = killed.table("_undo.csv")
    assert len(undo) == 4
    done = [header(world, session, *where).get("PatientComments") for where in FILES]
    assert sorted(map(str, done)) == ["None", "seen"]
    again = world.run(session, corrections=path)
    assert again.code == 0, again.printed
    assert [header(world, session, *where)["PatientSex"] for where in FILES] == ["O", "O"]
    assert len(again.table("_undo.csv")) == 2


def test_what_could_not_be_written_is_told_and_nothing_is_exported(world: World) -> None:
    session = world.typical_session()
    path = sheet(world, row("PatientSex", "O"), row("session.weight", "71"), row("session.label", "Visit 7"))
    world.site.site.faults.add(Fault("status", method="PATCH", route="/files/loc.dcm/info", status=403))
    run = world.run(session, corrections=path)
    world.site.clear_faults()
    assert run.code == 1, run.printed
    outcomes = {
        (one["Path"].rpartition("/")[2], one["Element"]): one["Outcome"] for one in run.table("_corrections_log.csv")
    }
    assert outcomes == {
        ("t1.dicom.zip", "PatientSex"): "corrected",
        ("loc.dcm", "PatientSex"): "failed",
        ("Visit 1", "session.weight"): "corrected",
        ("Visit 1", "session.label"): "failed",
    }
    assert session.reload().label == "Visit 1"
    assert list(world.export.sessions()) == []
    again = world.run(session, corrections=path)
    assert again.code == 0, again.printed
    assert world.copy_of(session.reload()).weight == 71
