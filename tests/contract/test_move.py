"""Moving containers, with the rules for their subjects."""

from __future__ import annotations

from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from tests.contract.wire import Wire, conforms


@pytest.fixture
def elsewhere(group: Any) -> Any:
    return group.add_project(label="Elsewhere")


def assert_all_below_are_in(wire: Wire, project: Any, subject: Any, session: Any, acquisition: Any) -> None:
    expected = {"group": project.group, "project": project.id, "subject": subject, "session": session.id}
    found = wire.get(f"/acquisitions/{acquisition.id}")
    assert found["parents"] == expected
    assert {k: found["files"][0]["parents"][k] for k in expected} == expected
    analysis = wire.get(f"/sessions/{session.id}/analyses")[0]
    assert {k: analysis["parents"][k] for k in expected} == expected
    moved = wire.get(f"/sessions/{session.id}")
    assert (moved["project"], moved["group"], moved["subject"]["_id"]) == (project.id, project.group, subject)


@pytest.fixture
def full(session: Any, acquisition: Any, wire: Wire) -> Any:
    """A session with an analysis and an acquisition that holds a file."""
    session.add_analysis(label="an")
    wire.upload(f"/acquisitions/{acquisition.id}", "f.txt", b"1")
    return session


@pytest.mark.parametrize("form", ["object", "string"])
def test_session_moves_to_a_subject_of_another_project(
    wire: Wire, full: Any, acquisition: Any, elsewhere: Any, subject: Any, form: str
) -> None:
    target = elsewhere.add_subject(label="target")
    full.update(subject={"_id": target.id} if form == "object" else target.id)
    assert_all_below_are_in(wire, elsewhere, target.id, full, acquisition)
    assert wire.get(f"/subjects/{subject.id}/sessions") == [], "the old subject stays behind"


def test_moving_twice_is_harmless(full: Any, elsewhere: Any) -> None:
    target = elsewhere.add_subject(label="target")
    for _ in range(2):
        full.update(subject={"_id": target.id})
    assert full.reload().subject.id == target.id


def test_moved_session_takes_the_permissions_of_its_new_project(full: Any, elsewhere: Any, member: Any) -> None:
    reader = member(elsewhere, "ro")
    reader.wire.get(f"/sessions/{full.id}", status=403)
    full.update(subject={"_id": elsewhere.add_subject(label="t").id})
    assert reader.wire.get(f"/sessions/{full.id}")["_id"] == full.id


def test_missing_subject_is_404(wire: Wire, session: Any) -> None:
    wire.put(f"/sessions/{session.id}", {"subject": {"_id": "0" * 24}}, status=404)


def test_project_that_is_not_the_subjects_is_422(wire: Wire, session: Any, elsewhere: Any, project: Any) -> None:
    target = elsewhere.add_subject(label="t")
    wire.put(f"/sessions/{session.id}", {"subject": {"_id": target.id}, "project": project.id}, status=422)


def test_only_session_takes_its_subject_along(
    wire: Wire, full: Any, acquisition: Any, elsewhere: Any, subject: Any
) -> None:
    full.update(project=elsewhere.id)
    assert_all_below_are_in(wire, elsewhere, subject.id, full, acquisition)
    assert wire.get(f"/subjects/{subject.id}")["project"] == elsewhere.id


def test_one_of_several_sessions_gets_a_copy_of_its_subject(
    wire: Wire, full: Any, elsewhere: Any, subject: Any, project: Any
) -> None:
    stays = subject.add_session(label="stays")
    subject.update(sex="female")
    full.update(project=elsewhere.id)
    moved = full.reload()
    assert moved.subject.id != subject.id
    copied = wire.get(f"/subjects/{moved.subject.id}")
    assert (copied["label"], copied["sex"], copied["project"]) == ("sub-01", "female", elsewhere.id)
    assert stays.reload().parents.project == project.id


def test_subject_label_in_the_way_is_422(full: Any, elsewhere: Any, project: Any) -> None:
    elsewhere.add_subject(label="sub-01")
    with pytest.raises(ApiException) as raised:
        full.update(project=elsewhere.id)
    assert raised.value.status == 422
    assert full.reload().project == project.id


def test_subject_moves_with_all_below_it(wire: Wire, full: Any, acquisition: Any, elsewhere: Any, subject: Any) -> None:
    subject.update(project=elsewhere.id)
    assert_all_below_are_in(wire, elsewhere, subject.id, full, acquisition)


def test_subject_move_onto_an_equal_label_is_422(wire: Wire, subject: Any, elsewhere: Any) -> None:
    elsewhere.add_subject(label="sub-01")
    wire.put(f"/subjects/{subject.id}", {"project": elsewhere.id}, status=422)


def test_acquisition_moves_to_another_session(wire: Wire, acquisition: Any, elsewhere: Any) -> None:
    wire.upload(f"/acquisitions/{acquisition.id}", "f.txt", b"1")
    target = elsewhere.add_subject(label="t").add_session(label="x")
    acquisition.update(session=target.id)
    found = wire.get(f"/acquisitions/{acquisition.id}")
    assert found["parents"]["session"] == found["session"] == target.id
    assert found["parents"]["project"] == found["files"][0]["parents"]["project"] == elsewhere.id


def test_containers_may_move_between_groups(fw: flywheel.Client, full: Any, wire: Wire) -> None:
    other = f"{full.group[:20]}.x"
    fw.add_group({"_id": other, "label": "o"})
    target = fw.get_group(other).add_project(label="P").add_subject(label="s")
    full.update(subject={"_id": target.id})
    assert wire.get(f"/sessions/{full.id}")["group"] == other


# Bulk moves


def bulk(wire: Wire, sources: list[Any], destination: str, kind: str, mode: str, **more: Any) -> list[dict[str, Any]]:
    body = {
        "sources": [s.id for s in sources], "destinations": [destination], "destination_container_type": kind,
        "conflict_mode": mode, **more,
    }  # fmt: skip
    answer = wire.post("/bulk/move/sessions", body)
    conforms(answer, "list[MoveConflict]")
    return list(answer)


def test_bulk_move_to_a_subject_answers_no_conflicts(wire: Wire, full: Any, acquisition: Any, elsewhere: Any) -> None:
    target = elsewhere.add_subject(label="sub-01")
    assert bulk(wire, [full], target.id, "subjects", "skip") == []
    assert_all_below_are_in(wire, elsewhere, target.id, full, acquisition)


def test_bulk_move_to_a_project_without_conflict_moves(wire: Wire, full: Any, elsewhere: Any) -> None:
    assert bulk(wire, [full], elsewhere.id, "projects", "skip") == []
    assert wire.get(f"/sessions/{full.id}")["project"] == elsewhere.id


def test_bulk_dry_mode_reports_conflicts_and_moves_nothing(wire: Wire, full: Any, elsewhere: Any, project: Any) -> None:
    rival = elsewhere.add_subject(label="sub-01")
    (conflict,) = bulk(wire, [full], elsewhere.id, "projects", "dry")
    assert {"move_type", "id", "conflict_with", "conflict_label", "label", "subject_code"} <= set(conflict)
    assert conflict["conflict_with"] == {"type": "subject", "id": rival.id}
    assert wire.get(f"/sessions/{full.id}")["project"] == project.id


def test_bulk_skip_mode_leaves_conflicts_where_they_are(
    wire: Wire, full: Any, subject: Any, elsewhere: Any, project: Any
) -> None:
    elsewhere.add_subject(label="sub-01")
    assert len(bulk(wire, [full], elsewhere.id, "projects", "skip")) == 1
    assert wire.get(f"/sessions/{full.id}")["project"] == project.id


def test_bulk_move_mode_moves_into_the_subject_in_the_way(wire: Wire, full: Any, elsewhere: Any) -> None:
    rival = elsewhere.add_subject(label="sub-01")
    bulk(wire, [full], elsewhere.id, "projects", "move")
    assert wire.get(f"/sessions/{full.id}")["subject"]["_id"] == rival.id


def test_bulk_move_can_remove_emptied_subjects(wire: Wire, full: Any, subject: Any, elsewhere: Any) -> None:
    target = elsewhere.add_subject(label="t")
    bulk(wire, [full], target.id, "subjects", "skip", remove_source=True)
    wire.get(f"/subjects/{subject.id}", status=404)
    assert wire.get(f"/sessions/{full.id}")["subject"]["_id"] == target.id


def test_bulk_move_through_the_sdk(fw: flywheel.Client, full: Any, elsewhere: Any) -> None:
    target = elsewhere.add_subject(label="t")
    conflicts = fw.bulk_move_sessions(
        {
            "sources": [full.id],
            "destinations": [target.id],
            "destination_container_type": "subjects",
            "conflict_mode": "skip",
        }
    )
    assert conflicts == []
    assert full.reload().subject.id == target.id
