"""Play one export from quarantine to report: ``make demo``.

Starts a local site, fills a quarantine project with real DICOM as an importer does, corrects metadata as a
curator does, runs the gear as an analysis on the session, and reads back what it did.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flywheel
import pydicom

from demo.importer import read_header
from demo.series import series

HOME = Path(__file__).resolve().parent.parent
OUTPUT = HOME / "demo-output"
PID = OUTPUT / "site.pid"
STOPPING_SECONDS = 30
CORRECTIONS: dict[str, dict[str, Any]] = {
    "t1.dicom.zip": {"PatientBirthDate": "19700131", "PatientName": "Doe^Jane", "BodyPartExamined": "BRAIN"},
    "ct.dicom.zip": {"PatientName": "Müller^Jörg", "StudyDescription": "Thorax after contrast"},
    "enhanced.dicom.zip": {"ProtocolName": "perfusion v2", "MagneticFieldStrength": 3.0},
    "jpeg2000.dcm": {"InstitutionName": "General Hospital"},
}


def main(keep: bool) -> int:
    """Run the demo and return the gear's exit code."""
    _stop_the_last()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    with _site(keep) as (page, api_key):
        client = flywheel.Client(api_key)
        print("1. A quarantine project with real DICOM, its headers imported and then corrected by a curator")
        session = _quarantine(client)
        _correct(session)
        print("2. The gear, launched as an analysis on the session\n")
        code = _run_gear(api_key, session)
        print("\n3. What the DICOM files in the export project now say")
        _compare(client, session)
        print(f"\nOutputs in {OUTPUT.relative_to(Path.cwd()) if OUTPUT.is_relative_to(Path.cwd()) else OUTPUT}:")
        for path in sorted(OUTPUT.glob("*_*.*")):
            print(f"  {path.name}")
        if keep:
            print(f"\nThe site stays up: open {page}\n  API key: {api_key}\n  stop it: kill {PID.read_text()}")
    return code


def _stop_the_last() -> None:
    """Stop the site that an earlier demo left up, which serves the directory that is about to go."""
    try:
        pid = int(PID.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return
    if b"local_site" not in command or str(OUTPUT / "site").encode() not in command:
        return  # the number has gone to another process
    os.kill(pid, signal.SIGTERM)
    for _ in range(STOPPING_SECONDS * 10):
        if not Path(f"/proc/{pid}").exists() or _is_zombie(pid):
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@contextmanager
def _site(keep: bool) -> Iterator[tuple[str, str]]:
    serving = ["serve", str(OUTPUT / "site"), "--engine"] if keep else ["serve", str(OUTPUT / "site")]
    command = [sys.executable, "-m", "local_site", *serving]
    with (OUTPUT / "site.log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=HOME, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=keep
        )
    try:
        assert server.stdout
        line = server.stdout.readline()
        if not line:
            raise SystemExit(f"The local site did not start; see {OUTPUT / 'site.log'}")
        ready = json.loads(line)
        PID.write_text(str(server.pid))
        if keep:  # so that the gear can be launched from the page
            add_gear = [sys.executable, "-m", "local_site", "add-gear", str(OUTPUT / "site"), str(HOME)]
            subprocess.run(add_gear, cwd=HOME, check=True, stdout=subprocess.DEVNULL)
        yield ready["page"], ready["api_key"]
    except BaseException:
        keep = False
        raise
    finally:
        if not keep:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=30)


def _quarantine(client: flywheel.Client) -> Any:
    """Create the projects, and one session with everything an importer would have put there."""
    group = client.get_group(client.add_group({"_id": "demo", "label": "Demo"}))
    project, *_ = [group.add_project(label=label) for label in ("Quarantine", "Export", "Archive")]
    subject = project.add_subject(label="sub-001", sex="female")
    session = subject.add_session(label="Baseline visit", age=1672531200, weight=61.5)
    session.upload_file(flywheel.FileSpec("protocol.txt", "Scan protocol, version 3\n", "text/plain"))
    subject.upload_file(flywheel.FileSpec("consent.txt", "Signed 2024-02-01\n", "text/plain"))
    for part in series():
        acquisition = session.add_acquisition(label=part.label)
        spec = flywheel.FileSpec(part.name, part.content, "application/octet-stream")
        acquisition.upload_file(spec, metadata={"type": "dicom", "modality": part.modality})
        file = acquisition.reload().files[0]
        if part.classification:
            file.update_classification(part.classification)
        file.update_info({"header": read_header(part.content)})
    session.add_note("Names and dates checked against the paper form")
    return session.reload()


def _correct(session: Any) -> None:
    """Correct values as a curator does: in the metadata, through the SDK."""
    for acquisition in session.acquisitions():
        for file in acquisition.reload().files:
            if edits := CORRECTIONS.get(file.name):
                header = file.info["header"]
                file.update_info({"header": {**header, "dicom": {**header["dicom"], **edits}}})


def _run_gear(api_key: str, session: Any) -> int:
    """Stage a gear directory as Flywheel's engine does, and run the gear in it."""
    gear = OUTPUT / "gear"
    for folder in ("input", "output", "work"):
        (gear / folder).mkdir(parents=True)
    shutil.copy(HOME / "manifest.json", gear)
    analysis = session.add_analysis(label="Session Export", inputs=[])
    config = {
        "config": {"export_project": "demo/Export", "archive_project": "demo/Archive"},
        "inputs": {"api-key": {"base": "api-key", "key": api_key}},
        "destination": {"type": "analysis", "id": analysis if isinstance(analysis, str) else analysis.id},
        "job": {"id": ""},
    }
    (gear / "config.json").write_text(json.dumps(config))
    environment = {**os.environ, "NO_PROXY": "127.0.0.1,localhost"}
    code = subprocess.run([sys.executable, str(HOME / "run.py")], cwd=gear, env=environment, check=False).returncode
    (gear / "config.json").unlink()  # it holds the API key
    for path in (gear / "output").iterdir():
        shutil.copy(path, OUTPUT)
    return code


def _compare(client: flywheel.Client, session: Any) -> None:
    """Print element values of the originals beside those of the copies, read from the bytes."""
    copy = client.lookup(["demo", "Export", session.subject.label, session.label])
    copies = {acquisition.label: acquisition for acquisition in copy.acquisitions()}
    print(f"  {'file':20} {'element':18} {'before':30} after")
    for acquisition in session.acquisitions():
        for file in acquisition.files:
            before, after = (_first_instance(owner, file.name) for owner in (acquisition, copies[acquisition.label]))
            for keyword in ("PatientID", "PatientSex", *CORRECTIONS.get(file.name, {})):
                old, new = (str(instance.get(keyword, "")) for instance in (before, after))
                if old != new:
                    print(f"  {file.name:20} {keyword:18} {old[:29]:30} {new}")


def _first_instance(acquisition: Any, name: str) -> pydicom.Dataset:
    content = acquisition.read_file(name)
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(min(archive.namelist()))
    return pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)


if __name__ == "__main__":
    sys.exit(main(keep=os.environ.get("KEEP", "") not in ("", "0")))
