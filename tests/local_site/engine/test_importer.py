"""Import, curate, export: another project's importer and this repository's gear on one engine.

The importer is Flywheel's file-metadata-importer, started by a gear rule as on a real site.
"""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import flywheel
import pydicom
import pytest
from pydicom.data import get_testdata_file

from local_site import LocalSite

ROOT = Path(__file__).parents[3]
INTERPRETER = ROOT / ".venvs" / "importer" / "bin" / "python"
IMPORTER = """
import sys
from fw_gear import GearContext
from fw_gear_file_metadata_importer.main import run
from fw_gear_file_metadata_importer.parser import parse_config

with GearContext(gear_path=None, manifest_path="manifest.json", config_path="config.json") as context:
    context.init_logging()
    path, kind, config = parse_config(context)
    entry, meta, qc = run(kind, path)
    given = context.config.get_input("input-file")
    level = given["hierarchy"]["type"]
    context.metadata.update_file_metadata(given, container_type=level, **entry)
    context.metadata.add_file_tags(given, "imported")
sys.exit(0)
"""


@pytest.fixture
def importer(tmp_path: Path) -> Path:
    """The importer as a gear directory."""
    if not INTERPRETER.exists():
        missing = f"{INTERPRETER} is missing; tools/importer/setup.sh makes it"
        assert os.environ.get("CI") != "true", missing
        pytest.skip(missing)
    directory = tmp_path / "importer"
    directory.mkdir()
    (directory / "run.py").write_text(IMPORTER)
    manifest = {
        "name": "file-metadata-importer", "label": "Importer", "version": "1.7.9", "command": f"{INTERPRETER} run.py",
        "config": {}, "environment": {}, "custom": {"gear-builder": {"category": "utility"}},
        "inputs": {
            "input-file": {"base": "file", "type": {"enum": ["dicom"]}, "optional": False},
            "api-key": {"base": "api-key", "read-only": True},
        },
    }  # fmt: skip
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


def wait_for_all(fw: flywheel.Client) -> None:
    deadline = time.monotonic() + 180
    while unfinished := [job for job in fw.jobs.iter_find() if job.state in ("pending", "running")]:
        assert time.monotonic() < deadline, unfinished
        time.sleep(0.2)
    for job in fw.jobs.iter_find():
        log = "".join(line.msg for line in fw.get_job_logs(job.id).logs)
        assert job.state == "complete", log


def test_imported_corrected_and_exported(tmp_path: Path, importer: Path) -> None:
    sources = {name: Path(str(get_testdata_file(name))) for name in ("CT_small.dcm", "MR_small.dcm")}
    with LocalSite(tmp_path / "root", engine=True, at_once=2) as site:
        fw = flywheel.Client(site.api_key)
        fw.add_group({"_id": "grp", "label": "Group"})
        quarantine, export = (fw.get_group("grp").add_project(label=label) for label in ("Quarantine", "Export"))
        rule = {
            "gear_id": site.add_gear(importer), "name": "import", "any": [], "not": [], "config": {},
            "all": [{"type": "file.type", "value": "dicom", "regex": False}],
        }  # fmt: skip
        fw.add_project_rule(quarantine.id, rule)
        acquisition = quarantine.add_subject(label="4MR1").add_session(label="Ses").add_acquisition(label="Acq")
        for path in sources.values():
            acquisition.upload_file(str(path))
        wait_for_all(fw)

        files = {file.name: file.reload() for file in acquisition.reload().files}
        assert all(file.info["header"]["dicom"]["SOPInstanceUID"] for file in files.values())
        assert all(file.tags == ["imported"] for file in files.values())
        assert {file.modality for file in files.values()} == {"CT", "MR"}

        header = files["CT_small.dcm"].info["header"]
        header["dicom"]["StudyDescription"] = "Corrected by a curator"
        files["CT_small.dcm"].update_info({"header": header})
        gear = fw.get_gear(site.add_gear(ROOT))
        config = {"export_project": "grp/Export", "map_flywheel_to_dicom": False}
        gear.run(destination=fw.get_session(acquisition.session), config=config)
        wait_for_all(fw)

        (exported,) = export.sessions.find_one("label=Ses").acquisitions()
        contents = {file.name: file.read() for file in exported.reload().files}
    assert contents["MR_small.dcm"] == sources["MR_small.dcm"].read_bytes(), "untouched means the same bytes"
    corrected = pydicom.dcmread(io.BytesIO(contents["CT_small.dcm"]))
    before = pydicom.dcmread(sources["CT_small.dcm"])
    assert corrected.StudyDescription == "Corrected by a curator"
    assert [e.keyword for e in corrected if e != before.get(e.tag)] == ["StudyDescription"]
