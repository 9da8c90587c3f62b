"""What of a run's values may be shown: the one gate that every report passes.

Names (of containers, files and zip members) are how a person finds their way and are always shown.
Values of header elements are shown as ``log_values`` says:

``full``
    as they are.
``hash``
    as a keyed hash under a random key that lives as long as the run. Equal values of
    one run have equal hashes; without the key even a value of few possibilities, a sex or a date,
    cannot be found by trying them all. Hashes of two runs cannot be compared.
``none``
    not at all.

Below ``full``, reasons, notes and errors lose whatever may be a value, and thumbnails are left out,
since pixels can identify a person.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from export_session.support.wording import without_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from export_session.dicom.vocabulary import Change
    from export_session.record import FileRecord, RunRecord, SessionRecord

HIDDEN = "(not logged)"


class Gate:
    """What may be shown of the sessions of one run; with it goes the key of its hashes."""

    def __init__(self, log_values: Literal["full", "hash", "none"]) -> None:
        masks = {"full": None, "hash": _hashing(secrets.token_bytes(32)), "none": _hiding}
        self._mask: Callable[[Any], Any] | None = masks[log_values]

    def shown(self, session: SessionRecord) -> SessionRecord:
        """Give a session's record as it may be shown."""
        return _session(session, self._mask) if self._mask else session

    def sentence(self, text: str) -> str:
        """Give a sentence that belongs to no file as it may be shown."""
        return without_values(text) if self._mask else text


def disclosed(record: RunRecord) -> RunRecord:
    """Give the whole record of a run as it may be shown."""
    gate = Gate(record.log_values)
    return replace(record, sessions=tuple(map(gate.shown, record.sessions)))


def _hashing(key: bytes) -> Callable[[Any], Any]:
    def mask(value: Any) -> Any:
        if value is None or value == "":  # absent and empty say nothing but that
            return value
        text = json.dumps(value, sort_keys=True, default=str)
        return "#" + hmac.digest(key, text.encode(), "sha256").hex()[:16]

    return mask


def _hiding(value: Any) -> Any:
    return value if value is None or value == "" else HIDDEN


def _session(session: SessionRecord, mask: Callable[[Any], Any]) -> SessionRecord:
    changes = [change for file in session.files for change in file.all_changes]
    clean = _cleaner(changes, names=_names(session))
    containers = tuple(
        replace(
            container,
            notes=tuple(map(clean, container.notes)),
            remains=tuple(replace(each, old=mask(each.old)) for each in container.remains),
            error=clean(container.error),
        )
        for container in session.containers
    )
    files = tuple(_file(file, mask) for file in session.files)
    return replace(
        session, containers=containers, files=files, error=clean(session.error), skipped=clean(session.skipped)
    )


def _names(session: SessionRecord) -> set[str]:
    containers = {name for each in session.containers for name in (each.label, each.origin_path)}
    return {session.subject, session.session} | containers | {file.name for file in session.files}


def _file(file: FileRecord, mask: Callable[[Any], Any]) -> FileRecord:
    every = file.all_changes
    clean = _cleaner(every, names={file.name, *(change.member for change in every)})

    def masked(changes: Iterable[Change]) -> tuple[Change, ...]:
        return tuple(
            replace(
                each,
                old=mask(each.old),
                new=mask(each.new),
                reason=clean(each.reason),
                attribution=each.attribution and replace(each.attribution, reason=clean(each.attribution.reason)),
            )
            for each in changes
        )

    return replace(
        file,
        changes=masked(file.changes),
        refused=masked(file.refused),
        not_made=masked(file.not_made),
        remains=tuple(replace(each, old=mask(each.old)) for each in file.remains),
        notes=tuple(map(clean, file.notes)),
        error=clean(file.error),
        thumbnail=b"",
    )


def _cleaner(changes: Iterable[Change], names: set[str]) -> Callable[[str], str]:
    """Give :func:`without_values` for the values and names of some changes."""
    changes = tuple(changes)
    names = names | {text for each in changes for text in (each.tag, each.keyword, each.path, each.vr)}
    values = {leaf for each in changes for value in (each.old, each.new) for leaf in _leaves(value)}
    return lambda text: without_values(text, values, names)


def _leaves(value: Any) -> Iterator[str]:
    """Every scalar in a JSON value, as the texts by which a sentence may cite it."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        yield from (leaf for item in value for leaf in _leaves(item))
    elif value is not None and str(value).strip():
        yield str(value)
        yield str(value).strip()
