"""Whole subjects and projects: which sessions are taken, and one set of reports for the run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import World, image


@pytest.fixture
def study(world: World) -> World:
    """Two subjects with two sessions each; the second of each is tagged."""
    for subject in ("sub-001", "sub-002"):
        for label in ("Visit 1", "Visit 2"):
            session = world.session(subject, label)
            world.file(session.add_acquisition(label="T1"), "t1.dcm", image(), type="dicom", modality="MR")
            if label == "Visit 2":
                session.add_tag("ready")
        world.file(session.subject.reload(), "consent.txt", b"signed")
    return world


def exported(world: World) -> list[tuple[str, str]]:
    return sorted((one.subject.label, one.label) for one in world.export.sessions())


def test_a_subject_means_all_its_sessions(study: World) -> None:
    run = study.run(study.quarantine.subjects.find_first("label=sub-001").reload())
    assert run.code == 0, run.printed
    assert exported(study) == [("sub-001", "Visit 1"), ("sub-001", "Visit 2")]
    assert len(list(run.output.glob("*_export_log.csv"))) == 1


def test_a_project_run_takes_the_sessions_that_bear_the_tag(study: World) -> None:
    run = study.run(study.quarantine.reload(), select_tag="ready")
    assert run.code == 0, run.printed
    assert exported(study) == [("sub-001", "Visit 2"), ("sub-002", "Visit 2")]


def test_files_on_a_subject_are_exported_once_and_have_one_row(study: World) -> None:
    run = study.run(study.quarantine.reload())
    assert run.code == 0, run.printed
    assert len([row for row in run.log if row["Name"] == "consent.txt"]) == 2
    assert {one.reload().files[0].version for one in study.export.subjects()} == {1}
    assert len([row for row in run.log if row["Container"] == "file"]) == 6


def test_a_failure_in_one_session_does_not_stop_the_next(study: World) -> None:
    first = study.quarantine.sessions()[0]
    study.edit(first.acquisitions()[0], "t1.dcm", PatientBirthDate="not a date")
    run = study.run(study.quarantine.reload())
    assert run.code == 1
    tags = {one.label + one.subject.label: "EXPORTED" in one.reload().tags for one in study.quarantine.sessions()}
    assert sorted(tags.values()) == [False, True, True, True]


def test_a_second_project_run_passes_over_what_is_exported(study: World) -> None:
    assert study.run(study.quarantine.reload(), select_tag="ready").code == 0
    study.site.clear_requests()
    run = study.run(study.quarantine.reload())
    assert run.code == 0, run.printed
    assert len(exported(study)) == 4
    skipped = [row for row in run.log if row["Status"] == "skipped"]
    assert len(skipped) == 2


def test_an_acquisition_means_its_session(study: World) -> None:
    session = study.quarantine.sessions()[0]
    assert study.run(session.acquisitions()[0]).code == 0
    assert len(exported(study)) == 1


def test_an_analysis_works_on_what_it_belongs_to(study: World) -> None:
    subject = study.quarantine.subjects.find_first("label=sub-002").reload()
    analysis = subject.add_analysis(label="Export", inputs=[])
    run = study.run(study.client.get_analysis(getattr(analysis, "id", analysis)))
    assert run.code == 0, run.printed
    assert {subject for subject, _ in exported(study)} == {"sub-002"}


def test_a_project_run_in_move_mode_empties_the_queue_and_finishes_what_was_interrupted(study: World) -> None:
    config: dict[str, Any] = {"archive_project": f"{study.group.id}/Archive", "archive_mode": "move"}
    study.site.fault("status", method="PATCH", route=r"/sessions/[^/]+/tags", status=403)
    assert study.run(study.quarantine.sessions.find_first('label="Visit 1"'), **config).code == 1
    study.site.clear_faults()
    assert [one.reload().tags for one in study.archive.sessions()] == [[]]  # moved, but not tagged
    run = study.run(study.quarantine.reload(), **config)
    assert run.code == 0, run.printed
    assert not study.quarantine.sessions()
    assert len(study.archive.sessions()) == 4
    assert all("EXPORTED" in one.reload().tags for one in study.archive.sessions())
