"""What the gear says of its results in ``info.qc``, where every gear keeps its own and data managers filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from export_session import __version__
from export_session.session.provenance import QC, object_at

RESULT = "export"  # the one check of this gear


@dataclass(frozen=True)
class Counts:
    """How much was done for the copies that are there now, by whichever run."""

    changes: int = 0  # rows of the change log that were applied
    refused: int = 0  # rows that were not
    notes: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both."""
        return Counts(self.changes + other.changes, self.refused + other.refused, self.notes + other.notes)


def result_of(counts: Counts, **more: Any) -> dict[str, Any]:
    """Return the result of what was exported; it is no PASS while edits are refused."""
    return {"state": "FAIL" if counts.refused else "PASS", **asdict(counts), **more}


def failure(reason: str) -> dict[str, Any]:
    """Return the result of what was not exported."""
    return {"state": "FAIL", "reason": reason}


def said_of(info: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the result that is noted."""
    return object_at(info, "qc", QC, RESULT)


def with_result(info: Mapping[str, Any], result: Mapping[str, Any], job: str) -> dict[str, Any]:
    """Return what is to be set in `info` so that it holds a result, in the form that Flywheel gears share.

    That is nothing where it is there already, whichever job wrote it; nor where somebody keeps anything else than
    an object in ``info.qc``, which is left as it is.
    """
    checks = info.get("qc")
    if said_of(info) == result or not (checks is None or isinstance(checks, Mapping)):
        return {}
    job_info = {"version": __version__, "job_id": job}
    return {"qc": {**(checks or {}), QC: {"job_info": job_info, RESULT: dict(result)}}}
