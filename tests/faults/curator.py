"""Somebody else who works on the site while the gear runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flywheel

from tests.faults.conftest import Play
from tests.faults.scene import dicom_zip


@dataclass
class Curator:
    """Somebody else with a client, who acts on the quarantine project."""

    play: Play

    def __post_init__(self) -> None:
        self.client = flywheel.Client(self.play.site.api_key)
        self.session = self.client.get_session(self.play.scene.sessions[0])
        self.acquisition = next(item.reload() for item in self.session.acquisitions() if item.label == "T1")

    @property
    def file(self) -> Any:
        return self.acquisition.reload().files[0]

    def replace(self) -> None:
        header = self.file.info["header"]
        spec = flywheel.FileSpec("t1.dicom.zip", dicom_zip(3), "application/zip")
        self.acquisition.upload_file(spec, metadata={"type": "dicom", "modality": "MR", "info": {"header": header}})

    def edit(self) -> None:
        header = self.file.info["header"]
        self.file.update_info({"header": {**header, "dicom": {**header["dicom"], "PatientBirthDate": "19990101"}}})

    def annotate(self) -> None:
        self.file.update_info({"rating": 1})

    def reclassify(self) -> None:
        self.file.update_classification({"Custom": ["other"]})

    def retag(self) -> None:
        self.file.add_tag("late")

    def edit_session_info(self) -> None:
        self.session.update_info({"visit": "late"})

    def edit_subject_file(self) -> None:
        subject = self.client.get_subject(self.session.parents.subject)
        subject.files[0].update_info({"withdrawn": True})

    def add_subject_file(self) -> None:
        subject = self.client.get_subject(self.session.parents.subject)
        subject.upload_file(flywheel.FileSpec("late.txt", "late", "text/plain"))

    def rename_subject(self) -> None:
        self.client.get_subject(self.session.parents.subject).update({"label": "sub 2"})

    def correct_sex(self) -> None:
        self.client.get_subject(self.session.parents.subject).update({"sex": "male"})

    def correct_weight(self) -> None:
        self.session.update({"weight": 70.5})

    def add(self) -> None:
        self.acquisition.upload_file(flywheel.FileSpec("late.txt", "late", "text/plain"))

    def add_acquisition(self) -> None:
        self.session.add_acquisition(label="late").upload_file(flywheel.FileSpec("late.txt", "late", "text/plain"))

    def delete(self) -> None:
        self.acquisition.delete_file("t1.dicom.zip")

    def delete_acquisition(self) -> None:
        self.client.delete_acquisition(self.acquisition.id)

    def delete_session(self) -> None:
        self.client.delete_session(self.session.id)

    def move(self) -> None:
        group = self.client.get_group("lab")
        elsewhere = group.add_project(label="Elsewhere").add_subject(label="sub 1")
        self.session.update({"subject": {"_id": elsewhere.id}})
