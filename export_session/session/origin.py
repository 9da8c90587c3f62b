"""The origin as it was read: a session with its subject, acquisitions and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from export_session.errors import AccessDenied, NotFound, OriginChanged
from export_session.session.provenance import KEY, carried_info, object_at
from export_session.site import ReadSite, equals
from export_session.site.model import EXPORTED, Acquisition, Container, File, Project, Session, Subject
from export_session.support.digests import digest, plain
from export_session.support.parallel import Workers

C = TypeVar("C", bound=Container)


@dataclass(frozen=True)
class Origin:
    """One session in full."""

    project: Project
    subject: Subject
    session: Session
    acquisitions: tuple[Acquisition, ...]

    def containers(self) -> Iterator[Subject | Session | Acquisition]:
        """Give subject, session and acquisitions, in that order."""
        yield self.subject
        yield self.session
        yield from self.acquisitions

    def above(self, container: Container) -> tuple[Container, ...]:
        """Return what a file on one of these containers belongs to: one on the subject to no session."""
        ways: dict[str, tuple[Container, ...]] = {"subject": (), "session": (self.subject,)}
        return (*ways.get(container.level, (self.subject, self.session)), container)

    def labels(self, container: Container, project: Project | None = None) -> tuple[str, ...]:
        """Return the way to one of these containers, here or in another project: group, project, …."""
        home = project or self.project
        below = [self.subject.label]
        if container.level != "subject":
            below.append(self.session.label)
        if container.level == "acquisition":
            below.append(container.label)
        return (home.group, home.label, *below)

    def path(self, container: Container, project: Project | None = None) -> str:
        """Return the same as a path."""
        return "/".join(self.labels(container, project))


def acquisitions_below(
    site: ReadSite, container: Project | Subject | Session, *, with_info: bool = False
) -> Iterator[Acquisition]:
    """List the acquisitions below a container; Flywheel has no such list of a subject's."""
    if isinstance(container, Subject):
        of_subject = equals("parents.subject", container.id)
        return site.children("project", container.parents["project"], Acquisition, of_subject, with_info=with_info)
    return site.children(container.level, container.id, Acquisition, with_info=with_info)


def assert_unchanged(
    site: ReadSite,
    origin: Origin,
    workers: Workers,
    *,
    moved: bool = False,
    content: Callable[[File], str] | None = None,
) -> Origin:
    """Read the session again, compare, and return it as it is now.

    What counts is all that a copy is made of: files with their metadata, and the fields, info, tags and notes of the
    containers. Results of other gears (``info.qc``) may come and go.

    Parameters
    ----------
    moved
        Whether it has just been moved to the archive.
    content
        Gives what must be the same of a file; all that a copy is made of, where it is not given.

    Raises
    ------
    OriginChanged
        When it was moved by somebody else, or something was added, removed or edited since `origin` was read.
    """
    path = origin.path(origin.session)
    try:
        again, listed = workers.both(
            lambda: _read_again(site, origin, workers),
            lambda: {row.id for row in site.children("session", origin.session.id, Acquisition)},
        )
    except NotFound:
        raise OriginChanged(f"{path} was deleted or moved during the export") from None
    for level in () if moved else ("project", "subject"):
        if again.session.parents.get(level) != origin.session.parents.get(level):
            raise OriginChanged(f"{path} was moved to another {level} during the export")
    of_file = content or file_content
    if _content(again, of_file) != _content(origin, of_file) or listed != {one.id for one in again.acquisitions}:
        left = "it was moved to the archive project, but not tagged" if moved else "it was not tagged"
        raise OriginChanged(f"{path} was edited during the export; {left}. Run the gear again to export the new state.")
    return again


def file_content(file: File) -> str:
    """Return a digest of all that the copy of a file is made of."""
    about = [file.name, file.version, file.type, file.modality, file.classification, _tags(file), _info(file)]
    return digest([file.file_id, *about])


def with_files(origin: Origin, files: Mapping[str, File]) -> Origin:
    """Return the same with other states of some of its files, which are given by their ids."""

    def seen(item: C) -> C:
        return replace(item, files=tuple(files.get(file.file_id, file) for file in item.files))

    return replace(
        origin,
        subject=seen(origin.subject),
        session=seen(origin.session),
        acquisitions=tuple(map(seen, origin.acquisitions)),
    )


def _read_again(site: ReadSite, origin: Origin, workers: Workers) -> Origin:
    (subject, session), acquisitions = workers.both(
        lambda: workers.both(
            lambda: site.read(Subject, origin.subject.id), lambda: site.read(Session, origin.session.id)
        ),
        lambda: workers.map(lambda one: site.read(Acquisition, one.id), origin.acquisitions),
    )
    return Origin(origin.project, subject, session, tuple(acquisitions))


def _content(origin: Origin, content: Callable[[File], str]) -> set[tuple[str, ...]]:
    """Return all that a copy of the session is made of."""
    files = {(item.id, content(file)) for item in origin.containers() for file in item.files}
    return files | {(item.id, _container_content(item)) for item in origin.containers()}


def described(file: File) -> str:
    """Return a digest of the metadata that a copy is made of, but tags: by these people say what they approve."""
    return digest([file.name, file.type, file.modality, file.classification, _info(file)])


def container_digest(item: Container) -> str:
    """Return the same of a container, but notes, too."""
    return digest([item.label, {name: _spelled(value) for name, value in item.details.items()}, _info(item)])


def _spelled(value: Any) -> Any:
    """Return one spelling of a detail: a site may give back moments and numbers in another than was typed."""
    if isinstance(value, str) and "T" in value:
        with suppress(ValueError):
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC).isoformat() if moment.tzinfo else value
    return plain(value)


def _container_content(item: Container) -> str:
    return digest([item.label, item.details, _tags(item), sorted(item.notes), _info(item)])


def _tags(item: Container | File) -> list[str]:
    return sorted(tag for tag in item.tags if tag != EXPORTED)


def _info(item: Container | File) -> dict[str, Any]:
    return {key: value for key, value in carried_info(item.info).items() if key != "qc"}


def read_origin(
    site: ReadSite, project: Project, session: Session, workers: Workers, subject: Callable[[], Subject]
) -> Origin:
    """Read all of a session's containers in full; `subject` reads the one that counts as its subject."""
    above, listed = workers.both(subject, lambda: list(site.children("session", session.id, Acquisition)))
    acquisitions = workers.map(lambda row: site.read(Acquisition, row.id), listed)
    return Origin(project, above, session, tuple(acquisitions))


def subject_of(site: ReadSite, session: Session) -> Subject:
    """Read a session's subject; of one that was moved but not tagged the subject it came from.

    That subject's files are those of its other sessions, too, and each is to be looked at once.
    """
    mark = object_at(session.info, KEY)
    left_behind = mark.get("origin_subject")
    moved = session.parents.get("project") != mark.get("origin_project")
    if isinstance(left_behind, str) and moved and EXPORTED not in session.tags:
        try:
            return site.read(Subject, left_behind)
        except (NotFound, AccessDenied):  # its last session has left it; the archive has its files
            pass
    return site.read(Subject, session.subject_id)
