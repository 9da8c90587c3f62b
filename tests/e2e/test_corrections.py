"""Corrections from a spreadsheet: all or nothing, into the metadata of the origin and from there into the bytes."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.gear import Run
from tests.support.world import World, instances

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
