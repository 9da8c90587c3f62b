"""Which files and containers a row is for, and what is said of rows that are for none."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from export_session.site import Patience, PatientSite, connect
from local_site.storage.stamps import IdSource
from tests.sheet.applying import Checked, asks, checked
from tests.support.world import World, image

KIND: dict[str, Any] = {"type": "dicom", "modality": "MR"}


def two_subjects(world: World) -> dict[tuple[str, str], Any]:
    """Add two subjects with two visits each; in each a T1 and a file that is not DICOM."""
    sessions = {}
    for subject in ("s1", "s2"):
        for visit in ("v1", "v2"):
            session = sessions[subject, visit] = world.session(subject, visit)
            acquisition = session.add_acquisition(label="T1")
            world.file(acquisition, "a.dcm", image(), **KIND)
            world.file(acquisition, "a.txt", b"text")
    return sessions


def places(one: Checked) -> set[str]:
    assert one.problems == []
    return {deed.where for deed in one.plan.deeds}


def test_an_empty_selector_is_for_all_and_each_label_narrows_it(world: World) -> None:
    sessions = two_subjects(world)
    project = world.quarantine.reload()
    everything = {f"{s}/{v}/T1/a.dcm" for s, v in sessions}
    assert places(checked(world, project, asks("PatientName", "A^B"))) == everything
    assert places(checked(world, project, asks("PatientName", "A^B", "s1"))) == {"s1/v1/T1/a.dcm", "s1/v2/T1/a.dcm"}
    assert places(checked(world, project, asks("PatientName", "A^B", "", "v2"))) == {"s1/v2/T1/a.dcm", "s2/v2/T1/a.dcm"}
    assert places(checked(world, project, asks("PatientName", "A^B", "", "", "T1", "a.dcm"))) == everything
    one = sessions["s2", "v1"].acquisitions()[0].reload()
    for by_id in (one.id, one.files[0].file_id, sessions["s2", "v1"].id):
        assert places(checked(world, project, asks("PatientName", "A^B", by_id=by_id))) == {"s2/v1/T1/a.dcm"}


def test_the_run_says_how_far_a_sheet_reaches(world: World) -> None:
    sessions = two_subjects(world)
    chosen = sessions["s1", "v2"]
    chosen.add_tag("ready")
    row = asks("PatientName", "A^B")
    assert places(checked(world, chosen.reload(), row)) == {"s1/v2/T1/a.dcm"}
    assert places(checked(world, world.quarantine.reload(), row, tag="ready")) == {"s1/v2/T1/a.dcm"}
    assert len(places(checked(world, chosen.subject.reload(), row))) == 2
    (problem,) = checked(world, world.quarantine.reload(), asks("PatientName", "A^B", "s2"), tag="ready").problems
    assert problem == 'Corrections!G2: there is no subject "s2" in this project'


def test_files_on_subject_and_session_are_for_rows_that_do_not_say_otherwise(world: World) -> None:
    session = world.session("s1", "v1")
    world.file(session, "on session.dcm", image(), **KIND)
    world.file(session.subject.reload(), "on subject.dcm", image(), **KIND)
    row = asks("PatientName", "A^B", "s1")
    assert places(checked(world, session.reload(), row)) == {"s1/on subject.dcm", "s1/v1/on session.dcm"}
    assert places(checked(world, session, asks("PatientName", "A^B", "s1", "v1"))) == {"s1/v1/on session.dcm"}


def test_a_field_is_set_in_the_container_that_the_row_lies_in(world: World) -> None:
    sessions = two_subjects(world)
    project = world.quarantine.reload()
    file = sessions["s1", "v1"].acquisitions()[0].reload().files[0]
    rows = [
        asks("subject.sex", "female", "s1", "v1", "T1", "a.dcm"),
        asks("session.weight", "70.5", by_id=file.file_id),
        asks("acquisition.info.coil", "head", "s2"),
    ]
    found = checked(world, project, *rows)
    assert places(found) == {"s1", "s1/v1", "s2/v1/T1", "s2/v2/T1"}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (("nobody",), 'there is no subject "nobody" in this project'),
        (("s1", "v3"), 'there is no session "v3" in this project'),
        (("s1", "v1", "T2"), 'nothing has subject "s1", session "v1", acquisition "T2"'),
        (("s1", "v1", "T1", "b.dcm"), 'acquisition "T1", file "b.dcm"'),
        (("", "", "", "a.txt"), "the file is not DICOM"),
    ],
)
def test_a_row_that_is_for_nothing_is_refused_by_what_is_not_there(world: World, where: Any, said: str) -> None:
    two_subjects(world)
    (problem,) = checked(world, world.quarantine.reload(), asks("PatientName", "A^B", *where)).problems
    assert problem.startswith("Corrections!G2: ")
    assert said in problem


def test_two_rows_for_one_element_are_refused_unless_they_agree(world: World) -> None:
    two_subjects(world)
    project = world.quarantine.reload()
    rows = [asks("PatientSex", "M"), asks("00100040", "M", "s1"), asks("PatientSex", "O", "s2", "v1", "T1", "a.dcm")]
    (problem,) = checked(world, project, *rows).problems
    assert problem.startswith("Corrections!G4: PatientSex: Corrections!G2 has another value for it (s2/v1/T1/a.dcm")
    assert places(checked(world, project, *rows[:2]))


@pytest.mark.parametrize("number", [100, pytest.param(2_000, marks=pytest.mark.slow)])
def test_a_sheet_of_five_rows_a_session_is_checked_with_a_listing_of_each_level(world: World, number: int) -> None:
    session = world.session("s1", "v0")
    for label in range(5):
        world.file(session.add_acquisition(label=f"A{label}"), "a.dcm", image(), **KIND)
    fill(world, session, number)
    rows = [
        asks("PatientComments", f"{visit} {label}", "s1", f"v{visit}", f"A{label}")
        for visit in range(1, number + 1)
        for label in range(5)
    ]
    world.site.clear_requests()
    began = time.monotonic()
    found = checked(world, world.quarantine.reload(), *rows)
    seconds = time.monotonic() - began
    assert found.problems == []
    assert len(found.plan.open) == 5 * number
    calls = [one for one in world.site.requests if one.method == "GET"]
    assert len(calls) <= 20 + 6 * number // 250 + 2 * (number <= 250)
    assert seconds < 60


def fill(world: World, session: Any, number: int) -> None:
    """Put copies of a session with its acquisitions and files beside it, behind the back of the API."""
    store, new_id = world.site.site.store, IdSource()
    pattern = store.get("session", session.id)
    assert pattern is not None
    below = [
        (doc, list(store.select("file", parent=doc["_id"]))) for doc in store.select("acquisition", parent=session.id)
    ]
    with store.transaction():
        for index in range(1, number + 1):
            session_id = new_id()
            store.put("session", {**pattern, "_id": session_id, "label": f"v{index}"})
            for acquisition, files in below:
                acquisition_id = new_id()
                parents = {**acquisition["parents"], "session": session_id}
                store.put(
                    "acquisition", {**acquisition, "_id": acquisition_id, "session": session_id, "parents": parents}
                )
                for file in files:
                    place = {**file["parents"], "session": session_id, "acquisition": acquisition_id}
                    ref = {**file["parent_ref"], "id": acquisition_id}
                    store.put(
                        "file", {**file, "_id": new_id(), "file_id": new_id(), "parents": place, "parent_ref": ref}
                    )


class Hiding(PatientSite):
    """A site that leaves info out of every listing."""

    def children(self, *given: Any, with_info: bool = False) -> Iterator[Any]:
        return super().children(*given)


def test_what_listings_leave_out_is_read(world: World) -> None:
    two_subjects(world)
    rows = [asks("PatientName", "A^B", current="CompressedSamples^MR1"), asks("session.info.room", "3", "s1")]
    hidden = checked(world, world.quarantine.reload(), *rows, site=Hiding(connect(world.site.api_key), Patience(5.0)))
    assert hidden.problems == []
    assert hidden.plan.deeds == checked(world, world.quarantine.reload(), *rows).plan.deeds
    assert len(hidden.plan.open) == 6
    site = Hiding(connect(world.site.api_key), Patience(5.0))
    world.site.clear_requests()
    one = checked(world, world.quarantine.reload(), asks("PatientName", "A^B", "s1", "v2"), site=site)
    assert len(one.plan.open) == 1
    assert len([call for call in world.site.requests if re.search("/acquisitions/[^/]+$", call.path)]) == 1
