"""The files of a session: which there are, what each needs, and the row each becomes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from export_session.errors import ExportError
from export_session.field_mapping import FieldMapping
from export_session.record import FileRecord, Status, Verification
from export_session.session.copies import Twin
from export_session.session.origin import Project, Tree
from export_session.session.provenance import KEY, is_copy_of
from export_session.session.transfer import Prepared, Task, Verified, Workplace, deliver, known_status, prepare, record
from export_session.settings import Config
from export_session.site import PatientSite
from export_session.site.model import File
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers
from export_session.support.progress import Progress
from export_session.support.scratch import assert_room

log = logging.getLogger(__name__)

FILE_PATIENCE = 600.0  # seconds one file may lose to failed calls and the waits between them
Schema = Callable[[str], Mapping[str, Sequence[str]] | None]


@dataclass(frozen=True)
class Copier:
    """What every file of a run needs to be copied."""

    site: PatientSite
    config: Config
    mapping: FieldMapping
    schema: Schema
    place: Workplace
    progress: Progress


@dataclass(frozen=True)
class Copied:
    """What became of one file: its row, and the proof where the site holds the right bytes."""

    record: FileRecord
    proof: Verified | None


def tasks_of(
    copier: Copier, tree: Tree, project: Project, twins: Iterable[Twin], *, untouched: bool = False
) -> list[tuple[Twin, Task]]:
    """Return one task for each origin file, with the container of its copy.

    Files on the subject and the session go along with ``export_attachments``. `untouched` is for the archive:
    original bytes and metadata.
    """
    return [
        (twin, _task(copier, tree, project, twin, file, untouched=untouched))
        for twin in twins
        if copier.config.export_attachments or twin.origin.level == "acquisition"
        for file in twin.origin.files
    ]


def _task(copier: Copier, tree: Tree, project: Project, twin: Twin, file: File, *, untouched: bool) -> Task:
    copies = twin.copy.files if twin.copy else ()
    sources: dict[str, Mapping[str, Any]] = {
        item.level: {**item.fields, "label": item.label, "info": item.info, "tags": list(item.tags)}
        for item in (tree.project.container, *tree.above(twin.origin))
    }
    sources["file"] = {"name": file.name, "type": file.type, "modality": file.modality, "info": file.info}
    return Task(
        origin=file,
        origin_path=f"{tree.path(twin.origin)}/{file.name}",
        copy_path=f"{tree.path(twin.origin, project)}/{file.name}",
        existing=next((copy for copy in copies if copy.name == file.name), None),
        overrides={} if untouched else copier.mapping.overrides(sources),
        options=copier.config.options,
        untouched=untouched,
    )


def copy_files(copier: Copier, tasks: Sequence[tuple[Twin, Task]], workers: Workers) -> list[Copied]:
    """Copy files, several at once."""
    copier.progress.expect(len(tasks), sum(task.origin.size for _, task in tasks))
    return workers.map(lambda pair: copy_file(copier, *pair), tasks)


def strays(twin: Twin) -> Iterator[str]:
    """Tell of copies that no origin file of that name explains any more."""
    names = {file.name for file in twin.origin.files}
    for copy in twin.copy.files if twin.copy else ():
        if copy.name in names or KEY not in copy.info:
            continue
        renamed = next((file.name for file in twin.origin.files if is_copy_of(copy, file)), None)
        yield f"{copy.name}: its origin is now named {renamed}" if renamed else f"{copy.name}: its origin is gone"


def copy_file(copier: Copier, twin: Twin, task: Task) -> Copied:
    """Copy one file, or find that nothing is to do; a failure becomes its row."""
    outcome = attempt(lambda: _copy(replace(copier, site=copier.site.with_patience(FILE_PATIENCE)), twin, task))
    copier.progress.advance(task.origin.name, task.origin.size)
    if not isinstance(outcome, Failure):
        return outcome
    log.error("%s: %s", task.origin_path, outcome.for_log)
    failed = replace(row(twin, task, Status.FAILED), error=outcome.message, refused=outcome.refused)
    return Copied(failed, None)


def row(twin: Twin, task: Task, status: Status) -> FileRecord:
    """Return the row of a file to which nothing more has happened yet."""
    return FileRecord(
        level=twin.origin.level,
        name=task.origin.name,
        status=status,
        origin_path=task.origin_path,
        export_path=task.copy_path,
        size=task.origin.size,
        modality=task.origin.modality or "",
    )


def _copy(copier: Copier, twin: Twin, task: Task) -> Copied:
    if known := known_status(task):
        status, proof = known
        if status is Status.UPDATED and copier.config.on_existing != "update":
            status = Status.UNCHANGED  # the bytes are; metadata that is there is left
        if status is Status.UPDATED and not copier.config.dry_run:
            assert task.existing is not None
            record(copier.site, task.existing, task, _metadata(copier, task, None)[0], job=copier.place.job)
        return Copied(replace(row(twin, task, status), verification=Verification.RECORDED), proof)
    if task.existing and copier.config.on_existing == "skip" and not task.untouched:
        note = "a copy is there already and was left as it is (on_existing is skip)"
        return Copied(replace(row(twin, task, Status.SKIPPED), notes=(note,)), None)
    assert_room(task.origin.name, task.origin.size, copier.place.scratch)
    with prepare(copier.site, task, copier.place) as prepared:
        if prepared.status is Status.UPDATED and copier.config.on_existing == "fail":
            raise ExportError(
                f"{task.copy_path}: another file of that name is there. Compare the two, then set on_existing to "
                "update (a new version) or skip (leave it)."
            )
        return _deliver(copier, twin, task, prepared)


def _deliver(copier: Copier, twin: Twin, task: Task, prepared: Prepared) -> Copied:
    metadata, notes = _metadata(copier, task, prepared)
    proof, timing = None, prepared.timing
    if not copier.config.dry_run:
        parent = (twin.origin.level, twin.copy_id)
        proof, timing = deliver(copier.site, prepared, parent, metadata, copier.place)
    result = prepared.result
    done = replace(
        row(twin, task, prepared.status),
        instances=result.instances,
        changes=result.changes,
        refused=result.refused,
        notes=(*result.notes, *notes),
        verification=proof.how if proof else Verification.NONE,
        timing=timing,
        thumbnail=prepared.thumbnail,
    )
    return Copied(done, proof)


def _metadata(copier: Copier, task: Task, prepared: Prepared | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the metadata for the copy, and what of it the site does not allow."""
    metadata = task.metadata
    metadata["classification"], dropped = _allowed(metadata["classification"], task.origin.modality, copier.schema)
    if "header" in metadata["info"]:
        if prepared:
            metadata["info"]["header"] = dict(prepared.result.header)
        elif task.existing:
            metadata["info"]["header"] = task.existing.info.get("header")
    return metadata, tuple(f"classification {value} is not allowed here and was left out" for value in dropped)


def _allowed(
    classification: Mapping[str, Any], modality: str | None, schema: Schema
) -> tuple[dict[str, Any], list[str]]:
    """Split a classification into what the site's modality allows and what it does not; Custom takes anything."""
    if not classification.keys() - {"Custom"}:
        return dict(classification), []
    allowed = (schema(modality) if modality else None) or {}
    spelled = {key.lower(): {value.lower(): value for value in values} for key, values in allowed.items()}
    kept: dict[str, Any] = {}
    dropped = []
    for key, values in classification.items():
        if key == "Custom":
            kept[key] = values
            continue
        for value in values or ():
            if str(value).lower() in spelled.get(key.lower(), {}):
                kept.setdefault(key, []).append(value)
            else:
                dropped.append(f"{key}: {value}")
    return kept, dropped
