"""Which jobs the change of a file starts, by the rules of its project."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import flywheel
import pytest

from local_site import LocalSite

_numbers = itertools.count()
DICOM = {"type": "file.type", "value": "dicom", "regex": False}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with LocalSite(tmp_path_factory.mktemp("rules")) as running:
        yield running


@pytest.fixture(scope="module")
def fw(site: Any) -> flywheel.Client:
    client = flywheel.Client(site.api_key)
    client.add_group({"_id": "grp", "label": "Group"})
    return client


@pytest.fixture
def acquisition(fw: flywheel.Client) -> Any:
    project = fw.get_group("grp").add_project(label=f"P{next(_numbers)}")
    return project.add_subject(label="s").add_session(label="x").add_acquisition(label="a")


@pytest.fixture
def make_gear(fw: flywheel.Client) -> Callable[..., str]:
    def make(category: str = "utility", **inputs: Any) -> str:
        name = f"gear-{next(_numbers)}"
        manifest = {"name": name, "version": "1", "config": {"k": {"type": "string", "default": "d"}}, "inputs": inputs}
        return str(fw.add_gear(name, {"category": category, "gear": manifest}))

    return make


FILE = {"base": "file", "type": {"enum": ["dicom"]}}
OPTIONAL = {**FILE, "optional": True}
API_KEY = {"base": "api-key"}


@pytest.fixture
def add_rule(fw: flywheel.Client, acquisition: Any, make_gear: Any) -> Callable[..., Any]:
    """Add a rule to the project of the acquisition; by default one for DICOM with one file input."""

    def add(gear: str | None = None, **fields: Any) -> Any:
        rule = {"gear_id": gear or make_gear(file=FILE), "name": "r", "any": [], "all": [DICOM], "not": []}
        return fw.add_project_rule(acquisition.parents.project, {**rule, **fields})

    return add


@pytest.fixture
def jobs(fw: flywheel.Client, acquisition: Any) -> Callable[[], list[Any]]:
    """Return the jobs of the project so far, oldest first."""
    return lambda: [fw.get_job(job.id) for job in fw.jobs.iter_find(f"parents.project={acquisition.parents.project}")]


def upload(container: Any, file_name: str, **metadata: Any) -> None:
    container.upload_file(flywheel.FileSpec(file_name, b"x"), metadata=metadata or {"name": file_name})


def condition(kind: str, value: str, *, regex: bool = False) -> dict[str, Any]:
    return {"type": kind, "value": value, "regex": regex}


def test_matching_upload_starts_one_job_at_its_container(add_rule: Any, acquisition: Any, jobs: Any) -> None:
    rule = add_rule(config={"k": "v"}, tags=["own"], priority="high")
    upload(acquisition, "a.txt")
    upload(acquisition, "a.dcm")
    (job,) = jobs()
    assert (job.destination.type, job.destination.id) == ("acquisition", acquisition.id)
    assert (job.inputs["file"].id, job.inputs["file"].name) == (acquisition.id, "a.dcm")
    assert (job.origin.type, job.origin.id, job.rule_id) == ("system", None, rule.id)
    assert (job.config.config, job.priority) == ({"k": "v"}, "high")
    assert set(job.tags) == {"auto", job.gear_info.name, "own"}


@pytest.mark.parametrize(
    ("asked", "metadata", "other"),
    [
        (condition("file.type", "DICOM"), {"type": "dicom"}, {"type": "nifti"}),
        (condition("file.type", "di", regex=True), {"type": "dicom"}, {"type": "a-di"}),
        (condition("file.modality", "mr"), {"modality": "MR"}, {"modality": "CT"}),
        (condition("file.classification", "t1"), {"classification": {"Measurement": ["T1"]}}, {}),
        (condition("file.tags", "GO"), {"tags": ["x", "go"]}, {"tags": ["gone"]}),
        (condition("file.tags", "go", regex=True), {"tags": ["gone"]}, {"tags": ["a-go"]}),
    ],
)
def test_condition_on_metadata(
    add_rule: Any, acquisition: Any, jobs: Any, asked: Any, metadata: Any, other: Any
) -> None:
    add_rule(all=[asked])
    upload(acquisition, "no.bin", **other)
    upload(acquisition, "yes.bin", **metadata)
    assert [job.inputs["file"].name for job in jobs()] == ["yes.bin"]


@pytest.mark.parametrize(
    ("pattern", "regex", "hits"),
    [("*.DCM", False, ["a.dcm"]), ("a.*", False, ["a.dcm", "a.txt"]), ("[ab]\\.t", True, ["a.txt", "b.txt"])],
)
def test_names_match_by_glob_or_regex(
    add_rule: Any, acquisition: Any, jobs: Any, pattern: str, *, regex: bool, hits: Any
) -> None:
    add_rule(all=[condition("file.name", pattern, regex=regex)])
    for name in ("a.dcm", "a.txt", "b.txt"):
        upload(acquisition, name)
    assert [job.inputs["file"].name for job in jobs()] == hits


@pytest.mark.parametrize("part", ["all", "not"])
def test_a_rule_whose_expression_takes_too_long_starts_nothing_and_stops_nobody(
    add_rule: Any, acquisition: Any, jobs: Any, part: str
) -> None:
    add_rule(**{part: [condition("file.name", "^(a|aa)+$", regex=True)]})
    began = time.monotonic()
    upload(acquisition, "a" * 80 + "b.txt")
    assert time.monotonic() - began < 20
    assert jobs() == []


def test_parent_type_and_siblings_are_conditions(
    add_rule: Any, acquisition: Any, fw: flywheel.Client, jobs: Any
) -> None:
    add_rule(all=[condition("file.parent_ref.type", "acquisition"), condition("container.has-type", "nifti"), DICOM])
    upload(fw.get_session(acquisition.session), "s.dcm")
    upload(acquisition, "a.dcm")
    assert jobs() == []
    upload(acquisition, "a.nii")
    assert [job.inputs["file"].name for job in jobs()] == ["a.dcm"], "the file there before is matched now"


def test_any_all_and_not_combine(add_rule: Any, acquisition: Any, jobs: Any) -> None:
    add_rule(
        any=[condition("file.tags", "one"), condition("file.tags", "two")],
        **{"not": [condition("file.modality", "CT")]},
    )
    upload(acquisition, "1.dcm", tags=["one"], modality="CT")
    upload(acquisition, "2.dcm", tags=["three"])
    upload(acquisition, "3.dcm", tags=["two"], modality="MR")
    upload(acquisition, "4.txt", tags=["one"])
    assert [job.inputs["file"].name for job in jobs()] == ["3.dcm"]


def test_disabled_rules_start_nothing_and_enabled_again_they_do(
    add_rule: Any, acquisition: Any, jobs: Any, fw: flywheel.Client
) -> None:
    rule = add_rule(disabled=True)
    upload(acquisition, "a.dcm")
    assert jobs() == []
    fw.modify_project_rule(acquisition.parents.project, rule.id, {"disabled": False})
    upload(acquisition, "b.dcm")
    assert [job.inputs["file"].name for job in jobs()] == ["b.dcm"], "what was there before is not caught up on"


def test_edit_that_newly_satisfies_a_rule_starts_a_job_and_no_other_does(
    add_rule: Any, acquisition: Any, jobs: Any
) -> None:
    add_rule(all=[DICOM, condition("file.modality", "MR")])
    upload(acquisition, "a.dcm")
    file = acquisition.reload().files[0]
    file.update_info({"x": 1})
    assert jobs() == []
    assert file.update(modality="MR").jobs_spawned == 1
    file.replace_classification({"Custom": ["x"]})
    file.update_info({"x": 2})
    assert len(jobs()) == 1


def test_tag_on_a_file_can_start_a_job(add_rule: Any, acquisition: Any, jobs: Any) -> None:
    add_rule(all=[condition("file.tags", "go")])
    upload(acquisition, "a.dcm")
    acquisition.reload().files[0].add_tag("go")
    assert len(jobs()) == 1


def test_replaced_file_asks_again(add_rule: Any, acquisition: Any, jobs: Any) -> None:
    add_rule()
    upload(acquisition, "a.dcm")
    upload(acquisition, "b.dcm")
    upload(acquisition, "a.dcm")
    assert [job.inputs["file"].name for job in jobs()] == ["a.dcm", "b.dcm", "a.dcm"]


def test_moved_file_asks_where_it_comes_to(fw: flywheel.Client, acquisition: Any, make_gear: Any, site: Any) -> None:
    other = fw.get_group("grp").add_project(label=f"P{next(_numbers)}")
    fw.add_project_rule(other.id, {"gear_id": make_gear(file=FILE), "name": "r", "any": [], "all": [DICOM], "not": []})
    upload(acquisition, "a.dcm")
    target = other.add_subject(label="s")
    moved = fw.move_file(
        acquisition.reload().files[0].file_id, {"container_reference": {"type": "subject", "id": target.id}}
    )
    assert moved.jobs_spawned == 1
    (job,) = fw.jobs.find(f"parents.project={other.id}")
    assert job.destination.id == target.id


@pytest.mark.parametrize(("inputs", "expected"), [({"file": FILE}, 2), ({"api-key": API_KEY}, 1)])
def test_session_moved_to_another_project_meets_its_rules(
    fw: flywheel.Client, acquisition: Any, make_gear: Any, inputs: Any, expected: int
) -> None:
    other = fw.get_group("grp").add_project(label=f"P{next(_numbers)}")
    rule = {"gear_id": make_gear(**inputs), "name": "r", "any": [], "all": [DICOM], "not": []}
    fw.add_project_rule(other.id, rule)
    for name in ("a.dcm", "b.txt", "c.dcm"):
        upload(acquisition, name)
    session = fw.get_session(acquisition.session)
    for _ in range(2):
        session.update(project=other.id)
    jobs = fw.jobs.find(f"parents.project={other.id}")
    assert len(jobs) == expected
    assert {job.destination.id for job in jobs} == {acquisition.id}


def test_gear_without_file_inputs_runs_once_for_a_container(
    add_rule: Any, acquisition: Any, make_gear: Any, jobs: Any
) -> None:
    add_rule(make_gear(**{"api-key": API_KEY}))
    for name in ("a.dcm", "b.dcm", "c.dcm"):
        upload(acquisition, name)
    (job,) = jobs()
    assert (job.inputs, job.destination.id) == ({}, acquisition.id)


def test_optional_input_of_another_type_stays_empty(add_rule: Any, acquisition: Any, make_gear: Any, jobs: Any) -> None:
    settings = {"base": "file", "type": {"enum": ["source code"]}, "optional": True}
    add_rule(make_gear(settings=settings))
    upload(acquisition, "a.dcm")
    assert jobs()[0].inputs == {}


def test_triggering_and_fixed_inputs_go_where_the_rule_says(
    add_rule: Any, acquisition: Any, make_gear: Any, jobs: Any, fw: flywheel.Client
) -> None:
    project = fw.get_project(acquisition.parents.project)
    upload(project, "fixed.dcm")
    fixed = {"input": "second", "type": "project", "id": project.id, "name": "fixed.dcm"}
    add_rule(make_gear(first=FILE, second=FILE, third=OPTIONAL), fixed_inputs=[fixed], triggering_input="first")
    upload(acquisition, "a.dcm")
    (job,) = [job for job in jobs() if job.destination.type == "acquisition"]
    assert {name: item.name for name, item in job.inputs.items()} == {"first": "a.dcm", "second": "fixed.dcm"}


def test_analysis_gear_gets_an_analysis_at_the_container(
    add_rule: Any, acquisition: Any, make_gear: Any, jobs: Any
) -> None:
    add_rule(make_gear("analysis", file=FILE))
    upload(acquisition, "a.dcm")
    (job,) = jobs()
    (analysis,) = acquisition.reload().analyses
    assert (job.destination.type, job.destination.id) == ("analysis", analysis.id)
    assert analysis.job == job.id


def test_rule_whose_config_no_longer_fits_starts_nothing(add_rule: Any, acquisition: Any, jobs: Any) -> None:
    add_rule(config={"k": 1})
    upload(acquisition, "a.dcm")
    assert acquisition.reload().files[0].name == "a.dcm"
    assert jobs() == []


def test_upload_through_a_signed_url_counts_as_any_other(add_rule: Any, acquisition: Any, jobs: Any, site: Any) -> None:
    add_rule()
    site.clear_requests()
    acquisition.upload_file(flywheel.FileSpec("signed.dcm", b"x"))
    acquisition.upload_file(flywheel.FileSpec("unsigned.dcm", b"x"), signed=False, metadata=json.dumps({}))
    assert [job.inputs["file"].name for job in jobs()] == ["signed.dcm", "unsigned.dcm"]
