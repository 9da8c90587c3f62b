"""One file on its way: fetch, rewrite, store, verify, record.

The order of writes is kept by the types. :func:`prepare` only reads the site. :func:`deliver` stores the bytes,
proves them, and only then records ``info.export``; what it returns, a :class:`Verified`, is made nowhere else,
and archiving and tagging take nothing less.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from export_session.dicom import Result, rewrite
from export_session.dicom.vocabulary import Options
from export_session.errors import StaleMetadata, TransferError
from export_session.record import Status, Timing, Verification
from export_session.session.provenance import (
    KEY,
    Record,
    carried_info,
    digest,
    edit_digest,
    is_copy_of,
    names_of,
    with_qc,
)
from export_session.site import ReadSite, Site
from export_session.site.model import EXPORTED, File, Level
from export_session.support.scratch import disk_full_is_clear
from export_session.support.thumbnail import thumbnail

ATTEMPTS = 3  # at moving the bytes of one file intact
_PROCESSORS = threading.Semaphore(os.cpu_count() or 1)  # more rewrites at once would only compete


@dataclass(frozen=True)
class Task:
    """One origin file and what is known of its copy before any byte is moved."""

    origin: File
    origin_path: str
    copy_path: str
    existing: File | None  # the file of that name in the copy container
    overrides: Mapping[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    untouched: bool = False  # archive: the bytes and header as they are

    @property
    def is_dicom(self) -> bool:
        """Whether the DICOM engine has a say in this file."""
        has_header = bool((self.origin.info.get("header") or {}).get("dicom"))
        wants = has_header or (self.origin.type == "dicom" and bool(self.overrides))
        return wants and self.origin.size > 0 and not self.untouched

    @property
    def edits(self) -> str:
        """Digest of what, beside the origin's bytes, decides on the bytes of the copy."""
        return edit_digest(self.origin, self.overrides, self.options) if self.is_dicom else digest("untouched")

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata that goes along, classification as at the origin."""
        origin = self.origin
        return {
            "type": origin.type,
            "modality": origin.modality,
            "classification": dict(origin.classification),
            "tags": [tag for tag in origin.tags if tag != EXPORTED],
            "info": carried_info(origin.info),
        }


@dataclass(frozen=True)
class Verified:
    """The proof that the site holds the right bytes for one origin file."""

    origin: File
    copy: File
    how: Verification


@dataclass(frozen=True)
class Prepared:
    """The bytes to store, on disk while :func:`prepare` is open, and what storing them would do."""

    task: Task
    path: Path
    size: int  # bytes
    sha384: str  # hex digest
    result: Result
    status: Status
    timing: Timing
    thumbnail: bytes = b""


@dataclass(frozen=True)
class Workplace:
    """Where and how files are handled in this run."""

    scratch: Path  # owner-only directory; empty again after every file
    verify_by_readback: bool
    thumbnails: bool
    job: str = ""


def known_status(task: Task) -> tuple[Status, Verified | None] | None:
    """Decide from the records alone, without moving a byte; None where the bytes must be looked at."""
    record = Record.read(task.existing) if task.existing else None
    if task.existing is None or record is None or not record.still_describes(task.existing):
        return None
    if _hash_agrees(task.existing.hash, record.sha384) is False:  # a record that came along with other bytes
        return None
    if not record.names(task.origin) or record.edits != task.edits:
        return None
    proof = Verified(task.origin, task.existing, Verification.RECORDED)
    return (Status.UNCHANGED if record.metadata == digest(task.metadata) else Status.UPDATED), proof


@contextmanager
def prepare(site: ReadSite, task: Task, place: Workplace) -> Iterator[Prepared]:
    """Fetch a file, write its corrections, and compare the outcome with the copy; writes nothing to the site.

    Raises
    ------
    HeaderError
        The file must not be exported as it stands.
    TransferError
        The bytes did not arrive intact, or the disk is full.
    """
    if not task.untouched:
        _assert_current(task.origin)
    with TemporaryDirectory(dir=place.scratch) as folder, disk_full_is_clear(task.origin.name):
        began = time.monotonic()
        source = Path(folder, "origin" + _suffix(task.origin.name))
        sha384 = _fetch(site, task.origin, source)
        fetched = started = time.monotonic()
        header = task.origin.info.get("header") or {}
        result = Result(modified=False, header=header)
        path = source
        if task.is_dicom:
            target = Path(folder, "copy" + _suffix(task.origin.name))
            with _PROCESSORS:
                started = time.monotonic()
                result = rewrite(source, target, header, task.overrides, **asdict(task.options))
            if result.modified:
                path, sha384 = target, _sha384(target)
                source.unlink()
        picture = thumbnail(path) if place.thumbnails and task.is_dicom else b""
        rewritten = time.monotonic()
        size = path.stat().st_size
        yield Prepared(
            task,
            path,
            size,
            sha384,
            result,
            _status(task, size, sha384),
            Timing(fetched - began, rewritten - started),
            picture,
        )


def deliver(
    site: Site, prepared: Prepared, parent: tuple[Level, str], metadata: Mapping[str, Any], place: Workplace
) -> tuple[Verified, Timing]:
    """Store the prepared bytes, prove what the site holds, then record it.

    Parameters
    ----------
    parent
        Level and id of the container that gets the file.
    metadata
        Type, modality, classification, tags and info for the copy.

    Raises
    ------
    TransferError
        The site does not hold the right bytes, even after storing them again.
    """
    task, timing = prepared.task, prepared.timing
    existing = task.existing
    may_match = (
        existing is not None
        and existing.size == prepared.size
        and _hash_agrees(existing.hash, prepared.sha384) is not False
    )
    for attempt in range(ATTEMPTS):
        began = time.monotonic()
        if existing is not None and may_match and not attempt:
            stored = existing  # an earlier run may have got this far: nothing is sent twice
        else:
            body = {**metadata, "name": task.origin.name}
            stored = site.store(*parent, prepared.path, body, replaces=existing.version if existing else 0)
            existing = stored
        sent = time.monotonic()
        how = _verify(site, stored, prepared, place)
        checked = time.monotonic()
        timing = replace(timing, store=timing.store + sent - began, verify=timing.verify + checked - sent)
        if how is not Verification.NONE:
            record(site, stored, task, metadata, job=place.job, prepared=prepared)
            return Verified(task.origin, stored, how), timing
    raise TransferError(
        f"{task.copy_path}: the site does not hold the bytes that were sent, after {ATTEMPTS} uploads. "
        "Check the storage of the site; the original is untouched."
    )


def record(
    site: Site,
    stored: File,
    task: Task,
    metadata: Mapping[str, Any],
    *,
    job: str,
    prepared: Prepared | None = None,
) -> None:
    """Bring the metadata of a stored file to what it should be and record what was verified.

    Without `prepared` the bytes were verified by an earlier run, and only metadata follows the origin.
    """
    body = {
        key: metadata[key] for key in ("type", "modality") if metadata[key] and metadata[key] != getattr(stored, key)
    }
    if body:
        site.modify_file(stored, body)
    if dict(metadata["classification"]) != dict(stored.classification) or "modality" in body:
        site.set_file_classification(stored, metadata["classification"])
    if missing := [tag for tag in metadata["tags"] if tag not in stored.tags]:
        site.add_file_tags(stored, missing)
    if prepared:
        proof = Record(
            names_of(task.origin)[0],
            task.origin.version,
            task.edits,
            digest(task.metadata),
            stored.version,
            prepared.size,
            prepared.sha384,
            len(prepared.result.refused),
            job=job,
        )
    else:
        earlier = Record.read(stored)
        assert earlier is not None
        proof = replace(earlier, metadata=digest(task.metadata))
    wanted = {**metadata["info"], "qc": with_qc(metadata["info"], passed=True, job=proof.job), KEY: proof.to_info()}
    site.set_file_info(stored, {key: value for key, value in wanted.items() if stored.info.get(key) != value})


def _assert_current(file: File) -> None:
    """Refuse metadata that its importer made from another version of the file (info.qc says so)."""
    for gear, checks in (file.info.get("qc") or {}).items():
        inputs = (checks.get("job_info") or {}).get("inputs") or {} if isinstance(checks, Mapping) else {}
        for given in inputs.values() if "metadata-extraction" in checks else ():
            seen = given.get("version") if given.get("file_id") == file.file_id else None
            if seen is not None and str(seen) != str(file.version):
                raise StaleMetadata(
                    f"{file.name}: its metadata was read by {gear} from version {seen} of the file, which is now at "
                    f"version {file.version}. Run {gear} on it again, repeat the corrections, then export."
                )


def _fetch(site: ReadSite, file: File, target: Path) -> str:
    for _ in range(ATTEMPTS):
        stored = site.fetch(file, target)
        if (
            stored.size == file.size
            and _hash_agrees(file.hash, stored.sha384) is not False
            and _crc_holds(file, target)
        ):
            return stored.sha384
    raise TransferError(
        f"{file.name}: the download does not match the size and hash that the site states, after {ATTEMPTS} attempts. "
        "The file on the site may be damaged; compare it with its source."
    )


def _crc_holds(file: File, path: Path) -> bool:
    """Check a zip's own checksums where the site gives no hash to hold the download against."""
    if _hash_agrees(file.hash, "") is not None or not zipfile.is_zipfile(path):
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return True  # encrypted, or of a kind Python cannot read: not for this check to judge


def _verify(site: ReadSite, stored: File, prepared: Prepared, place: Workplace) -> Verification:
    """Prove that the site holds our bytes; NONE where it does not."""
    if stored.size != prepared.size:
        return Verification.NONE
    agrees = _hash_agrees(stored.hash, prepared.sha384)
    if agrees is False:
        return Verification.NONE
    if agrees and not place.verify_by_readback:
        return Verification.HASH
    with TemporaryDirectory(dir=place.scratch) as folder:
        back = site.fetch(stored, Path(folder, "back"))
    same = (back.size, back.sha384) == (prepared.size, prepared.sha384)
    return Verification.READBACK if same else Verification.NONE


def _hash_agrees(stated: str, sha384: str) -> bool | None:
    """Compare a hash as Flywheel states it (``v0-sha384-<hex>``) with ours; None where it is opaque or absent."""
    kind, _, value = stated.rpartition("-")
    return value == sha384 if kind == "v0-sha384" else None


def _status(task: Task, size: int, sha384: str) -> Status:
    if task.existing is None:
        return Status.CREATED
    if (
        task.existing.size == size
        and _hash_agrees(task.existing.hash, sha384)
        and is_copy_of(task.existing, task.origin)
    ):
        return Status.UNCHANGED
    return Status.UPDATED


def _sha384(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha384").hexdigest()


def _suffix(name: str) -> str:
    """Return a file name's suffix that is safe on disk; the engine tells zip and DICOM apart by content."""
    lowered = name.lower()
    return next((suffix for suffix in (".dcm.gz", ".gz", ".zip", ".dcm") if lowered.endswith(suffix)), ".bin")
