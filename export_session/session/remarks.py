"""What there is to say of a session once all its files are done: what remains of old values, and what was forgotten."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from export_session.dicom.remains.traces import Trace, traces_of
from export_session.session.file_plan import DICOM, DICOM_NAMES, UNTYPED
from export_session.session.files import FileOutcome
from export_session.session.forgotten import DicomFile, forgotten
from export_session.session.remains import in_container, in_file, remarks
from export_session.session.result import Result
from export_session.site.model import File
from export_session.support.wording import counted

log = logging.getLogger(__name__)


def with_remarks(result: Result) -> Result:
    """Return what became of a session with the remarks on it; only their number goes to the job's log."""
    origin, outcomes = result.origin, result.outcomes
    identities = [item.identity for item in outcomes if item.identity]
    changes = [change for item in outcomes for change in item.record.changes]
    traces = traces_of(changes, {day for identity in identities for day in identity.dates})
    files = {f"{origin.path(one)}/{file.name}": file for one in origin.containers() for file in one.files}
    done = replace(
        result,
        outcomes=[_beside(item, files[item.record.origin_path], traces) for item in outcomes],
        remains={pair.origin.id: in_container(traces, pair.origin) for pair in result.pairs},
        forgotten=_forgotten(result, files),
    )
    number = len(done.forgotten) + sum(len(remarks(found)) for found in done.remains.values())
    number += sum(len(remarks(item.record.remains)) for item in done.outcomes)
    if number:
        log.warning(
            "%s: %s on old values and forgotten corrections, see the report",
            origin.path(origin.session),
            counted(number, "remark"),
        )
    return done


def _beside(item: FileOutcome, file: File, traces: Sequence[Trace]) -> FileOutcome:
    """Look for the old values of other files in the name and metadata of one that has no changes of its own."""
    if item.record.changes:
        return item
    name = item.record.export_path.rpartition("/")[2] or file.name
    remains = in_file(traces, file, name, described=file.type == DICOM or file.type in UNTYPED)
    return replace(item, record=replace(item.record, remains=remains, notes=(*item.record.notes, *remarks(remains))))


def _forgotten(result: Result, origins: Mapping[str, File]) -> tuple[str, ...]:
    below = f"{result.origin.path(result.origin.session)}/"
    files = [
        DicomFile(item.record.origin_path.removeprefix(below), item.identity, item.record.changes)
        for item in result.outcomes
        if item.identity and item.record.level != "subject"
    ]
    known = all(item.identity or not _may_be_dicom(origins[item.record.origin_path]) for item in result.outcomes)
    return tuple(forgotten(files, result.origin.subject.label, all_known=known))


def _may_be_dicom(file: File) -> bool:
    return file.type == DICOM or file.name.lower().endswith((".zip", *DICOM_NAMES))
