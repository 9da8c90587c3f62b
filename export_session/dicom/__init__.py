"""The DICOM engine: finds the edits in a file's metadata and writes them into its bytes."""

from export_session.dicom.files.file import read_instances
from export_session.dicom.following import FileUids, InstanceUids, UidPlan, plan_uids
from export_session.dicom.rewrite import rewrite
from export_session.dicom.uids import read_uids
from export_session.dicom.vocabulary import (
    Assignment,
    Attribution,
    Cause,
    Change,
    Follow,
    Identity,
    Options,
    Outcome,
    Remaining,
    Result,
    Step,
)

__all__ = [
    "Assignment",
    "Attribution",
    "Cause",
    "Change",
    "FileUids",
    "Follow",
    "Identity",
    "InstanceUids",
    "Options",
    "Outcome",
    "Remaining",
    "Result",
    "Step",
    "UidPlan",
    "plan_uids",
    "read_instances",
    "read_uids",
    "rewrite",
]
