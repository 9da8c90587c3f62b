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


def test_a_session_that_was_not_approved_is_passed_over_wherever_the_run_was_started(study: World) -> None:
    approved, other = (
        study.quarantine.sessions.find('label="Visit 2"')[0],
        study.quarantine.sessions.find_first('label="Visit 1"'),
    )
    run = study.run(other, select_tag="ready")
    assert run.code == 0, run.printed
    assert exported(study) == []
    assert "1 session left alone: it does not bear the tag ready (select_tag); its tags: none" in run.printed
    (row,) = run.log
    assert (row["Status"], "ready" in row["Message"]) == ("skipped", True)
    assert study.run(approved, select_tag="ready").code == 0
    assert len(exported(study)) == 1


def test_a_tag_that_nobody_bears_is_answered_with_the_tags_that_are_there(study: World) -> None:
    for destination in (study.quarantine.reload(), study.quarantine.subjects()[0].reload()):
        run = study.run(destination, select_tag="redy")
        assert run.code == 0, run.printed
        number, tagged = (4, 2) if destination.container_type == "project" else (2, 1)
        said = f"Nothing to do: none of the {number} sessions in this {destination.container_type} bears the tag redy"
        assert f"{said}; the tags there are: ready ({tagged})." in run.printed


def test_a_project_without_sessions_is_said_to_have_none(world: World) -> None:
    run = world.run(world.quarantine)
    assert run.code == 0
    assert "Nothing to do: there is no session in this project." in run.printed


def test_skipped_sessions_are_counted_by_their_reason_at_the_end(study: World) -> None:
    assert study.run(study.quarantine.reload()).code == 0
    run = study.run(study.quarantine.reload())
    assert "Nothing to do: 4 sessions left alone." in run.printed
    assert "4 sessions left alone: already EXPORTED; set force_export to export it again" in run.printed


def test_archive_copies_do_not_count_twice(study: World) -> None:
    run = study.run(study.quarantine.reload(), archive_project=f"{study.group.id}/Archive")
    assert "4 sessions, 6 of 6 files" in run.printed


def test_a_tagged_session_that_was_edited_since_is_said_to_be(study: World) -> None:
    assert study.run(study.quarantine.reload()).code == 0
    session = study.quarantine.sessions()[0]
    study.edit(session.acquisitions()[0], "t1.dcm", PatientBirthDate="19700131")
    run = study.run(study.quarantine.reload())
    assert run.code == 0, run.printed
    assert "4 sessions left alone, 1 of them edited since its export." in run.printed
    (row,) = [row for row in run.log if "edited since" in row["Message"]]
    assert "t1.dcm" in row["Message"]
