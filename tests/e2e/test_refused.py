"""What was refused is told by every run until it is mended, and data managers find it by a filter."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.gear import Run
from tests.support.world import World, image

QC = "info.qc.session-export.export"


def told(run: Run) -> list[str]:
    return [row["Path"] for row in run.changes if row["Outcome"] == "refused"]


def said(item: Any) -> dict[str, Any]:
    result: dict[str, Any] = item.reload().info["qc"]["session-export"]["export"]
    return result


def refusing(world: World) -> Any:
    """Add a session with an edit that can be written and one that cannot."""
    session = world.session()
    acquisition = session.add_acquisition(label="A")
    wrong = {"PatientBirthDate": "Doe's birthday", "PatientName": "Doe^Jane"}
    world.file(acquisition, "a.dcm", image(), wrong, type="dicom", modality="MR")
    world.file(acquisition, "a.txt", b"text")
    return session


def test_a_refused_edit_is_told_until_it_is_mended(world: World) -> None:
    session = refusing(world)
    options: dict[str, Any] = {"on_invalid_edit": "skip", "force_export": True}
    first = world.run(session, **options)
    assert first.code == 0, first.printed
    assert told(first) == ["PatientBirthDate"]
    (acquisition,) = world.copy_of(session).acquisitions()
    kept = world.stored(acquisition, "a.dcm").info["export"]["refused"]
    assert [one["path"] for one in kept] == ["PatientBirthDate"]
    assert kept[0]["reason"]
    assert "birthday" not in str(kept)
    for _ in range(2):
        world.site.clear_requests()
        again = world.run(session, **options)
        assert told(again) == ["PatientBirthDate"]
        assert not [one for one in world.site.requests if one.method in ("PUT", "PATCH", "DELETE")]
    series = session.acquisitions()[0]
    world.edit(series, "a.dcm", PatientBirthDate="19700131")
    mended = world.run(session, **options)
    assert told(mended) == []
    assert told(world.run(session, **options)) == []
    assert said(session)["state"] == "PASS"
    assert world.stored(acquisition, "a.dcm").info["export"]["refused"] == []


def test_metadata_that_follows_does_not_forget_what_was_refused(world: World) -> None:
    session = refusing(world)
    options: dict[str, Any] = {"on_invalid_edit": "skip", "force_export": True}
    world.run(session, **options)
    world.stored(session.acquisitions()[0], "a.dcm").update_info({"rating": 3})
    for _ in range(2):
        run = world.run(session, **options)
        assert told(run) == ["PatientBirthDate"]
        (reason,) = [row["Reason"] for row in run.changes if row["Outcome"] == "refused"]
        assert reason.count("refused by an earlier run") == 1


def test_a_filter_finds_sessions_with_refused_edits(world: World) -> None:
    session, clean = refusing(world), world.session(label="Visit 2")
    world.file(clean.add_acquisition(label="A"), "a.txt", b"text")
    assert world.run(world.quarantine.reload(), on_invalid_edit="skip").code == 0
    for project in (world.quarantine, world.export):
        labels = {
            condition: [one.label for one in project.sessions.find(condition)]
            for condition in (f"{QC}.state=FAIL", f"{QC}.refused>0", f"{QC}.state=PASS")
        }
        assert labels == {
            f"{QC}.state=FAIL": [session.label],
            f"{QC}.refused>0": [session.label],
            f"{QC}.state=PASS": [clean.label],
        }
    counts = said(session)
    assert {key: counts[key] for key in ("files", "refused", "notes")} == {"files": 2, "refused": 1, "notes": 0}
    assert counts["changes"] >= 1
    (acquisition,) = world.copy_of(session).acquisitions()
    states = {file.name: file.info["qc"]["session-export"]["export"] for file in acquisition.reload().files}
    assert states["a.txt"]["state"] == "PASS"
    assert (states["a.dcm"]["state"], states["a.dcm"]["refused"]) == ("FAIL", 1)
    assert states["a.dcm"]["changes"] == counts["changes"]


@pytest.mark.parametrize("preview", [True, False])
def test_a_file_with_a_refused_edit_stays_and_everything_that_was_asked_of_it_is_told(
    world: World, preview: bool
) -> None:
    session = world.session()
    edits = {"PatientBirthDate": "Doe's birthday", "Rows": 4, "PatientComments": "checked"}
    world.file(session.add_acquisition(label="A"), "a.dcm", image(), edits, type="dicom", modality="MR")
    run = world.run(session, dry_run=preview, map_flywheel_to_dicom=False)
    assert run.code == 1
    assert {row["Path"]: row["Outcome"] for row in run.changes} == {
        "PatientBirthDate": "refused",
        "Rows": "refused",
        "PatientComments": "not made",
    }
    assert all(row["Reason"] for row in run.changes)
    (failed,) = [row for row in run.log if row["Container"] == "file"]
    assert (failed["Status"], failed["Changes"], failed["Refused"]) == ("failed", "0", "2")
    assert "PatientBirthDate" in failed["Message"]
    assert "Rows" in failed["Message"]
    (page,) = run.output.glob("*_report.html")
    for shown in ("Not made", "checked", "Refused", "1 change not made"):
        assert shown in page.read_text("utf-8")
    copies = [acquisition for one in world.export.sessions() for acquisition in one.acquisitions()]
    assert [acquisition.files for acquisition in copies if acquisition.files] == []
    assert "EXPORTED" not in session.reload().tags


def test_a_copy_without_a_refused_edit_is_not_taken_for_exported_once_that_fails(world: World) -> None:
    session = refusing(world)
    assert world.run(session, on_refused_edit="export").code == 0
    assert world.run(session, force_export=True).code == 1
    assert said(session)["state"] == "FAIL"


def test_what_fails_later_is_no_longer_called_passed(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    assert said(world.copy_of(session))["state"] == "PASS"
    world.edit(next(one for one in session.acquisitions() if one.label == "T1"), "t1.dicom.zip", PatientBirthDate="x")
    assert world.run(session, force_export=True).code == 1
    for one in (session, world.copy_of(session)):
        assert said(one)["state"] == "FAIL"
        assert "failed" in said(one)["reason"]
