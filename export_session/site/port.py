"""What the gear asks of a Flywheel site.

Stages that only read take a :class:`ReadSite`, so that a dry run cannot write by construction; stages that
write take a :class:`Site`. Every method raises the :class:`~export_session.errors.SiteError` family and
nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from export_session.site.model import Container, File, Level, Parent, Project

C = TypeVar("C", bound=Container)


@dataclass(frozen=True)
class Condition:
    """One condition of a Flywheel filter."""

    key: str
    value: str

    def __str__(self) -> str:
        # Quotes force a string, so that the label 1001 is not compared as a number; parents take bare ids.
        value = self.value.replace(",", "\\,")
        return f"{self.key}={value}" if self.key.startswith("parents.") else f'{self.key}="{value}"'


def equals(key: str, value: str) -> Condition:
    """Return the condition that the text field `key` equals `value`."""
    return Condition(key, value)


@dataclass(frozen=True)
class Identity:
    """Who the API key speaks for."""

    kind: str  # "user", "gear_rule", "device", …
    id: str  # the user's e-mail address, or the id of the gear rule


@dataclass(frozen=True)
class Rule:
    """A gear rule of a project."""

    name: str
    gear: str
    enabled: bool
    file_type: str = ""  # lower case: it runs on files of this type alone; "" where it does not say so

    def may_run_on(self, types: Collection[str]) -> bool:
        """Tell whether it may run on a file of one of these types."""
        return self.enabled and (not self.file_type or self.file_type in types)


@dataclass(frozen=True)
class Job:
    """A gear job and the session it works on."""

    id: str
    state: str  # pending, running, complete, failed, cancelled
    session_id: str


@dataclass(frozen=True)
class JobRequest:
    """One job to start, as the analysis of a session."""

    gear_id: str
    label: str  # of the analysis; the same for every job of one fan-out
    tag: str
    config: Mapping[str, Any]
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Recorded:
    """One change of a file, as the audit trail of the site has it."""

    at: str  # ISO 8601, as the site gives it
    revision: int  # of the file's metadata, 0 where the site does not say
    version: int  # of the file, 0 where the site does not say
    kind: str  # of whoever made it: user, job, gear_rule, device, system, …
    author: str  # id of that user, job, …
    reason: str
    patch: Any  # the fields that changed with their new values, nested as they are; None for what is gone


@dataclass(frozen=True)
class Stored:
    """The bytes of a file, as a fetch wrote them to disk or as they are to be stored."""

    size: int
    sha384: str  # hex digest; what sites state
    sha256: str = ""  # the same; what evidence states, "" where an earlier version of the gear did not keep it


class ReadSite(Protocol):
    """The calls that change nothing."""

    def identity(self) -> Identity:
        """Return who the API key speaks for."""

    def signs_uploads(self) -> bool:
        """Return whether uploads go to signed URLs rather than through the site; asked once in a run."""

    def find_project(self, group: str, label: str) -> Project:
        """Return a project by its group's id and its label; NotFound where there is none."""

    def read(self, kind: type[C], container_id: str) -> C:
        """Return a container with its info, notes and files in full."""

    def children(
        self, parent: Parent, parent_id: str, kind: type[C], *conditions: Condition, with_info: bool = False
    ) -> Iterator[C]:
        """List containers below a parent, the projects of a group among them, oldest first, page by page.

        Listings leave out info and file classification. `with_info` asks for container info all the same, which
        a site may ignore (see :attr:`~export_session.site.model.Container.info_is_hidden`).
        """

    def actions(self, project: Project, user: str) -> frozenset[str] | None:
        """Return what a user's roles allow in a project, None where the site does not say."""

    def gear_rules(self, project_id: str) -> tuple[Rule, ...]:
        """Return the gear rules of a project."""

    def classification_schema(self, modality: str) -> Mapping[str, Sequence[str]] | None:
        """Return the classification values a modality allows, None for an unknown modality."""

    def gear_of(self, job_id: str) -> str:
        """Return the id of the gear that a job runs."""

    def jobs(self, tag: str) -> Iterator[Job]:
        """List the jobs that bear a tag, oldest first."""

    def rule_jobs(self, session_id: str) -> tuple[Job, ...]:
        """Return the jobs that gear rules have started at or below a session."""

    def read_file(self, file: File, version: int = 0) -> File:
        """Return a version of a file with the metadata that it has, the current one where none is named."""

    def changes(self, file: File) -> tuple[Recorded, ...] | None:
        """Return what the audit trail has of a file up to this version, None where the site keeps or shows none."""

    def fetch(self, file: File, target: Path) -> Stored:
        """Download exactly this version of a file."""


class Site(ReadSite, Protocol):
    """The calls that write."""

    def create(self, level: Level, parent_id: str, body: Mapping[str, Any]) -> str:
        """Create a container and return its id; Conflict where its label must be unique and is taken."""

    def modify(self, level: Level, container_id: str, body: Mapping[str, Any]) -> None:
        """Change fields of a container."""

    def set_info(self, level: Level, container_id: str, values: Mapping[str, Any]) -> None:
        """Replace top-level keys of a container's info, leaving the others."""

    def delete_info(self, level: Level, container_id: str, keys: Sequence[str]) -> None:
        """Take top-level keys out of a container's info; those that are gone already count as taken out."""

    def add_tags(self, level: Level, container_id: str, tags: Sequence[str]) -> None:
        """Add tags; those already there are left."""

    def remove_tags(self, level: Level, container_id: str, tags: Sequence[str]) -> None:
        """Remove tags; those that are not there are left out."""

    def add_note(self, level: Level, container_id: str, text: str) -> None:
        """Add a note."""

    def delete_note(self, level: Level, container_id: str, note_id: str) -> None:
        """Delete a note; one that is gone already counts as deleted."""

    def delete(self, level: Level, container_id: str) -> None:
        """Delete a container; one that is gone already counts as deleted."""

    def store(self, level: Level, parent_id: str, path: Path, metadata: Mapping[str, Any], replaces: int = 0) -> File:
        """Upload a file as ``metadata["name"]`` with its metadata and return the new version.

        `replaces` is the newest version of that name that was there before, 0 for none.
        """

    def modify_file(self, file: File, body: Mapping[str, Any]) -> None:
        """Change type or modality of a file."""

    def set_file_info(self, file: File, values: Mapping[str, Any]) -> None:
        """Replace top-level keys of a file's info, leaving the others."""

    def set_file_classification(self, file: File, classification: Mapping[str, Any]) -> None:
        """Replace a file's classification."""

    def add_file_tags(self, file: File, tags: Sequence[str]) -> None:
        """Add tags to a file."""

    def replace_file_info(self, file: File, info: Mapping[str, Any]) -> None:
        """Replace a file's info as a whole."""

    def set_file_tags(self, file: File, tags: Sequence[str]) -> None:
        """Replace a file's tags."""

    def restore(self, file: File, earlier: File) -> File:
        """Make an earlier version of a file, with its metadata, the newest one and return that; no gear rule runs.

        NotFound where the site has no such call.
        """

    def move_session(self, session_id: str, subject_id: str) -> None:
        """Move a session below another subject, in whatever project that is."""

    def start_job(self, session_id: str, request: JobRequest) -> None:
        """Start a job as an analysis of a session."""
