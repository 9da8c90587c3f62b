"""The export log: one row for each container and one for each file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from export_session.record import ContainerRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from export_session.record import FileRecord, Kind, SessionRecord
    from export_session.report.cells import Cell

COLUMNS = (
    "Container",  # subject, session, acquisition or file
    "Name",
    "Status",
    "Origin Path",
    "Export Path",
    "Archive Path",
    "Size",  # bytes of the origin file
    "Modality",
    "Instances",  # DICOM instances in the file
    "Changes",
    "Refused",
    "Verified",
    "Seconds",
    "Message",
    "Run",  # export, restore or preview
)


def rows(session: SessionRecord, run: Kind, told: Collection[str] = ()) -> Iterator[tuple[Cell, ...]]:
    """Give the rows of a session: each container followed by its own files.

    Parameters
    ----------
    told
        Origin paths of the subjects that have their row already: a subject has one, however many of its sessions
        a run exports.
    """
    by_parent = files_by_parent(session)
    for container in containers_of(session):
        if not (container.level == "subject" and container.origin_path in told):
            yield (*_container_row(container), run)
        for file in by_parent.pop(container.origin_path, ()):
            yield (*_file_row(file), run)
    for file in (file for orphans in by_parent.values() for file in orphans):
        yield (*_file_row(file), run)


def subjects_of(session: SessionRecord) -> frozenset[str]:
    """Give the origin paths of the subjects that have a row in these."""
    return frozenset(container.origin_path for container in session.containers if container.level == "subject")


def containers_of(session: SessionRecord) -> tuple[ContainerRecord, ...]:
    """Give the containers of a session, the session itself always among them, with what there is to say of it.

    So a session that failed before its containers were read still has its row.
    """
    containers = session.containers
    if not any(container.level == "session" for container in containers):
        path = f"{session.subject}/{session.session}"
        containers = (*containers, ContainerRecord("session", session.session, session.status, path))
    return tuple(_told(container, session) if container.level == "session" else container for container in containers)


def _told(container: ContainerRecord, session: SessionRecord) -> ContainerRecord:
    why = (session.skipped,) if session.skipped and session.skipped not in container.notes else ()
    return replace(container, error=container.error or session.error, notes=(*why, *container.notes))


def files_by_parent(session: SessionRecord) -> dict[str, list[FileRecord]]:
    """Group the files of a session by the origin path of their container."""
    grouped: dict[str, list[FileRecord]] = {}
    for file in session.files:
        grouped.setdefault(file.origin_path.removesuffix(f"/{file.name}"), []).append(file)
    return grouped


def _container_row(container: ContainerRecord) -> tuple[Cell, ...]:
    return (
        container.level,
        container.label,
        container.status.value,
        container.origin_path,
        container.export_path,
        container.archive_path,
        *[""] * 7,
        _message(container.error, container.notes),
    )


def _file_row(file: FileRecord) -> tuple[Cell, ...]:
    return (
        "file",
        file.name,
        file.status.value,
        file.origin_path,
        file.export_path,
        file.archive_path,
        file.size,
        file.modality,
        file.instances,
        len(file.changes),
        len(file.refused),
        file.verification.value,
        round(file.timing.total, 3),
        _message(file.error, (file.done, *file.notes)),
    )


def _message(error: str, notes: tuple[str, ...]) -> str:
    return "; ".join(text for text in (error, *notes) if text)
