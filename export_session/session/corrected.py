"""What is kept at the origin of corrections from a sheet: where each was written and why, and no value.

It lies in ``info.export.corrections`` of the file or container, in the same call as the corrected value itself. So a
later run, or a job of a fan-out, which has no sheet, says the same of a change as the run that applied it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from export_session.dicom.vocabulary import Attribution, Cause, Change
from export_session.session.headers import NoElement, element_of, path_in, value_in
from export_session.session.provenance import KEY, object_at
from export_session.support.digests import digest, plain

NOTED = "corrections"
_FRAME = re.compile(r"^(PerFrameFunctionalGroupsSequence)\[\d+\]")


@dataclass(frozen=True)
class Note:
    """One correction that was applied."""

    path: str  # of the element, or a field such as subject.label
    value: str  # digest of the new value: once another one stands there, the note is void
    source: str  # the cell
    reason: str = ""
    author: str = ""  # user id, as Flywheel has it
    at: str = ""  # ISO 8601, UTC


def with_notes(info: Mapping[str, Any], notes: Iterable[Note]) -> dict[str, Any]:
    """Return ``info.export`` with these notes in place of earlier ones on the same elements."""
    notes = tuple(notes)
    replaced = {note.path for note in notes}
    kept = [note for note in _notes(info) if note.path not in replaced]
    return {**object_at(info, KEY), NOTED: [asdict(note) for note in (*kept, *notes)]}


def digest_of(value: Any) -> str:
    """Return what stands for a value in a note; numbers count by what they are worth."""
    return digest(plain(value))


def _notes(info: Mapping[str, Any]) -> tuple[Note, ...]:
    listed = object_at(info, KEY).get(NOTED)
    notes = []
    for one in listed if isinstance(listed, list) else ():
        said = one if isinstance(one, Mapping) else {}
        texts = {field.name: said[field.name] for field in fields(Note) if isinstance(said.get(field.name), str)}
        if len(texts) == len(fields(Note)):
            notes.append(Note(**texts))
    return tuple(notes)


def of_elements(info: Mapping[str, Any]) -> dict[str, Attribution]:
    """Return who asked for the values in ``info.header.dicom`` of a file, as far as sheets did.

    They are by path, in the names of the change log and in those of the metadata.
    """
    dicom = object_at(info, "header", "dicom")
    found: dict[str, Attribution] = {}
    for note in _notes(info):
        try:
            element = element_of(note.path)
            value, spelled = value_in(dicom, element), path_in(dicom, element)
        except NoElement:
            continue
        if digest_of(value) == note.value:
            found |= dict.fromkeys((note.path, spelled), _attribution(note))
    return found


def of_field(document: Mapping[str, Any], info: Mapping[str, Any], source: str) -> Attribution | None:
    """Return who asked for the value of a field such as ``subject.label``, None where no sheet did.

    Parameters
    ----------
    document
        What the container says of itself.
    info
        Its info.
    source
        The field.
    """
    value: Any = document
    for key in source.split(".")[1:]:
        value = value.get(key) if isinstance(value, Mapping) else None
    notes = (note for note in _notes(info) if note.path == source and note.value == digest_of(value))
    return next(map(_attribution, notes), None)


def _attribution(note: Note) -> Attribution:
    return Attribution(note.author, note.at, note.reason, note.source)


def attributed(
    changes: Iterable[Change], elements: Mapping[str, Attribution], mapped: Mapping[str, Attribution]
) -> tuple[Change, ...]:
    """Return changes with who asked for them.

    Parameters
    ----------
    elements
        By path of an element that was edited.
    mapped
        By keyword of an element that a Flywheel field is mapped to.
    """

    def told(change: Change) -> Change:
        by_mapping, path = change.cause is Cause.MAPPING, _FRAME.sub(r"\1[0]", change.path)
        asked = mapped.get(change.keyword) if by_mapping else elements.get(path)
        if asked is None:
            return change
        known = change.attribution or asked  # an audit trail knows when, and by whose job
        return replace(change, attribution=replace(known, reason=asked.reason, source=asked.source))

    return tuple(map(told, changes)) if elements or mapped else tuple(changes)
