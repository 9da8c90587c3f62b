"""Data views: tables of metadata, through the SDK's builder and on the wire."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flywheel
import pytest

from tests.contract.wire import Wire, conforms


@pytest.fixture
def study(project: Any, fw: flywheel.Client, wire: Wire) -> Any:
    """Two subjects of one session each, the first with two acquisitions, the second with one; three files."""
    made = SimpleNamespace(project=project, subjects=[], sessions=[], acquisitions=[])
    for label, age, count in (("1001", 31557600, 2), ("1002", 63115200, 1)):
        subject = project.add_subject(label=label, sex="female", info={"IQ": int(label)})
        session = subject.add_session(label=f"ses-{label}", age=age, info={"score": {"a": 1, "b": int(label)}})
        made.subjects.append(subject)
        made.sessions.append(session)
        for number in range(count):
            acquisition = session.add_acquisition(label=f"acq-{number}")
            made.acquisitions.append(acquisition)
            wire.upload(f"/acquisitions/{acquisition.id}", "scan.dcm", b"12345")
            file = acquisition.reload().files[0]
            file.update_info({"header": {"dicom": {"PatientAge": f"00{number}Y"}}})
    return made


def rows(wire: Wire, container: Any, spec: dict[str, Any], **query: Any) -> Any:
    answer = wire("POST", "/views/data", json=spec, params={"containerId": container.id, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def bare(*columns: str, **more: Any) -> dict[str, Any]:
    return {"includeIds": False, "includeLabels": False, "columns": [{"src": src} for src in columns], **more}


def test_the_sdk_reads_a_view_of_sessions(fw: flywheel.Client, study: Any) -> None:
    view = fw.View(columns=["subject.sex", "session.age", "session.info.score.b"])
    with fw.read_view_data(view, study.project.id) as stream:
        found = json.load(stream)["data"]
    assert [row["session.label"] for row in found] == ["ses-1001", "ses-1002"]
    assert found[0] == {
        "project.label": "Proj",
        "subject.label": "1001",
        "session.label": "ses-1001",
        "subject.sex": "female",
        "session.age": 31557600,
        "session.info.score.b": 1001,
        "project.id": study.project.id,
        "subject.id": study.subjects[0].id,
        "session.id": study.sessions[0].id,
        "errors": None,
    }


def test_the_sdk_reads_a_view_into_a_data_frame(fw: flywheel.Client, study: Any) -> None:
    view = fw.View(
        columns=["acquisition.file.name", "acquisition.file.info.header.dicom.PatientAge"], include_ids=False
    )
    frame = fw.read_view_dataframe(view, study.project.id)
    assert list(frame["acquisition.file.name"]) == ["scan.dcm"] * 3
    assert list(frame["acquisition.file.info.header.dicom.PatientAge"]) == ["000Y", "001Y", "000Y"]
    assert "errors" not in frame


def test_the_sdk_saves_a_view_to_disk(fw: flywheel.Client, study: Any, tmp_path: Path) -> None:
    view = fw.View(columns="subject.label", include_labels=False, include_ids=False)
    fw.save_view_data(view, study.project.id, str(tmp_path / "view.csv"), format="csv")
    assert (tmp_path / "view.csv").read_text().split() == ["subject.label,errors", "1001,", "1002,"]


def test_the_sdk_prints_columns(fw: flywheel.Client) -> None:
    printed = io.StringIO()
    fw.print_view_columns(file=printed)
    assert "subject (group): All column aliases belonging to subject" in printed.getvalue()
    assert "subject.age (int)" in printed.getvalue()


def test_columns_are_what_the_sdk_expects(wire: Wire) -> None:
    conforms(wire.get("/views/columns"), "list[DataViewColumnAlias]", "name", "src", "description")


def test_labels_come_first_and_ids_last(wire: Wire, study: Any) -> None:
    spec = {"columns": [{"src": "session.age"}]}
    assert list(rows(wire, study.project, spec)[0]) == [
        "project.label", "subject.label", "session.label", "session.age", "project.id", "subject.id", "session.id"
    ]  # fmt: skip


def test_a_group_of_columns_keeps_its_prefix(wire: Wire, study: Any) -> None:
    (first, _) = rows(wire, study.project, bare("project", "session.label"))
    assert first == {"project.id": study.project.id, "project.label": "Proj", "session.label": "ses-1001"}
    spec = {"includeIds": False, "includeLabels": False, "columns": [{"src": "project", "dst": "p"}]}
    assert rows(wire, study.project, spec) == [{"p.id": study.project.id, "p.label": "Proj"}]


def test_values_are_renamed_converted_and_worked_out(wire: Wire, study: Any) -> None:
    columns = [
        {"src": "subject.label", "dst": "code", "type": "int"},
        {"src": "session.age", "dst": "half", "expr": "x / 2 + 1"},
        {"src": "subject.age_years"},
        {"src": "session.info.score.a", "dst": "text", "type": "string"},
        {"src": "session.info.nothing", "dst": "none"},
    ]
    found = rows(wire, study.project, {"includeIds": False, "includeLabels": False, "columns": columns})
    assert found[0] == {"code": 1001, "half": 15778801, "subject.age_years": 1.0, "text": "1", "none": None}


@pytest.mark.parametrize("level", ["project", "subject", "session", "acquisition"])
def test_a_view_shows_what_is_below_its_container(wire: Wire, study: Any, level: str) -> None:
    container = {"project": study.project, "subject": study.subjects[0], "session": study.sessions[0]}.get(
        level, study.acquisitions[0]
    )
    found = rows(wire, container, bare("project.label", "acquisition.id"))
    expected = {"project": 3, "acquisition": 1}.get(level, 2)
    assert [row["acquisition.id"] for row in found] == [one.id for one in study.acquisitions[:expected]]
    assert all(row["project.label"] == "Proj" for row in found)
    assert len(rows(wire, container, bare("project.label"))) == 1


def test_containers_without_the_deepest_level_make_no_rows(wire: Wire, study: Any) -> None:
    study.project.add_subject(label="empty")
    assert len(rows(wire, study.project, bare("acquisition.label"))) == 3
    assert len(rows(wire, study.project, bare("subject.label"))) == 3


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("session.age>40000000", ["1002"]),
        ('subject.label="1001"', ["1001"]),
        ("subject.label=~^100", ["1001", "1002"]),
        ("session.info.score.b=1002,subject.sex=female", ["1002"]),
        ("subject.info.IQ<1000", []),
    ],
)
def test_filters_narrow_rows(wire: Wire, study: Any, text: str, labels: list[str]) -> None:
    spec = bare("subject.label", "session.label")
    assert [row["subject.label"] for row in rows(wire, study.project, spec, filter=text)] == labels
    assert [row["subject.label"] for row in rows(wire, study.project, {**spec, "filter": text})] == labels


def test_skip_and_limit_cut_rows(wire: Wire, study: Any) -> None:
    found = rows(wire, study.project, bare("acquisition.id"), skip=1, limit=1)
    assert [row["acquisition.id"] for row in found] == [study.acquisitions[1].id]


def test_rows_that_lack_a_value_are_dropped_on_request(wire: Wire, study: Any) -> None:
    study.sessions[0].update_info({"rare": 1})
    spec = bare("session.label", "session.info.rare")
    assert len(rows(wire, study.project, spec)) == 2
    assert rows(wire, study.project, {**spec, "missingDataStrategy": "drop-row"}) == [
        {"session.label": "ses-1001", "session.info.rare": 1}
    ]


def test_rows_are_grouped_and_accumulated(fw: flywheel.Client, study: Any) -> None:
    builder = flywheel.ViewBuilder(group_by="subject.sex")
    builder.column("session.age", "mean", accumulator="mean").column("session.label", "n", accumulator="count")
    with fw.read_view_data(builder.build(), study.project.id) as stream:
        assert json.load(stream)["data"] == [{"subject.sex": "female", "mean": 47336400.0, "n": 2}]


def test_files_are_matched_by_name_and_order(wire: Wire, study: Any) -> None:
    for name in ("a.csv", "b.csv"):
        wire.upload(f"/sessions/{study.sessions[0].id}", name, b"1")
    spec = bare("session.label", "file.name", "file.size")

    def names(match: str) -> list[Any]:
        files = {"container": "session", "filter": {"value": "*.csv"}, "match": match, "processFiles": False}
        return [row["file.name"] for row in rows(wire, study.project, {**spec, "fileSpec": files})]

    assert names("all") == ["a.csv", "b.csv", None]
    assert (names("first"), names("last")) == (["a.csv", None], ["b.csv", None])
    assert (names("oldest")[0], names("newest")[0]) == ("a.csv", "b.csv")


def test_files_of_analyses_are_matched_by_label(wire: Wire, study: Any) -> None:
    for label in ("one", "two"):
        analysis = study.sessions[0].add_analysis(label=label)
        wire.upload(f"/analyses/{analysis.id}", f"{label}.csv", b"1")
    files = {
        "container": "session", "filter": {"value": ".*csv$", "regex": True}, "match": "all", "processFiles": False,
        "analysisFilter": {"label": {"value": "t?o"}},
    }  # fmt: skip
    found = rows(wire, study.sessions[0], bare("analysis.label", "file.name", fileSpec=files))
    assert found == [{"analysis.label": "two", "file.name": "two.csv"}]


def test_reading_files_is_not_here(wire: Wire, study: Any) -> None:
    files = {"container": "session", "filter": {"value": "*.csv"}}
    answer = wire(
        "POST", "/views/data", json=bare("subject.label", fileSpec=files), params={"containerId": study.project.id}
    )
    assert (answer.status_code, answer.json()["reason"]) == (501, "not_here")


@pytest.mark.parametrize(
    ("spec", "query", "status"),
    [
        ({"columns": []}, {}, 400),
        (bare("planet.label"), {}, 400),
        (bare("subject"), {"filter": "acquisition.label=x"}, 400),
        (bare("project.permissions"), {}, 400),
        (bare("file.name"), {}, 400),
        (bare("subject.label"), {"sort": "subject.label:asc"}, 422),
        (bare("subject.label"), {"format": "xlsx"}, 400),
        ({"columns": [{"src": "session.age", "expr": "__import__('os')"}]}, {}, 400),
        ({"columns": [{"src": "session.age", "expr": "x ** 9"}]}, {}, 400),
        ({"columns": "subject"}, {}, 422),
        ({"nonsense": 1}, {}, 422),
        (None, {}, 422),
    ],
)
def test_what_makes_no_table_is_refused(wire: Wire, study: Any, spec: Any, query: dict[str, Any], status: int) -> None:
    for path in ("/views/data", "/views/queue"):
        if path.endswith("queue") and "format" in query:
            continue
        answer = wire("POST", path, json=spec, params={"containerId": study.project.id, **query})
        assert answer.status_code == status, answer.text


def test_forms_of_the_same_rows(wire: Wire, study: Any) -> None:
    spec = bare("session.label", "session.info", "subject.tags")

    def sent(form: str) -> Any:
        return wire("POST", "/views/data", json=spec, params={"containerId": study.project.id, "format": form})

    flat = sent("json-flat").json()
    assert flat == sent("json").json()["data"]
    assert flat[0]["session.info"] == {"score": {"a": 1, "b": 1001}}
    table = sent("json-row-column").json()["data"]
    assert table["columns"] == list(flat[0])
    assert table["rows"][1][0] == "ses-1002"
    assert [json.loads(line) for line in sent("ndjson").text.splitlines()] == flat
    for form, dialect in (("csv", "excel"), ("tsv", "excel-tab")):
        answer = sent(form)
        assert f'filename="view-data.{form}"' in answer.headers["content-disposition"]
        head, first, _ = csv.reader(io.StringIO(answer.text), dialect=dialect)
        assert head == ["session.label", "session.info.score.a", "session.info.score.b", "subject.tags"]
        assert first == ["ses-1001", "1", "1001", "[]"]


def test_an_execution_is_kept_until_it_is_deleted(fw: flywheel.Client, wire: Wire, study: Any) -> None:
    done = wire.post("/views/queue", bare("session.label", label="Ages"), containerId=study.project.id)
    conforms(done, "DataViewExecution", "_id", "state", "user_id", "project_id", "data_view_label", "expires_on")
    assert (done["state"], done["project_id"], done["data_view_label"]) == ("completed", study.project.id, "Ages")
    study.sessions[0].update(label="renamed")
    kept = wire.get(f"/data_view_executions/{done['_id']}/data")["data"]
    assert kept[0]["session.label"] == "ses-1001", "it shows what was there when it ran"
    assert wire.get(f"/data_view_executions/{done['_id']}/data/columns") == ["session.label"]
    assert done["_id"] in [one.id for one in fw.data_view_executions.iter_find(limit=2)]
    saved = wire.post(f"/data_view_executions/{done['_id']}/save", file_format="csv")
    assert study.project.reload().get_file(saved["name"]).read().split() == [b"session.label", b"ses-1001", b"ses-1002"]
    fw.delete_view_execution(done["_id"])
    wire.get(f"/data_view_executions/{done['_id']}", status=404)


def test_an_execution_is_its_users_own(member: Any, wire: Wire, study: Any) -> None:
    done = wire.post("/views/queue", bare("session.label"), containerId=study.project.id)
    other = member(study.project, "rw")
    other.wire.get(f"/data_view_executions/{done['_id']}", status=403)
    assert other.wire.get("/data_view_executions") == []


def test_a_view_is_executed_by_those_who_may_read(member: Any, study: Any) -> None:
    spec = bare("session.label")
    member().wire.post("/views/data", spec, containerId=study.project.id, status=403)
    assert len(member(study.project, "ro").wire.post("/views/data", spec, containerId=study.project.id)["data"]) == 2


def test_of_a_group_only_readable_projects_are_shown(member: Any, group: Any, study: Any, fw: flywheel.Client) -> None:
    hidden = group.add_project(label="Hidden")
    hidden.add_subject(label="secret")
    reader = member(study.project, "ro")
    found = reader.wire.post("/views/data", bare("subject.label"), containerId=group.id)["data"]
    assert [row["subject.label"] for row in found] == ["1001", "1002"]


def test_saved_views_are_made_changed_run_and_deleted(fw: flywheel.Client, wire: Wire, study: Any) -> None:
    view_id = fw.add_view(study.project.id, fw.View(label="Ages", columns=["session.age"], include_ids=False))
    conforms(wire.get(f"/views/{view_id}"), "ViewOutput", "_id", "label", "columns", "includeIds")
    assert [view.label for view in fw.get_views(study.project.id)] == ["Ages"]
    fw.modify_view(view_id, {"label": "Older"})
    assert fw.get_view(view_id).label == "Older"
    assert list(fw.read_view_dataframe(view_id, study.project.id)["session.age"]) == [31557600, 63115200]
    assert len(wire.get(f"/views/{view_id}/data", containerId=study.sessions[0].id)["data"]) == 1
    body = {"viewId": view_id, "containerType": "project", "containerId": study.project.id, "filename": "ages.csv"}
    fw.save_view_data_to_container(study.project.id, body, format="csv")
    assert b"session.age" in study.project.reload().read_file("ages.csv")
    fw.delete_view(view_id)
    wire.get(f"/views/{view_id}", status=404)


def test_saved_views_are_for_those_whose_container_it_is(
    member: Any, fw: flywheel.Client, wire: Wire, study: Any
) -> None:
    view = {"label": "V", "columns": [{"src": "subject.label"}]}
    reader, stranger = member(study.project, "ro"), member()
    reader.wire.post(f"/containers/{study.project.id}/views", view, status=403)
    view_id = wire.post(f"/containers/{study.project.id}/views", view)["_id"]
    assert len(reader.wire.get(f"/containers/{study.project.id}/views")) == 1
    assert stranger.wire.get(f"/containers/{study.project.id}/views") == []
    stranger.wire.get(f"/views/{view_id}", status=403)
    reader.wire.put(f"/views/{view_id}", {"label": "W"}, status=403)
    wire.put(f"/views/{view_id}", {"public": True})
    stranger.wire.get(f"/views/{view_id}")


def test_users_have_views_of_their_own(member: Any, wire: Wire, fw: flywheel.Client) -> None:
    view = {"label": "Mine", "columns": [{"src": "subject.label"}]}
    one, other = member(), member()
    view_id = one.wire.post(f"/containers/{one.id}/views", view)["_id"]
    one.wire.post(f"/containers/{other.id}/views", view, status=403)
    one.wire.post(f"/containers/{one.id}/views", {"columns": view["columns"]}, status=400)
    one.wire.post("/containers/site/views", view, status=403)
    assert [found["_id"] for found in one.wire.get(f"/containers/{one.id}/views")] == [view_id]
    other.wire.put(f"/views/{view_id}", {"label": "x"}, status=403)
    one.wire.put(f"/views/{view_id}", {}, status=400)
    one.wire.delete(f"/views/{view_id}")
