"""The origin as it was read: a session with its subject, acquisitions and files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from export_session.errors import NotFound, OriginChanged
from export_session.session.provenance import carried_info, digest
from export_session.site import ReadSite
from export_session.site.model import Acquisition, Container, Project, Session, Subject
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


def assert_unchanged(site: ReadSite, origin: Origin, workers: Workers) -> Origin:
    """Read the session again, compare, and return it as it is now.

    What counts is what a copy is made of: files, their headers, and the fields and info of the containers. Tags,
    notes and results of other gears may come and go.

    Raises
    ------
    OriginChanged
        When it was moved, or something was added, removed or edited since `origin` was read.
    """
    try:
        again, listed = workers.both(
            lambda: _read_again(site, origin, workers),
            lambda: {row.id for row in site.children("session", origin.session.id, Acquisition)},
        )
    except NotFound:
        raise OriginChanged(f"{origin.path(origin.session)} was deleted or moved during the export") from None
    for level in ("project", "subject"):
        if again.session.parents.get(level) != origin.session.parents.get(level):
            raise OriginChanged(f"{origin.path(origin.session)} was moved to another {level} during the export")
    if _content(again) != _content(origin) or listed != {one.id for one in again.acquisitions}:
        raise OriginChanged(
            f"{origin.path(origin.session)} was edited during the export; nothing was tagged or archived. "
            "Run the gear again to export the new state."
        )
    return again


def _read_again(site: ReadSite, origin: Origin, workers: Workers) -> Origin:
    (subject, session), acquisitions = workers.both(
        lambda: workers.both(
            lambda: site.read(Subject, origin.subject.id), lambda: site.read(Session, origin.session.id)
        ),
        lambda: workers.map(lambda one: site.read(Acquisition, one.id), origin.acquisitions),
    )
    return Origin(origin.project, subject, session, tuple(acquisitions))


def _content(origin: Origin) -> set[tuple[str, ...]]:
    files = {
        (item.id, file.file_id, str(file.version), digest(file.info.get("header")))
        for item in (origin.session, *origin.acquisitions)
        for file in item.files
    }
    return files | {(item.id, item.label, _metadata(item)) for item in origin.containers()}


def _metadata(item: Container) -> str:
    info = {key: value for key, value in carried_info(item.info).items() if key != "qc"}
    return digest([item.details, info])
