"""The filter grammar: typing, quoting, escaping."""

from __future__ import annotations

import json
import re
from typing import Any

import flywheel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.wire import Wire, fresh

LABELS = [
    "plain", "1001", "10.50", "null", "true", "2020-01-31", "5f0000000000000000000000", "a, b", "a=b", "x<y", 'q"q',
    "back\\slash", "(paren) [x]", "Ünï", "with space",
]  # fmt: skip


@pytest.fixture(scope="module")
def shelf(fw: flywheel.Client) -> Any:
    """One project with a session for every awkward label."""
    name = fresh("flt")
    fw.add_group({"_id": name, "label": "filters"})
    project = fw.get_group(name).add_project(label="P")
    subject = project.add_subject(label="0007")
    for number, label in enumerate(LABELS):
        session = subject.add_session(label=label, uid=f"1.2.{number}", info={"n": number, "s": str(number)})
        session.update(weight=float(number), timestamp=f"2020-01-{number + 1:02}T10:00:00+00:00")
        if number % 2:
            session.add_tag("EXPORTED")
    return project


def labels(wire: Wire, project: Any, condition: str) -> list[str]:
    return [s["label"] for s in wire.get(f"/projects/{project.id}/sessions", filter=condition)]


def quoted(label: str) -> str:
    return '"' + label.replace(",", "\\,") + '"'


@pytest.mark.parametrize("label", [x for x in LABELS if '"' not in x])
def test_quotes_force_a_string(wire: Wire, shelf: Any, label: str) -> None:
    assert labels(wire, shelf, f"label={quoted(label)}") == [label]


@pytest.mark.parametrize("label", ["1001", "10.50", "null", "true", "2020-01-31"])
def test_unquoted_look_alikes_do_not_match_strings(wire: Wire, shelf: Any, label: str) -> None:
    assert label not in labels(wire, shelf, f"label={label}")


@pytest.mark.parametrize("label", ["plain", "a=b", "x<y", "Ünï", "with space", "5f0000000000000000000000"])
def test_unquoted_plain_strings_match(wire: Wire, shelf: Any, label: str) -> None:
    assert labels(wire, shelf, f"label={label}") == [label]


def test_comma_is_escaped_with_and_without_quotes(wire: Wire, shelf: Any) -> None:
    assert labels(wire, shelf, r"label=a\, b") == ["a, b"]
    assert labels(wire, shelf, r'label="a\, b"') == ["a, b"]


def test_unescaped_comma_is_a_parse_error(wire: Wire, shelf: Any) -> None:
    answer = wire("GET", f"/projects/{shelf.id}/sessions", params={"filter": 'label="a, b"'})
    assert answer.status_code == 400
    assert "as a filter expression" in answer.json()["message"]


@pytest.mark.parametrize("bad", ["label", "=x", "label~x"])
def test_what_is_no_condition_is_a_parse_error(wire: Wire, shelf: Any, bad: str) -> None:
    assert wire("GET", f"/projects/{shelf.id}/sessions", params={"filter": bad}).status_code in (400, 422)


def test_conditions_are_anded(wire: Wire, shelf: Any) -> None:
    assert labels(wire, shelf, "weight>3,weight<=5,tags=EXPORTED") == [LABELS[5]]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("weight=2", [2]), ("weight!=2,weight<4", [0, 1, 3]), ("weight<2", [0, 1]), ("weight<=2", [0, 1, 2]),
        ("weight>12", [13, 14]), ("weight>=13.0", [13, 14]), ("weight=2.0", [2]), ('weight="2"', []),
    ],
)  # fmt: skip
def test_numbers_compare_as_numbers(wire: Wire, shelf: Any, condition: str, expected: list[int]) -> None:
    assert labels(wire, shelf, condition) == [LABELS[n] for n in expected]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("timestamp<2020-01-03", [0, 1]), ("timestamp>=2020-01-14T10:00:00", [13, 14]),
        ("timestamp=2020-01-05T10:00", [4]), ("timestamp>2020-01-14T10:00:00.5", [14]), ("created<2018-10-31", []),
    ],
)  # fmt: skip
def test_dates_compare_as_dates(wire: Wire, shelf: Any, condition: str, expected: list[int]) -> None:
    assert labels(wire, shelf, condition) == [LABELS[n] for n in expected]


def test_regex_is_unanchored_and_case_sensitive(wire: Wire, shelf: Any) -> None:
    assert labels(wire, shelf, "label=~lai") == ["plain"]
    assert labels(wire, shelf, "label=~LAI") == []
    assert labels(wire, shelf, "label=~^(plain|true)$") == ["plain", "true"]
    assert labels(wire, shelf, f"label=~^{re.escape('(paren) [x]')}$") == ["(paren) [x]"]
    assert labels(wire, shelf, r"label=~a\, b") == ["a, b"]
    assert labels(wire, shelf, "uid=~^1.2.1[0-9]$") == LABELS[10:]


def test_quoted_regex_matches_nothing(wire: Wire, shelf: Any) -> None:
    assert labels(wire, shelf, 'label=~"plain"') == []


def test_regex_that_takes_for_ever_is_an_error_of_the_caller(wire: Wire, subject: Any) -> None:
    subject.add_session(label="a" * 60 + "b")
    path = f"/projects/{subject.project}/sessions"
    assert wire("GET", path, params={"filter": "label=~^(a|aa)+$"}).status_code in (400, 422)
    assert len(wire.get(path, filter="label=~^a+b$")) == 1


def test_bad_regex_is_an_error_of_the_caller(wire: Wire, shelf: Any) -> None:
    assert wire("GET", f"/projects/{shelf.id}/sessions", params={"filter": "label=~("}).status_code in (400, 422)


def test_value_in_list(wire: Wire, shelf: Any) -> None:
    assert labels(wire, shelf, "label=|[plain,with space]") == ["plain", "with space"]


def test_null_matches_missing_and_null(wire: Wire, shelf: Any) -> None:
    assert labels(wire, shelf, "operator=null") == LABELS
    assert labels(wire, shelf, "info.nothing=null") == LABELS
    assert labels(wire, shelf, "uid=null") == []
    assert labels(wire, shelf, "uid!=null") == LABELS


def test_tags_match_by_element(wire: Wire, shelf: Any) -> None:
    assert labels(wire, shelf, "tags=EXPORTED") == LABELS[1::2]
    assert labels(wire, shelf, "tags=~^EX") == LABELS[1::2]
    assert labels(wire, shelf, "tags!=EXPORTED") == LABELS[0::2]


def test_info_compares_by_stored_type(wire: Wire, shelf: Any) -> None:
    assert labels(wire, shelf, "info.n=3") == [LABELS[3]]
    assert labels(wire, shelf, 'info.n="3"') == []
    assert labels(wire, shelf, "info.s=3") == []
    assert labels(wire, shelf, 'info.s="3"') == [LABELS[3]]


def test_awkward_info_keys_are_bare(wire: Wire, subject: Any, project: Any) -> None:
    made = subject.add_session(label="deep", info={"export": {"origin_id": "5f" * 12}, "a-b": {"4c": {"d e": "v"}}})
    assert [s["_id"] for s in wire.get("/sessions", filter=f"info.export.origin_id={'5f' * 12}")] == [made.id]
    assert [s["_id"] for s in wire.get("/sessions", filter="info.a-b.4c.d e=v")] == [made.id]
    assert wire.get("/sessions", filter="info.export=x") == []


def test_parent_ids_with_and_without_prefix(wire: Wire, shelf: Any, session: Any, project: Any, subject: Any) -> None:
    for condition in (f"parents.project={project.id}", f"project={project.id}", f"subject={subject.id}"):
        assert [s["_id"] for s in wire.get("/sessions", filter=condition)] == [session.id]


def test_labels_of_other_levels(wire: Wire, session: Any, acquisition: Any, group: Any) -> None:
    condition = f"group._id={group.id},project.label=Proj,subject.label=sub-01"
    assert [s["_id"] for s in wire.get("/sessions", filter=condition)] == [session.id]
    assert [a["_id"] for a in wire.get("/acquisitions", filter=condition + ",session.label=Ses 1")] == [acquisition.id]


def test_quoted_parent_values_match_nothing(wire: Wire, session: Any, subject: Any) -> None:
    assert wire.get("/sessions", filter=f'parents.subject="{subject.id}"') == []
    assert wire.get("/sessions", filter=f'parents.project={session.parents.project},subject.label="sub-01"') == []


def test_quoted_parent_values_match_on_a_lenient_site(open_site: Any) -> None:
    client = flywheel.Client(open_site(quoted_parents=True).api_key)
    client.add_group({"_id": "grp", "label": "Group"})
    subject = client.get_group("grp").add_project(label="P").add_subject(label="0007")
    session = subject.add_session(label="s")
    assert client.sessions.find_one(f'parents.subject="{subject.id}"').id == session.id
    assert client.sessions.find_one('subject.label="0007"').id == session.id


def test_ids_filter_containers_but_not_files(wire: Wire, session: Any) -> None:
    (file,) = wire.upload(f"/sessions/{session.id}", "f.txt", b"1")
    for key in ("_id", "id"):
        assert [s["_id"] for s in wire.get("/sessions", filter=f"{key}={session.id}")] == [session.id]
    for condition in (f"_id={file['_id']}", f"id={file['_id']}", f"file_id={file['file_id']}"):
        assert wire.get("/files", filter=condition)["results"] == []


def test_filtered_files(wire: Wire, session: Any) -> None:
    wire.upload(
        f"/sessions/{session.id}", "a.dcm", b"1", json.dumps({"modality": "MR", "tags": ["t"], "info": {"k": 1}})
    )
    wire.upload(f"/sessions/{session.id}", "b.txt", b"22")
    base = f"parents.session={session.id},"
    for condition in ("type=dicom", "name=a.dcm", "name=~^a", "modality=MR", "tags=t", "info.k=1", "size<2"):
        assert [f["name"] for f in wire.get("/files", filter=base + condition)["results"]] == ["a.dcm"], condition


_label = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=24).map(str.strip).filter(bool)


@settings(max_examples=30)
@given(label=_label.filter(lambda text: '"' not in text and "\\" not in text))
def test_any_label_is_found_when_quoted_and_escaped(label: str, wire: Wire, subject: Any) -> None:
    made = wire.post("/sessions", {"project": subject.project, "subject": {"_id": subject.id}, "label": label})["_id"]
    found = wire.get(f"/subjects/{subject.id}/sessions", filter=f"label={quoted(label)}")
    assert made in [s["_id"] for s in found]
