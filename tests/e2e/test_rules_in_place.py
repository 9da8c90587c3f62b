"""Gear rules run on the versions that are made in place; the session is judged after they have run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flywheel
import pytest

from local_site import LocalSite
from tests.support.world import World, instances

SLOW_IMPORTER = """
import json, pathlib, time
time.sleep(3)
config = json.loads(pathlib.Path("config.json").read_text())
name = config["inputs"]["dicom"]["location"]["name"]
said = {"name": name, "info": {"imported": True}, "classification": {"Custom": ["by the rule"]}}
pathlib.Path("output/.metadata.json").write_text(json.dumps({"acquisition": {"files": [said]}}))
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with LocalSite(tmp_path / "site", engine=True) as site:
        yield World(site, flywheel.Client(site.api_key), tmp_path)


def importer(world: World) -> Any:
    """Add a gear that reads each DICOM file of the project, and takes its time."""
    folder = world.folder / "importer"
    folder.mkdir()
    inputs = {"dicom": {"base": "file", "type": {"enum": ["dicom"]}}}
    about = dict.fromkeys(("label", "description", "author", "license", "source", "url"), "x")
    manifest = {
        **about, "name": "slow-importer", "version": "1", "inputs": inputs, "config": {}, "command": "python run.py",
        "custom": {"gear-builder": {"category": "converter"}},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "run.py").write_text(SLOW_IMPORTER)
    return world.site.add_gear(folder)


def test_a_session_is_judged_after_the_rules_of_its_project_have_run(world: World) -> None:
    session = world.typical_session()
    conditions = {"any": [], "not": [], "all": [{"type": "file.type", "value": "dicom", "regex": False}]}
    rule = {"gear_id": importer(world), "name": "import", "config": {}, **conditions}
    world.client.add_project_rule(world.quarantine.id, rule)
    named = world.run(session, mode="in_place")
    assert named.code == 2
    assert "import" in named.printed
    run = world.run(session, mode="in_place", check_gear_rules=False)
    assert run.code == 0, run.printed
    assert "EXPORTED" in session.reload().tags
    acquisition = next(one for one in session.acquisitions() if one.label == "T1")
    file = world.stored(acquisition, "t1.dicom.zip")
    assert file.info["imported"] is True
    assert file.info["export"]["before"]["version"] == 1
    assert file.version == 2
    assert {str(one.PatientName) for one in instances(acquisition.read_file("t1.dicom.zip"))} == {"Doe^Jane"}
    passed_over = world.run(session, mode="in_place", check_gear_rules=False)
    assert "edited since" not in passed_over.printed
    again = world.run(session, mode="in_place", check_gear_rules=False, force_export=True)
    assert again.code == 0, again.printed
    assert world.stored(acquisition, "t1.dicom.zip").version == 2
