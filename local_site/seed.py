"""A small hierarchy to begin with: real DICOM from what pydicom ships, with the info an importer would write."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

from local_site.hierarchy import creating, files
from local_site.site.auth import Identity
from local_site.site.state import OWNER, Site
from local_site.storage.store import Doc

GROUP = "demo"
PROJECTS = ("Quarantine", "Export", "Archive")
CURATOR = "curator@local.site"
SERIES = {  # subject -> session -> acquisition -> (file name, DICOM files that pydicom ships)
    "sub-01": {
        "MR brain": {
            "2 - MR single": ("mr.dcm", ["MR_small.dcm"]),
            "3 - MR zip": ("mr.dicom.zip", ["MR_small.dcm", "MR_small_padded.dcm"]),
        }
    },
    "sub-02": {"CT abdomen": {"1 - CT": ("ct.dicom.zip", ["CT_small.dcm"])}},
}
KEYWORDS = [
    "PatientID",
    "PatientName",
    "PatientSex",
    "Modality",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "SeriesDescription",
    "StudyDescription",
    "SeriesNumber",
]


def seed_demo(site: Site) -> None:
    """Put group, projects, a curator and a few series in, unless the group is there."""
    if site.store.get("group", GROUP):
        return
    owner = Identity(key_id="seed", user_id=OWNER, origin={"type": "user", "id": OWNER}, admin=True)
    with site.store.transaction():
        creating.create(site, owner, "group", {"_id": GROUP, "label": "Demo"})
        projects = {
            label: creating.create(site, owner, "project", {"group": GROUP, "label": label}) for label in PROJECTS
        }
        site.add_user(CURATOR, firstname="Demo", lastname="Curator")
        for project in projects.values():
            grant = {"_id": CURATOR, "role_ids": [site.built_in_role("rw")]}
            site.store.put("project", {**project, "permissions": [*project["permissions"], grant]})
        for subject_label, sessions in SERIES.items():
            fields = {"project": projects["Quarantine"]["_id"], "label": subject_label}
            subject = creating.create(site, owner, "subject", fields)
            for session_label, acquisitions in sessions.items():
                body = {"project": subject["project"], "subject": {"_id": subject["_id"]}, "label": session_label}
                session = creating.create(site, owner, "session", body)
                for label, (name, sources) in acquisitions.items():
                    place = {"session": session["_id"], "label": label}
                    acquisition = creating.create(site, owner, "acquisition", place)
                    _add_series(site, owner, acquisition, name, sources)


def _add_series(site: Site, owner: Identity, acquisition: Doc, name: str, sources: list[str]) -> None:
    paths = [Path(str(get_testdata_file(source, download=False))) for source in sources]
    content = _zipped(paths) if name.endswith(".zip") else paths[0].read_bytes()
    with site.blobs.writer() as writer:
        writer.write(content)
        blob = writer.keep()
    dataset = pydicom.dcmread(paths[0], stop_before_pixels=True)
    header = {keyword: str(dataset.get(keyword)) for keyword in KEYWORDS if dataset.get(keyword) not in (None, "")}
    metadata = {
        "name": name,
        "type": "dicom",
        "modality": str(dataset.Modality),
        "info": {"header": {"dicom": header}},
    }
    files.add_file(site, owner, "acquisition", acquisition, blob, metadata)


def _zipped(paths: list[Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, path.name)
    return buffer.getvalue()
