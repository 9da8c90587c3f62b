"""What a Flywheel site holds, as a full read gives it.

Nothing of the wire leaves this room but through these types. Whatever else a site gives of a container can be
read by name from :meth:`Container.document`, which serves the rows of a dicom-map and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

EXPORTED = "EXPORTED"  # the tag on an exported session, its copy and its archived original

Level = Literal["project", "subject", "session", "acquisition", "analysis"]
Parent = Level | Literal["group"]  # what containers can be listed of

# The parent a container is created below
PARENT: Mapping[Level, Level] = {"subject": "project", "session": "subject", "acquisition": "session"}

# What a level says of the person or the visit beside its label and info, and what a create of it takes
DETAILS: Mapping[Level, tuple[str, ...]] = {
    "subject": (
        *("firstname", "lastname", "sex", "cohort", "date_of_birth", "mlset"),
        *("type", "race", "ethnicity", "species", "strain"),
    ),
    "session": ("uid", "timestamp", "timezone", "age", "weight", "operator"),
    "acquisition": ("uid", "timestamp", "timezone"),
}


@dataclass(frozen=True)
class File:
    """One version of one file on the site."""

    file_id: str  # stable over versions
    uuid: str  # `_id`: of this version; version 2 of the gear hashed it as the origin id
    version: int
    name: str
    size: int
    hash: str  # "v0-sha384-…", an opaque form, or "" where the site gives none
    type: str | None
    modality: str | None
    classification: Mapping[str, Any]
    info: Mapping[str, Any]
    tags: tuple[str, ...]
    parent_level: Level
    parent_id: str
    modified: str = ""  # ISO 8601, as the site gives it: when its content or its metadata last changed

    def document(self) -> dict[str, Any]:
        """Return the fields that a row of a dicom-map may name."""
        return {"name": self.name, "type": self.type, "modality": self.modality, "info": self.info}


@dataclass(frozen=True, kw_only=True)
class Container:
    """What every container has."""

    level: ClassVar[Level]

    id: str
    label: str
    parents: Mapping[str, str]  # ids of all containers above, by level: {"group": …, "project": …, …}
    details: Mapping[str, Any]  # those of DETAILS that have a value
    info: Mapping[str, Any]
    info_is_hidden: bool  # whether a listing left out the info that the container has
    tags: tuple[str, ...]
    notes: tuple[str, ...]
    repeated_notes: tuple[str, ...]  # ids of those that say again what their author said the moment before
    files: tuple[File, ...]
    created: str  # ISO 8601, as the site gives it
    _fields: Mapping[str, Any] = field(default_factory=dict, repr=False)  # for document() alone

    def document(self) -> dict[str, Any]:
        """Return the fields that a row of a dicom-map may name: all that the site gives of this container itself.

        Those are label, info and tags, and whatever the site knows of its level, now or in a later version:
        ``sex`` or ``cohort`` of a subject, ``age`` or ``operator`` of a session, and so on. Ids, notes, files and
        analyses are not among them.
        """
        return {**self._fields, "label": self.label, "info": self.info, "tags": list(self.tags)}


@dataclass(frozen=True, kw_only=True)
class Project(Container):
    """A project."""

    level: ClassVar[Level] = "project"

    group: str  # id
    permissions: Mapping[str, frozenset[str]]  # user id: ids of the roles that the user has here
    locked: str = ""  # why nothing in it may be changed, where that is so

    @property
    def path(self) -> str:
        """``group/project``."""
        return f"{self.group}/{self.label}"


@dataclass(frozen=True, kw_only=True)
class Subject(Container):
    """A subject."""

    level: ClassVar[Level] = "subject"


@dataclass(frozen=True, kw_only=True)
class Session(Container):
    """A session with what sites embed of its subject."""

    level: ClassVar[Level] = "session"

    subject_id: str
    subject_label: str


@dataclass(frozen=True, kw_only=True)
class Acquisition(Container):
    """An acquisition."""

    level: ClassVar[Level] = "acquisition"


@dataclass(frozen=True, kw_only=True)
class Analysis(Container):
    """An analysis and the container it is on."""

    level: ClassVar[Level] = "analysis"

    parent_level: str
    parent_id: str


KINDS: Mapping[str, type[Container]] = {kind.level: kind for kind in (Project, Subject, Session, Acquisition, Analysis)}
