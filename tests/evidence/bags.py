"""A run's record and its evidence package, without any site."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

from export_session.dicom.vocabulary import Cause, Change, Outcome
from export_session.evidence.package import write_package
from export_session.record import (
    Circumstances,
    Custody,
    FileRecord,
    Held,
    RunRecord,
    SessionRecord,
    Status,
    Verification,
)
from export_session.report import write_reports


def held(project: str, name: str, number: int, sha256: str = "ab" * 32) -> Held:
    labels = ("lab", project, "sub-01", "ses-01", "T1", name)
    return Held(labels, "acquisition", f"parent-{number}", f"file-{number}", 1, 10, sha256, "cd" * 48)


def file(name: str, number: int = 1, **fields: object) -> FileRecord:
    change = Change("(0010,0010)", "PatientName", "PN", "PatientName", "A^B", f"C^{name}", Cause.EDIT, Outcome.APPLIED)
    record = FileRecord(
        level="acquisition",
        name=name,
        status=Status.CREATED,
        origin_path=f"lab/Quarantine/sub-01/ses-01/T1/{name}",
        export_path=f"lab/Export/sub-01/ses-01/T1/{name}",
        size=10,
        changes=(change,),
        verification=Verification.HASH,
        custody=Custody(held("Quarantine", name, number), held("Export", name, number + 100), "ef" * 32),
    )
    return replace(record, **fields)  # type: ignore[arg-type]


def record(*files: FileRecord) -> RunRecord:
    """A run over one session with these files."""
    session = SessionRecord(
        "sub-01", "ses-01", Status.CREATED, files=files or (file("a.dcm", 1), file("b,\n=1.dcm", 2))
    )
    return RunRecord(
        title="lab/Quarantine/sub-01/ses-01",
        stem="sub-01-ses ü",
        gear="session-export 3.0.0",
        started="2026-03-02T09:15:00Z",
        finished="2026-03-02T09:15:03Z",
        dry_run=False,
        log_values="full",
        settings={"export_project": "lab/Export", "mapping": {"PatientID": "subject.label"}},
        sessions=(session,),
        circumstances=Circumstances(job="j1", image="flywheel/session-export:3.0.0", projects={"export": ("p", "l/E")}),
    )


def package(folder: Path, run: RunRecord | None = None) -> Path:
    """Write the outputs of a run and its package."""
    run = run or record()
    return write_package(folder, run, write_reports(run, folder))[0]


def contents(path: Path) -> dict[str, bytes]:
    """Give the files of a package by their names in it."""
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def unpacked(path: Path, folder: Path) -> Path:
    """Unpack a package, and give the folder of the bag."""
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder / path.stem
