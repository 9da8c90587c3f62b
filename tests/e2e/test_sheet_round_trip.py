"""A project's sheet goes out, through a spreadsheet program and back, and says what its curator made of it."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from export_session.sheet.model import UNSAID, Correction, Place, Selector
from export_session.sheet.read import read_sheet
from export_session.sheet.write import write_sheet
from local_site.storage.stamps import IdSource
from tests.support.gear import Run
from tests.support.world import World, image

pytestmark = pytest.mark.xdist_group("office")
SESSIONS = 200
CSV = "Text - txt - csv (StarCalc)"
AS_IT_OPENS_CSV = f"{CSV}:44,34,76,1"  # commas, quotation marks, UTF-8, and whatever it takes a cell for
ASKED = "PatientID,PatientName,StudyTime,StudyID,AccessionNumber,SOPInstanceUID,PatientWeight,PatientComments"
BOOK, TABLE = "Quarantine_corrections.xlsx", "Quarantine_corrections.csv"
TIME = 7  # the column of StudyTime, from 0
ELEMENTS = ("PatientID", "PatientWeight", "StudyTime", "StudyDate", "ImageType", "StudyInstanceUID", "subject.label")
TEMPTING = [
    "1.2E+30",
    "3-4",
    "4-Mar",
    "March 5",
    "5 Mar 2020",
    "2020-01-31",
    "31.01.2020",
    "1/2",
    "09:30",
    "9 am",
    "5%",
]
TEMPTING += ["$5", "1,5", "1.5", "1 234", "1E5", "True", "false", "034Y", "one\ntwo", "<blank>", " padded ", "", "A\\B"]
FIRST = 6  # the column of PatientID: those of the selectors are before it


def saved_by_libreoffice(path: Path, ending: str, *, opened: str = "", form: str = "") -> Path:
    """Open a sheet and save it; a machine without the program skips the test, a build server must have it."""
    program = shutil.which("soffice")
    if program is None:
        message = "soffice is not installed (Debian package libreoffice-calc-nogui)"
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(message)
        pytest.skip(message)
    folder = path.parent / f"saved-{ending}"
    command = [program, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to"]
    command += [f"{ending}:{form}" if form else ending, "--outdir", str(folder), str(path)]
    command[3:3] = [f"--infilter={opened}"] if opened else []
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return folder / f"{path.stem}.{ending}"


def values_of(number: int) -> dict[str, Any]:
    """Return values that a spreadsheet likes to change, other ones for each file."""
    return {
        "PatientID": f"{number:05}",
        "PatientName": f"Müller {number}^張",
        "StudyTime": f"09{number % 60:02}00",
        "StudyID": f"{number % 12 + 1}-{number % 28 + 1}",
        "AccessionNumber": f"{10**17 + number}",
        "SOPInstanceUID": f"1.2.{number}",
        "PatientWeight": number + 0.1,
        "PatientComments": ["=1+1", "TRUE", "#N/A", "one\ntwo", "'quoted'", "-5", "@x", "1.50"][number % 8],
    }


@pytest.fixture(scope="module")
def project(site: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    import flywheel

    world = World(site, flywheel.Client(site.api_key), tmp_path_factory.mktemp("project"))
    first = world.session("s-000", "0")
    acquisition = first.add_acquisition(label="T1")
    file = world.file(acquisition, "t1.dcm", image(), type="dicom")
    store, new_id = site.site.store, IdSource()
    pattern = {"session": store.get("session", first.id), "acquisition": store.get("acquisition", acquisition.id)}
    stored = store.get("file", file.file_id)
    with store.transaction():
        for number in range(1, SESSIONS):
            parents = {**stored["parents"], "session": new_id(), "acquisition": new_id()}
            of_session = {**pattern["session"], "_id": parents["session"], "label": f"{number:03}"}
            of_acquisition = {**pattern["acquisition"], "_id": parents["acquisition"], "session": parents["session"]}
            of_acquisition["parents"] = {**pattern["acquisition"]["parents"], "session": parents["session"]}
            info = {"header": {"dicom": {**stored["info"]["header"]["dicom"], **values_of(number)}}}
            ref = {"type": "acquisition", "id": parents["acquisition"]}
            store.put("session", of_session)
            store.put("acquisition", of_acquisition)
            store.put("file", {**stored, "file_id": new_id(), "parent_ref": ref, "parents": parents, "info": info})
    return world


@pytest.fixture(scope="module")
def made(project: World) -> Path:
    run = project.run(project.quarantine.reload(), make_sheet=ASKED)
    assert run.code == 0, run.printed
    return run.output


def apply(world: World, path: Path, destination: Any = None) -> Run:
    world.site.clear_requests()
    return world.run(destination or world.quarantine.reload(), corrections=path, apply_corrections_only=True)


def metadata(world: World) -> dict[str, Any]:
    """Return what the metadata of each file say, by the label of its session."""
    store = world.site.site.store
    sessions = {one["_id"]: one["label"] for one in store.select("session")}
    mine = [one for one in store.select("file") if one["parents"].get("project") == world.quarantine.id]
    return {sessions[one["parents"]["session"]]: one["info"]["header"]["dicom"] for one in mine}


def test_a_sheet_takes_a_listing_for_each_level_of_a_project_or_a_subject(project: World) -> None:
    (subject,) = project.quarantine.subjects()
    for destination in (project.quarantine.reload(), subject):
        project.site.clear_requests()
        run = project.run(destination, make_sheet="PatientID,session.label")
        assert run.code == 0, run.printed
        assert len(project.site.requests) < 25
        with next(run.output.glob("*.csv")).open(encoding="utf-8-sig", newline="") as file:
            assert len(list(csv.reader(file))) == 1 + 2 * SESSIONS


def test_a_workbook_that_was_opened_and_saved_asks_for_nothing(project: World, made: Path) -> None:
    before = metadata(project)
    (subject,) = project.quarantine.subjects()
    run = apply(project, saved_by_libreoffice(made / BOOK, "xlsx"), subject)
    assert run.code == 0, run.printed
    assert metadata(project) == before
    assert [one.path for one in project.site.requests if one.method in ("PUT", "PATCH", "DELETE")] == []


def test_a_csv_file_that_was_opened_as_it_is_and_saved_is_refused_in_every_cell_that_was_destroyed(
    project: World, made: Path
) -> None:
    before, path = metadata(project), made / TABLE
    saved = saved_by_libreoffice(path, "csv", opened=AS_IT_OPENS_CSV, form=f"{CSV}:59,34,76")
    with path.open(encoding="utf-8-sig", newline="") as file, saved.open(encoding="utf-8-sig", newline="") as other:
        pairs = list(zip(csv.reader(file), csv.reader(other, delimiter=";"), strict=True))
    lost = {
        f"{chr(ord('A') + column)}{row}"
        for row, (cells, now) in enumerate(pairs, 1)
        for column, (cell, other) in enumerate(zip(cells, now, strict=True))
        if cell != other
        and column >= FIRST - 1
        and not (column == TIME and cell == f"0{other}")  # 94000 can only be twenty to ten
    }
    run = apply(project, saved)
    assert run.code == 2, run.printed
    assert len(lost) > 2 * SESSIONS
    assert [cell for cell in sorted(lost) if f"!{cell}: " not in run.printed] == []
    assert metadata(project) == before


def test_every_edit_in_a_workbook_that_was_opened_and_saved_is_made_and_no_other(project: World, made: Path) -> None:
    before, path = metadata(project), made / BOOK
    book = openpyxl.load_workbook(path)
    for number, row in enumerate(book["Corrections"].iter_rows(min_row=2)):
        row[FIRST].value = f"Doe {number}^Jane"
        row[FIRST + 6].value = "<blank>" if number % 2 else None
    book.save(path)
    run = apply(project, saved_by_libreoffice(path, "xlsx"))
    assert run.code == 0, run.printed
    after = metadata(project)
    assert len(after) == SESSIONS
    assert {said["PatientName"] for said in after.values()} == {f"Doe {number}^Jane" for number in range(SESSIONS)}
    for label, said in after.items():
        name, comments = said["PatientName"], said.get("PatientComments")
        assert {**said, "PatientName": None, "PatientComments": None} == {
            **before[label],
            "PatientName": None,
            "PatientComments": None,
        }
        edited = int(name.split("^")[0].removeprefix("Doe ")) % 2
        assert not comments if edited else comments == before[label].get("PatientComments")


@pytest.mark.parametrize("name", ["undo.xlsx", "undo.csv"])
def test_a_sheet_that_undoes_gives_back_every_value_after_it_was_opened_and_saved(tmp_path: Path, name: str) -> None:
    texts = [*TEMPTING, *(str(value) for number in range(24) for value in values_of(number).values())]
    given = [
        Correction(Selector(id=f"file-{number}"), element, value, Place(1, 1), current, exact=True)
        for number, (value, element) in enumerate(product([*texts, 75.5, 75.0, 7, ["001", ""], None], ELEMENTS))
        for current in ([UNSAID, "7", "31.01.2020"][number % 3],)
    ]
    write_sheet(given, tmp_path / name)
    ending = name.partition(".")[2]
    opened, form = (AS_IT_OPENS_CSV, f"{CSV}:59,34,76") if ending == "csv" else ("", "")
    sheet = read_sheet(saved_by_libreoffice(tmp_path / name, ending, opened=opened, form=form))
    assert sheet.problems == ()
    assert [one.new for one in sheet.corrections] == [one.new for one in given]
    assert [type(one.new) for one in sheet.corrections] == [type(one.new) for one in given]
