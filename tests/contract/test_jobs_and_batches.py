"""Jobs, analyses and batches while no engine runs them."""

from __future__ import annotations

from typing import Any

import flywheel
import pytest
from flywheel.rest import ApiException

from tests.contract.requests import manifest
from tests.contract.wire import Wire, conforms, fresh

JOB_KEYS = (
    "id", "_id", "gear_id", "gear_info", "state", "inputs", "destination", "config", "tags", "attempt", "created",
    "modified", "origin", "parents", "batch", "saved_files", "outputs", "failure_reason", "transitions", "profile",
)  # fmt: skip


@pytest.fixture
def make_gear(wire: Wire, fw: flywheel.Client) -> Any:
    def make(category: str = "utility", **more: Any) -> Any:
        name = fresh("gear")
        return fw.get_gear(wire.post(f"/gears/{name}", {"category": category, "gear": manifest(name, **more)})["_id"])

    return make


@pytest.fixture
def dicom(acquisition: Any, wire: Wire) -> Any:
    wire.upload(f"/acquisitions/{acquisition.id}", "f.dcm", b"1")
    return acquisition.reload().files[0]


NO_INPUTS: dict[str, Any] = {"inputs": {"api-key": {"base": "api-key", "read-only": False}}}


# Single jobs


def test_utility_run_makes_a_pending_job_on_the_input_container(
    make_gear: Any, dicom: Any, wire: Wire, fw: flywheel.Client
) -> None:
    gear = make_gear()
    job_id = gear.run(inputs={"dicom": dicom}, tags=["mine"], config={"word": "x"})
    found = wire.get(f"/jobs/{job_id}")
    conforms(found, "JobOutput", *JOB_KEYS)
    assert found["id"] == found["_id"] == job_id
    assert found["state"] == "pending"
    assert found["inputs"] == {"dicom": {"type": "acquisition", "id": dicom.parent_ref.id, "name": "f.dcm"}}
    assert found["destination"] == {"type": "acquisition", "id": dicom.parent_ref.id}
    assert found["config"]["config"] == {"speed": 3, "word": "x"}
    assert "mine" in found["tags"]
    assert found["gear_info"]["name"] == gear.gear.name
    assert found["origin"] == {"type": "user", "id": fw.get_current_user().id}
    assert set(found["transitions"]) >= {"pending"}
    assert found["parents"]["acquisition"] == dicom.parent_ref.id


def test_explicit_destination_is_kept(make_gear: Any, session: Any, fw: flywheel.Client) -> None:
    job = fw.get_job(make_gear(**NO_INPUTS).run(destination=session))
    assert (job.destination.type, job.destination.id) == ("session", session.id)


@pytest.mark.parametrize(
    "fault", ["no gear", "no destination", "missing input", "unknown input", "absent file", "bad config"]
)
def test_job_that_cannot_run_is_400(make_gear: Any, dicom: Any, session: Any, wire: Wire, fault: str) -> None:
    reference = {"type": "acquisition", "id": dicom.parent_ref.id, "name": "f.dcm"}
    body: dict[str, Any] = {"gear_id": make_gear().id, "inputs": {"dicom": reference}, "config": {}}
    bodies: dict[str, dict[str, Any]] = {
        "no gear": {key: value for key, value in body.items() if key != "gear_id"},
        "no destination": body | {"gear_id": make_gear(**NO_INPUTS).id, "inputs": {}},
        "missing input": body | {"inputs": {}, "destination": {"type": "session", "id": session.id}},
        "unknown input": body | {"inputs": {"dicom": reference, "other": reference}},
        "absent file": body | {"inputs": {"dicom": reference | {"name": "absent.dcm"}}},
        "bad config": body | {"config": {"speed": "fast"}},
    }
    refusal = wire("POST", "/jobs/add", json=bodies[fault])
    assert refusal.status_code in ((400, 404) if fault == "absent file" else (400,)), refusal.text
    if fault == "no gear":
        assert "Job must specify gear" in refusal.json()["message"]


def test_jobs_are_listed_with_inputs_as_an_array(
    make_gear: Any, dicom: Any, session: Any, wire: Wire, fw: flywheel.Client
) -> None:
    gear = make_gear()
    job_id = gear.run(inputs={"dicom": dicom})
    listed = wire.get("/jobs", filter=f"gear_info.name={gear.gear.name},state=pending")
    conforms(listed, "list[JobListOutput]", "_id", "gear_id", "state", "inputs", "destination", "tags")
    reference = {"input": "dicom", "type": "acquisition", "id": dicom.parent_ref.id, "name": "f.dcm"}
    assert [(j["_id"], j["inputs"]) for j in listed] == [(job_id, [reference])]
    assert fw.jobs.find_first(f"gear_info.name={gear.gear.name}").id == job_id
    assert [j["_id"] for j in wire.get(f"/sessions/{session.id}/jobs")["jobs"]] == [job_id]


def test_jobs_are_not_found_by_the_id_of_their_destination(make_gear: Any, session: Any, wire: Wire) -> None:
    job_id = make_gear(**NO_INPUTS).run(destination=session)
    assert wire.get("/jobs", filter=f"destination.id={session.id}") == []
    assert [j["_id"] for j in wire.get("/jobs", filter=f"parents.session={session.id}")] == [job_id]


def test_job_detail_logs_and_config(make_gear: Any, dicom: Any, wire: Wire) -> None:
    job_id = make_gear().run(inputs={"dicom": dicom})
    detail = wire.get(f"/jobs/{job_id}/detail")
    conforms(detail, "JobDetail", "_id", "gear_info", "state", "inputs", "outputs", "parents", "parent_info")
    assert detail["inputs"]["dicom"]["object"]["name"] == "f.dcm"
    logs = wire.get(f"/jobs/{job_id}/logs")
    conforms(logs, "JobLogRecord", "_id", "logs")
    assert logs["logs"] == []
    config = wire.get(f"/jobs/{job_id}/config.json")
    assert config["config"] == {"speed": 3}
    assert config["inputs"]["dicom"]["location"]["name"] == "f.dcm"
    assert config["inputs"]["dicom"]["location"]["path"].endswith("/input/dicom/f.dcm")
    assert config["inputs"]["dicom"]["hierarchy"] == {"type": "acquisition", "id": dicom.parent_ref.id}
    assert config["inputs"]["dicom"]["object"]["file_id"] == dicom.file_id
    assert config["destination"] == {"type": "acquisition", "id": dicom.parent_ref.id}
    for tail in ("", "/detail", "/logs", "/config.json"):
        wire.get(f"/jobs/{'0' * 24}{tail}", status=404)


def test_api_key_is_in_no_answer_about_a_job_that_does_not_run(make_gear: Any, session: Any, wire: Wire) -> None:
    job_id = make_gear(**NO_INPUTS).run(destination=session)
    assert not wire.get(f"/jobs/{job_id}/config.json")["inputs"].get("api-key", {}).get("key")


def test_pending_job_is_cancelled_once(make_gear: Any, dicom: Any, wire: Wire, fw: flywheel.Client) -> None:
    job_id = make_gear().run(inputs={"dicom": dicom})
    fw.get_job(job_id).change_state("cancelled")
    found = wire.get(f"/jobs/{job_id}")
    assert (found["state"], bool(found["transitions"]["cancelled"])) == ("cancelled", True)
    with pytest.raises(ApiException) as raised:
        fw.change_job_state(job_id, "cancelled")
    assert raised.value.status == 400
    assert "Cannot mutate a job that is cancelled." in raised.value.detail


def test_illegal_transition_is_400(make_gear: Any, dicom: Any, wire: Wire) -> None:
    job_id = make_gear().run(inputs={"dicom": dicom})
    wire.put(f"/jobs/{job_id}", {"state": "complete"}, status=400)
    assert wire.get(f"/jobs/{job_id}")["state"] == "pending"


def test_failed_job_is_retried_as_a_new_attempt(make_gear: Any, dicom: Any, wire: Wire) -> None:
    job_id = make_gear().run(inputs={"dicom": dicom})
    for state in ("running", "failed"):
        wire.put(f"/jobs/{job_id}", {"state": state})
    again = wire.get("/jobs/" + wire.post(f"/jobs/{job_id}/retry")["_id"])
    assert (again["state"], again["attempt"], again["previous_job_id"]) == ("pending", 2, job_id)
    assert again["inputs"] == wire.get(f"/jobs/{job_id}")["inputs"]


def test_starting_a_job_needs_rw(make_gear: Any, session: Any, project: Any, member: Any) -> None:
    gear = make_gear(**NO_INPUTS)
    body = {"gear_id": gear.id, "inputs": {}, "destination": {"type": "session", "id": session.id}}
    member(project, "ro").wire.post("/jobs/add", body, status=403)
    member(project, "rw").wire.post("/jobs/add", body)


def test_jobs_follow_a_session_to_another_project(
    make_gear: Any, session: Any, group: Any, wire: Wire, member: Any
) -> None:
    job_id = make_gear(**NO_INPUTS).run(destination=session)
    elsewhere = group.add_project(label="Elsewhere")
    session.update(project=elsewhere.id)
    assert wire.get(f"/jobs/{job_id}")["parents"]["project"] == elsewhere.id
    assert member(elsewhere, "ro").wire.get(f"/jobs/{job_id}")["id"] == job_id


# Analyses


def test_analysis_run_answers_the_analysis_and_links_its_job(
    make_gear: Any, session: Any, dicom: Any, wire: Wire, fw: flywheel.Client
) -> None:
    gear = make_gear("analysis")
    analysis_id = gear.run(analysis_label="An", destination=session, inputs={"dicom": dicom}, tags=["mine"])
    plain = wire.get(f"/analyses/{analysis_id}")
    conforms(plain, "AnalysisOutput", "job", "inputs", "parent", "gear_info")
    assert isinstance(plain["job"], str)
    inflated = wire.get(f"/analyses/{analysis_id}", inflate_job="true")
    conforms(inflated, "AnalysisOutputInflatedJob", "job")
    job = inflated["job"]
    conforms(job, "JobOutput", *JOB_KEYS)
    assert job["destination"] == {"type": "analysis", "id": analysis_id}
    assert {"analysis", "mine"} <= set(job["tags"])
    found = fw.get_analysis(analysis_id)
    assert (found.label, [f.name for f in found.inputs], found.job.state) == ("An", ["f.dcm"], "pending")
    assert found.gear_info.name == gear.gear.name


@pytest.mark.parametrize("level", ["project", "subject", "session", "acquisition"])
def test_analyses_run_on_every_level(
    request: pytest.FixtureRequest, make_gear: Any, fw: flywheel.Client, level: str
) -> None:
    container = request.getfixturevalue(level)
    analysis = fw.get_analysis(make_gear("analysis", **NO_INPUTS).run(destination=container))
    assert (analysis.parent.type, analysis.parent.id) == (level, container.id)


def test_analysis_with_an_unknown_gear_is_refused_and_not_made(session: Any, wire: Wire) -> None:
    body = {"label": "x", "job": {"gear_id": "0" * 24, "inputs": {}, "config": {}}}
    assert wire("POST", f"/sessions/{session.id}/analyses?job=true", json=body).status_code in (400, 404)
    assert wire.get(f"/sessions/{session.id}/analyses") == []


# Batches


def test_batch_without_file_inputs_expands_to_sessions(
    make_gear: Any, subject: Any, project: Any, wire: Wire, fw: flywheel.Client
) -> None:
    sessions = [subject.add_session(label=label) for label in "abc"]
    gear = make_gear("analysis", **NO_INPUTS)
    proposal = gear.propose_batch([project], config={"word": "w"}, tags=["fan"], analysis_label="An")
    batch = wire.get(f"/batch/{proposal.id}")
    conforms(batch, "ClassicBatchJobOutput", "_id", "gear_id", "state", "origin", "config")
    assert (batch["state"], len(proposal.matched)) == ("pending", 3)
    jobs = proposal.run()
    assert len(jobs) == 3
    assert all({"analysis", "fan"} <= set(fw.get_job(j.id).tags) for j in jobs)
    parents = {fw.get_analysis(fw.get_job(j.id).destination.id).parent.id for j in jobs}
    assert parents == {s.id for s in sessions}
    assert sorted(wire.get(f"/batch/{proposal.id}")["jobs"]) == sorted(j.id for j in jobs)
    assert fw.get_job(jobs[0].id).batch == proposal.id
    wire.post(f"/batch/{proposal.id}/run", status=400)


def test_batch_proposal_shape(make_gear: Any, session: Any, wire: Wire) -> None:
    body = {
        "gear_id": make_gear(**NO_INPUTS).id,
        "targets": [{"type": "session", "id": session.id}],
        "config": {},
        "tags": [],
    }
    proposal = wire.post("/batch", body)
    expected = {
        "_id",
        "gear_id",
        "state",
        "origin",
        "config",
        "matched",
        "ambiguous",
        "not_matched",
        "improper_permissions",
    }
    assert expected <= set(proposal)
    conforms(proposal, "ClassicBatchProposalOutput")
    assert [m["id"] for m in proposal["matched"]] == [session.id]


def test_batch_with_file_inputs_matches_acquisitions_one_to_one(make_gear: Any, session: Any, wire: Wire) -> None:
    made = {}
    for label, files in {"one": ["a.dcm"], "two": ["a.dcm", "b.dcm"], "none": ["a.txt"]}.items():
        made[label] = session.add_acquisition(label=label).id
        for name in files:
            wire.upload(f"/acquisitions/{made[label]}", name, b"1")
    body = {"gear_id": make_gear().id, "targets": [{"type": "session", "id": session.id}], "config": {}}
    proposal = wire.post("/batch", body)
    found = {key: [a["_id"] for a in proposal[key]] for key in ("matched", "ambiguous", "not_matched")}
    assert found == {"matched": [made["one"]], "ambiguous": [made["two"]], "not_matched": [made["none"]]}
    (job,) = wire.post(f"/batch/{proposal['_id']}/run")
    assert job["inputs"]["dicom"]["name"] == "a.dcm"


def test_batch_refusals(make_gear: Any, session: Any, subject: Any, project: Any, wire: Wire, member: Any) -> None:
    gear = make_gear(**NO_INPUTS)
    one = {"type": "session", "id": session.id}
    wire.post(
        "/batch",
        {"gear_id": gear.id, "targets": [one, {"type": "subject", "id": subject.id}], "config": {}},
        status=400,
    )
    empty = project.add_subject(label="empty")
    wire.post(
        "/batch", {"gear_id": gear.id, "targets": [{"type": "subject", "id": empty.id}], "config": {}}, status=404
    )
    member().wire.post("/batch", {"gear_id": gear.id, "targets": [one], "config": {}}, status=403)


def test_batch_cancel_counts_what_it_stopped(make_gear: Any, subject: Any, wire: Wire, fw: flywheel.Client) -> None:
    for label in "ab":
        subject.add_session(label=label)
    proposal = make_gear(**NO_INPUTS).propose_batch([subject])
    jobs = proposal.run()
    fw.change_job_state(jobs[0].id, "cancelled")
    assert wire.post(f"/batch/{proposal.id}/cancel")["number_cancelled"] == 1
    assert {fw.get_job(j.id).state for j in jobs} == {"cancelled"}


def test_batches_are_listed_and_jobs_inflated_on_request(
    make_gear: Any, session: Any, wire: Wire, fw: flywheel.Client
) -> None:
    proposal = make_gear(**NO_INPUTS).propose_batch([session])
    (job,) = proposal.run()
    assert proposal.id in [b["_id"] for b in wire.get("/batch")]
    (inflated,) = wire.get(f"/batch/{proposal.id}", jobs="true")["jobs"]
    assert inflated["id"] == job.id
