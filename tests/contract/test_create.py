"""Creating containers, and which labels may repeat."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from tests.contract.wire import Wire, conforms, fresh


def test_create_answers_only_the_id_and_the_sdk_gets_the_rest(
    wire: Wire, project: Any, subject: Any, session: Any
) -> None:
    assert set(wire.post("/subjects", {"project": project.id, "label": "n"})) == {"_id"}
    assert set(wire.post("/sessions", {"project": project.id, "subject": {"_id": subject.id}, "label": "n"})) == {"_id"}
    assert set(wire.post("/acquisitions", {"session": session.id, "label": "n"})) == {"_id"}
    assert set(wire.post("/projects", {"group": project.group, "label": "n"})) == {"_id"}


def test_create_is_two_calls_for_the_sdk(site: Any, session: Any) -> None:
    site.clear_requests()
    session.add_acquisition(label="n")
    assert [(entry.method, entry.route) for entry in site.requests] == [
        ("POST", "/acquisitions"),
        ("GET", "/acquisitions/{id}"),
    ]


def test_children_are_made_by_keywords_or_one_dict(subject: Any) -> None:
    assert subject.add_session(label="kw").label == "kw"
    assert subject.add_session({"label": "dict"}).label == "dict"


SUBJECT = {
    "label": "s", "firstname": "A", "lastname": "B", "sex": "female", "cohort": "Control", "date_of_birth": "1980-01-02",
    "mlset": "Training", "type": "human", "race": "White", "ethnicity": "Unknown", "species": "x", "strain": "y",
    "master_code": None, "tags": ["t"], "info": {"a": 1}, "state": None,
}  # fmt: skip


def test_subject_takes_all_its_fields_at_creation(project: Any) -> None:
    made = project.add_subject({k: v for k, v in SUBJECT.items() if v is not None})
    for key in ("label", "firstname", "lastname", "sex", "type", "species", "strain", "tags"):
        assert made[key] == SUBJECT[key], key
    assert made.info == {"a": 1}
    assert made.code == "s"


def test_session_and_acquisition_take_their_fields_at_creation(subject: Any) -> None:
    times = {"timestamp": "2020-01-01T10:00:00+00:00", "timezone": "Europe/Berlin"}
    session = subject.add_session(label="x", info={"a": 1}, uid="1.2", age=3600, weight=70.5, operator="o", **times)
    assert (session.uid, session.age, session.weight, session.operator, session.info) == (
        "1.2",
        3600,
        70.5,
        "o",
        {"a": 1},
    )
    acquisition = session.add_acquisition(label="y", uid="1.3", info={"b": 2}, **times)
    assert (acquisition.uid, acquisition.info, acquisition.timezone) == ("1.3", {"b": 2}, "Europe/Berlin")


@pytest.mark.parametrize("key", ["tags", "notes", "files", "nonsense"])
def test_unknown_keys_at_creation_are_a_schema_error(wire: Wire, project: Any, session: Any, key: str) -> None:
    for path, body in (("/sessions", {"project": project.id}), ("/acquisitions", {"session": session.id})):
        answer = wire("POST", path, json=body | {"label": "n", key: []})
        assert answer.status_code in (400, 422), path


def test_subjects_have_no_age(wire: Wire, project: Any) -> None:
    assert wire("POST", "/subjects", json={"project": project.id, "label": "n", "age": 1}).status_code in (400, 422)


@pytest.mark.parametrize("label", ["", "x" * 257])
def test_labels_have_bounds(wire: Wire, session: Any, label: str) -> None:
    assert wire("POST", "/acquisitions", json={"session": session.id, "label": label}).status_code in (400, 422)


def test_label_of_256_characters_is_kept(session: Any) -> None:
    assert session.add_acquisition(label="x" * 256).label == "x" * 256


def test_timezone_is_an_iana_name(wire: Wire, session: Any) -> None:
    answer = wire("POST", "/acquisitions", json={"session": session.id, "label": "n", "timezone": "Mars/Crater"})
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/projects", {"group": "no-such-group"}), ("/subjects", {"project": "0" * 24}),
        ("/sessions", {"project": "0" * 24}), ("/acquisitions", {"session": "0" * 24}),
    ],
)  # fmt: skip
def test_missing_parent_at_creation_is_404(wire: Wire, path: str, body: dict[str, str]) -> None:
    wire.post(path, body | {"label": "n"}, status=404)


@pytest.mark.parametrize("name", ["a", "UPPER", "-start", "end-", "sp ace", "x" * 33])
def test_group_ids_have_a_form(wire: Wire, name: str) -> None:
    assert wire("POST", "/groups", json={"_id": name, "label": "l"}).status_code in (400, 422)


def test_posting_an_existing_group_updates_it(wire: Wire, group: Any) -> None:
    assert wire.post("/groups", {"_id": group.id, "label": "Renamed"})["_id"] == group.id
    assert wire.get(f"/groups/{group.id}")["label"] == "Renamed"


# The subject embedded in a new session


def test_embedded_subject_is_matched_by_id_then_code(
    wire: Wire, project: Any, subject: Any, fw: flywheel.Client
) -> None:
    for embedded in ({"_id": subject.id}, {"code": "sub-01"}, {"label": "sub-01"}):
        made = wire.post("/sessions", {"project": project.id, "label": "n", "subject": embedded})["_id"]
        assert fw.get_session(made).subject.id == subject.id
    assert len(fw.get_project_subjects(project.id)) == 1


def test_embedded_subject_is_created_when_unknown(project: Any, fw: flywheel.Client) -> None:
    session = project.add_session(label="n", subject={"code": "new", "firstname": "F"})
    assert session.subject.label == "new"
    assert fw.get_subject(session.subject.id).firstname == "F"


def test_embedded_subject_fields_update_the_subject(project: Any, subject: Any, fw: flywheel.Client) -> None:
    project.add_session(label="n", subject={"_id": subject.id, "sex": "male"})
    assert fw.get_subject(subject.id).sex == "male"


def test_session_without_subject_gets_one_of_its_own(project: Any) -> None:
    first, second = project.add_session(label="a"), project.add_session(label="b")
    assert first.subject.id
    assert first.subject.id != second.subject.id


# Uniqueness


def test_equal_project_labels_in_a_group_are_409(wire: Wire, group: Any, project: Any) -> None:
    wire.post("/projects", {"group": group.id, "label": "Proj"}, status=409)


def test_equal_subject_labels_are_422_and_say_so_twice(project: Any, subject: Any) -> None:
    with pytest.raises(ApiException) as raised:
        project.add_subject(label="sub-01")
    assert raised.value.status == 422
    assert "already exists" in raised.value.detail
    assert "already exists" in raised.value.reason
    other = project.add_subject(label="sub-02")
    with pytest.raises(ApiException) as raised:
        other.update(label="sub-01")
    assert raised.value.status == 422


def test_deleted_subject_frees_its_label(project: Any, subject: Any, fw: flywheel.Client) -> None:
    fw.delete_subject(subject.id)
    assert project.add_subject(label="sub-01").id != subject.id


def test_racing_subject_creations_make_one_subject(wire: Wire, project: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: wire("POST", "/subjects", json={"project": project.id, "label": "r"}), range(16))
        statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [422] * 15


def test_sessions_and_acquisitions_may_share_a_label(subject: Any, session: Any, acquisition: Any) -> None:
    assert subject.add_session(label=session.label).id != session.id
    assert session.add_acquisition(label=acquisition.label).id != acquisition.id


# Analyses


def test_adhoc_analysis_takes_inputs_and_outputs(session: Any, fw: flywheel.Client, wire: Wire) -> None:
    wire.upload(f"/sessions/{session.id}", "in.txt", b"in")
    reference = {"type": "session", "id": session.id, "name": "in.txt"}
    analysis = session.add_analysis(label="an", inputs=[reference])
    assert [f.name for f in analysis.inputs] == ["in.txt"]
    analysis.upload_output(flywheel.FileSpec("out.txt", b"out", "text/plain"))
    found = fw.get_analysis(analysis.id)
    assert [f.name for f in found.files] == ["out.txt"]
    assert found.read_file("out.txt") == b"out"


def test_analyses_live_on_every_level(project: Any, subject: Any, session: Any, acquisition: Any, wire: Wire) -> None:
    for container in (project, subject, session, acquisition):
        made = container.add_analysis(label=fresh("an"))
        route = f"/{container.container_type}s/{container.id}/analyses"
        conforms(wire.get(route), "list[AnalysisListOutput]", "_id", "label", "parent", "parents", "files")
        assert [a["_id"] for a in wire.get(route)] == [made.id]
