"""Many sessions in one place: how far they are, read off what runs noted on them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from local_site.storage.stamps import IdSource
from tests.support import gear
from tests.support.world import World, image


def told(run: gear.Run) -> list[dict[str, str]]:
    with next(run.output.glob("*_summary.csv")).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def states(run: gear.Run) -> dict[str, tuple[str, str]]:
    return {row["Session"]: (row["State"], row["Edited Since"]) for row in told(run)}


@pytest.fixture
def study(world: World) -> World:
    """A session of every kind: exported, edited since, with a refused edit, failed, not exported."""
    for label in ("same", "edited", "refused", "failed", "open"):
        acquisition = world.session("sub-001", label).add_acquisition(label="T1")
        edits = {"refused": {"PatientBirthDate": "no date"}, "failed": {"PatientBirthDate": "no date"}}.get(label)
        world.file(acquisition, "t1.dcm", image(), edits, type="dicom", modality="MR")
    sessions = {one.label: one for one in world.quarantine.sessions()}
    for label in ("same", "edited", "failed"):
        assert world.run(sessions[label]).code == (label == "failed")
    assert world.run(sessions["refused"], on_invalid_edit="skip").code == 0
    world.edit(sessions["edited"].acquisitions()[0], "t1.dcm", PatientName="Doe^Jane")
    world.site.clear_requests()
    return world


def test_a_summary_tells_how_far_each_session_is(study: World) -> None:
    run = study.run(study.quarantine.reload(), summarize=True)
    assert run.code == 0, run.printed
    assert states(run) == {
        "same": ("exported", "no"),
        "edited": ("exported", "yes"),
        "refused": ("exported with refused edits", "no"),
        "failed": ("failed", ""),
        "open": ("not exported", ""),
    }
    rows = {row["Session"]: row for row in told(run)}
    assert "1 of 1 file failed" in rows["failed"]["Why"]
    assert "t1.dcm" in rows["edited"]["Why"]
    assert (rows["refused"]["Refused"], rows["same"]["Files"]) == ("1", "1")
    assert int(rows["same"]["Bytes"]) == len(image())
    said = "5 sessions: 2 exported, 1 exported with refused edits, 1 failed, 1 not exported; 1 edited since its export."
    assert said in run.printed
    page = next(run.output.glob("*_summary.html")).read_text(encoding="utf-8")
    assert said in page
    assert "info.qc.session-export.export.state = FAIL" in page


def test_nothing_is_written_to_the_site_and_no_content_is_moved(study: World) -> None:
    study.run(study.quarantine.reload(), summarize=True, fan_out=True)
    calls = [f"{one.method} {one.path}" for one in study.site.requests]
    assert [call for call in calls if not call.startswith("GET") and call != "POST /lookup"] == []
    assert [call for call in calls if "/files/" in call] == []


def test_the_filters_that_the_page_names_find_the_same_sessions(study: World) -> None:
    found = study.quarantine.sessions.find("info.qc.session-export.export.state=FAIL")
    assert sorted(one.label for one in found) == ["failed", "refused"]
    assert [one.label for one in study.quarantine.sessions.find("info.qc.session-export.export.refused>0")] == [
        "refused"
    ]
    assert len(study.quarantine.sessions.find("tags=EXPORTED")) == 3


def test_originals_in_the_archive_are_told_wherever_they_are(study: World) -> None:
    sessions = {one.label: one for one in study.quarantine.sessions()}
    archive: dict[str, Any] = {"archive_project": f"{study.group.id}/Archive"}
    assert study.run(sessions["same"], force_export=True, **archive).code == 0
    assert study.run(sessions["open"], archive_mode="move", **archive).code == 0
    run = study.run(study.quarantine.reload(), summarize=True, **archive)
    archived = {row["Session"]: row["Archived"] for row in told(run)}
    assert (archived["same"], archived["open"], archived["edited"]) == ("copied", "moved", "")
    assert len(archived) == 5


def test_the_workbook_holds_the_same_and_text_stays_text(world: World) -> None:
    world.session("=1+1", "007").add_acquisition(label="A")
    run = world.run(world.quarantine.reload(), summarize=True)
    assert run.code == 0, run.printed
    book = openpyxl.load_workbook(next(run.output.glob("*_summary.xlsx")))
    head, row = book["Sessions"].iter_rows()
    assert [cell.value for cell in head] == list(told(run)[0])
    assert [(cell.value, cell.data_type) for cell in row[:2]] == [("'=1+1", "s"), ("007", "s")]
    assert book["Sessions"].freeze_panes == "A2"


def test_a_thousand_sessions_take_two_calls_for_each_page_of_their_listing(world: World) -> None:
    session = world.session()
    store, new_id = world.site.site.store, IdSource()
    pattern = store.get("session", session.id)
    assert pattern is not None
    result = {"state": "PASS", "files": 3, "changes": 1, "refused": 0, "notes": 0, "content": "x", "until": "2020"}
    info = {"qc": {"session-export": {"export": result}}}
    acquisition = store.get("acquisition", session.add_acquisition(label="A").id)
    assert acquisition is not None
    with store.transaction():
        for number in range(999):
            of = new_id()
            store.put("session", {**pattern, "_id": of, "label": f"{number}", "tags": ["EXPORTED"], "info": info})
            for _ in range(2):
                parents = {**acquisition["parents"], "session": of}
                store.put("acquisition", {**acquisition, "_id": new_id(), "session": of, "parents": parents})
    world.site.clear_requests()
    run = world.run(world.quarantine.reload(), summarize=True)
    assert run.code == 0, run.printed
    assert len(told(run)) == 1000
    listings = [one for one in world.site.requests if one.path.endswith(("/sessions", "/acquisitions"))]
    pages = -(-1000 // 250)
    assert len(listings) <= 2 * pages
    assert len(world.site.requests) <= 2 * pages + 8  # to find the projects
    assert states(run)["1"] == ("exported", "not looked at")


def test_odd_notes_are_no_reason_to_fail(world: World) -> None:
    odd: list[Any] = [None, [], "text", {"session-export": []}, {"session-export": {"export": {"files": "x"}}}]
    for number, qc in enumerate(odd):
        world.session(label=f"{number}").update_info({"qc": qc})
    run = world.run(world.quarantine.reload(), summarize=True, log_values="none")
    assert run.code == 0, run.printed
    assert {state for state, _ in states(run).values()} <= {"not exported", "failed"}


def test_it_works_on_a_subject_and_without_any_session(world: World) -> None:
    run = world.run(world.quarantine.reload(), summarize=True)
    assert (run.code, told(run)) == (0, [])
    assert "There is no session here." in run.printed
    world.session("a", "1")
    world.session("b", "2")
    subject = world.quarantine.subjects.find_first("label=b").reload()
    assert list(states(world.run(subject, summarize=True))) == ["2"]
    assert list(states(world.run(world.quarantine.sessions()[0], summarize=True))) == ["1"]


def test_exported_sessions_of_a_subject_are_told_from_edited_ones(study: World) -> None:
    subject = study.quarantine.subjects.find_first("label=sub-001")
    run = study.run(subject, summarize=True)
    assert run.code == 0, run.printed
    assert (states(run)["same"], states(run)["edited"]) == (("exported", "no"), ("exported", "yes"))


def test_a_workbook_that_cannot_be_written_is_said(world: World, tmp_path: Path) -> None:
    where = ("project", world.quarantine.id)
    folder = gear.stage(tmp_path / "gear", world.site.api_key, where, world.config(summarize=True))
    (folder / "output" / "Quarantine_summary.xlsx").mkdir()
    run = gear.run(folder)
    assert run.code == 2
    assert "cannot be written" in run.printed
    assert "Traceback" not in run.printed
