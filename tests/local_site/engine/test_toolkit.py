"""A gear written for flywheel-gear-toolkit, as most gears are, run unchanged by the engine."""

from __future__ import annotations

import json
import time
from pathlib import Path

import flywheel

from local_site import LocalSite

GEAR = """
import sys
from flywheel_gear_toolkit import GearToolkitContext
from flywheel_gear_toolkit.utils.walker import Walker

with GearToolkitContext() as context:
    context.init_logging()
    context.log_config()
    destination = context.get_destination_container()
    parent = context.get_destination_parent()
    walked = [c.container_type for c in Walker(context.client.get_project(destination.parents.project), reload=True).walk()]
    with context.open_input("text") as stream:
        text = stream.read()
    with context.open_output("out.zip", "wb") as out:
        import zipfile
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("a.txt", text)
            archive.writestr("b.txt", text)
    context.update_file_metadata("out.zip", "acquisition", modality="MR", info={"text": text, "walked": sorted(walked)})
    context.metadata.add_qc_result(context.get_input("text"), "check", "PASS", answer=42)
    context.metadata.add_file_tags(context.get_input("text"), "seen")
    context.update_container_metadata("session", operator="toolkit")
    context.metadata.modify_container_info(destination.id, direct=[parent.id, context.get_context_value("colour")])
sys.exit(0)
"""


def test_toolkit_gear_reads_and_writes_all_it_can(tmp_path: Path) -> None:
    directory = tmp_path / "gear"
    directory.mkdir()
    (directory / "run.py").write_text(GEAR)
    manifest = {
        "name": "toolkit-gear", "label": "G", "version": "1.0.0", "command": "python run.py", "environment": {},
        "config": {"debug": {"type": "boolean", "default": True}}, "custom": {},
        "inputs": {
            "text": {"base": "file", "type": {"enum": ["text"]}, "optional": False},
            "api-key": {"base": "api-key"}, "colour": {"base": "context"},
        },
    }  # fmt: skip
    (directory / "manifest.json").write_text(json.dumps(manifest))
    with LocalSite(tmp_path / "root", engine=True) as site:
        fw = flywheel.Client(site.api_key)
        fw.add_group({"_id": "grp", "label": "Group"})
        project = fw.get_group("grp").add_project(label="Proj", info={"context": {"colour": "red"}})
        session = project.add_subject(label="sub").add_session(label="Ses")
        acquisition = session.add_acquisition(label="Acq")
        acquisition.upload_file(flywheel.FileSpec("in.txt", b"hello", "text/plain"))
        job_id = fw.get_gear(site.add_gear(directory)).run(inputs={"text": acquisition.reload().files[0]})
        deadline = time.monotonic() + 120
        while (job := fw.get_job(job_id)).state in ("pending", "running") and time.monotonic() < deadline:
            time.sleep(0.1)
        assert job.state == "complete", "".join(line.msg for line in fw.get_job_logs(job_id).logs)

        found = acquisition.reload()
        made, given = found.get_file("out.zip").reload(), found.get_file("in.txt").reload()
        assert (made.modality, made.zip_member_count, made.info["text"]) == ("MR", 2, "hello")
        assert made.info["walked"] == ["acquisition", "file", "project", "session", "subject"]
        assert given.tags == ["seen"]
        assert given.info["qc"]["toolkit-gear"]["check"] == {"state": "PASS", "answer": 42}
        assert given.info["qc"]["toolkit-gear"]["job_info"]["version"] == "1.0.0"
        assert found.info["direct"] == [session.id, "red"]
        assert session.reload().operator == "toolkit"
