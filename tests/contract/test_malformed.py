"""Whatever a client sends, the site answers with an error of the client's, never with one of its own."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.requests import WRITES, filled
from tests.contract.wire import Wire, conforms

EXAMPLES = int(os.environ.get("MALFORMED_EXAMPLES", "8"))

# What a valid request says; each is spoiled key by key.
VALID: dict[tuple[str, str], Any] = {
    **{(method, template.replace("{level}", "sessions/{session}")): body for method, template, body in WRITES},
    ("POST", "/groups"): {"_id": "valid", "label": "l"},
    ("POST", "/projects"): {"group": "{group}", "label": "l"},
    ("POST", "/subjects"): {"project": "{project}", "label": "l"},
    ("POST", "/sessions"): {"project": "{project}", "label": "l", "subject": {"code": "x"}},
    ("POST", "/acquisitions"): {"session": "{session}", "label": "l"},
    ("PUT", "/projects/{project}"): {"description": "d"},
    ("PUT", "/subjects/{subject}"): {"sex": "male"},
    ("PUT", "/sessions/{session}"): {"timestamp": "2020-01-01"},
    ("PUT", "/acquisitions/{acquisition}"): {"info": {}},
    ("PUT", "/analyses/{analysis}"): {"description": "d"},
    ("POST", "/sessions/{session}/analyses"): {"label": "l", "inputs": [], "job": {"gear_id": "{gear}", "config": {}}},
    ("POST", "/projects/{project}/rules"): {"gear_id": "{gear}", "name": "r", "all": [{"type": "file.type", "value": "x"}]},
    ("POST", "/site/rules"): {"gear_id": "{gear}", "name": "r", "disabled": True},
    ("POST", "/gears/name"): {"category": "utility", "gear": {"name": "name", "version": "1"}},
    ("POST", "/batch"): {"gear_id": "{gear}", "targets": [{"type": "session", "id": "{session}"}]},
    ("POST", "/bulk/move/sessions"): {
        "sources": ["{session}"], "destinations": ["{subject}"], "destination_container_type": "subjects",
        "conflict_mode": "dry",
    },
    ("POST", "/projects/{project}/copy"): {"group_id": "{group}", "project_label": "c", "filter": {}},
    ("POST", "/subjects/{subject}/copy"): {"dst_project_id": "{project}", "dst_subject_label": "c", "filter": {}},
    ("POST", "/acquisitions/{acquisition}/copy"): {"dst_session_id": "{session}", "filter": {}},
    ("POST", "/users"): {"_id": "a@b.c", "firstname": "a", "lastname": "b"},
    ("PUT", "/users/nobody"): {"firstname": "a"},
    ("POST", "/modalities"): {"_id": "X", "classification": {}},
    ("PUT", "/modalities/MR"): {"classification": {}},
    ("POST", "/files"): {"name": "n", "parent_ref": {"type": "session", "id": "{session}"}, "size": 1},
    ("POST", "/projects/{project}/permissions"): {"_id": "owner@local.site", "role_ids": []},
    ("POST", "/groups/{group}/permissions"): {"_id": "owner@local.site", "access": "ro"},
    ("POST", "/roles"): {"label": "r", "actions": []},
    ("DELETE", "/acquisitions"): ["{session}"],
    ("POST", "/sessions/{session}/files"): {},
}  # fmt: skip
KEYS = [
    "_id",
    "id",
    "label",
    "project",
    "session",
    "subject",
    "group",
    "value",
    "text",
    "set",
    "delete",
    "replace",
    "add",
    "modality",
    "metadata",
    "filenames",
    "gear_id",
    "inputs",
    "config",
    "tags",
    "destination",
    "destinations",
    "sources",
    "targets",
    "type",
    "filter",
    "nodes",
    "job",
    "name",
    "all",
    "any",
    "not",
    "fixed_inputs",
    "container_reference",
    "state",
    "path",
    "parent_ref",
    "access",
    "role_ids",
    "classification",
    "gear",
    "category",
    "info",
    "timestamp",
    "conflict_mode",
    "analysis",
    "priority",
]

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
)
_values = st.recursive(
    _scalars | st.sampled_from(["{project}", "{session}", "{gear}", "session", "0" * 24]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)
_random = st.dictionaries(st.sampled_from(KEYS), _values, max_size=6) | _values


def spoiled(valid: Any) -> st.SearchStrategy[Any]:
    """Bodies like a valid one with something in it replaced, and some like none."""
    if isinstance(valid, dict) and valid:
        keys = st.sampled_from(sorted(valid))
        return st.builds(lambda key, value: {**valid, key: value}, keys, keys.flatmap(lambda key: spoiled(valid[key])))
    if isinstance(valid, list) and valid:
        return st.builds(lambda value: [*valid[:-1], value], spoiled(valid[-1])) | _values
    return _random


@pytest.mark.parametrize(("method", "template"), sorted(VALID))
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_malformed_bodies_are_the_clients_error(
    wire: Wire, ids: dict[str, str], method: str, template: str, data: st.DataObject
) -> None:
    valid = VALID[method, template]
    body = filled(data.draw(spoiled(valid) | _random), ids)
    answer = wire(method, template.format(**ids), json=body)
    assert answer.status_code < 500, (body, answer.text)


LEVELS = {
    "projects/{project}": "ProjectOutput", "subjects/{subject}": "SubjectOutput", "sessions/{session}": "SessionOutput",
    "acquisitions/{acquisition}": "AcquisitionOutput", "analyses/{analysis}": "AnalysisOutput",
}  # fmt: skip
FIELDS = [
    "label",
    "code",
    "firstname",
    "lastname",
    "sex",
    "cohort",
    "date_of_birth",
    "mlset",
    "type",
    "race",
    "ethnicity",
    "species",
    "strain",
    "master_code",
    "tags",
    "info",
    "timestamp",
    "timezone",
    "age",
    "weight",
    "operator",
    "uid",
    "description",
    "copyable",
]


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=3 * EXAMPLES)
@given(body=st.dictionaries(st.sampled_from(FIELDS), _values, min_size=1, max_size=2))
def test_what_was_taken_fits_the_sdk_types(wire: Wire, ids: dict[str, str], level: str, body: Any) -> None:
    path = "/" + level.format(**ids)
    assert wire("PUT", path, json=filled(body, ids)).status_code < 500
    conforms(wire.get(path), LEVELS[level])


METADATA = {
    "type": "text", "mimetype": "text/plain", "modality": "MR", "classification": {"Custom": ["x"]}, "tags": ["t"],
    "info": {"a": 1}, "size": 1, "zip_member_count": 2,
}  # fmt: skip


@settings(max_examples=5 * EXAMPLES)
@given(data=st.data())
def test_file_metadata_that_was_taken_fits_the_sdk_types(wire: Wire, ids: dict[str, str], data: st.DataObject) -> None:
    metadata = data.draw(spoiled(METADATA))
    parts = [("metadata", (None, json.dumps(metadata))), ("file", ("m.txt", b"x", "text/plain"))]
    answer = wire("POST", f"/sessions/{ids['session']}/files", files=parts)
    assert answer.status_code < 500, (metadata, answer.text)
    conforms(wire.get(f"/sessions/{ids['session']}"), "SessionOutput")


LISTINGS = ["/sessions", "/files", "/jobs", "/gears", "/projects/{project}/sessions", "/batch", "/users"]


@pytest.mark.parametrize("template", LISTINGS)
@settings(max_examples=EXAMPLES)
@given(
    query=st.dictionaries(
        st.sampled_from(["filter", "sort", "limit", "skip", "page", "after_id", "exhaustive", "include_all_info"]),
        st.text(max_size=6)
        | st.from_regex(r"\A[a-z._]{1,9}(=~|=\||!=|<=|>=|=|<|>)[\"\[\](){}\\,.*+?a-z0-9-]{0,8}\Z")
        | st.sampled_from(
            ["label", "_id:desc", "2", "1", "0" * 24, "created>2020-01-01", "tags=~^x", "info=x", "size>x"]
        ),
        max_size=3,
    )
)
def test_malformed_queries_are_the_clients_error(
    wire: Wire, ids: dict[str, str], template: str, query: dict[str, str]
) -> None:
    answer = wire("GET", template.format(**ids), params=query)
    assert answer.status_code < 500, (query, answer.text)


@settings(max_examples=5 * EXAMPLES)
@given(data=st.data())
def test_rules_that_were_taken_break_no_upload(wire: Wire, ids: dict[str, str], data: st.DataObject) -> None:
    rule: dict[str, Any] = {
        "gear_id": "{gear}", "name": "r", "config": {}, "priority": "low", "role_id": None, "triggering_input": None,
        "tags": ["t"], "any": [{"type": "file.name", "value": "f.*", "regex": True}], "not": [],
        "all": [{"type": "file.type", "value": "text"}],
        "fixed_inputs": [{"input": "x", "type": "session", "id": "{session}", "name": "f.txt"}],
    }  # fmt: skip
    body = filled(data.draw(spoiled(rule)), ids)
    made = wire("POST", f"/projects/{ids['project']}/rules", json=body)
    assert made.status_code < 500, (body, made.text)
    upload = wire("POST", f"/subjects/{ids['subject']}/files", files={"file": ("f.txt", b"x", "text/plain")})
    if made.status_code == 200:
        wire.delete(f"/projects/{ids['project']}/rules/{made.json()['_id']}")
    assert upload.status_code == 200, (body, upload.text)


MANY_DIGITS = "9" * 5000


@pytest.mark.parametrize("number", ["9" * 30, MANY_DIGITS])
@pytest.mark.parametrize(
    ("route", "name"),
    [
        ("/sessions?limit=10", "page"),
        ("/sessions?limit=10", "skip"),
        ("/sessions", "limit"),
        ("/groups", "limit"),
        ("/jobs/stats?", "last"),
        ("/changes/session/{session}", "version"),
    ],
)
def test_numbers_larger_than_anything_are_refused(
    wire: Wire, ids: dict[str, str], route: str, name: str, number: str
) -> None:
    path, _, query = route.format(**ids).partition("?")
    assert wire.get(path, 422, **dict(part.split("=") for part in query.split("&") if part), **{name: number})[
        "message"
    ]


def test_a_filter_compares_with_numbers_of_any_length(wire: Wire, ids: dict[str, str]) -> None:
    below = {one["_id"] for one in wire.get("/sessions", filter=f"age<{MANY_DIGITS}")}
    assert below >= {one["_id"] for one in wire.get("/sessions", filter="age<1e300")}


@pytest.mark.parametrize("given", ["bytes=5-2", "bytes=x-", "pages=1-2", f"bytes={MANY_DIGITS}-", "bytes=0-1,4-5"])
def test_a_range_that_is_not_understood_gives_the_whole_file(wire: Wire, ids: dict[str, str], given: str) -> None:
    wire.upload(f"/sessions/{ids['session']}", "ranged.txt", b"0123456789")
    path = f"/sessions/{ids['session']}/files/ranged.txt"
    answer = wire("GET", path, params={"view": "true"}, headers={"Range": given})
    assert (answer.status_code, answer.content) == (200, b"0123456789")
