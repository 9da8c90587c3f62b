"""What was refused is told by every run until it is mended, and data managers find it by a filter."""

from __future__ import annotations

from typing import Any

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


def test_what_fails_later_is_no_longer_called_passed(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    assert said(world.copy_of(session))["state"] == "PASS"
    world.edit(next(one for one in session.acquisitions() if one.label == "T1"), "t1.dicom.zip", PatientBirthDate="x")
    assert world.run(session, force_export=True).code == 1
    for one in (session, world.copy_of(session)):
        assert said(one)["state"] == "FAIL"
        assert "failed" in said(one)["reason"]
