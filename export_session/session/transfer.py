"""One file on its way: fetch, rewrite, store, verify, record.

The order of writes is kept by the types. :func:`prepare` only reads the site. :func:`deliver` stores the bytes,
proves them, and only then records ``info.export``; what it returns is a :class:`Verified`, and archiving and
tagging take nothing less.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from export_session.dicom import Result, rewrite
from export_session.dicom.vocabulary import Written
from export_session.errors import NotDicom, TransferError
from export_session.record import Status, Timing, Verification
from export_session.session.audit_trail import AuditTrail
from export_session.session.checks import ATTEMPTS, assert_current, assert_header, fetch, hash_agrees, verify
from export_session.session.file_plan import FilePlan, Verified, status_of
from export_session.session.provenance import (
    KEY,
    Provenance,
    carried_info,
    metadata_digest,
    object_at,
    origin_ids_of,
)
from export_session.session.quality import Counts, result_of, with_result
from export_session.site import ReadSite, Site
from export_session.site.model import File
from export_session.site.port import Stored
from export_session.support.digests import digest
from export_session.support.scratch import disk_full_is_clear
from export_session.support.thumbnail import thumbnail

CHUNK = 1 << 20
PROCESSORS = threading.Semaphore(os.cpu_count() or 1)  # more rewrites at once would only compete


@dataclass(frozen=True)
class Handling:
    """Where and how files are handled in this run."""

    scratch: Path  # owner-only directory; empty again after every file
    verify_by_readback: bool
    thumbnails: bool
    job: str = ""
    image: str = ""  # of the gear, name and version
    trail: AuditTrail = field(default_factory=AuditTrail)


@dataclass(frozen=True)
class Prepared:
    """The bytes to store, on disk while :func:`prepare` is open, and what storing them would do."""

    plan: FilePlan
    path: Path
    before: Stored  # the bytes of the origin
    after: Stored  # those to store
    result: Result
    status: Status
    timing: Timing
    thumbnail: bytes = b""


@contextmanager
def prepare(site: ReadSite, plan: FilePlan, handling: Handling) -> Iterator[Prepared]:
    """Fetch a file, write its corrections, and compare the outcome with the copy; writes nothing to the site.

    Raises
    ------
    HeaderError
        The file must not be exported as it stands.
    TransferError
        The bytes did not arrive intact, or the disk is full.
    """
    if plan.may_be_edited:
        assert_header(plan.origin)
        assert_current(site, plan.origin)
    with TemporaryDirectory(dir=handling.scratch) as folder, disk_full_is_clear(plan.origin.name):
        began = time.monotonic()
        source = Path(folder, "origin" + _suffix(plan.origin.name))
        before = after = fetch(site, plan.origin, source)
        fetched = started = time.monotonic()
        result = Result(modified=False)
        path = source
        if plan.is_dicom:
            target = Path(folder, "copy" + _suffix(plan.origin.name))
            with PROCESSORS:
                started = time.monotonic()
                result = _rewrite(plan, source, target, handling.trail.written(site, plan.origin, plan.asked_by_sheets))
            if result.modified:
                path, after = target, _bytes_of(target)
                source.unlink()
        picture = thumbnail(path) if handling.thumbnails and plan.is_dicom else b""
        rewritten = time.monotonic()
        yield Prepared(
            plan,
            path,
            before,
            after,
            result,
            status_of(plan, after.size, after.sha384),
            Timing(fetched - began, rewritten - started),
            picture,
        )


def _rewrite(plan: FilePlan, source: Path, target: Path, written: Written) -> Result:
    header, follow = object_at(plan.origin.info, "header"), plan.references.follow
    try:
        done = rewrite(source, target, header, plan.wanted, follow=follow, written=written, **asdict(plan.options))
    except NotDicom:
        if plan.must_be_dicom or plan.references.follow:
            raise
        note = "the file is no DICOM file by type, name or content, and goes out as it is"
        return Result(modified=False, notes=(note,), header=header)
    return replace(done, changes=plan.attributed(done.changes), refused=plan.attributed(done.refused))


def deliver(
    site: Site,
    prepared: Prepared,
    metadata: Mapping[str, Any],
    handling: Handling,
    *,
    notes: int,
    planned: Mapping[str, str],
) -> tuple[Verified, Timing]:
    """Store the prepared bytes, prove what the site holds, then record it.

    Parameters
    ----------
    metadata
        Type, modality, classification, tags and info for the copy.
    notes
        How many remarks there are on the file.
    planned
        What is to be noted of an approved plan.

    Raises
    ------
    TransferError
        The site does not hold the right bytes, even after storing them again.
    """
    plan, timing = prepared.plan, prepared.timing
    existing = plan.copy
    may_match = (
        existing is not None
        and existing.size == prepared.after.size
        and hash_agrees(existing.hash, prepared.after.sha384) is not False
    )
    for attempt in range(ATTEMPTS):
        began = time.monotonic()
        if existing is not None and may_match and not attempt:
            stored = existing  # an earlier run may have got this far: nothing is sent twice
        else:
            body = {**metadata, "name": plan.copy_name}
            replaces = existing.version if existing else 0
            stored = site.store(plan.origin.parent_level, plan.copy_parent_id, prepared.path, body, replaces)
            existing = stored
        sent = time.monotonic()
        readback = handling.verify_by_readback
        how = verify(site, stored, prepared.after.size, prepared.after.sha384, handling.scratch, readback=readback)
        checked = time.monotonic()
        timing = replace(timing, store=timing.store + sent - began, verify=timing.verify + checked - sent)
        if how is not Verification.NONE:
            provenance = replace(_provenance(stored, prepared, notes, handling), planned=planned)
            recorded = record(site, stored, metadata, provenance)
            return Verified(plan.origin, recorded, how, prepared.after, prepared.before), timing
    raise TransferError(
        f"{plan.copy_path}: the site does not hold the bytes that were sent, after {ATTEMPTS} uploads. "
        "Check the storage of the site; the original is untouched."
    )


def update_copy(site: Site, plan: FilePlan, metadata: Mapping[str, Any], planned: Mapping[str, str]) -> File:
    """Bring the metadata of a copy to what it should be, whose bytes an earlier run has verified."""
    earlier = Provenance.read(plan.copy) if plan.copy else None
    assert plan.copy is not None
    assert earlier is not None
    return record(site, plan.copy, metadata, replace(earlier, metadata=digest(plan.metadata), planned=planned))


def record_again(site: Site, proof: Verified, newer: File) -> None:
    """Record a newer version with the bytes that were proven as the proven one was.

    They were sent once more, by a request that was carried out twice or by another run, which may have recorded them.
    """
    copy = proof.copy
    known, proven = Provenance.read(newer), Provenance.read(copy)
    if proven is None or (known and known.still_describes(newer)):
        return
    metadata = {key: getattr(copy, key) for key in ("type", "modality", "classification", "tags")}
    record(site, newer, {**metadata, "info": carried_info(copy.info)}, replace(proven, version=newer.version))


def record(site: Site, stored: File, metadata: Mapping[str, Any], provenance: Provenance) -> File:
    """Bring the metadata of a stored file to what it should be, record what was verified, and return the file so."""
    body = {
        key: metadata[key] for key in ("type", "modality") if metadata[key] and metadata[key] != getattr(stored, key)
    }
    if body:
        site.modify_file(stored, body)
    if dict(metadata["classification"]) != dict(stored.classification) or "modality" in body:
        site.set_file_classification(stored, metadata["classification"])
    if missing := [tag for tag in metadata["tags"] if tag not in stored.tags]:
        site.add_file_tags(stored, missing)
    done = {key: metadata[key] or getattr(stored, key) for key in ("type", "modality", "classification")}
    known = replace(stored, **done, tags=(*stored.tags, *missing), info={**stored.info, **metadata["info"]})
    counts = Counts(provenance.changes, len(provenance.refused), provenance.notes)
    info = {**metadata["info"], KEY: replace(provenance, bears=metadata_digest(known)).to_info()}
    wanted = {**info, **with_result(info, result_of(counts), provenance.job)}
    site.set_file_info(stored, {key: value for key, value in wanted.items() if stored.info.get(key) != value})
    return replace(known, info={**stored.info, **wanted})


def _provenance(stored: File, prepared: Prepared, notes: int, handling: Handling) -> Provenance:
    plan, result = prepared.plan, prepared.result
    return Provenance(
        origin_id=origin_ids_of(plan.origin)[0],
        origin_version=plan.origin.version,
        edits=plan.edits,
        metadata=digest(plan.metadata),
        version=stored.version,
        size=prepared.after.size,
        sha384=prepared.after.sha384,
        sha256=prepared.after.sha256,
        origin_sha256=prepared.before.sha256,
        changes=len(result.changes),
        refused=result.refused,
        made=result.changes,
        notes=notes,
        job=handling.job,
        settled=plan.origin.modified if plan.is_dicom and handling.trail.has_decided(plan.origin) else "",
    )


def _bytes_of(path: Path) -> Stored:
    sha384, sha256 = hashlib.sha384(), hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            sha384.update(chunk)
            sha256.update(chunk)
    return Stored(path.stat().st_size, sha384.hexdigest(), sha256.hexdigest())


def _suffix(name: str) -> str:
    """Return a file name's suffix that is safe on disk; the engine tells zip and DICOM apart by content."""
    lowered = name.lower()
    return next((suffix for suffix in (".dcm.gz", ".gz", ".zip", ".dcm") if lowered.endswith(suffix)), ".bin")
