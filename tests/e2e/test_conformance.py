"""What the changes broke of the rules of the standard is told in a preview, and where a run is asked for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.gear import Run
from tests.support.world import World, image, slices

SAID = "PatientSex: DIVERSE is not one of M, F, O (PS3.3 §C.7.1.1), which the change brought in"


def messages(run: Run) -> dict[str, str]:
    return {row["Name"]: row["Message"] for row in run.log if row["Container"] == "file"}


def page(run: Run) -> str:
    (path,) = run.output.glob("*_report.html")
    return path.read_text()


def broken(world: World) -> Any:
    """A session with a file whose edit breaks a rule, one whose edit breaks none, and one that nobody edited."""
    session = world.session()
    for name, content, edits in (
        ("broken.dicom.zip", slices(), {"PatientSex": "diverse"}),
        ("fine.dicom.zip", slices(), {"PatientSex": "O"}),
        ("same.dcm", image(), {}),
    ):
        acquisition = session.add_acquisition(label=name.partition(".")[0])
        world.file(acquisition, name, content, edits, type="dicom", modality="MR")
    return session.reload()


@pytest.mark.parametrize(
    ("config", "told"), [({"dry_run": True}, True), ({"check_conformance": True}, True), ({}, False)]
)
def test_it_is_told_in_a_preview_and_where_it_is_asked_for(world: World, config: dict[str, Any], told: bool) -> None:
    run = world.run(broken(world), map_flywheel_to_dicom=False, **config)
    assert run.code == 0, run.printed
    assert messages(run) == {"broken.dicom.zip": SAID if told else "", "fine.dicom.zip": "", "same.dcm": ""}
    assert (SAID in page(run)) == told
    assert "DIVERSE" not in run.printed


@pytest.mark.parametrize("log_values", ["hash", "none"])
def test_no_value_is_shown_where_none_is_to_be(world: World, log_values: str) -> None:
    run = world.run(broken(world), dry_run=True, log_values=log_values, map_flywheel_to_dicom=False)
    told = "PatientSex: (value) is not one of those that are allowed (PS3.3 §C.7.1.1), which the change brought in"
    assert messages(run)["broken.dicom.zip"] == told
    assert "diverse" not in page(run).casefold()


def test_asking_for_it_makes_no_copy_anew(world: World) -> None:
    session = broken(world)
    assert world.run(session).code == 0
    again = world.run(session, check_conformance=True, force_export=True)
    assert {row["Status"] for row in again.log} == {"unchanged"}
