"""What a sheet does to the site: values, fields, labels; and what whoever disturbs it leaves."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from export_session.sheet.apply import apply
from export_session.sheet.model import Correction
from export_session.sheet.undo import inverse
from export_session.site import Patience, PatientSite, connect
from export_session.support.parallel import Workers
from local_site.site.faults import Fault
from tests.sheet.applying import Checked, asks, checked
from tests.support.world import World, image

KIND: dict[str, Any] = {"type": "dicom", "modality": "MR"}


def scene(world: World) -> Any:
    """Fill the project: two subjects, a session each, with a series each; and return the project."""
    for subject, sex in (("s1", "female"), ("s2", "male")):
        session = world.session(subject, "v", weight=70.5, info={"site": {"name": "Bern", "room": 3}})
        session.subject.reload().update(sex=sex)
        world.file(session.add_acquisition(label="T1"), "a.dcm", image(), **KIND)
    return world.quarantine.reload()


def state(world: World) -> dict[str, Any]:
    """Return what the project says, by the ids of containers and files, without the gear's own notes."""
    found: dict[str, Any] = {}
    for subject in world.quarantine.reload().subjects():
        found[subject.id] = (subject.label, (full := subject.reload()).sex, own(full))
        for session in subject.sessions():
            found[session.id] = (session.label, (full := session.reload()).weight, full.age, own(full))
            for acquisition in session.acquisitions():
                found[acquisition.id] = (acquisition.label, own(acquisition.reload()))
                found |= {file.file_id: own(file) for file in acquisition.reload().files}
    return found


def own(item: Any) -> dict[str, Any]:
    return {key: value for key, value in (item.info or {}).items() if key != "export"}


def applied(world: World, *corrections: Correction) -> Checked:
    found = checked(world, world.quarantine.reload(), *corrections)
    assert found.apply() == []
    return found


def ids(world: World) -> dict[str, str]:
    return {subject.label: subject.id for subject in world.quarantine.reload().subjects()}


ROWS = (
    asks("PatientName", "Roe^Richard"),
    asks("PatientSex", None, "s1"),
    asks("PatientComments", "seen", "s2", "v", "T1", "a.dcm"),
    asks("OtherPatientIDsSequence[0].PatientID", "7", "s1"),
    asks("subject.sex", "other", "s1"),
    asks("session.weight", "71", "s2"),
    asks("session.age", "034Y", "s1"),
    asks("session.info.site.name", "Basel"),
    asks("session.info.scanner", "A"),
    asks("acquisition.label", "T1 MPRAGE", "", "v", "T1"),
    asks("session.label", "Visit 1", "", "v"),
    asks("subject.label", "sub-1", "s1"),
)


@pytest.fixture
def rows(world: World) -> tuple[Correction, ...]:
    """The rows of a sheet of everything, for files that have a sequence."""
    scene(world)
    for session in world.quarantine.sessions():
        items = [{"PatientID": "1", "TypeOfPatientID": "TEXT"}]
        world.edit(session.acquisitions()[0], "a.dcm", OtherPatientIDsSequence=items)
    return ROWS


def test_everything_is_set_where_it_belongs(world: World, rows: tuple[Correction, ...]) -> None:
    applied(world, *rows)
    session = world.client.lookup([world.group.id, "Quarantine", "sub-1", "Visit 1"]).reload()
    assert session.subject.reload().sex == "other"
    assert session.age == 34 * 31_557_600
    assert own(session) == {"site": {"name": "Basel", "room": 3}, "scanner": "A"}
    (acquisition,) = session.acquisitions()
    dicom = world.stored(acquisition, "a.dcm").info["header"]["dicom"]
    assert acquisition.label == "T1 MPRAGE"
    assert (dicom["PatientName"], dicom["PatientSex"]) == ("Roe^Richard", "")
    assert dicom["OtherPatientIDsSequence"] == [{"PatientID": "7", "TypeOfPatientID": "TEXT"}]
    other = world.client.lookup([world.group.id, "Quarantine", "s2", "Visit 1"]).reload()
    assert (other.weight, other.subject.reload().sex) == (71, "male")


def test_a_sheet_that_was_applied_finds_all_of_it_done(world: World, rows: tuple[Correction, ...]) -> None:
    applied(world, *rows)
    before = state(world)
    world.site.clear_requests()
    again = applied(world, *rows)
    assert again.plan.deeds
    assert again.plan.open == ()
    assert [one for one in world.site.requests if one.method in ("PUT", "PATCH")] == []
    assert state(world) == before


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_inverse_sheet_restores_what_was_there(
    world: World, rows: tuple[Correction, ...], ending: str, tmp_path: Path
) -> None:
    before = state(world)
    undo = applied(world, *rows).undo(tmp_path, ending)
    assert state(world) != before
    applied(world, *undo)
    assert state(world) == before


def test_what_info_holds_is_not_lost_to_a_key_inside_it(world: World) -> None:
    project = scene(world)
    session = project.sessions()[0]
    session.update_info({"study": "text that matters"})
    before = state(world)
    (problem,) = checked(world, session.reload(), asks("session.info.study.site", "Bern")).problems
    assert "session.info.study.site: there is a text at session.info.study, so" in problem
    assert state(world) == before


def test_a_key_of_info_and_one_inside_it_are_refused(world: World) -> None:
    session = scene(world).sessions()[0]
    rows = [asks("session.info.a", "x"), asks("session.info.a.b", "y")]
    (problem,) = checked(world, session, *rows).problems
    assert problem.startswith("Corrections!G3: session.info.a.b: Corrections!G2 is for session.info.a")


def test_keys_of_info_that_did_not_exist_are_gone_once_they_are_undone(world: World, tmp_path: Path) -> None:
    scene(world)
    before = state(world)
    undo = applied(world, asks("session.info.a.b.c", "x"), asks("session.info.a.d", "y")).undo(tmp_path, "csv")
    applied(world, *undo)
    assert state(world) == before


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_labels_and_names_with_blanks_around_them_are_found(world: World, ending: str, tmp_path: Path) -> None:
    acquisition = world.session("s1 ", " v").add_acquisition(label=" =T1")
    world.file(acquisition, " a.dcm", image(), type="dicom")
    before = state(world)
    row = asks("PatientName", "A^B", "s1", "v", "=T1", "a.dcm")
    undo = applied(world, row).undo(tmp_path, ending)
    assert state(world) != before
    applied(world, *undo)
    assert state(world) == before


def test_what_was_edited_since_is_not_restored(world: World, tmp_path: Path) -> None:
    project = scene(world)
    undo = applied(world, asks("PatientName", "Roe^Richard")).undo(tmp_path, "csv")
    acquisition = project.sessions()[0].acquisitions()[0]
    world.edit(acquisition, "a.dcm", PatientName="Poe^Edgar")
    before = state(world)
    (problem,) = checked(world, project, *undo).problems
    assert "the site says" in problem
    assert state(world) == before


def test_what_is_edited_after_the_check_is_left_to_whoever_did(world: World) -> None:
    project = scene(world)
    found = checked(world, project, asks("PatientName", "Roe^Richard"))
    acquisition = project.sessions()[0].acquisitions()[0]
    world.edit(acquisition, "a.dcm", PatientName="Poe^Edgar")
    (failure,) = found.apply()
    assert "was edited since" in failure
    names = [
        world.stored(s.acquisitions()[0], "a.dcm").info["header"]["dicom"]["PatientName"] for s in project.sessions()
    ]
    assert names == ["Poe^Edgar", "Roe^Richard"]


# Labels


@pytest.mark.parametrize(
    ("row", "label"),
    [
        (asks("subject.label", "s2", "s1"), "s2"),
        (asks("subject.label", "same"), "same"),
        (asks("session.label", "w", "s1", "v"), "w"),
        (asks("acquisition.label", "T2", "s1", "v", "T1"), "T2"),
    ],
)
def test_labels_that_would_collide_are_refused_by_name(world: World, row: Correction, label: str) -> None:
    project = scene(world)
    first = next(one for one in project.sessions() if one.subject.label == "s1")
    first.subject.reload().add_session(label="w")
    first.add_acquisition(label="T2")
    problems = checked(world, project, row).problems
    assert problems
    assert all(f'has the label "{label}"' in problem for problem in problems)


def test_two_subjects_exchange_their_labels(world: World, tmp_path: Path) -> None:
    scene(world)
    known, before = ids(world), state(world)
    rows = [asks("subject.label", "s2", by_id=known["s1"]), asks("subject.label", "s1", by_id=known["s2"])]
    undo = applied(world, *rows).undo(tmp_path, "csv")
    assert ids(world) == {"s2": known["s1"], "s1": known["s2"]}
    assert applied(world, *rows).plan.open == ()
    applied(world, *undo)
    assert state(world) == before


def test_a_label_that_is_both_old_and_new_needs_an_id(world: World) -> None:
    project = scene(world)
    rows = [asks("subject.label", "s2", "s1"), asks("subject.label", "s3", "s2"), asks("PatientName", "A^B", "s2")]
    problems = checked(world, project, *rows).problems
    assert [one.split(":")[0] for one in problems if "by its id" in one] == ["Corrections!G3", "Corrections!G4"]


def test_labels_move_up_one_by_one(world: World) -> None:
    for number in range(1, 6):
        world.session(f"s{number}", "v")
    known = ids(world)
    applied(world, *(asks("subject.label", f"s{n + 1}", f"s{n}", by_id=known[f"s{n}"]) for n in range(1, 6)))
    assert ids(world) == {f"s{n + 1}": known[f"s{n}"] for n in range(1, 6)}


# Faults


class Stopped(BaseException):
    """The process is gone."""


class Stopping(PatientSite):
    """A site whose process ends before or after its nth writing call."""

    def __init__(self, key: str, stop: int, *, after: bool) -> None:
        super().__init__(connect(key), Patience(5.0))
        self._left, self._after = stop, after

    def _write(self, call: Any) -> None:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Stopped
        call()
        if self._left == 0:
            raise Stopped

    def modify(self, *given: Any) -> None:
        self._write(lambda: super(Stopping, self).modify(*given))

    def set_info(self, *given: Any) -> None:
        self._write(lambda: super(Stopping, self).set_info(*given))

    def set_file_info(self, *given: Any) -> None:
        self._write(lambda: super(Stopping, self).set_file_info(*given))


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_anywhere_leaves_each_file_corrected_or_as_it_was(
    world: World, step: int, *, after: bool
) -> None:
    scene(world)
    known = ids(world)
    rows = [
        asks("PatientName", "Roe^Richard"),
        asks("PatientComments", "seen"),
        asks("session.info.site.name", "Basel"),
        asks("session.weight", "71"),
        asks("subject.label", "s2", by_id=known["s1"]),
        asks("subject.label", "s1", by_id=known["s2"]),
    ]
    undo = list(_pairs(checked(world, world.quarantine.reload(), *rows)))
    before = state(world)
    done = _play(world, rows)
    for stop in itertools.count(1, step):
        applied(world, *undo)
        assert state(world) == before
        found = checked(world, world.quarantine.reload(), *rows)
        with Workers(1) as workers:
            try:
                apply(Stopping(world.site.api_key, stop, after=after), found.plan, workers)
            except Stopped:
                pass
            else:
                break
        between = state(world)
        for key, value in between.items():
            if isinstance(value, dict):
                assert value in (before[key], done[key])
        assert _play(world, rows) == done
    assert stop > 10


def _pairs(found: Checked) -> Any:
    return inverse(found.plan)


def _play(world: World, rows: list[Correction]) -> dict[str, Any]:
    applied(world, *rows)
    return state(world)


@pytest.mark.parametrize("kind", ["status", "status_after", "reset_before", "reset_after"])
def test_a_call_that_fails_for_good_is_told_and_the_next_run_finishes(world: World, kind: str) -> None:
    project = scene(world)
    rows = [
        asks("PatientName", "Roe^Richard"),
        asks("session.info.site.name", "Basel"),
        asks("subject.label", "x", "s1"),
    ]
    before = state(world)
    for method, route in (("PATCH", "/files/.*/info"), ("PATCH", "/sessions/[^/]+/info"), ("PUT", "/subjects/")):
        found = checked(world, project, *rows)
        undo = list(_pairs(found))
        impatient = replace(found, site=PatientSite(connect(world.site.api_key), Patience(0.0)))
        world.site.site.faults.add(Fault(kind, method=method, route=route, nth=1, status=500))
        failures = impatient.apply()
        world.site.clear_faults()
        assert failures
        assert applied(world, *rows).plan
        assert next(iter(ids(world).keys() & {"x"})) == "x"
        applied(world, *undo)
        assert state(world) == before
