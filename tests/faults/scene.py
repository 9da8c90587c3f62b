"""The site that faults are played on: one quarantine session of every kind of file, and where it goes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import flywheel
import pydicom
from pydicom.data import get_testdata_file
from pydicom.uid import UID

from demo.importer import read_header
from local_site import LocalSite

GROUP = "lab"
QUARANTINE, EXPORT, ARCHIVE = "Quarantine", "Export", "Archive"
EXPORT_PATH, ARCHIVE_PATH = f"{GROUP}/{EXPORT}", f"{GROUP}/{ARCHIVE}"


@dataclass(frozen=True)
class Scene:
    """A seeded site under `root`: ids of the projects and sessions, and the analysis each run is launched as."""

    root: str
    quarantine: str
    export: str
    archive: str
    sessions: tuple[str, ...]
    analyses: tuple[str, ...]
    subjects: tuple[str, ...]

    @property
    def destination(self) -> tuple[str, str]:
        """The analysis on the first session."""
        return "analysis", self.analyses[0]

    def save(self) -> None:
        """Keep the ids beside the site, for a copy of it."""
        Path(self.root, "scene.json").write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, root: Path) -> Scene:
        """Read the ids of a copied site."""
        saved = json.loads((root / "scene.json").read_text())
        lists = {key: tuple(value) for key, value in saved.items() if isinstance(value, list)}
        return cls(**{**saved, **lists, "root": str(root)})


@dataclass(frozen=True)
class Shape:
    """How much is in a session, where that is what matters."""

    acquisitions: int
    files: int  # in each


def seed(
    root: Path,
    *,
    subjects: Sequence[str] = ("sub 1",),
    sessions: int = 1,
    small: bool = False,
    shape: Shape | None = None,
) -> Scene:
    """Make a site with `sessions` sessions for each subject; small ones have a single acquisition each."""
    with LocalSite(root) as site:
        client = flywheel.Client(site.api_key)
        group = client.get_group(client.add_group({"_id": GROUP, "label": "Lab"}))
        projects = [group.add_project(label=label) for label in (QUARANTINE, EXPORT, ARCHIVE)]
        people = [projects[0].add_subject(label=label, sex="female") for label in subjects]
        made = [_session(person, number, small=small, shape=shape) for person in people for number in range(sessions)]
        for person in people:
            _upload(person, "consent.txt", f"signed by {person.label}".encode(), {"type": "text"})
        analyses = [session.add_analysis(label="Export", inputs=[]) for session in made]
        scene = Scene(
            str(root),
            projects[0].id,
            projects[1].id,
            projects[2].id,
            tuple(session.id for session in made),
            tuple(analysis if isinstance(analysis, str) else analysis.id for analysis in analyses),
            tuple(person.id for person in people),
        )
    scene.save()
    return scene


def _session(subject: Any, number: int, *, small: bool, shape: Shape | None) -> Any:
    session = subject.add_session(label=f"visit {number}", weight=61.5, timestamp="2020-01-02T03:04:05+00:00")
    if shape:
        _upload(session, "protocol.txt", b"protocol, version 3", {"type": "text"})
        for index in range(shape.acquisitions):
            acquisition = session.add_acquisition(label=f"series {index}")
            for file in range(shape.files):
                _dicom(acquisition, f"{file}.dcm", dicom_file(file), {"BodyPartExamined": "BRAIN"})
        return session
    acquisition = session.add_acquisition(label="T1", uid=f"1.2.826.{number}")
    edited = {"PatientBirthDate": "19700131", "BodyPartExamined": "BRAIN", "PatientName": f"Doe^Jane {number}"}
    _dicom(acquisition, "t1.dicom.zip", dicom_zip(2), edited)
    if small:
        return session
    _dicom(session.add_acquisition(label="Localizer"), "localizer.dcm", dicom_file(1), {})
    _upload(session.add_acquisition(label="Notes"), "notes.txt", b"head moved in run 2", {"type": "text"})
    _upload(session, "protocol.txt", b"protocol, version 3", {"type": "text"})
    session.add_tag("checked")
    session.add_note("compared with the paper form")
    return session


def _upload(container: Any, name: str, content: bytes, metadata: dict[str, Any]) -> None:
    container.upload_file(flywheel.FileSpec(name, content, "application/octet-stream"), metadata=metadata)


def _dicom(acquisition: Any, name: str, content: bytes, edits: dict[str, Any]) -> None:
    header = read_header(content)
    info = {"header": {**header, "dicom": {**header["dicom"], **edits}}}
    classification = {"Intent": ["Structural"], "Custom": ["kept"]}
    metadata = {"type": "dicom", "modality": "MR", "info": info, "tags": ["seen"], "classification": classification}
    _upload(acquisition, name, content, metadata)


@cache
def dicom_file(number: int) -> bytes:
    """Return one small MR image of its own."""
    image = pydicom.dcmread(str(get_testdata_file("MR_small.dcm")))
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.826.0.1.{number}")
    image.InstanceNumber = number
    image.PixelData = bytes(range(64)) * 8
    image.Rows = image.Columns = 16
    target = io.BytesIO()
    image.save_as(target)
    return target.getvalue()


@cache
def dicom_zip(instances: int) -> bytes:
    """Return a zip of small MR images."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(1, instances + 1):
            member = zipfile.ZipInfo(f"series/{number:04}.dcm")
            archive.writestr(member, dicom_file(number), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def walk(dump: dict[str, Any], project: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every container and file of a project in a dump, with its path below the project."""
    (group,) = (group for group in dump["groups"] if group["id"] == GROUP)
    (found,) = (child for child in group["children"] if child["label"] == project)
    yield from _below(found, "")


def _below(view: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in view["files"]:
        yield f"{path}/{file['name']}", {**file, "type": "file"}
    for child in view.get("children", ()):
        yield f"{path}/{child['label']}", child
        yield from _below(child, f"{path}/{child['label']}")


def files_in(dump: dict[str, Any], project: str) -> dict[str, dict[str, Any]]:
    """Return the files of a project in a dump, by path below the project."""
    return {path: item for path, item in walk(dump, project) if item["type"] == "file"}


def sessions_in(dump: dict[str, Any], project: str) -> dict[str, dict[str, Any]]:
    """Return the sessions of a project in a dump, by path below the project."""
    return {path: item for path, item in walk(dump, project) if item["type"] == "session"}
