"""The origin as it was read: a session with its subject, acquisitions and files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from export_session.errors import NotFound, OriginChanged
from export_session.session.provenance import carried_info, digest
from export_session.site import ReadSite, equals
from export_session.site.model import EXPORTED, Acquisition, Container, File, Project, Session, Subject
from export_session.support.parallel import Workers


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

    def path(self, container: Container, project: Project | None = None) -> str:
        """Return the path of one of these containers, here or in another project."""
        labels = [(project or self.project).path, self.subject.label]
        if container.level != "subject":
            labels.append(self.session.label)
        if container.level == "acquisition":
            labels.append(container.label)
        return "/".join(labels)


def acquisitions_below(
    site: ReadSite, container: Project | Subject | Session, *, with_info: bool = False
) -> Iterator[Acquisition]:
    """List the acquisitions below a container; Flywheel has no such list of a subject's."""
    if isinstance(container, Subject):
        of_subject = equals("parents.subject", container.id)
        return site.children("project", container.parents["project"], Acquisition, of_subject, with_info=with_info)
    return site.children(container.level, container.id, Acquisition, with_info=with_info)


def assert_unchanged(site: ReadSite, origin: Origin, workers: Workers, *, moved: bool = False) -> Origin:
    """Read the session again, compare, and return it as it is now.

    What counts is all that a copy is made of: files with their metadata, and the fields, info, tags and notes of the
    containers. Results of other gears (``info.qc``) may come and go.

    Parameters
    ----------
    moved
        Whether it has just been moved to the archive.

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
    if _content(again) != _content(origin) or listed != {one.id for one in again.acquisitions}:
        left = "it was moved to the archive project, but not tagged" if moved else "it was not tagged"
        raise OriginChanged(f"{path} was edited during the export; {left}. Run the gear again to export the new state.")
    return again


def file_content(file: File) -> str:
    """Return a digest of all that the copy of a file is made of."""
    about = [file.name, file.version, file.type, file.modality, file.classification, _tags(file), _info(file)]
    return digest([file.file_id, *about])


def _read_again(site: ReadSite, origin: Origin, workers: Workers) -> Origin:
    (subject, session), acquisitions = workers.both(
        lambda: workers.both(
            lambda: site.read(Subject, origin.subject.id), lambda: site.read(Session, origin.session.id)
        ),
        lambda: workers.map(lambda one: site.read(Acquisition, one.id), origin.acquisitions),
    )
    return Origin(origin.project, subject, session, tuple(acquisitions))


def _content(origin: Origin) -> set[tuple[str, ...]]:
    """Return all that a copy of the session is made of."""
    files = {(item.id, file_content(file)) for item in origin.containers() for file in item.files}
    return files | {(item.id, _container_content(item)) for item in origin.containers()}


def _container_content(item: Container) -> str:
    return digest([item.label, item.details, _tags(item), sorted(item.notes), _info(item)])


def _tags(item: Container | File) -> list[str]:
    return sorted(tag for tag in item.tags if tag != EXPORTED)


def _info(item: Container | File) -> dict[str, Any]:
    return {key: value for key, value in carried_info(item.info).items() if key != "qc"}
