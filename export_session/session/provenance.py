"""How a copy says where it came from, and how a re-run tells that nothing is left to do.

Every copy carries ``info.export``. Containers hold the ``origin_id``; files hold beside it what makes a re-run
cheap and exact: which version of the origin they were made from, a digest of the edits and settings that went
into them, and the size and digest of the bytes that were verified.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from export_session import __version__
from export_session.dicom.vocabulary import Options
from export_session.site.model import Container, File

GEAR = f"session-export {__version__}"
KEY = "export"  # of info
SEMANTICS = 1  # raise it when the same origin, edits and settings give other bytes than before
QC = "session-export"  # our key in info.qc, where every gear keeps its results


def origin_id(identifier: str) -> str:
    """Return the hash under which a copy names its origin (that of version 2 of the gear, so copies are found)."""
    return hashlib.sha256(identifier.encode()).hexdigest()


def origin_ids_of(origin: Container | File) -> tuple[str, ...]:
    """Return the hashes a copy of `origin` may carry, ours first.

    Version 2 hashed a file version's UUID. An original that was copied to the archive, such as a file on the subject
    of a moved session, goes on by the name that it had in quarantine, too.
    """
    if isinstance(origin, File):
        archived = Provenance.read(origin)
        return (*_own_ids(origin), archived.origin_id) if archived else _own_ids(origin)
    return (origin_id(origin.id),)


def _own_ids(origin: File) -> tuple[str, ...]:
    return origin_id(origin.file_id), origin_id(origin.uuid)


def is_copy_of(copy: Container | File, origin: Container | File) -> bool:
    """Tell whether `copy` says that it was made from `origin`."""
    return (copy.info.get(KEY) or {}).get("origin_id") in origin_ids_of(origin)


def digest(value: Any) -> str:
    """Return the SHA-256 hex digest of a JSON value."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def edit_digest(file: File, overrides: Mapping[str, Any], options: Options) -> str:
    """Return the digest of everything but the origin's bytes that decides on the bytes of its copy."""
    return digest([SEMANTICS, file.info.get("header"), overrides, asdict(options)])


@dataclass(frozen=True)
class Provenance:
    """``info.export`` of a verified copy of a file."""

    origin_id: str
    origin_version: int  # file version the copy was made from
    edits: str  # edit_digest
    metadata: str  # digest of the metadata carried over
    version: int  # file version of the copy that was verified
    size: int  # bytes of that version
    sha384: str  # hex digest of its bytes
    refused: int = 0  # edits that could not be written
    gear: str = GEAR
    job: str = ""

    def to_info(self) -> dict[str, Any]:
        """Return the value of ``info.export``."""
        return asdict(self)

    @classmethod
    def read(cls, copy: File) -> Provenance | None:
        """Return the provenance of a copy, None where it has none or one of another make."""
        info = copy.info.get(KEY) or {}
        names = {field.name for field in fields(cls)}
        try:
            return cls(**{key: value for key, value in info.items() if key in names})
        except TypeError:
            return None

    def is_of(self, origin: File) -> bool:
        """Tell whether this is the provenance of a copy that was made from `origin` as it is now."""
        if self.origin_id in _own_ids(origin):
            return self.origin_version == origin.version
        archived = Provenance.read(origin)
        return (
            archived is not None
            and archived.still_describes(origin)
            and (archived.origin_id, archived.origin_version) == (self.origin_id, self.origin_version)
        )

    def still_describes(self, copy: File) -> bool:
        """Tell whether the copy is still the version that was verified."""
        return copy.version == self.version and copy.size == self.size


def container_provenance(origin: Container) -> dict[str, Any]:
    """Return ``info.export`` for the copy of a container."""
    return {"origin_id": origin_id(origin.id), "gear": GEAR}


def carried_info(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of `info` that goes along to a copy: all but what this gear wrote there itself.

    Keys come as the site will store them (``.`` becomes ``_`` and ``$`` becomes ``-``), so that a re-run can compare.
    """
    carried = {key: value for key, value in _sanitised(info).items() if key != KEY}
    checks = {gear: result for gear, result in (carried.pop("qc", None) or {}).items() if gear != QC}
    return {**carried, "qc": checks} if checks else carried


def with_qc(info: Mapping[str, Any], *, passed: bool, job: str) -> dict[str, Any]:
    """Return ``info.qc`` with this gear's result added, in the form that Flywheel gears share."""
    result = {"job_info": {"version": __version__, "job_id": job}, "export": {"state": "PASS" if passed else "FAIL"}}
    return {**(info.get("qc") or {}), QC: result}


def has_qc(info: Mapping[str, Any], *, passed: bool) -> bool:
    """Tell whether ``info.qc`` holds this result already."""
    result = (info.get("qc") or {}).get(QC) or {}
    return (result.get("export") or {}).get("state") == ("PASS" if passed else "FAIL")


def _sanitised(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key).replace(".", "_").replace("$", "-"): _sanitised(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sanitised(item) for item in value]
    return value
