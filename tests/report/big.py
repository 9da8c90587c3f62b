"""A session of 300 files with forty edits each: what a page must still lead through."""

from __future__ import annotations

from typing import Any

from export_session.dicom.vocabulary import MAPPING_WINS, Cause, Change, Outcome
from export_session.record import FileRecord, RunRecord, Status, Timing, Verification
from tests.report.conftest import a_change, a_container, a_run, a_session

FILES = 300
PARENT = "sub-01/ses-01"
SERIES = ("T1 MPRAGE sagittal", "T2 TSE", "DWI b1000", "ep2d_bold rest", "FLAIR")
LATE = "StudyID holds at most 16 characters, the value has 21. Shorten it."
WRONG = "31.02.1961 is not a valid date: write YYYYMMDD"
FAILED = (137, 211)

TEXTS = [f"ElementOfTheCurator{n:02}" for n in range(28)]


def a_big_run(**fields: Any) -> RunRecord:
    """The run; two of its files failed, ten have a note, all have an edit that the mapping overrules."""
    files = tuple(map(_file, range(1, FILES + 1)))
    acquisitions = (a_container("acquisition", label, f"{PARENT}/{label}") for label in SERIES)
    above = a_container("subject", "sub-01", "sub-01"), a_container("session", "ses-01", PARENT)
    session = a_session(
        files=files,
        containers=(*above, *acquisitions),
        status=Status.FAILED,
        error="2 of 300 files could not be exported.",
        seconds=312.0,
    )
    return a_run(**{"sessions": (session,)} | fields)


def _file(number: int) -> FileRecord:
    failed = number in FAILED
    overruled = a_change(old="anon^01", new="SUBJ 01", cause=Cause.EDIT, outcome=Outcome.REFUSED, reason=MAPPING_WINS)
    late = a_change(
        "StudyID",
        "4711",
        "baseline visit number",
        tag="(0020,0010)",
        vr="SH",
        cause=Cause.MAPPING,
        outcome=Outcome.REFUSED,
        reason=LATE,
    )
    wrong = a_change(
        "PatientBirthDate",
        "19610203",
        "31.02.1961",
        tag="(0010,0030)",
        vr="DA",
        cause=Cause.EDIT,
        outcome=Outcome.REFUSED,
        reason=WRONG,
    )
    error = f"some edits cannot be written: {wrong.path}: {WRONG}. Correct them in info.header."
    return FileRecord(
        level="acquisition",
        name=f"series-{number}.dicom.zip",
        status=Status.FAILED if failed else Status.CREATED,
        origin_path=f"radiology/Quarantine/{PARENT}/{SERIES[number % 5]}/series-{number}.dicom.zip",
        export_path="" if failed else f"radiology/Export/{PARENT}/{SERIES[number % 5]}/series-{number}.dicom.zip",
        size=8_000_000 + number * 31_000,
        instances=60,
        modality="MR",
        changes=() if failed else _changes(number),
        refused=(overruled, wrong) if failed else (overruled, late) if number % 30 == 0 else (overruled,),
        notes=(
            f"PatientID: {MAPPING_WINS}",
            *(("PatientAge was left alone: compare it.",) if number % 30 == 1 else ()),
        ),
        error=error if failed else "",
        verification=Verification.NONE if failed else Verification.HASH,
        timing=Timing(0.4, 0.3 + number / 900, 0.3, 0.05),
    )


def _changes(number: int) -> tuple[Change, ...]:
    """Forty: mapped ones, per-slice ones, dates, numbers and texts, some of them different in every file."""
    mapped = (
        a_change(reason="the mapping overrides an edit in info.header"),
        a_change("PatientSex", "M", "F", tag="(0010,0040)", vr="CS"),
        a_change("PatientWeight", "70", f"{number}.25", tag="(0010,1030)", vr="DS"),
    )
    dates = tuple(
        a_change(name, f"2020010{n}", f"202002{n:02}", tag=f"(0008,002{n})", vr="DA", cause=Cause.EDIT)
        for n, name in enumerate(("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"))
    )
    slices = tuple(
        a_change(
            "SliceLocation",
            f"-{n}.5",
            f"-{n}.25",
            tag="(0020,1041)",
            vr="DS",
            cause=Cause.SLICE,
            instances=1,
            total=60,
            member=f"{n:04}.dcm",
        )
        for n in range(1, 6)
    )
    texts = tuple(
        a_change(
            name,
            "old text",
            f"text {n} of series {number % (n % 7 + 1)}",
            tag=f"(0009,10{n:02X})",
            vr="LO",
            cause=Cause.EDIT,
        )
        for n, name in enumerate(TEXTS)
    )
    return mapped + dates + slices + texts
