"""One file in place: its corrected bytes become its next version; the one before stays in its history.

A version comes with word of the one before it, in ``info.export``, `pending` until its bytes are verified. So whatever
interrupts a run, the next one knows what it finds (:func:`settle`), and no version is without a way back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from export_session.errors import NotFound, OriginChanged, TransferError
from export_session.record import Status, Timing, Verification
from export_session.session.checks import ATTEMPTS, hash_agrees, stated_sha384, verify
from export_session.session.file_plan import FilePlan, Verified
from export_session.session.files import FileOutcome, Run, as_before, attempted, foreseen, noted_by, proven, row
from export_session.session.origin import file_content
from export_session.session.provenance import (
    KEY,
    Before,
    Provenance,
    carried_info,
    extractions,
    metadata_digest,
    origin_id,
)
from export_session.session.quality import Counts, result_of, with_result
from export_session.session.transfer import Prepared, prepare, record
from export_session.site import ReadSite
from export_session.site.model import File
from export_session.site.port import Stored
from export_session.support.digests import digest
from export_session.support.scratch import assert_room


@dataclass(frozen=True)
class Settled:
    """A file whose latest version this gear may have been about to make when a run was interrupted."""

    file: File  # as it is on the site
    source: File  # what its next version is to be made of: as a rule itself
    noted: bool = False  # whether its record was completed; in a preview: would be


def settle(run: Run, file: File) -> Settled:
    """Complete what an interrupted run left of a file, as far as that needs no bytes to be sent.

    A version whose bytes are the right ones is recorded. One that arrived damaged, or that somebody overtook with an
    edit or an upload while it was sent, is made again, of what was there without it.
    """
    made = Provenance.read(file)
    if made is None or made.before is None or _is_recorded(made, file):
        return Settled(file, file)
    right = _may_be(made, file) and _holds(run, file, made)
    if not right and not (made.pending and made.version == file.version):
        return Settled(file, file)  # somebody's upload, which the word of another version came along with
    source = _overtaken_by(run.site, file, made.before) or _version(run.site, file, made.before.version)
    if source and (not right or file_content(source) != made.metadata):
        return Settled(file, source)
    if not right:
        raise TransferError(
            f"{file.name}: version {file.version} arrived damaged in an interrupted run, and version "
            f"{made.before.version}, which it was made of, is gone. Upload the file again, then run the gear."
        )
    known = {KEY: replace(made, version=file.version, pending=False, bears=metadata_digest(file)).to_info()}
    if not run.config.dry_run:
        run.site.set_file_info(file, known)
    file = replace(file, info={**file.info, **known})
    return Settled(file, file, noted=True)


def as_uploaded(site: ReadSite, file: File) -> File:
    """Return the newest version of a file that this gear did not make in place, or else the oldest that is left."""
    while (made := _in_place(file)) and made.before and (before := _version(site, file, made.before.version)):
        file = before
    return file


def before_last(site: ReadSite, file: File) -> File | None:
    """Return the version that this gear made a file of in place, None where it did not or that version is gone."""
    made = Provenance.read(file)
    if made is None or made.before is None or not _is_recorded(made, file):
        return None
    return _version(site, file, made.before.version)


def change_file(run: Run, plan: FilePlan) -> FileOutcome:
    """Make the next version of a file, or find that nothing is to do; a failure becomes its row."""
    return attempted(run, plan, _change)


def _change(run: Run, plan: FilePlan) -> FileOutcome:
    made, is_last = Provenance.read(plan.origin), plan.copy == plan.origin
    if is_last and made and made.before and _is_recorded(made, plan.origin) and made.edits == plan.edits:
        proof = Verified(plan.origin, plan.origin, Verification.RECORDED, *_bytes_of(made))
        return _of_version(as_before(plan, Status.UNCHANGED, proof), made.before)
    if is_last and not plan.is_dicom:
        return _as_it_is(plan, FileOutcome(row(plan, Status.UNCHANGED), None))
    assert_room(plan.origin.name, plan.origin.size, run.handling.scratch)
    with prepare(run.site, plan, run.handling) as prepared:
        if is_last and not prepared.result.modified:
            return _as_it_is(plan, foreseen(plan, prepared, Status.UNCHANGED), prepared)
        outcome = foreseen(plan, prepared, Status.UPDATED)
        superseded = plan.copy.size if plan.copy else 0
        outcome = replace(outcome, record=replace(outcome.record, history=superseded))
        if run.config.dry_run:
            return outcome
        return proven(outcome, plan, *_deliver(run, prepared, outcome.counts))


def _of_version(outcome: FileOutcome, before: Before) -> FileOutcome:
    """Return the same where the origin in the custody is the version before, which is what was corrected."""
    known = outcome.record.custody
    if known is None:
        return outcome
    origin = replace(known.origin, version=before.version, size=before.size)
    return replace(outcome, record=replace(outcome.record, custody=replace(known, origin=origin)))


def _bytes_of(made: Provenance) -> tuple[Stored, Stored]:
    """Return what is recorded of the bytes of a version that was made in place, and of those of the one before."""
    before = made.before
    assert before is not None
    after = Stored(made.size, made.sha384, made.sha256)
    return after, Stored(before.size, before.sha384, made.origin_sha256)


def _as_it_is(plan: FilePlan, outcome: FileOutcome, prepared: Prepared | None = None) -> FileOutcome:
    """Leave a file that needs no new version: what is on the site is right as it is."""
    there = prepared.before if prepared else Stored(plan.origin.size, stated_sha384(plan.origin.hash))
    proof = Verified(plan.origin, plan.origin, Verification.NEEDLESS, there, there)
    return proven(outcome, plan, proof, outcome.record.timing)


def _deliver(run: Run, prepared: Prepared, counts: Counts) -> tuple[Verified, Timing]:
    """Store the prepared bytes as the next version, prove what the site holds, then record it.

    Raises
    ------
    OriginChanged
        Somebody edited or replaced the file meanwhile.
    TransferError
        The site does not hold the right bytes, even after storing them again.
    """
    plan, site, handling = prepared.plan, run.site, run.handling
    assert plan.copy is not None
    metadata = _metadata(prepared)
    made = replace(_provenance(prepared, metadata, counts, handling.job), planned=noted_by(run, plan))
    assert made.before is not None
    timing, newest = prepared.timing, site.read_file(plan.copy)
    for attempt in range(ATTEMPTS):
        began = time.monotonic()
        if not attempt and _is_same(Provenance.read(newest), made):
            stored = newest  # another run has sent it meanwhile
        else:
            if not attempt and file_content(newest) != file_content(plan.copy):
                raise OriginChanged(_overtaken(plan))
            bears = metadata_digest(_bearing(newest, metadata))
            pending = replace(made, version=newest.version + 1, pending=True, bears=bears)
            info = {**metadata["info"], KEY: pending.to_info()}
            info |= with_result(info, result_of(counts), handling.job)
            body = {**metadata, "info": info, "name": newest.name}
            stored = site.store(newest.parent_level, newest.parent_id, prepared.path, body, newest.version)
        newest, sent = stored, time.monotonic()
        how = verify(site, stored, made.size, made.sha384, handling.scratch, readback=handling.verify_by_readback)
        checked = time.monotonic()
        timing = replace(timing, store=timing.store + sent - began, verify=timing.verify + checked - sent)
        if how is Verification.NONE:
            continue
        if stored.file_id != plan.copy.file_id or _was_overtaken(site, stored, made.before, plan):
            raise OriginChanged(_overtaken(plan))
        recorded = record(site, stored, metadata, replace(made, version=stored.version))
        return Verified(recorded, recorded, how, prepared.after, prepared.before), timing
    raise TransferError(
        f"{plan.copy_path}: the site does not hold the bytes that were sent, after {ATTEMPTS} uploads. "
        f"Check the storage of the site; version {made.before.version} of the file is the original, and untouched."
    )


def _metadata(prepared: Prepared) -> dict[str, Any]:
    """Return all that goes along to the next version; ``info.header`` as the new bytes say."""
    origin = prepared.plan.origin
    info = carried_info(origin.info)
    if prepared.plan.is_dicom and isinstance(info.get("header"), dict):
        info["header"] = dict(prepared.result.header)
    return {
        "type": origin.type,
        "modality": origin.modality,
        "classification": dict(origin.classification),
        "tags": list(origin.tags),
        "info": info,
    }


def _bearing(file: File, metadata: Mapping[str, Any]) -> File:
    """Return a file as it is with the metadata that go along; a type that is not given the site finds by the name."""
    given = {key: metadata[key] or getattr(file, key) for key in ("type", "modality", "classification")}
    return replace(file, **given, tags=tuple(metadata["tags"]), info=metadata["info"])


def _provenance(prepared: Prepared, metadata: dict[str, Any], counts: Counts, job: str) -> Provenance:
    plan, result = prepared.plan, prepared.result
    origin = plan.origin
    before = Before(origin.file_id, origin.version, origin.size, prepared.before.sha384, origin.hash)
    agreed = replace(plan, origin=replace(origin, info={**origin.info, **metadata["info"]}))
    return Provenance(
        origin_id=origin_id(origin.file_id),
        origin_version=origin.version,
        edits=agreed.edits,  # as they are now that they are made: none
        metadata=file_content(origin),
        version=origin.version + 1,
        size=prepared.after.size,
        sha384=prepared.after.sha384,
        sha256=prepared.after.sha256,
        origin_sha256=prepared.before.sha256,
        changes=counts.changes,
        refused=result.refused,
        made=result.changes,
        notes=counts.notes,
        job=job,
        before=before,
        read_by=digest(extractions(metadata["info"])),
    )


def _in_place(file: File) -> Provenance | None:
    """Return the provenance of a version that this gear made in place, verified or not; None of any other."""
    made = Provenance.read(file)
    if made is None or made.before is None:
        return None
    return made if made.pending or _is_recorded(made, file) or _may_be(made, file) else None


def _is_recorded(made: Provenance, file: File) -> bool:
    """Tell whether a file is the version that was verified when it was made in place."""
    return made.still_describes(file) and hash_agrees(file.hash, made.sha384) is not False


def _may_be(made: Provenance, file: File) -> bool:
    """Tell whether a file may have the bytes that were made in place, in whatever version they are."""
    return file.size == made.size and hash_agrees(file.hash, made.sha384) is not False


def _is_same(one: Provenance | None, made: Provenance) -> bool:
    """Tell whether two versions were made alike of the same one before: by two runs, or by one upload sent twice."""
    return one is not None and (one.before, one.sha384) == (made.before, made.sha384)


def _holds(run: Run, file: File, made: Provenance) -> bool:
    scratch, readback = run.handling.scratch, run.handling.verify_by_readback
    return verify(run.site, file, made.size, made.sha384, scratch, readback=readback) is not Verification.NONE


def _overtaken_by(site: ReadSite, file: File, before: Before) -> File | None:
    """Find the version that somebody uploaded between the one before and this one, while this one was sent.

    Others there are of this gear: sent twice, damaged on their way, or overtaken themselves.
    """
    between = (_version(site, file, version) for version in range(file.version - 1, before.version, -1))
    return next((one for one in between if one and _in_place(one) is None), None)


def _version(site: ReadSite, file: File, version: int) -> File | None:
    """Return a version of a file, None where it is gone."""
    try:
        return site.read_file(file, version)
    except NotFound:
        return None


def _was_overtaken(site: ReadSite, stored: File, before: Before, plan: FilePlan) -> bool:
    """Tell whether somebody edited or replaced the file while its next version was sent."""
    if _overtaken_by(site, stored, before):
        return True
    return file_content(site.read_file(stored, before.version)) != file_content(plan.origin)


def _overtaken(plan: FilePlan) -> str:
    return (
        f"{plan.origin_path} was edited or replaced by somebody while its next version was made. Nothing is lost: run "
        "the gear again, which starts from what they did."
    )
