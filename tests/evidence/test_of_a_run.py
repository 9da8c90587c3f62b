"""The evidence of real runs: it agrees with the site until anything there is changed."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import flywheel
import pytest

from export_session.evidence.command import main
from export_session.evidence.document import NOT_FETCHED, NOT_KEPT
from tests.evidence.bags import contents, unpacked
from tests.support import quick
from tests.support.gear import Run
from tests.support.middlebox import Handler, Middlebox, Reply, middlebox
from tests.support.world import World


def evidence_of(run: Run) -> Path:
    (path,) = run.output.glob("*_evidence.zip")
    return path


def told(run: Run) -> dict[str, Any]:
    return dict(json.loads(contents(evidence_of(run))["data/evidence.json"]))


def exported(world: World, mode: str = "copy", **config: Any) -> tuple[Any, Run]:
    session = world.typical_session()
    run = quick.run(
        world, session, archive_project=f"{world.group.id}/Archive", archive_mode=mode, job="job-1", **config
    )
    assert run.code == 0, run.printed
    return session, run


@pytest.fixture(autouse=True)
def _key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYWHEEL_API_KEY", world.site.api_key)


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_it_agrees_with_the_site_and_has_the_hashes_of_what_lies_there(world: World, mode: str) -> None:
    session, run = exported(world, mode)
    assert main(["verify", str(evidence_of(run)), "--site"]) == 0
    evidence = told(run)
    assert evidence["run"]["job"] == "job-1"
    assert evidence["run"]["image"].startswith("flywheel/session-export:")
    assert {file["path"] for file in evidence["files"]} == {
        row["Origin Path"] for row in run.log if row["Container"] == "file"
    }
    for file in evidence["files"]:
        for place in ("origin", "export", "archive"):
            held = file[place]
            container = world.client.get(held["parent_id"])
            content = container.read_file(held["labels"][-1])
            assert hashlib.sha256(content).hexdigest() == held["sha256"]
            assert (len(content), world.stored(container, held["labels"][-1]).file_id) == (
                held["size"],
                held["file_id"],
            )
    assert evidence["merkle"]["root"] in run.printed
    assert session.reload().parents.project == (world.archive if mode == "move" else world.quarantine).id


def test_the_sums_are_those_of_a_download(world: World, tmp_path: Path) -> None:
    session, run = exported(world)
    copies = [world.copy_of(session), world.copy_of(session).subject.reload()]
    world.client.download_tar(copies[1:], str(tmp_path / "subject.tar"))
    with tarfile.open(tmp_path / "subject.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    (tmp_path / "SHA256SUMS").write_bytes(contents(evidence_of(run))["data/SHA256SUMS"])
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": OK") == 5


def acquisition(world: World, session: Any, project: str, label: str) -> Any:
    return next(one for one in world.copy_of(session, project).acquisitions() if one.label == label)


def change_bytes(world: World, session: Any, project: str) -> None:
    spec = flywheel.FileSpec("notes.txt", b"moved a lot...")
    acquisition(world, session, project, "Notes").upload_file(spec)


def change_files(world: World, session: Any, project: str) -> None:
    """Change one file, delete another and the container of a third."""
    change_bytes(world, session, project)
    acquisition(world, session, project, "T1").delete_file("t1.dicom.zip")
    world.client.delete_acquisition(acquisition(world, session, project, "Localizer").id)


def rename(world: World, session: Any, project: str) -> None:
    world.copy_of(session, project).update(label="Visit 2")


def move(world: World, session: Any, project: str) -> None:
    elsewhere = world.group.add_project(label=f"Not {project}").add_subject(label="sub-001")
    world.copy_of(session, project).update(subject={"_id": elsewhere.id})


FILES = ("Notes/notes.txt", "T1/t1.dicom.zip", "Localizer/loc.dcm")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (change_files, ("its bytes are others", "not there any more", "not there any more")),
        (rename, ("it is now",) * 3),
    ],
)
def test_whatever_changes_on_the_site_is_named(
    world: World, change: Any, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    session, run = exported(world)
    for project, role in (("Quarantine", "origin"), ("Export", "export"), ("Archive", "archive")):
        change(world, session, project)
        assert main(["verify", str(evidence_of(run)), "--site"]) == 1
        printed = capsys.readouterr().out
        for name, word in zip(FILES, words, strict=True):
            assert f"{role} {world.group.id}/{project}/sub-001/Visit 1/{name}: {word}" in printed
    assert main(["verify", str(evidence_of(run))]) == 0


def test_a_copy_in_another_project_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    session, run = exported(world)
    for project in ("Quarantine", "Export", "Archive"):
        move(world, session, project)
    assert main(["verify", str(evidence_of(run)), "--site"]) == 1
    assert capsys.readouterr().out.count("it is in another project now") == 3 * 4


def test_a_newer_version_of_the_same_bytes_agrees(world: World) -> None:
    session, run = exported(world)
    acquisition(world, session, "Archive", "Notes").upload_file(flywheel.FileSpec("notes.txt", b"moved a little"))
    assert main(["verify", str(evidence_of(run)), "--site"]) == 0


def test_a_copy_that_tells_of_other_corrections_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    session, run = exported(world)
    file = world.stored(acquisition(world, session, "Export", "Notes"), "notes.txt")
    file.update_info({"export": {**file.info["export"], "edits": "0" * 64}})
    assert main(["verify", str(evidence_of(run)), "--site"]) == 1
    assert "notes.txt: its record (info.export) tells of other corrections" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["origin", "export"])
def test_a_hash_that_the_copy_does_not_tell_is_named(
    world: World, tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A site states a SHA-384; the SHA-256 is what the copy notes of itself."""
    _, run = exported(world)
    bagged = unpacked(evidence_of(run), tmp_path)
    path = bagged / "data" / "evidence.json"
    evidence = json.loads(path.read_text("utf-8"))
    (notes,) = [one for one in evidence["files"] if one["path"].endswith("notes.txt")]
    notes[place]["sha256"] = "00" * 32
    path.write_text(json.dumps(evidence), "utf-8")
    assert main(["verify", str(bagged), "--site"]) == 1
    assert "Notes/notes.txt: its record (info.export) tells of other bytes" in capsys.readouterr().out


def hide_hashes(box: Middlebox) -> None:
    def hide(handler: Handler, reply: Reply) -> None:
        handler.send(Reply(reply.status, reply.headers, re.sub(rb'"hash": ?"[^"]*"', b'"hash": ""', reply.body)))

    box.act("GET|POST", "^/(subjects|sessions|acquisitions)/[^/]+(/files)?$", how=hide, forward=True)


def test_where_the_site_states_no_hash_bytes_are_compared(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session, run = exported(world)
    with middlebox(world.site.api_key) as box:
        hide_hashes(box)
        monkeypatch.setenv("FLYWHEEL_API_KEY", box.api_key)
        assert main(["verify", str(evidence_of(run)), "--site"]) == 0
        change_bytes(world, session, "Archive")
        assert main(["verify", str(evidence_of(run)), "--site"]) == 1
    assert "Archive/sub-001/Visit 1/Notes/notes.txt: its bytes are others" in capsys.readouterr().out


def test_a_second_run_has_the_hashes_that_the_first_one_kept(world: World) -> None:
    session, first = exported(world)
    again = quick.run(world, session, archive_project=f"{world.group.id}/Archive", force_export=True)
    assert {file["status"] for file in told(again)["files"]} == {"unchanged"}
    places = ("path", "edits", "origin", "export", "archive")
    assert [[file[key] for key in places] for file in told(again)["files"]] == [
        [file[key] for key in places] for file in told(first)["files"]
    ]
    assert main(["verify", str(evidence_of(again)), "--site"]) == 0


def test_of_a_copy_that_an_earlier_version_verified_the_missing_hash_is_said(world: World) -> None:
    session, _ = exported(world)
    file = world.stored(acquisition(world, session, "Export", "Notes"), "notes.txt")
    kept = {key: value for key, value in file.info["export"].items() if key not in ("sha256", "origin_sha256")}
    file.update_info({"export": kept})
    again = quick.run(world, session, archive_project=f"{world.group.id}/Archive", force_export=True)
    (notes,) = [one for one in told(again)["files"] if one["path"].endswith("notes.txt")]
    assert (notes["origin"]["sha256"], notes["export"]["sha256"], notes["note"]) == (None, None, NOT_KEPT)
    assert told(again)["run"]["not in SHA256SUMS"] == [notes["path"]]
    assert main(["verify", str(evidence_of(again)), "--site"]) == 0
    change_bytes(world, session, "Export")
    assert main(["verify", str(evidence_of(again)), "--site"]) == 1


def test_a_preview_leaves_no_evidence_and_a_failed_run_says_what_it_did(world: World) -> None:
    session = world.typical_session()
    preview = quick.run(world, session, dry_run=True)
    assert not list(preview.output.glob("*_evidence*"))
    world.edit(session.acquisitions()[0], "t1.dicom.zip", StudyDate="no date")
    run = quick.run(world, session)
    assert run.code == 1
    (failed,) = [file for file in told(run)["files"] if file["status"] == "failed"]
    assert failed["path"].endswith("t1.dicom.zip")
    assert "export" not in failed
    assert not told(run)["run"]["succeeded"]
    assert main(["verify", str(evidence_of(run)), "--site"]) == 0


def test_the_key_comes_from_the_environment_or_a_login_and_without_a_site_there_is_no_verdict(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("export_session.evidence.command.PATIENCE", 0.0)
    monkeypatch.setenv("HOME", str(tmp_path))
    _, run = exported(world)
    for key in ("", "no key", "127.0.0.1:1:__force_insecure:abc"):
        monkeypatch.setenv("FLYWHEEL_API_KEY", key)
        assert main(["verify", str(evidence_of(run)), "--site"]) == 2
    monkeypatch.delenv("FLYWHEEL_API_KEY")
    login = tmp_path / ".config" / "flywheel" / "user.json"
    login.parent.mkdir(parents=True)
    login.write_text(json.dumps({"key": world.site.api_key}))
    assert main(["verify", str(evidence_of(run)), "--site"]) == 0


def in_place(world: World, session: Any, **config: Any) -> Run:
    run = quick.run(world, session, mode="in_place", **config)
    assert run.code == 0, run.printed
    return run


def t1(session: Any) -> Any:
    return next(one for one in session.acquisitions() if one.label == "T1")


def test_of_a_run_in_place_the_origin_is_the_version_before(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = world.typical_session()
    original = t1(session).read_file("t1.dicom.zip")
    first = in_place(world, session, archive_project=f"{world.group.id}/Archive")
    again = in_place(world, session, archive_project=f"{world.group.id}/Archive", force_export=True)
    for run in (first, again):
        (file,) = [one for one in told(run)["files"] if one["path"].endswith("t1.dicom.zip")]
        origin, export = file["origin"], file["export"]
        assert origin["file_id"] == export["file_id"]
        assert (origin["version"], export["version"]) == (1, 2)
        for held, content in ((origin, original), (export, t1(session).read_file("t1.dicom.zip"))):
            assert (held["size"], held["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        (left,) = [one for one in told(run)["files"] if one["path"].endswith("notes.txt")]
        assert left["note"] == NOT_FETCHED
        assert main(["verify", str(evidence_of(run)), "--site"]) == 0, capsys.readouterr().out
        with middlebox(world.site.api_key) as box, monkeypatch.context() as patch:
            hide_hashes(box)
            patch.setenv("FLYWHEEL_API_KEY", box.api_key)
            assert main(["verify", str(evidence_of(run)), "--site"]) == 0, capsys.readouterr().out


def test_what_came_after_a_run_in_place_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    session = world.typical_session()
    run = in_place(world, session)
    file = world.stored(t1(session), "t1.dicom.zip")
    file.update_info({"export": {**file.info["export"], "before": {}}})
    assert main(["verify", str(evidence_of(run)), "--site"]) == 1
    assert "t1.dicom.zip: its record (info.export) does not name version 1 as the one before" in capsys.readouterr().out
    file.update_info({"export": file.info["export"]})
    assert main(["verify", str(evidence_of(run)), "--site"]) == 0
    capsys.readouterr()
    back = quick.run(world, session, mode="restore")
    assert back.code == 0, back.printed
    assert main(["verify", str(evidence_of(back)), "--site"]) == 0
    assert "but of 5 files it does not say where the bytes are" in capsys.readouterr().out
    assert main(["verify", str(evidence_of(run)), "--site"]) == 1
    printed = capsys.readouterr().out
    assert "T1/t1.dicom.zip: its bytes are others (version 3, it was 2)" in printed
    assert "origin " not in printed  # the version before is where it was
    assert "notes.txt" not in printed


def test_a_version_before_that_is_gone_or_others_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    session = world.typical_session()
    run = in_place(world, session)
    with middlebox(world.site.api_key) as box, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLYWHEEL_API_KEY", box.api_key)

        def other(handler: Handler, reply: Reply) -> None:
            handler.send(
                Reply(reply.status, reply.headers, re.sub(rb"(v0-sha384-)[0-9a-f]{8}", rb"\g<1>00000000", reply.body))
            )

        box.act("GET", "^/files/[0-9a-f]+", how=other, forward=True)
        assert main(["verify", str(evidence_of(run)), "--site"]) == 1
    assert "t1.dicom.zip: the bytes of version 1 are others" in capsys.readouterr().out
    world.site.fault("status", method="GET", route="^/files/[0-9a-f]+", status=404)
    assert main(["verify", str(evidence_of(run)), "--site"]) == 1
    world.site.clear_faults()
    assert "t1.dicom.zip: version 1 is not in its history any more" in capsys.readouterr().out
