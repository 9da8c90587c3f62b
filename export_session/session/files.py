"""The files of a session: which there are, what each needs, and the row each becomes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from export_session.dicom import Attribution, Identity
from export_session.dicom.identity import identity_in
from export_session.dicom.remains.traces import traces_of
from export_session.errors import ExportError
from export_session.field_mapping import FieldMapping
from export_session.record import FileRecord, Status, Timing, Verification
from export_session.session.classification import Schema, allowed
from export_session.session.corrected import of_field
from export_session.session.custody import custody
from export_session.session.file_plan import FilePlan, References, Verified, known_status
from export_session.session.origin import Origin
from export_session.session.pairs import Pair
from export_session.session.planned import Approved, planned
from export_session.session.provenance import KEY, Provenance, is_copy, is_copy_of, object_at
from export_session.session.quality import Counts
from export_session.session.remains import in_file, remarks
from export_session.session.transfer import Handling, Prepared, deliver, prepare, update_copy
from export_session.settings import Config
from export_session.site import PatientSite
from export_session.site.model import Container, File, Project
from export_session.site.port import Stored
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
    approved: Approved | None = None  # the plan that it is bound to


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file: its row, and the proof where the site holds the right bytes."""

    record: FileRecord
    proof: Verified | None
    counts: Counts = field(default_factory=Counts)
    identity: Identity | None = None  # of the copy, where it is known to be DICOM
    after: Stored | None = None  # the bytes of the copy, where they were looked at


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
        origin_labels=(*origin.labels(pair.origin), file.name),
        copy_labels=(*origin.labels(pair.origin, project), copy.name if copy else file.name),
        overrides={} if untouched else run.mapping.overrides(documents),
        options=run.config.options,
        untouched=untouched,
        references=run.references.get(file.file_id, NO_REFERENCES) if not untouched else NO_REFERENCES,
        fields={} if untouched else _asked_for(run.mapping, (*origin.above(pair.origin),)),
    )


def _asked_for(mapping: FieldMapping, containers: Iterable[Container]) -> dict[str, Attribution]:
    """Return who asked for the values of Flywheel fields, by the keyword that they are mapped to."""
    levels = {container.level: container for container in containers if KEY in container.info}
    found = {}
    for keyword, source in mapping.rows.items() if levels else ():
        container = levels.get(source.partition(".")[0])  # type: ignore[call-overload]  # a level, or "file"
        if container and (attribution := of_field(container.document(), container.info, source)):
            found[keyword] = attribution
    return found


def copy_in(pair: Pair[Container], file: File) -> File | None:
    """Find the copy of a file: by name, else by origin, as version 2 changed some names and people change others."""
    names = {one.name for one in pair.origin.files}
    there = pair.copy.files if pair.copy else ()
    same_name = (copy for copy in there if copy.name == file.name)
    same_origin = (copy for copy in there if copy.name not in names and is_copy_of(copy, file))
    return next(same_name, None) or next(same_origin, None)


def copy_files(run: Run, plans: Sequence[FilePlan], workers: Workers) -> list[FileOutcome]:
    """Copy the files of a session."""
    return each_file(run, plans, workers, copy_file)


def each_file(
    run: Run, plans: Sequence[FilePlan], workers: Workers, step: Callable[[Run, FilePlan], FileOutcome]
) -> list[FileOutcome]:
    """Take a step with each file of a session, several at once, and say how far it has come."""

    def counted(plan: FilePlan) -> FileOutcome:
        outcome = step(run, plan)
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
    return attempted(run, plan, _copy)


def attempted(run: Run, plan: FilePlan, step: Callable[[Run, FilePlan], FileOutcome]) -> FileOutcome:
    """Take a step with one file, with a patience of its own; a failure becomes its row."""
    outcome = attempt(lambda: step(replace(run, site=run.site.with_patience(FILE_PATIENCE)), plan))
    if isinstance(outcome, Failure):
        log.error("%s: %s", plan.origin_path, outcome.for_log)
        failed = row(plan, Status.FAILED)
        refused, not_made = plan.attributed(outcome.refused), plan.attributed(outcome.not_made)
        told = replace(failed, error=outcome.message, refused=refused, not_made=not_made)
        outcome = FileOutcome(told, None)
    if not run.config.dry_run:
        return outcome
    return replace(outcome, record=replace(outcome.record, planned=planned(plan, outcome.record, outcome.after)))


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
        custody=custody(plan),
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
    if status is Status.UPDATED and run.config.on_existing != "update":
        status = Status.UNCHANGED  # the bytes are; metadata that is there is left
    if status is Status.UPDATED and not run.config.dry_run:
        proof = replace(proof, copy=update_copy(run.site, plan, _metadata(run, plan, None)[0], noted_by(run, plan)))
    return as_before(plan, status, proof)


def noted_by(run: Run, plan: FilePlan) -> Mapping[str, str]:
    """Return what is noted on a copy of the approved plan by which it was made; nothing in the archive."""
    return run.approved.of_file(plan.origin.file_id) if run.approved and not plan.untouched else {}


def as_before(plan: FilePlan, status: Status, proof: Verified) -> FileOutcome:
    """Return what an earlier run has made of a file, and refused, as its record tells."""
    earlier = Provenance.read(proof.copy)
    assert earlier is not None
    refused = tuple(replace(change, reason=f"{change.reason} ({EARLIER})") for change in earlier.refused)
    made = tuple(replace(change, reason="; ".join(filter(None, (change.reason, MADE)))) for change in earlier.made)
    record = replace(row(plan, status), verification=Verification.RECORDED, refused=refused, earlier=made)
    record = replace(record, custody=custody(plan, proof))
    # Nothing is downloaded to know more of it than its metadata tell.
    identity = identity_in(object_at(proof.copy.info, "header", "dicom")) if plan.is_dicom else None
    return FileOutcome(record, proof, Counts(earlier.changes, len(refused), earlier.notes), identity)


def _deliver(run: Run, plan: FilePlan, prepared: Prepared) -> FileOutcome:
    metadata, dropped = _metadata(run, plan, prepared)
    outcome = foreseen(plan, prepared, prepared.status, dropped)
    if run.config.dry_run:
        return outcome
    notes, noted = outcome.counts.notes, noted_by(run, plan)
    proof, timing = deliver(run.site, prepared, metadata, run.handling, notes=notes, planned=noted)
    return proven(outcome, plan, proof, timing)


def foreseen(plan: FilePlan, prepared: Prepared, status: Status, notes: Iterable[str] = ()) -> FileOutcome:
    """Return what is to become of a file whose bytes are prepared; `notes` are those that its metadata give rise to."""
    result, planned = prepared.result, row(plan, status)
    traces = traces_of(result.changes, result.identity.dates if result.identity else ())
    remains = (*result.remains, *in_file(traces, plan.origin, plan.copy_name, described=True))
    told = (*planned.notes, *result.notes, *notes, *remarks(remains, result.instances))
    done = replace(
        planned,
        instances=result.instances,
        changes=result.changes,
        refused=result.refused,
        notes=told,
        remains=remains,
        timing=prepared.timing,
        thumbnail=prepared.thumbnail,
    )
    counts = Counts(len(result.changes), len(result.refused), len(told))
    return FileOutcome(done, None, counts, result.identity, prepared.after)


def proven(outcome: FileOutcome, plan: FilePlan, proof: Verified, timing: Timing) -> FileOutcome:
    """Return the same where the site holds the bytes."""
    record = replace(outcome.record, verification=proof.how, timing=timing, custody=custody(plan, proof))
    return replace(outcome, record=record, proof=proof)


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
