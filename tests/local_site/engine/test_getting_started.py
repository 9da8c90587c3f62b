"""The guide for a new site: its code runs as it stands, against a site that runs the gear."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flywheel
import pytest
from pydicom.data import get_testdata_file

from export_session.launch import preflight
from local_site import LocalSite

GEAR = Path(__file__).parents[3]
GUIDE = (GEAR / "docs" / "getting-started.md").read_text()


@pytest.fixture
def fw(tmp_path: Path) -> Iterator[flywheel.Client]:
    with LocalSite(tmp_path / "root", engine=True) as site:
        site.add_gear(GEAR)
        client = flywheel.Client(site.api_key)
        client.add_group({"_id": "lab", "label": "Lab"})
        for label in ("Quarantine", "Export"):
            client.get_group("lab").add_project(label=label)
        add_session(client.lookup("lab/Quarantine"))
        yield client


def add_session(project: Any) -> None:
    session = project.add_session(label="Visit 1", subject={"label": "S1"})
    header = {"dicom": {"PatientID": "1CT1", "PatientName": "CompressedSamples^CT1", "Modality": "CT"}}
    metadata = {"modality": "CT", "info": {"header": header}}
    path = str(get_testdata_file("CT_small.dcm"))
    session.add_acquisition(label="T1").upload_file(path, metadata=metadata)
    session.add_tag("approved")


def test_the_code_of_the_guide_corrects_exports_and_collects(
    fw: flywheel.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(code, {"fw": fw, "time": time})
    assert "complete Visit 1" in capsys.readouterr().out
    (changes,) = tmp_path.glob("*_dicom_changes.csv")
    assert "Doe^Jane" in changes.read_text()
    session = fw.lookup("lab/Export/S1/Visit 1").reload()
    assert "EXPORTED" in session.tags
    assert session.info["qc"]["session-export"]["export"]["state"] == "PASS"
    header = fw.lookup("lab/Quarantine/S1/Visit 1/T1").reload().files[0].info["header"]["dicom"]
    assert header == {"PatientID": "1CT1", "PatientName": "Doe^Jane", "Modality": "CT"}


def test_the_rights_of_the_guide_are_those_that_the_gear_asks_for() -> None:
    rows = dict(re.findall(r"^\| (origin|export) [^|]*\|(.*)\|$", GUIDE, re.MULTILINE) or [])
    rows |= dict(re.findall(r"^\| (export) \|(.*)\|$", GUIDE, re.MULTILINE))
    assert not [action for action in preflight.NEEDED_TO_MOVE if f"`{action}`" not in rows["origin"]]
    assert not [action for action in preflight.NEEDED_TO_WRITE if f"`{action}`" not in rows["export"]]
