"""The files of a session: which there are, what each needs, and the row each becomes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from export_session.dicom import Identity
from export_session.dicom.identity import identity_in
from export_session.dicom.remains.traces import traces_of
from export_session.errors import ExportError
from export_session.field_mapping import FieldMapping
from export_session.record import FileRecord, Status, Verification
from export_session.session.classification import Schema, allowed
from export_session.session.file_plan import FilePlan, References, Verified, known_status
from export_session.session.origin import Origin
from export_session.session.pairs import Pair
from export_session.session.provenance import Provenance, is_copy, is_copy_of, object_at
from export_session.session.quality import Counts
from export_session.session.remains import in_file, remarks
from export_session.session.transfer import Handling, Prepared, deliver, prepare, update_copy
from export_session.settings import Config
from export_session.site import PatientSite
from export_session.site.model import Container, File, Project
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers
from export_session.support.progress import Progress
from export_session.support.scratch import assert_room

log = logging.getLogger(__name__)

EARLIER = "refused by an earlier run, whose change log has the values"
MADE = "made by an earlier run, whose change log has the values"
NO_REFERENCES = References()
FILE_PATIENCE = 600.0  # seconds one file may lose to failed calls and the waits between them


@dataclass(frozen=True)
class Run:
    """What every file of a run needs to be copied."""

    site: PatientSite
    config: Config
    mapping: FieldMapping
    schema: Schema
    handling: Handling
    progress: Progress
    references: Mapping[str, References] = field(default_factory=dict)  # of this session's files, by file_id


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file: its row, and the proof where the site holds the right bytes."""

    record: FileRecord
    proof: Verified | None
    counts: Counts = field(default_factory=Counts)
    identity: Identity | None = None  # of the copy, where it is known to be DICOM


def plan_files(
    run: Run, origin: Origin, project: Project, pairs: Iterable[Pair[Container]], *, untouched: bool = False
) -> list[FilePlan]:
    """Return one plan for each origin file.

    Files on the subject and the session go along with ``export_attachments``. `untouched` is for the archive:
    original bytes and metadata.
    """
    return [
        _plan(run, origin, project, pair, file, untouched=untouched)
        for pair in pairs
        if run.config.export_attachments or pair.origin.level == "acquisition"
        for file in pair.origin.files
    ]


def _plan(
    run: Run, origin: Origin, project: Project, pair: Pair[Container], file: File, *, untouched: bool
) -> FilePlan:
    documents: dict[str, Mapping[str, Any]] = {
        item.level: item.document() for item in (origin.project, *origin.above(pair.origin))
    }
    documents["file"] = file.document()
    copy = copy_in(pair, file)
    return FilePlan(
        origin=file,
        origin_path=f"{origin.path(pair.origin)}/{file.name}",
        copy_path=f"{origin.path(pair.origin, project)}/{copy.name if copy else file.name}",
        copy_parent_id=pair.copy.id if pair.copy else "",
        copy=copy,
        overrides={} if untouched else run.mapping.overrides(documents),
        options=run.config.options,
        untouched=untouched,
        references=run.references.get(file.file_id, NO_REFERENCES) if not untouched else NO_REFERENCES,
    )


def copy_in(pair: Pair[Container], file: File) -> File | None:
    """Find the copy of a file: by name, else by origin, as version 2 changed some names and people change others."""
    names = {one.name for one in pair.origin.files}
    there = pair.copy.files if pair.copy else ()
    same_name = (copy for copy in there if copy.name == file.name)
    same_origin = (copy for copy in there if copy.name not in names and is_copy_of(copy, file))
    return next(same_name, None) or next(same_origin, None)


def copy_files(run: Run, plans: Sequence[FilePlan], workers: Workers) -> list[FileOutcome]:
    """Copy the files of a session, several at once, and say how far it has come."""

    def counted(plan: FilePlan) -> FileOutcome:
        outcome = copy_file(run, plan)
        run.progress.advance(plan.origin.name, plan.origin.size)
        return outcome

    run.progress.expect(len(plans), sum(plan.origin.size for plan in plans))
    return workers.map(counted, plans)


def notes_on_copies(origin: Origin, pair: Pair[Container]) -> Iterator[str]:
    """Tell of copies that no origin file of that name explains."""
    names = {file.name for file in pair.origin.files}
    for copy in pair.copy.files if pair.copy else ():
        if copy.name in names or not is_copy(copy):
            continue
        made_from = [(one, file) for one in origin.containers() for file in one.files if is_copy_of(copy, file)]
        if not made_from:
            yield f"{copy.name}: its origin is gone from this session"
        for container, file in made_from[:1]:
            if container.id != pair.origin.id:
                yield f"{copy.name}: its origin is now {origin.path(container)}/{file.name}"
            elif copy_in(pair, file) == copy:
                yield f"{copy.name} is the copy of {file.name} and keeps its name"
            else:
                yield f"{copy.name}: a second copy of {file.name}; compare the two and remove one"


def copy_file(run: Run, plan: FilePlan) -> FileOutcome:
    """Copy one file, or find that nothing is to do; a failure becomes its row."""
    outcome = attempt(lambda: _copy(replace(run, site=run.site.with_patience(FILE_PATIENCE)), plan))
    if not isinstance(outcome, Failure):
        return outcome
    log.error("%s: %s", plan.origin_path, outcome.for_log)
    failed = row(plan, Status.FAILED)
    told = replace(failed, error=outcome.message, refused=outcome.refused, not_made=outcome.not_made)
    return FileOutcome(told, None)


def row(plan: FilePlan, status: Status) -> FileRecord:
    """Return the row of a file to which nothing more has happened yet."""
    return FileRecord(
        level=plan.origin.parent_level,
        name=plan.origin.name,
        status=status,
        origin_path=plan.origin_path,
        export_path=plan.copy_path,
        size=plan.origin.size,
        modality=plan.origin.modality or "",
        notes=plan.notes,
        mapped=frozenset(plan.overrides),
    )


def _copy(run: Run, plan: FilePlan) -> FileOutcome:
    if known := known_status(plan):
        return _as_known(run, plan, *known)
    if plan.copy and run.config.on_existing == "skip" and not plan.untouched:
        note = "a copy is there already and was left as it is (on_existing is skip)"
        skipped = row(plan, Status.SKIPPED)
        return FileOutcome(replace(skipped, notes=(*skipped.notes, note)), None)
    run.site.assert_patience(plan.origin.name)
    assert_room(plan.origin.name, plan.origin.size, run.handling.scratch)
    with prepare(run.site, plan, run.handling) as prepared:
        if prepared.status is Status.UPDATED and run.config.on_existing == "fail":
            raise ExportError(
                f"{plan.copy_path}: another file of that name is there. Compare the two, then set on_existing to "
                "update (a new version) or skip (leave it)."
            )
        return _deliver(run, plan, prepared)


def _as_known(run: Run, plan: FilePlan, status: Status, proof: Verified) -> FileOutcome:
    """Leave the bytes, which an earlier run has verified, and tell what it refused until that is mended."""
    earlier = Provenance.read(proof.copy)
    assert earlier is not None
    if status is Status.UPDATED and run.config.on_existing != "update":
        status = Status.UNCHANGED  # the bytes are; metadata that is there is left
    if status is Status.UPDATED and not run.config.dry_run:
        proof = replace(proof, copy=update_copy(run.site, plan, _metadata(run, plan, None)[0]))
    refused = tuple(replace(change, reason=f"{change.reason} ({EARLIER})") for change in earlier.refused)
    made = tuple(replace(change, reason="; ".join(filter(None, (change.reason, MADE)))) for change in earlier.made)
    record = replace(row(plan, status), verification=Verification.RECORDED, refused=refused, earlier=made)
    # Nothing is downloaded to know more of it than its metadata tell.
    identity = identity_in(object_at(proof.copy.info, "header", "dicom")) if plan.is_dicom else None
    return FileOutcome(record, proof, Counts(earlier.changes, len(refused), earlier.notes), identity)


def _deliver(run: Run, plan: FilePlan, prepared: Prepared) -> FileOutcome:
    metadata, dropped = _metadata(run, plan, prepared)
    result, planned = prepared.result, row(plan, prepared.status)
    traces = traces_of(result.changes, result.identity.dates if result.identity else ())
    remains = (*result.remains, *in_file(traces, plan.origin, plan.copy_name, described=True))
    notes = (*planned.notes, *result.notes, *dropped, *remarks(remains, result.instances))
    proof, timing = None, prepared.timing
    if not run.config.dry_run:
        proof, timing = deliver(run.site, prepared, metadata, len(notes), run.handling)
    done = replace(
        planned,
        instances=result.instances,
        changes=result.changes,
        refused=result.refused,
        notes=notes,
        remains=remains,
        verification=proof.how if proof else Verification.NONE,
        timing=timing,
        thumbnail=prepared.thumbnail,
    )
    counts = Counts(len(result.changes), len(result.refused), len(notes))
    return FileOutcome(done, proof, counts, result.identity)


def _metadata(run: Run, plan: FilePlan, prepared: Prepared | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the metadata for the copy, and what of it the site does not allow."""
    metadata = plan.metadata
    metadata["classification"], dropped = allowed(metadata["classification"], plan.origin.modality, run.schema)
    if plan.is_dicom and isinstance(metadata["info"].get("header"), Mapping):
        if prepared:
            metadata["info"]["header"] = dict(prepared.result.header)
        elif plan.copy:
            metadata["info"]["header"] = plan.copy.info.get("header")
    return metadata, tuple(f"classification {value} is not allowed here and was left out" for value in dropped)
