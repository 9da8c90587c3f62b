"""The origin as it was read: a session with its subject, acquisitions and files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from export_session.errors import OriginChanged, SiteError
from export_session.session.provenance import carried_info, digest
from export_session.site import ReadSite
from export_session.site.model import Container, Level
from export_session.support.parallel import Workers

CARRIED: Mapping[Level, tuple[str, ...]] = {
    "subject": (
        *("firstname", "lastname", "sex", "cohort", "date_of_birth", "mlset"),
        *("type", "race", "ethnicity", "species", "strain"),
    ),
    "session": ("uid", "timestamp", "timezone", "age", "weight", "operator"),
    "acquisition": ("uid", "timestamp", "timezone"),
}  # the fields that go along to a copy


@dataclass(frozen=True)
class Project:
    """A project and the path that names it."""

    container: Container
    group: str

    @property
    def id(self) -> str:
        """Id of the project."""
        return self.container.id

    @property
    def path(self) -> str:
        """``group/project``."""
        return f"{self.group}/{self.container.label}"


@dataclass(frozen=True)
class Tree:
    """One session in full."""

    project: Project
    subject: Container
    session: Container
    acquisitions: tuple[Container, ...]

    def containers(self) -> Iterator[Container]:
        """Subject, session and acquisitions, in that order."""
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


def read_subject(site: ReadSite, session: Container) -> Container:
    """Read the subject of a session in full."""
    return site.read("subject", session.parents.get("subject") or session.fields["subject"]["_id"])


def assert_unchanged(site: ReadSite, tree: Tree, workers: Workers) -> Tree:
    """Read the session again, compare, and return it as it is now.

    What counts is what a copy is made of: files, their headers, and the fields and info of the containers. Tags,
    notes and results of other gears may come and go.

    Raises
    ------
    OriginChanged
        When it was moved, or something was added, removed or edited since `tree` was read.
    """
    try:
        containers, listed = workers.both(
            lambda: workers.map(lambda one: site.read(one.level, one.id), tree.containers()),
            lambda: {row.id for row in site.children("session", tree.session.id, "acquisition")},
        )
    except SiteError as error:
        if error.status == 404:
            raise OriginChanged(f"{tree.path(tree.session)} was deleted or moved during the export") from None
        raise
    subject, session, *acquisitions = containers
    for level in ("project", "subject"):
        if session.parents.get(level) != tree.session.parents.get(level):
            raise OriginChanged(f"{tree.path(tree.session)} was moved to another {level} during the export")
    again = replace(tree, subject=subject, session=session, acquisitions=tuple(acquisitions))
    if _content(again) != _content(tree) or listed != {one.id for one in acquisitions}:
        raise OriginChanged(
            f"{tree.path(tree.session)} was edited during the export; nothing was tagged or archived. "
            "Run the gear again to export the new state."
        )
    return again


def _content(tree: Tree) -> set[tuple[str, ...]]:
    files = {
        (item.id, file.file_id, str(file.version), digest(file.info.get("header")))
        for item in (tree.session, *tree.acquisitions)
        for file in item.files
    }
    return files | {(item.id, item.label, _fields(item)) for item in tree.containers()}


def _fields(item: Container) -> str:
    info = {key: value for key, value in carried_info(item.info).items() if key != "qc"}
    return digest([[item.fields.get(name) for name in CARRIED[item.level]], info])
