"""The gear of this repository, run by the engine as a site would run it."""

from __future__ import annotations

import io
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flywheel
import pydicom
import pytest
from pydicom.data import get_testdata_file

from local_site import LocalSite

GEAR = Path(__file__).parents[3]
PATIENCE = 120.0
CORRECTED = "Corrected^Name"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Any]:
    with LocalSite(tmp_path / "root", engine=True, at_once=3) as running:
        yield running


@pytest.fixture
def fw(site: Any) -> flywheel.Client:
    client = flywheel.Client(site.api_key)
    client.add_group({"_id": "grp", "label": "Group"})
    for label in ("Quarantine", "Export"):
        client.get_group("grp").add_project(label=label)
    return client


@pytest.fixture
def gear(site: Any, fw: flywheel.Client) -> Any:
    return fw.get_gear(site.add_gear(GEAR))


def add_session(fw: flywheel.Client, label: str, subject: str = "sub-01") -> Any:
    """A session with one DICOM file as an importer and then a curator leave it."""
    project = fw.lookup("grp/Quarantine")
    session = project.add_session(label=label, subject={"label": subject})
    acquisition = session.add_acquisition(label="Acq")
    path = Path(str(get_testdata_file("CT_small.dcm")))
    header = {"PatientID": "1CT1", "PatientName": CORRECTED, "Modality": "CT"}
    acquisition.upload_file(str(path), metadata={"modality": "CT", "info": {"header": {"dicom": header}}})
    return session.reload()


def ended(fw: flywheel.Client, job_id: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while (job := fw.get_job(job_id)).state in ("pending", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return job


def log_of(fw: flywheel.Client, job: Any) -> str:
    return "".join(line.msg for line in fw.get_job_logs(job.id).logs)


def exported_names(fw: flywheel.Client) -> dict[str, list[str]]:
    """Patient names found in the exported files, by session label."""
    found: dict[str, list[str]] = {}
    for session in fw.lookup("grp/Export").sessions.iter():
        for acquisition in session.acquisitions():
            for file in acquisition.reload().files:
                found.setdefault(session.label, []).append(str(pydicom.dcmread(io.BytesIO(file.read())).PatientName))
    return found


def test_analysis_of_a_session_exports_it(fw: flywheel.Client, gear: Any) -> None:
    session = add_session(fw, "one")
    analysis_id = gear.run(analysis_label="Export", destination=session, config={"export_project": "grp/Export"})
    job = ended(fw, fw.get_analysis(analysis_id).job.id)
    assert job.state == "complete", log_of(fw, job)
    assert exported_names(fw) == {"one": [CORRECTED]}
    assert "EXPORTED" in session.reload().tags
    outputs = [file.name for file in fw.get_analysis(analysis_id).files]
    assert [name for name in outputs if name.endswith("_export_log.csv")]


def test_batch_exports_sessions_of_one_subject_side_by_side(fw: flywheel.Client, gear: Any) -> None:
    sessions = [add_session(fw, label) for label in ("a", "b", "c")]
    proposal = gear.propose_batch([fw.lookup("grp/Quarantine")], config={"export_project": "grp/Export"})
    jobs = [ended(fw, job.id) for job in proposal.run()]
    assert [job.state for job in jobs] == ["complete"] * 3, log_of(fw, jobs[0])
    assert exported_names(fw) == {label: [CORRECTED] for label in "abc"}
    assert len(fw.lookup("grp/Export").subjects()) == 1
    assert all("EXPORTED" in session.reload().tags for session in sessions)


def test_rule_cannot_write_elsewhere_and_the_gear_says_so(fw: flywheel.Client, gear: Any) -> None:
    quarantine = fw.lookup("grp/Quarantine")
    rule = {
        "gear_id": gear.id, "name": "export", "config": {"export_project": "grp/Export"}, "any": [], "not": [],
        "all": [{"type": "file.type", "value": "dicom", "regex": False}],
    }  # fmt: skip
    fw.add_project_rule(quarantine.id, rule)
    session = add_session(fw, "one")
    (queued,) = fw.jobs.find(f"parents.project={quarantine.id}")
    job = ended(fw, queued.id)
    assert job.state == "failed"
    assert "rule" in log_of(fw, job).lower()
    assert exported_names(fw) == {}
    assert "EXPORTED" not in session.reload().tags


@pytest.mark.parametrize("count", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_fan_out_with_a_job_killed_and_run_again_exports_all_once(
    site: Any, fw: flywheel.Client, gear: Any, count: int
) -> None:
    labels = {f"ses-{number:02}" for number in range(count)}
    sessions = [add_session(fw, label, f"sub-{number % 7}") for number, label in enumerate(sorted(labels))]
    victim = fan_out(fw, gear, count)[0]
    kill(site, fw, victim.id)
    states = Counter(ended(fw, job.id).state for job in children(fw))
    assert states == {"complete": count - 1, "failed": 1}
    assert len(exported_names(fw)) < count or not all("EXPORTED" in s.reload().tags for s in sessions)
    jobs = fan_out(fw, gear, count + 1)
    assert {ended(fw, job.id).state for job in jobs if job.id != victim.id} == {"complete"}
    assert exported_names(fw) == {label: [CORRECTED] for label in labels}
    assert len(fw.lookup("grp/Export").subjects()) == min(count, 7)
    assert all("EXPORTED" in session.reload().tags for session in sessions)


def fan_out(fw: flywheel.Client, gear: Any, expected: int) -> list[Any]:
    """Run the gear on the project as a fan-out, and return all jobs that fan-outs have made so far."""
    config = {"export_project": "grp/Export", "fan_out": True}
    job = ended(fw, fw.get_analysis(gear.run(destination=fw.lookup("grp/Quarantine"), config=config)).job.id)
    assert job.state == "complete", log_of(fw, job)
    assert len(children(fw)) == expected
    return children(fw)


def children(fw: flywheel.Client) -> list[Any]:
    return [job for job in fw.jobs.iter_find() if job.parents.session]


def kill(site: Any, fw: flywheel.Client, job_id: str) -> None:
    """Kill the process of a job that has begun its work, as a machine that fails would."""
    deadline = time.monotonic() + PATIENCE
    while not ((entry := site._engine._running.get(job_id)) and fw.get_job_logs(job_id).logs):
        assert fw.get_job(job_id).state in ("pending", "running"), "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(entry[0]._process.pid, signal.SIGKILL)
