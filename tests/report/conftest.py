from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from export_session.dicom.vocabulary import Cause, Change, Outcome
from export_session.record import ContainerRecord, FileRecord, RunRecord, SessionRecord, Status, Timing, Verification
from export_session.site.model import Level

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "radiology/Quarantine"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)  # a PNG of one grey pixel


def a_change(keyword: str = "PatientID", old: Any = "anon^01", new: Any = "sub-01", **fields: Any) -> Change:
    defaults: dict[str, Any] = {
        "tag": "(0010,0020)",
        "keyword": keyword,
        "vr": "LO",
        "path": keyword,
        "old": old,
        "new": new,
        "cause": Cause.MAPPING,
        "outcome": Outcome.APPLIED,
        "instances": 200,
        "total": 200,
    }
    return Change(**defaults | fields)


def a_file(name: str = "t1.dicom.zip", parent: str = "sub-01/ses-01/T1", **fields: Any) -> FileRecord:
    defaults: dict[str, Any] = {
        "level": "acquisition",
        "name": name,
        "status": Status.CREATED,
        "origin_path": f"{GROUP}/{parent}/{name}",
        "export_path": f"radiology/Export/{parent}/{name}",
        "size": 52_300_000,
        "instances": 200,
        "modality": "MR",
        "verification": Verification.HASH,
        "timing": Timing(fetch=0.6, rewrite=0.9, store=0.7, verify=0.1),
    }
    return FileRecord(**defaults | fields)


def a_container(level: Level, label: str, path: str, **fields: Any) -> ContainerRecord:
    places = {"origin_path": f"{GROUP}/{path}", "export_path": f"radiology/Export/{path}"}
    return ContainerRecord(level, label, Status.CREATED, **places | fields)


def a_session(subject: str = "sub-01", session: str = "ses-01", **fields: Any) -> SessionRecord:
    defaults: dict[str, Any] = {
        "subject": subject,
        "session": session,
        "status": Status.CREATED,
        "containers": (
            a_container("subject", subject, subject),
            a_container("session", session, f"{subject}/{session}"),
            a_container("acquisition", "T1", f"{subject}/{session}/T1"),
        ),
        "files": (a_file(parent=f"{subject}/{session}/T1", changes=(a_change(),)),),
        "seconds": 2.4,
    }
    return SessionRecord(**defaults | fields)


def a_run(**fields: Any) -> RunRecord:
    return replace(
        RunRecord(
            title=f"{GROUP}/sub-01/ses-01",
            stem="sub-01-ses-01",
            gear="session-export 3.0.0",
            started="2026-03-02T09:15:00Z",
            finished="2026-03-02T09:15:03Z",
            dry_run=False,
            log_values="full",
            settings={"export_project": "radiology/Export", "dry_run": False},
            sessions=(a_session(),),
        ),
        **fields,
    )


@pytest.fixture(scope="session")
def change() -> Callable[..., Change]:
    return a_change


@pytest.fixture(scope="session")
def file() -> Callable[..., FileRecord]:
    return a_file


@pytest.fixture(scope="session")
def container() -> Callable[..., ContainerRecord]:
    return a_container


@pytest.fixture(scope="session")
def session() -> Callable[..., SessionRecord]:
    return a_session


@pytest.fixture(scope="session")
def run() -> Callable[..., RunRecord]:
    return a_run


def a_rich_run(**fields: Any) -> RunRecord:
    """A run with some of everything that a report has to tell."""
    name = a_change("PatientName", "Doe^Jane", "Doe^Janet", tag="(0010,0010)", vr="PN", cause=Cause.EDIT)
    birth = a_change("PatientBirthDate", "19610203", "19610302", tag="(0010,0030)", vr="DA", cause=Cause.EDIT)
    weight = a_change("PatientWeight", None, 70.5, tag="(0010,1030)", vr="DS")
    comment = a_change(
        "ImageComments",
        "first line of a comment that goes on for quite a while, longer than a cell of a table likes, " * 3 + "end",
        "first line of a comment that goes on for quite a while, longer than a cell of a table likes, " * 3 + "END",
        tag="(0020,4000)",
        vr="LT",
        cause=Cause.EDIT,
    )
    nested = a_change(
        "ScheduledProcedureStepID",
        "SPS1",
        "",
        tag="(0040,0009)",
        vr="SH",
        cause=Cause.EDIT,
        path="RequestAttributesSequence[0].ScheduledProcedureStepID",
    )
    position = a_change(
        "SliceLocation",
        "-12.5",
        "-12.25",
        tag="(0020,1041)",
        vr="DS",
        cause=Cause.SLICE,
        instances=1,
        member="0012.dcm",
    )
    label = a_change(
        "StudyID",
        "4711",
        "baseline-visit-one",
        tag="(0020,0010)",
        vr="SH",
        outcome=Outcome.REFUSED,
        reason="StudyID holds at most 16 characters, the session label has 18. Shorten the label, or leave StudyID "
        "out of the mapping.",
    )
    varying = a_change(
        "EchoTime",
        "2.46",
        "2.5",
        tag="(0018,0081)",
        vr="DS",
        cause=Cause.EDIT,
        outcome=Outcome.REFUSED,
        reason="The instances of this series differ in EchoTime. Edit the value of each instance in dicom_array.",
    )
    parent = "sub-01/ses-01"
    files = (
        a_file("consent.pdf", "sub-01", size=182_400, instances=0, modality="", level="subject"),
        a_file(
            "t1_mprage.dicom.zip",
            f"{parent}/T1",
            changes=(a_change(), name, birth, weight, comment, nested, position),
            refused=(label,),
            archive_path=f"radiology/Archive/{parent}/T1/t1_mprage.dicom.zip",
            thumbnail=PIXEL,
        ),
        a_file(
            "t2_tse.dicom.zip",
            f"{parent}/T1",
            changes=(a_change(), name),
            refused=(label, varying),
            notes=("PatientAge could be an edit or an older importer's rounding; it was left alone.",),
            status=Status.UPDATED,
            thumbnail=PIXEL,
            size=8_300_000,
            timing=Timing(0.2, 0.3, 0.2, 0.9),
        ),
        *(
            a_file(f"localizer_{n}.dcm", f"{parent}/T1", status=Status.UNCHANGED, size=131_000, timing=Timing())
            for n in range(1, 8)
        ),
        a_file("t1.nii.gz", f"{parent}/T1", size=9_100_000, instances=0, timing=Timing(0.1, 0, 0.2, 0.05)),
    )
    broken = a_file(
        "dwi.dicom.zip",
        "sub-02/ses-01/T1",
        status=Status.FAILED,
        verification=Verification.NONE,
        error="The archive is damaged: member 0042.dcm ends early. Upload the file again, then run the gear again.",
    )
    later = a_file("bold.dicom.zip", "sub-02/ses-01/T1", status=Status.NOT_REACHED, verification=Verification.NONE)
    return a_run(
        **{
            "title": GROUP,
            "stem": "radiology-Quarantine",
            "sessions": (
                a_session(files=files),
                a_session(
                    "sub-02", status=Status.FAILED, files=(broken, later), error="1 of 2 files could not be exported."
                ),
                a_session("sub-03", status=Status.SKIPPED, files=(), containers=()),
            ),
            "settings": {
                "export_project": "radiology/Export",
                "archive_project": "radiology/Archive",
                "archive_mode": "copy",
                "map_flywheel_to_dicom": True,
                "select_tag": None,
                "log_values": "full",
                "transfers": 4,
            },
        }
        | fields
    )


@pytest.fixture(scope="session")
def rich_run() -> Callable[..., RunRecord]:
    return a_rich_run
