"""What a gear leaves behind is kept, whatever it says about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flywheel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_site import LocalSite
from local_site.engine.log import JobLog
from local_site.engine.outputs import METADATA, Outputs


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A job whose gear has just ended, the site, and the folder with what it left."""
    root = tmp_path_factory.mktemp("outputs")
    with LocalSite(root / "site") as site:
        fw = flywheel.Client(site.api_key)
        fw.add_group({"_id": "grp", "label": "Group"})
        session = fw.get_group("grp").add_project(label="P").add_subject(label="s").add_session(label="x")
        manifest = {"name": "gear", "version": "1", "inputs": {}, "config": {}, "command": "python run.py"}
        gear = fw.get_gear(fw.add_gear("gear", {"category": "utility", "gear": manifest}))
        job_id = gear.run(destination=session)
        (root / "output").mkdir()
        yield SimpleNamespace(
            site=site.site, job=site.site.store.get("job", job_id), folder=root / "output", session=session
        )


def attach(ended: Any, *, succeeded: bool = True) -> Any:
    log = JobLog(ended.site, ended.job["_id"])
    return Outputs(ended.site, ended.job, log, ended.folder, succeeded).attach()


LEVELS = ("group", "project", "subject", "session", "acquisition", "analysis", "other")
KEYS = (
    "files",
    "name",
    "info",
    "tags",
    "modality",
    "classification",
    "type",
    "label",
    "subject",
    "age",
    "sex",
    "timestamp",
    "x.y",
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.sampled_from(["kept.txt", "2020-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60)
@given(produced=st.dictionaries(st.sampled_from(LEVELS), _json, max_size=4) | _json)
def test_any_metadata_leaves_the_files_attached(ended: Any, produced: Any) -> None:
    (ended.folder / "kept.txt").write_text("content")
    (ended.folder / METADATA).write_text(json.dumps(produced))
    assert attach(ended)["saved_files"] == ["kept.txt"]
    found = ended.session.reload()
    assert found.label == "x", "metadata does not rename"
    assert found.read_file("kept.txt") == b"content"


def test_metadata_that_is_no_json_is_told_in_the_log(ended: Any) -> None:
    (ended.folder / METADATA).write_text("{not json")
    assert attach(ended)["produced_metadata"] == {}
    assert any(METADATA in line["msg"] for line in JobLog(ended.site, ended.job["_id"]).lines())


def test_only_files_right_in_the_folder_are_attached(ended: Any) -> None:
    (ended.folder / METADATA).unlink(missing_ok=True)
    below = ended.folder / "below"
    below.mkdir()
    (below / "deep.txt").write_text("not taken")
    assert attach(ended)["saved_files"] == ["kept.txt"]


def test_failed_gear_changes_no_metadata(ended: Any) -> None:
    (ended.folder / "kept.txt").write_text("content")
    (ended.folder / METADATA).write_text(json.dumps({"session": {"tags": ["never"]}}))
    assert attach(ended, succeeded=False)["saved_files"] == ["kept.txt"]
    assert "never" not in ended.session.reload().tags


def test_outputs_of_a_job_whose_destination_is_gone_are_dropped(ended: Any, tmp_path: Path) -> None:
    gone = {**ended.job, "destination": {"type": "session", "id": "0" * 24}}
    log = JobLog(ended.site, ended.job["_id"])
    assert Outputs(ended.site, gone, log, ended.folder, succeeded=True).attach()["outputs"] == []
    assert any("is gone" in line["msg"] for line in log.lines())
