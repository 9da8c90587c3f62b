"""The DICOM engine: finds the edits in a file's metadata and writes them into its bytes."""

from .container import read_instances
from .model import Assignment, Cause, Change, Options, Outcome, Result, Step
from .rewrite import rewrite

__all__ = [
    "Assignment",
    "Cause",
    "Change",
    "Options",
    "Outcome",
    "Result",
    "Step",
    "read_instances",
    "rewrite",
]
