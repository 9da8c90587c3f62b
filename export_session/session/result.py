"""What became of a session's containers and files, and the record made of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from export_session.dicom import Remaining
from export_session.record import ContainerRecord, FileRecord, Held, SessionRecord, Status, Verification
from export_session.session.files import FileOutcome, notes_on_copies
from export_session.session.origin import Origin
from export_session.session.pairs import Pair
from export_session.session.planned import parts_of
from export_session.session.remains import remarks
from export_session.site.model import Container, Project, Session

NOTHING_HELD: Mapping[str, Held] = MappingProxyType({})


@dataclass(frozen=True)
class Route:
    """From where to where a run exports."""

    origin: Project
    export: Project
    archive: Project | None


@dataclass(frozen=True)
class Result:
    """What became of a session's containers and files, before or without archive and tags."""

    route: Route
    origin: Origin
    pairs: tuple[Pair[Container], ...]
    outcomes: Sequence[FileOutcome]
    remains: Mapping[str, tuple[Remaining, ...]] = field(default_factory=dict)  # by the id of the origin container
    forgotten: tuple[str, ...] = ()  # remarks on the session as a whole

    def without(self, copies: Collection[str], why: str) -> Result:
        """Return the same where files have failed, whose copies are no longer those that were verified."""

        def seen(item: FileOutcome) -> FileOutcome:
            if item.proof is None or item.proof.copy.file_id not in copies:
                return item
            failed = replace(item.record, status=Status.FAILED, verification=Verification.NONE, error=why)
            return FileOutcome(failed, None)

        return replace(self, outcomes=list(map(seen, self.outcomes)))

    def count(self, status: Status) -> int:
        """Return how many files came to be in a status."""
        return sum(item.record.status is status for item in self.outcomes)

    @property
    def status(self) -> Status:
        """The status of the session as a whole, where no file failed."""
        (session,) = (pair for pair in self.pairs if pair.origin.level == "session")
        if session.status is Status.CREATED:
            return Status.CREATED
        statuses = {pair.status for pair in self.pairs} | {item.record.status for item in self.outcomes}
        return Status.UNCHANGED if statuses <= {Status.UNCHANGED} and not session.cleared else Status.UPDATED

    @property
    def records_anew(self) -> bool:
        """Whether the record of a copy is written anew, whose bytes turned out to be the right ones."""
        return any(
            item.record.status is Status.UNCHANGED and item.record.verification is not Verification.RECORDED
            for item in self.outcomes
        )

    def record(
        self,
        status: Status,
        error: str = "",
        archive: Project | None = None,
        held: Mapping[str, Held] = NOTHING_HELD,
    ) -> SessionRecord:
        """Return the session's record; `archive` is the project that keeps its originals by now, those in `held`."""
        return SessionRecord(
            subject=self.origin.subject.label,
            session=self.origin.session.label,
            status=status,
            containers=tuple(self._container(pair, status, archive) for pair in self.pairs),
            files=tuple(self._file(item.record, archive, held) for item in self.outcomes),
            error=error,
            parts=tuple(
                parts_of(self.origin, (pair.origin for pair in self.pairs), (item.record for item in self.outcomes))
            ),
        )

    def _container(self, pair: Pair[Container], overall: Status, archive: Project | None) -> ContainerRecord:
        container = pair.origin
        remains = self.remains.get(container.id, ())
        forgotten = self.forgotten if container.level == "session" else ()
        return ContainerRecord(
            level=container.level,
            label=container.label,
            status=Status.FAILED if (container.level, overall) == ("session", Status.FAILED) else pair.status,
            origin_path=self.origin.path(container),
            export_path=self.origin.path(container, self.route.export),
            archive_path=self.origin.path(container, archive) if archive else "",
            notes=(*pair.notes, *notes_on_copies(self.origin, pair), *forgotten, *remarks(remains)),
            remains=remains,
        )

    def _file(self, record: FileRecord, archive: Project | None, held: Mapping[str, Held]) -> FileRecord:
        if not archive:
            return record
        if record.custody:
            kept = replace(record.custody, archive=held.get(record.custody.origin.file_id))
            record = replace(record, custody=kept)
        return replace(record, archive_path=archive.path + record.origin_path.removeprefix(self.origin.project.path))


def row_alone(route: Route, session: Session, status: Status, *, error: str = "", note: str = "") -> SessionRecord:
    """Return the record of a session of which nothing else was looked at."""
    path = f"{route.origin.path}/{session.subject_label}/{session.label}"
    row = ContainerRecord("session", session.label, status, path, error=error, notes=(note,) if note else ())
    return SessionRecord(session.subject_label, session.label, status, (row,), error=error)
