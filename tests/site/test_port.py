"""What the port promises, of all that stands behind it: the SDK's site, the patient one and the read-only one.

Every form passes the same tests against a local site over HTTP.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from export_session.errors import AccessDenied, Conflict, NotFound, SiteError, Unreachable
from export_session.site import Condition, Patience, PatientSite, ReadSite, Site, connect, equals
from export_session.site.model import Acquisition, Analysis, Container, Project, Session, Subject
from local_site import LocalSite
from tests.site.calls import ABSENT, OWN, READS, WRITES, Stage, method_of

SAME_WHEN_DONE_TWICE = sorted(
    WRITES.keys() - {"create", "add_note", "store", "start_job", "restore"}, key=lambda name: name == "delete"
)
TROUBLES = ({"kind": "status", "status": 500}, {"kind": "reset_before"})


def sdk(key: str) -> Site:
    return connect(key)


def patient(key: str) -> Site:
    return PatientSite(connect(key), Patience(0.0))


def read_only(key: str) -> Site:
    return connect(key, writable=False)


def patient_read_only(key: str) -> Site:
    return PatientSite(connect(key, writable=False), Patience(0.0))


Form = Callable[[str], Site]
FORMS = pytest.mark.parametrize("form", [sdk, patient, read_only])
WRITING_FORMS = pytest.mark.parametrize("form", [sdk, patient])


@pytest.fixture(autouse=True)
def well_behaved(site: LocalSite) -> Iterator[None]:
    """Faults end with their test."""
    yield
    site.clear_faults()


def test_every_call_of_the_port_is_tried_here() -> None:
    def names(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert names(ReadSite) == READS.keys()
    assert names(Site) - names(ReadSite) == WRITES.keys()


# What reads return


@FORMS
def test_a_container_comes_with_what_its_level_has(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    project, subject = site.read(Project, stage.project), site.read(Subject, stage.subject)
    session, analysis = site.read(Session, stage.session), site.read(Analysis, stage.analysis)
    acquisition = site.read(Acquisition, stage.acquisition)
    assert project.path == f"{stage.world.group.id}/Quarantine"
    assert stage.world.site.owner in project.permissions
    assert (session.subject_id, session.subject_label) == (subject.id, subject.label)
    assert session.parents["project"] == project.id
    assert session.details["weight"] == 61.5
    assert {"label": "Visit 1", "weight": 61.5}.items() <= session.document().items()
    assert (analysis.parent_level, analysis.parent_id) == ("session", session.id)
    (file,) = acquisition.files
    assert (file.name, file.size, file.version, file.type) == ("notes.txt", 5, 1, "text")
    assert file.info == {"kept": True}
    assert (file.parent_level, file.parent_id) == ("acquisition", acquisition.id)


@FORMS
def test_a_project_is_found_by_its_path(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    assert site.find_project(stage.world.group.id, "Quarantine").id == stage.project
    with pytest.raises(NotFound):
        site.find_project(stage.world.group.id, "quarantine")


@FORMS
def test_children_come_oldest_first_and_as_the_conditions_say(form: Form, stage: Stage) -> None:
    stage.world.client.get_session(stage.session).add_acquisition(label="1001, a")
    site = form(stage.world.site.api_key)

    def labels(*conditions: Condition) -> list[str]:
        return [one.label for one in site.children("session", stage.session, Acquisition, *conditions)]

    assert labels() == ["T1", "1001, a"]
    assert labels(equals("label", "1001, a")) == ["1001, a"]
    assert labels(equals("label", "other")) == []
    made_here = equals("info.export.origin_id", "0" * 64)
    assert [one.label for one in site.children("project", stage.project, Acquisition, made_here)] == ["T1"]
    (row, _) = site.children("session", stage.session, Acquisition)
    assert (row.info, row.info_is_hidden) == ({}, True)
    (full, _) = site.children("session", stage.session, Acquisition, with_info=True)
    assert full.info == OWN["info"] or full.info_is_hidden


@FORMS
def test_small_questions_are_answered(form: Form, stage: Stage) -> None:
    connect(stage.world.site.api_key).start_job(stage.session, stage.request)
    site = form(stage.world.site.api_key)
    me = site.identity()
    assert (me.kind, me.id) == ("user", stage.world.site.owner)
    assert isinstance(site.signs_uploads(), bool)
    assert "files_create_single" in (site.actions(site.read(Project, stage.project), me.id) or ())
    assert site.actions(site.read(Project, stage.project), "stranger@example.org") is None
    assert site.gear_rules(stage.project) == ()
    assert "Structural" in (site.classification_schema("MR") or {})["Intent"]
    assert site.classification_schema("no such modality") is None
    (job,) = site.jobs(stage.request.tag)
    assert (job.session_id, job.state) == (stage.session, "pending")
    assert site.gear_of(job.id) == stage.gear
    assert list(site.jobs("another tag")) == []


@FORMS
def test_a_fetch_brings_exactly_the_version_asked_for(form: Form, stage: Stage) -> None:
    connect(stage.world.site.api_key).store(
        "acquisition", stage.acquisition, stage.content(b"second!"), {"name": "notes.txt"}
    )
    stored = form(stage.world.site.api_key).fetch(stage.file, stage.folder / "fetched")
    assert (stage.folder / "fetched").read_bytes() == b"first"
    assert (stored.size, stored.sha384) == (5, hashlib.sha384(b"first").hexdigest())


@FORMS
def test_the_changes_of_a_file_come_in_the_order_of_time_with_their_authors(form: Form, stage: Stage) -> None:
    site, plain = form(stage.world.site.api_key), connect(stage.world.site.api_key)
    assert site.changes(stage.file) is None  # this site keeps no audit trail
    stage.world.site.configure(change_log=True)
    try:
        plain.set_file_info(stage.file, {"a": 1})
        plain.set_file_info(stage.file, {"a": 2})
        newer = plain.store("acquisition", stage.acquisition, stage.content(b"second"), {"name": "notes.txt"})
        plain.set_file_info(newer, {"a": 3})
        whole, of_first = site.changes(newer), site.changes(stage.file)
    finally:
        stage.world.site.configure(change_log=False)
    assert whole is not None
    assert of_first is not None
    assert [one.patch["info"].get("a") for one in whole] == [1, 2, None, 3]
    assert [one.version for one in whole] == [1, 1, 2, 2]
    assert [one.patch["info"]["a"] for one in of_first] == [1, 2]
    assert {(one.kind, one.author, one.reason) for one in whole} == {("user", stage.world.site.owner, "")}
    assert [one.at for one in whole] == sorted(one.at for one in whole)


@pytest.mark.parametrize("status", [403, 404, 405, 501])
@FORMS
def test_a_site_that_answers_so_keeps_no_audit_trail(form: Form, status: int, stage: Stage) -> None:
    stage.world.site.fault("status", method="GET", route="^/changes/", status=status)
    assert form(stage.world.site.api_key).changes(stage.file) is None


# What reads and writes raise


def outcomes(calls: dict[str, Callable[[Any, Stage], Any]], site: Site, stage: Stage) -> dict[str, type[Exception]]:
    """Which call raises what; the state of the site is not to change by any of them."""
    raised: dict[str, type[Exception]] = {}
    for name, call in calls.items():
        try:
            call(site, stage)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test says what it should be
            raised[name] = type(error)
    return raised


def all_raise(error: type[Exception], names: Iterable[str]) -> dict[str, type[Exception]]:
    return dict.fromkeys(names, error)


@FORMS
def test_reading_what_is_not_there_is_not_found(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    expected = READS.keys() - {"identity", "signs_uploads", "classification_schema", "jobs", "changes"}
    assert outcomes(READS, site, stage.absent()) == all_raise(NotFound, expected)


@FORMS
def test_reading_without_the_right_is_denied(form: Form, stage: Stage) -> None:
    connect(stage.world.site.api_key).start_job(stage.session, stage.request)
    site = form(stage.world.site.add_user(f"stranger-{stage.world.group.id}@example.org"))
    expected = {"find_project", "read", "actions", "gear_rules", "fetch"}
    raised = outcomes(READS, site, stage)
    assert {name: raised.get(name) for name in expected} == all_raise(AccessDenied, expected)


@FORMS
@pytest.mark.parametrize("fault", TROUBLES)
def test_reading_with_trouble_is_unreachable(form: Form, fault: dict[str, Any], stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    stage.world.site.fault(**fault)
    assert outcomes(READS, site, stage) == all_raise(Unreachable, READS)


@WRITING_FORMS
def test_writing_to_what_is_not_there_is_not_found(form: Form, stage: Stage) -> None:
    expected = WRITES.keys() - {"delete", "delete_note"}  # what is gone is no error
    assert outcomes(WRITES, form(stage.world.site.api_key), stage.absent()) == all_raise(NotFound, expected)


@WRITING_FORMS
def test_writing_without_the_right_is_denied(form: Form, stage: Stage) -> None:
    user = f"reader-{stage.world.group.id}@example.org"
    site = form(stage.world.site.add_user(user))
    stage.world.site.grant(user, stage.project, "ro")
    assert outcomes(WRITES, site, stage) == all_raise(AccessDenied, WRITES)


@WRITING_FORMS
@pytest.mark.parametrize("fault", TROUBLES)
def test_writing_with_trouble_is_unreachable(form: Form, fault: dict[str, Any], stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    stage.world.site.fault(**fault)
    assert outcomes(WRITES, site, stage) == all_raise(Unreachable, WRITES)


@WRITING_FORMS
def test_a_second_subject_of_a_label_is_a_conflict(form: Form, stage: Stage) -> None:
    with pytest.raises(Conflict):
        form(stage.world.site.api_key).create("subject", stage.project, {"label": "sub-001", **OWN})


def test_errors_name_the_call_and_never_the_key(stage: Stage) -> None:
    key = stage.world.site.api_key
    with pytest.raises(SiteError, match="read sessions: the site answered 404") as caught:
        connect(key).read(Session, ABSENT)
    assert key.rpartition(":")[2] not in str(caught.value)


# What writes do


@WRITING_FORMS
def test_a_copy_is_created_below_its_parent_and_can_be_found(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    subject = site.create("subject", stage.world.export.id, {"label": "sub-001", "sex": "female", **OWN})
    session = site.create("session", subject, {"label": "Visit 1", "weight": 61.5, **OWN})
    acquisition = site.create("acquisition", session, {"label": "T1", **OWN})
    assert site.read(Subject, subject).details == {"sex": "female"}
    assert site.read(Session, session).subject_id == subject
    assert site.read(Acquisition, acquisition).parents["session"] == session
    made_here = equals("info.export.origin_id", "0" * 64)
    found = site.children("project", stage.world.export.id, Session, made_here)
    assert [one.id for one in found] == [session]


@WRITING_FORMS
def test_containers_change_as_they_are_told_and_keep_the_rest(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    site.modify("session", stage.session, {"weight": 70.5})
    site.set_info("session", stage.session, {"a": {"b": 1}, "kept": 1})
    site.set_info("session", stage.session, {"a": {"c": 2}})
    site.add_tags("session", stage.session, ["one"])
    site.add_tags("session", stage.session, ["two", "one"])
    site.add_note("session", stage.session, "a note")
    session = site.read(Session, stage.session)
    assert (session.label, session.details["weight"]) == ("Visit 1", 70.5)
    assert session.info == {"a": {"c": 2}, "kept": 1}
    assert (sorted(session.tags), session.notes) == (["one", "two"], ("an old note", "a note"))


@WRITING_FORMS
def test_a_stored_file_is_a_new_version_of_its_name(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    metadata = {"name": "notes.txt", "type": "text", "tags": ["x"], "info": {"n": 1}}
    stored = site.store("acquisition", stage.acquisition, stage.content(b"second!"), metadata, replaces=1)
    assert (stored.name, stored.version, stored.size) == ("notes.txt", 2, 7)
    assert stored.file_id == stage.file.file_id
    (file,) = site.read(Acquisition, stage.acquisition).files
    assert (file.version, file.info["n"]) == (2, 1)
    assert "x" in file.tags


@WRITING_FORMS
def test_files_change_as_they_are_told_and_keep_the_rest(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    site.modify_file(stage.file, {"modality": "MR"})
    site.set_file_info(stage.file, {"a": {"b": 1}})
    site.set_file_info(stage.file, {"a": {"c": 2}})
    site.set_file_classification(stage.file, {"Intent": ["Structural"], "Custom": ["mine"]})
    site.set_file_classification(stage.file, {"Custom": ["mine"]})
    site.add_file_tags(stage.file, ["three"])
    (file,) = site.read(Acquisition, stage.acquisition).files
    assert (file.type, file.modality, file.version) == ("text", "MR", 1)
    assert file.info == {"kept": True, "a": {"c": 2}}
    assert (file.classification, file.tags) == ({"Custom": ["mine"]}, ("three",))


@WRITING_FORMS
def test_an_earlier_version_is_read_and_brought_back_with_its_metadata(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    site.add_file_tags(stage.file, ["of the first"])
    first = site.read_file(stage.file)
    second = site.store(
        "acquisition", stage.acquisition, stage.content(b"second!"), {"name": "notes.txt", "info": {"n": 1}}, replaces=1
    )
    assert site.read_file(stage.file, 1) == first
    assert (site.read_file(stage.file).version, site.read_file(stage.file).info) == (2, {"n": 1})
    with pytest.raises(NotFound):
        site.read_file(stage.file, 3)
    restored = site.restore(second, first)
    assert restored == site.read_file(stage.file)
    assert (restored.version, restored.size, restored.hash, restored.info, restored.tags) == (
        3,
        *(first.size, first.hash, first.info, first.tags),
    )


@WRITING_FORMS
def test_tags_and_info_are_taken_away(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    site.set_info("session", stage.session, {"a": 1, "kept": 1})
    site.delete_info("session", stage.session, ["a", "absent"])
    site.add_tags("session", stage.session, ["one", "two"])
    site.remove_tags("session", stage.session, ["one", "absent"])
    site.replace_file_info(stage.file, {"c": 3})
    site.set_file_tags(stage.file, ["three", "four"])
    site.set_file_tags(stage.file, ["four"])
    session, file = site.read(Session, stage.session), site.read_file(stage.file)
    assert (session.info, session.tags) == ({"kept": 1}, ("two",))
    assert (file.info, file.tags) == ({"c": 3}, ("four",))


@WRITING_FORMS
def test_a_session_moves_with_its_project(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    subject = site.create("subject", stage.world.archive.id, {"label": "sub-001", **OWN})
    site.move_session(stage.session, subject)
    moved = site.read(Session, stage.session)
    assert (moved.subject_id, moved.parents["project"]) == (subject, stage.world.archive.id)


@WRITING_FORMS
def test_what_is_done_twice_is_done_once(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    for name in SAME_WHEN_DONE_TWICE:
        WRITES[name](site, stage)
        once = everything(site, stage)
        WRITES[name](site, stage)
        assert everything(site, stage) == once, name


def everything(site: Site, stage: Stage) -> list[tuple[Container, ...]]:
    session = site.read(Session, stage.session)
    return [
        tuple(bare(one) for one in kind)
        for kind in ([session], site.children("session", session.id, Acquisition, with_info=True))
    ]


def bare(container: Container) -> Any:
    """What a container says, without when it was last touched."""
    files = [(file.name, file.version, file.info, file.tags, file.classification) for file in container.files]
    details = (container.label, container.info, container.tags, container.notes, dict(container.details))
    return (*details, container.parents, files)


# What a patient site adds


@pytest.mark.parametrize("name", WRITES)
def test_a_write_whose_answer_was_lost_is_done_once(name: str, stage: Stage) -> None:
    plain, key = connect(stage.world.site.api_key), stage.world.site.api_key
    quick = PatientSite(connect(key), Patience(60.0), sleep=lambda _: None)
    stage.world.site.fault("reset_after", method=method_of(name), times=1)
    WRITES[name](quick, stage)
    jobs = list(plain.jobs(stage.request.tag))
    session = plain.read(Session, stage.session)
    acquisitions = list(plain.children("session", stage.session, Acquisition))
    versions = {file.name: file.version for one in acquisitions for file in plain.read(Acquisition, one.id).files}
    assert len(jobs) == (name == "start_job")
    assert session.notes == ("an old note",) * (name != "delete_note") + ("a note",) * (name == "add_note")
    assert len(acquisitions) == 1 + (name == "create") - (name == "delete")
    assert set(versions.values()) <= {2 if name == "restore" else 1}
    assert ("new.txt" in versions) == (name == "store")


# What a read-only site refuses


@pytest.mark.parametrize("form", [read_only, patient_read_only])
def test_a_read_only_site_sends_no_write(form: Form, stage: Stage) -> None:
    site = form(stage.world.site.api_key)
    assert outcomes(WRITES, site, stage) == all_raise(AssertionError, WRITES)
    assert stage.world.site.requests == []
