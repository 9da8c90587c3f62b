"""A quarantine, an export and an archive project on a local site, filled and corrected through the SDK."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import flywheel
import pydicom
from pydicom.data import get_testdata_file

from demo.importer import read_header
from local_site import LocalSite
from tests.support import gear

NUMBERS = count()


def slices(number: int = 3) -> bytes:
    """Return a zip of MR instances of one series, as pydicom ships them."""
    folder = Path(str(get_testdata_file("DICOMDIR"))).parent / "98892003" / "MR700"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir())[:number]:
            archive.writestr(zipfile.ZipInfo(f"{path.name}.dcm"), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def image(name: str = "MR_small.dcm") -> bytes:
    """Return a single DICOM file that pydicom ships."""
    return Path(str(get_testdata_file(name))).read_bytes()


def instances(content: bytes) -> list[pydicom.FileDataset]:
    """Read the instances of a DICOM file or a zip of them, in the order of their names."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return [pydicom.dcmread(io.BytesIO(content))]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [pydicom.dcmread(io.BytesIO(archive.read(name))) for name in sorted(archive.namelist())]


@dataclass
class World:
    """One group with three projects of its own."""

    site: LocalSite
    client: flywheel.Client
    folder: Path
    group: Any = field(init=False)
    quarantine: Any = field(init=False)
    export: Any = field(init=False)
    archive: Any = field(init=False)

    def __post_init__(self) -> None:
        name = f"g{uuid4().hex[:12]}"
        self.client.add_group({"_id": name, "label": name})
        self.group = self.client.get_group(name)
        self.quarantine, self.export, self.archive = (
            self.group.add_project(label=label) for label in ("Quarantine", "Export", "Archive")
        )

    def session(self, subject: str = "sub-001", label: str = "Visit 1", **fields: Any) -> Any:
        """Add a session (and its subject, if new) to the quarantine project."""
        known = self.quarantine.subjects.find_first(f'label="{subject}"')
        return (known or self.quarantine.add_subject(label=subject)).add_session(label=label, **fields)

    def file(
        self, container: Any, name: str, content: bytes, edits: dict[str, Any] | None = None, **metadata: Any
    ) -> Any:
        """Upload a file; DICOM gets the header an importer makes of it, and then a curator's edits."""
        spec = flywheel.FileSpec(name, content, "application/octet-stream")
        container.upload_file(spec, metadata=metadata)
        if metadata.get("type") == "dicom":
            header = read_header(content)
            header["dicom"] |= edits or {}
            self.stored(container, name).update_info({"header": header})
        return self.stored(container, name)

    def edit(self, container: Any, name: str, **values: Any) -> None:
        """Correct values in ``info.header.dicom`` of a file."""
        file = self.stored(container, name)
        header = file.info["header"]
        file.update_info({"header": {**header, "dicom": {**header["dicom"], **values}}})

    @staticmethod
    def stored(container: Any, name: str) -> Any:
        """Return a file as a full read of its container gives it."""
        return next(file for file in container.reload().files if file.name == name)

    def typical_session(self, subject: str = "sub-001", label: str = "Visit 1") -> Any:
        """Add a session with an edited series, a single image, a text file, attachments, a tag and a note."""
        session = self.session(subject, label, age=1_000_000_000)
        self.file(session.subject.reload(), "consent.txt", b"signed")
        self.file(session, "protocol.txt", b"version 3")
        session.add_note("checked on paper")
        session.add_tag("baseline")
        series = session.add_acquisition(label="T1", timestamp="2024-02-01T10:00:00.000+00:00")
        self.file(series, "t1.dicom.zip", slices(), {"PatientName": "Doe^Jane"}, type="dicom", modality="MR")
        self.file(session.add_acquisition(label="Localizer"), "loc.dcm", image(), type="dicom", modality="MR")
        self.file(session.add_acquisition(label="Notes"), "notes.txt", b"moved a little")
        return session.reload()

    def config(self, **config: Any) -> dict[str, Any]:
        """Return a configuration that exports to this world's export project."""
        return {"export_project": f"{self.group.id}/Export", **config}

    def run(
        self,
        destination: Any,
        *,
        api_key: str = "",
        job: str = "",
        environment: dict[str, str] | None = None,
        corrections: Path | None = None,
        **config: Any,
    ) -> gear.Run:
        """Run the gear on a container as a process of its own."""
        where = (destination.container_type, destination.id)
        folder = self.folder / f"gear-{next(NUMBERS)}"
        staged = gear.stage(folder, api_key or self.site.api_key, where, self.config(**config), job, corrections)
        return gear.run(staged, timeout=300.0, **(environment or {}))

    def writes(self) -> list[str]:
        """Return the calls so far that may have changed something."""
        calls = [one for one in self.site.requests if one.method != "GET" and one.path != "/lookup"]
        return [f"{one.method} {one.path}" for one in calls]

    def copy_of(self, session: Any, project: str = "Export") -> Any:
        """Return the copy of a session by its path."""
        return self.client.lookup([self.group.id, project, session.subject.label, session.label]).reload()

    def content(self, session: Any, acquisition: str, name: str) -> bytes:
        """Return the bytes of a file of a session."""
        found = next(one for one in session.acquisitions() if one.label == acquisition)
        return bytes(found.read_file(name))
