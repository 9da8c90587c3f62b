"""Reads the UIDs of a file, as they are and as the edits of its metadata will have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from export_session.dicom.binary.dataset import DataSet, main_data_set
from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.dictionary import (
    FRAME_OF_REFERENCE_UID,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
)
from export_session.dicom.edits.find import find_edits
from export_session.dicom.files.file import open_file
from export_session.dicom.following import FileUids, InstanceUids
from export_session.dicom.rewrite import rereader
from export_session.dicom.vocabulary import Assignment, Options, Written, written_by_somebody
from export_session.dicom.writing.mentions import mentions
from export_session.dicom.writing.plan import make_plan
from export_session.dicom.writing.uids import Taken, duplicate_uids

_TAGS = (STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, FRAME_OF_REFERENCE_UID, SOP_INSTANCE_UID)  # as in InstanceUids


def read_uids(
    source: Path,
    header: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    written: Written = written_by_somebody,
    **options: Any,
) -> FileUids:
    """Read the UIDs that a file bears and refers to, and find how the edits of its metadata change them.

    Parameters
    ----------
    source, header, overrides, written, **options
        As for :func:`~export_session.dicom.rewrite`.

    Raises
    ------
    HeaderError
        The file cannot be read, or its metadata do not describe it.
    """
    chosen = Options(**options)
    with open_file(source) as file:
        instances = file.instances()
        if not any(one.kind is Kind.INSTANCE for one in instances):
            directories = [main_data_set(one) for one in instances if one.kind is Kind.DIRECTORY]
            return FileUids(mentioned=_all_in(directories))
        decision = find_edits(instances, header, overrides, chosen, rereader(file, instances), written=written)
    assignments = _written(instances, decision.assignments)
    new = _new_uids(assignments, range(len(instances)))
    taken = Taken(assignments)
    before, after = [], []
    mentioned: set[str] = set()
    redirected: set[tuple[str, str]] = set()
    for index, instance in enumerate(instances):
        if instance.kind is not Kind.INSTANCE:
            continue
        uids = [instance.text(tag) for tag in _TAGS]
        before.append(InstanceUids(*uids))
        after.append(InstanceUids(*(new.get((tag, index), uid) for tag, uid in zip(_TAGS, uids, strict=True))))
        for mention in mentions(main_data_set(instance)):
            edit = taken.by(mention.path, index)
            if edit is None:
                mentioned.update(mention.uids)
            elif edit.path == mention.path and len(mention.uids) == 1:
                redirected.add((mention.uids[0], str(edit.value or "")))
    return FileUids(tuple(before), tuple(after), frozenset(mentioned - {""}), frozenset(redirected))


def _all_in(data_sets: Iterable[DataSet]) -> frozenset[str]:
    return frozenset(uid for one in data_sets for mention in mentions(one) for uid in mention.uids if uid)


def _written(instances: Sequence[Instance], assignments: Sequence[Assignment]) -> list[Assignment]:
    """Return those of the assignments that bear on UIDs and can be written."""
    bearing = [one for one in assignments if one.vr in ("UI", "SQ")]
    if not bearing:
        return []
    refused = make_plan(instances, bearing, duplicate_uids(instances, bearing)).refused_numbers
    return [one for number, one in enumerate(bearing) if number not in refused]


def _new_uids(assignments: Sequence[Assignment], everyone: range) -> Mapping[tuple[int, int], str]:
    """Return the new UIDs of the main data sets by tag and instance."""
    return {
        (one.path[0].tag, index): str(one.value or "")
        for one in assignments
        if len(one.path) == 1 and one.path[0].tag in _TAGS
        for index in (everyone if one.instances is None else one.instances)
    }
