"""The DICOM engine: finds the edits in a file's metadata and writes them into its bytes."""

from export_session.dicom.files.file import read_instances
from export_session.dicom.rewrite import rewrite
from export_session.dicom.vocabulary import (
    Assignment,
    Cause,
    Change,
    Identity,
    Options,
    Outcome,
    Remaining,
    Result,
    Step,
)

__all__ = [
    "Assignment",
    "Cause",
    "Change",
    "Identity",
    "Options",
    "Outcome",
    "Remaining",
    "Result",
    "Step",
    "read_instances",
    "rewrite",
]
