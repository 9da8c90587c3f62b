"""What a Flywheel site holds, as a full read gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

EXPORTED = "EXPORTED"  # the tag on an exported session, its copy and its archived original

Level = Literal["group", "project", "subject", "session", "acquisition", "analysis"]


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
    mimetype: str | None
    modality: str | None
    classification: Mapping[str, Any]
    info: Mapping[str, Any]
    tags: tuple[str, ...]
    parent_level: Level
    parent_id: str


@dataclass(frozen=True)
class Container:
    """A project, subject, session, acquisition or analysis on the site, as a full read gives it."""

    id: str
    level: Level
    label: str
    parents: Mapping[str, str]  # {"group": …, "project": …, …}
    fields: Mapping[str, Any]  # the level's own fields: sex, timestamp, uid, weight, …
    info: Mapping[str, Any]
    tags: tuple[str, ...]
    notes: tuple[str, ...]
    files: tuple[File, ...]
    created: str = ""  # ISO 8601, as the site gives it

    @property
    def subject_label(self) -> str:
        """Label of the subject that a session carries embedded."""
        return str((self.fields.get("subject") or {}).get("label") or "")

    @property
    def info_is_hidden(self) -> bool:
        """Whether a listing left out the info that the container has."""
        return not self.info and bool(self.fields.get("info_exists"))


# The parent a container is created below
PARENT: Mapping[Level, Level] = {"subject": "project", "session": "subject", "acquisition": "session"}
