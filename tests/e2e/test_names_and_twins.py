"""Copies under another name, renamed origins, and two copies of one origin."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.support.gear import Run
from tests.support.world import World, image, instances


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def messages(run: Run, name: str) -> str:
    return " ".join(row["Message"] for row in run.log if row["Name"] == name)


def test_a_copy_whose_name_version_2_changed_is_brought_up_to_date_and_not_doubled(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="T2")
    origin = world.file(acquisition, "t2*.dcm", image(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
    subject = world.export.add_subject(label="sub-001", info={"export": {"origin_id": sha256(session.subject.id)}})
    copy = subject.add_session(label="Visit 1", info={"export": {"origin_id": sha256(session.id)}})
    copied = copy.add_acquisition(label="T2", info={"export": {"origin_id": sha256(acquisition.id)}})
    world.file(copied, "t2star.dcm", image(), info={"export": {"origin_id": sha256(origin.id)}})
    options: dict[str, Any] = {"force_export": True}
    for _ in range(2):
        run = world.run(session, **options)
        assert run.code == 0, run.printed
        (file,) = copied.reload().files
        assert (file.name, file.version) == ("t2star.dcm", 2)
        assert str(instances(copied.read_file("t2star.dcm"))[0].PatientName) == "Doe^Jane"
        assert file.info["export"]["origin_id"] == sha256(origin.file_id)
        assert "t2star.dcm is the copy of t2*.dcm and keeps its name" in messages(run, "T2")
        (row,) = [row for row in run.log if row["Name"] == "t2*.dcm"]
        assert row["Export Path"].endswith("/T2/t2star.dcm")


def test_a_file_renamed_at_the_origin_keeps_its_one_copy(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="A")
    world.file(acquisition, "old.txt", b"text")
    assert world.run(session).code == 0
    store = world.site.site.store
    (file,) = store.select("file", parent=acquisition.id)
    store.put("file", {**file, "name": "new.txt"})
    run = world.run(session, force_export=True)
    assert run.code == 0, run.printed
    (copied,) = world.copy_of(session).acquisitions()
    assert [file.name for file in copied.reload().files] == ["old.txt"]
    assert "old.txt is the copy of new.txt" in messages(run, "A")
    assert "gone" not in run.printed + messages(run, "A")


def test_a_second_copy_of_a_file_is_called_one(world: World) -> None:
    session = world.session()
    acquisition = session.add_acquisition(label="A")
    origin = world.file(acquisition, "a.txt", b"text")
    assert world.run(session).code == 0
    (copied,) = world.copy_of(session).acquisitions()
    world.file(copied, "again.txt", b"text", info={"export": {"origin_id": sha256(origin.file_id)}})
    run = world.run(session, force_export=True)
    assert "again.txt: a second copy of a.txt" in messages(run, "A")


def test_a_file_that_moved_to_another_acquisition_is_said_to_have_moved(world: World) -> None:
    session = world.session()
    first, second = (session.add_acquisition(label=label) for label in "AB")
    world.file(first, "a.txt", b"text")
    world.file(second, "b.txt", b"more")
    assert world.run(session).code == 0
    (file,) = first.reload().files
    world.client.move_file(file.file_id, {"container_reference": {"type": "acquisition", "id": second.id}})
    run = world.run(session, force_export=True)
    assert run.code == 0, run.printed
    assert "a.txt: its origin is now" in messages(run, "A")
    assert "/B/a.txt" in messages(run, "A")


def twins(world: World, *, filled: bool = False) -> tuple[Any, Any, Any]:
    """Export a session and repeat the requests that created its copies, as a middlebox may."""
    session = world.typical_session()
    assert world.run(session).code == 0
    copy = world.copy_of(session)
    acquisition = next(one for one in copy.acquisitions() if one.label == "Notes").reload()
    for original, parent in ((copy, copy.subject), (acquisition, copy)):
        add = parent.reload().add_session if original is copy else parent.add_acquisition
        twin = add(label=original.label, info={"export": dict(original.info["export"])})
        if filled:
            world.file(twin, "odd.txt", b"odd")
    return session, copy, acquisition


def test_an_empty_second_copy_is_removed_and_said(world: World) -> None:
    session, copy, acquisition = twins(world)
    preview = world.run(session, force_export=True, dry_run=True)
    assert messages(preview, "Visit 1").count("would be removed") == 2
    assert len(world.export.sessions()) == 2
    run = world.run(session, force_export=True)
    assert run.code == 0, run.printed
    assert messages(run, "Visit 1").count("a second, empty copy") == 2
    assert "gone" not in messages(run, "Visit 1")
    assert [one.id for one in world.export.sessions()] == [copy.id]
    assert [one.id for one in copy.acquisitions() if one.label == "Notes"] == [acquisition.id]
    again = world.run(session, force_export=True)
    assert "copy" not in messages(again, "Visit 1")


def test_a_second_copy_with_anything_in_it_is_left_and_said(world: World) -> None:
    session, _, _ = twins(world, filled=True)
    run = world.run(session, force_export=True)
    assert run.code == 0, run.printed
    assert messages(run, "Visit 1").count("is not empty") == 2
    assert len(world.export.sessions()) == 2


def test_a_second_copy_that_another_program_made_is_left(world: World) -> None:
    session = world.typical_session()
    assert world.run(session).code == 0
    copy = world.copy_of(session)
    copy.subject.reload().add_session(label="Visit 1", info={"export": {"origin_id": sha256(session.id)}})
    assert world.run(session, force_export=True).code == 0
    assert len(world.export.sessions()) == 2
