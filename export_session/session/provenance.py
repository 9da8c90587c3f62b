"""How a copy says where it came from, and how a re-run tells that nothing is left to do.

Every copy carries ``info.export``. Containers hold the ``origin_id``; files hold beside it what makes a re-run
cheap and exact: which version of the origin they were made from, a digest of the edits and settings that went
into them, the size and digest of the bytes that were verified, and what was refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from export_session import __version__
from export_session.dicom.vocabulary import Change, Follow, Options, Outcome
from export_session.session.refusals import recalled, remembered
from export_session.site.model import Container, File
from export_session.support.digests import digest, plain

GEAR_NAME = "session-export"
GEAR = f"{GEAR_NAME} {__version__}"
KEY = "export"  # of info
IN_PLACE = "in_place"  # info.export.mode of a version that was made of the one before
MOST_KEPT = 200  # changes of a file that its copy tells of
SEMANTICS = 2  # raise it when the same origin, edits and settings give other bytes than before
QC = GEAR_NAME  # our key in info.qc, where every gear keeps its results


def object_at(value: Any, *way: str) -> Mapping[str, Any]:
    """Return the object that lies at `way` in a JSON value, an empty one where anything else does.

    People and gears write into info what they like: null, a list or a text where an object is expected.
    """
    for key in way:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


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


def is_copy(item: Container | File) -> bool:
    """Tell whether an item says that it is a copy of anything."""
    return "origin_id" in object_at(item.info, KEY)


def is_copy_of(copy: Container | File, origin: Container | File) -> bool:
    """Tell whether `copy` says that it was made from `origin`."""
    return object_at(copy.info, KEY).get("origin_id") in origin_ids_of(origin)


def edit_digest(file: File, overrides: Mapping[str, Any], options: Options, follow: Follow) -> str:
    """Return the digest of everything but the origin's bytes that decides on the bytes of its copy."""
    following = [follow] if follow else []  # others have the digest that earlier versions gave them
    deciding = {name: value for name, value in asdict(options).items() if name != "check_conformance"}
    return digest([SEMANTICS, file.info.get("header"), overrides, deciding, *following])


def metadata_digest(file: File) -> str:
    """Return the digest of all that people enter of a file: what is noted by this gear or in ``info.qc`` is none."""
    info = {key: value for key, value in carried_info(file.info).items() if key != "qc"}
    return digest(plain([file.type, file.modality, file.classification, sorted(file.tags), info]))


@dataclass(frozen=True)
class Before:
    """The version of a file that a new one was made of in place; it stays in the file's history."""

    file_id: str
    version: int
    size: int
    sha384: str  # hex digest of its bytes
    hash: str  # as the site states it

    @classmethod
    def read(cls, value: Any) -> Before | None:
        """Return what ``info.export.before`` holds, None where that is no such thing."""
        kept = object_at(value)
        wanted = {"file_id": str, "version": int, "size": int, "sha384": str, "hash": str}
        if not all(type(kept.get(name)) is kind for name, kind in wanted.items()):
            return None
        return cls(**{name: kept[name] for name in wanted})


def sealed(edits: str, file_uuid: str) -> str:
    """Return an edit digest as it may be shown outside the site.

    The name of the version (``_id``) is random and known to those alone who may read the file on the site. Without it
    nobody can try out values of which there are few, such as a sex or a date.
    """
    return digest([edits, file_uuid])


@dataclass(frozen=True)
class Provenance:
    """``info.export`` of a verified copy of a file, or of a version that was made in place.

    The latter is written along with the bytes, `pending` until they are verified: a version must not be without word of
    the one before.
    """

    origin_id: str
    origin_version: int  # file version the copy was made from
    edits: str  # edit_digest
    metadata: str  # digest of the metadata carried over
    version: int  # file version of the copy that was verified
    size: int  # bytes of that version
    sha384: str  # hex digest of its bytes
    sha256: str = ""  # the same; earlier versions of the gear did not keep it
    origin_sha256: str = ""  # hex digest of the bytes of the origin
    changes: int = 0  # rows of the change log that were applied
    refused: tuple[Change, ...] = ()  # edits that could not be written, to be told until they are mended
    made: tuple[Change, ...] = ()  # those changes, the first of very many, so that a later run can tell of them
    notes: int = 0  # remarks that a person should have read
    gear: str = GEAR
    job: str = ""
    bears: str = ""  # metadata_digest of that version as it was recorded
    before: Before | None = None  # of a version made in place
    read_by: str = ""  # of such a version: digest of what importers had said of the metadata that came along
    pending: bool = False  # whether that is still to be verified
    settled: str = ""  # where the audit trail said that no person wrote a value: when the origin was last changed
    planned: Mapping[str, str] = field(default_factory=dict)  # of an approved plan, by which it was made: see planned

    def to_info(self) -> dict[str, Any]:
        """Return the value of ``info.export``."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        if not self.planned:
            del values["planned"]
        refused, made = (list(map(remembered, kept)) for kept in (self.refused, self.made[:MOST_KEPT]))
        values |= {"refused": refused, "made": made}
        own = {name: values.pop(name) for name in ("before", "read_by", "pending")}
        if not self.before:
            return values
        values |= {"mode": IN_PLACE, "before": asdict(self.before), "read_by": self.read_by}
        return {**values, "pending": True} if own["pending"] else values

    @classmethod
    def read(cls, copy: File) -> Provenance | None:
        """Return the provenance of a copy, None where it has none or one of another make."""
        info = object_at(copy.info, KEY)
        names = {each.name for each in fields(cls)}
        try:
            # Earlier versions gave the number of refused edits alone: 0 says all there is to say.
            refused = tuple(recalled(kept, Outcome.REFUSED) for kept in info.get("refused") or ())
            made = tuple(recalled(kept, Outcome.EARLIER) for kept in info.get("made") or ())
            values = {key: value for key, value in info.items() if key in names}
            before = Before.read(info.get("before")) if info.get("mode") == IN_PLACE else None
            return cls(**{**values, "refused": refused, "made": made, "before": before})
        except (TypeError, ValueError, AttributeError, KeyError):
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
        return copy.version == self.version and copy.size == self.size and not self.pending


def extractions(info: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what importers say in ``info.qc`` of the metadata that they have read, by the importer."""
    said = {gear: object_at(checks) for gear, checks in object_at(info, "qc").items()}
    return {gear: checks for gear, checks in said.items() if "metadata-extraction" in checks}


def container_provenance(origin: Container) -> dict[str, Any]:
    """Return ``info.export`` for the copy of a container."""
    return {"origin_id": origin_id(origin.id), "gear": GEAR}


def carried_info(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of `info` that goes along to a copy: all but what this gear wrote there itself.

    Keys come as the site will store them (``.`` becomes ``_`` and ``$`` becomes ``-``), so that a re-run can compare.
    """
    carried = {key: value for key, value in _sanitised(info).items() if key != KEY}
    if not isinstance(carried.get("qc"), Mapping):
        return carried
    checks = {gear: result for gear, result in carried.pop("qc").items() if gear != QC}
    return {**carried, "qc": checks} if checks else carried


def _sanitised(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key).replace(".", "_").replace("$", "-"): _sanitised(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sanitised(item) for item in value]
    return value
