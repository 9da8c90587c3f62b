"""The record of a run: a row for every session, container and file, and what reports are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from export_session.dicom.vocabulary import Change, Remaining
from export_session.plan import Part, Plan, PlannedFile
from export_session.site.model import Level


class Status(StrEnum):
    """What became of a container or file. A dry run uses the same words for what a run would do."""

    CREATED = "created"  # new in the export project
    UPDATED = "updated"  # was there; a new version or new metadata was written
    UNCHANGED = "unchanged"  # was there and is what this run would have written
    SKIPPED = "skipped"  # left alone on purpose: on_existing=skip, already EXPORTED, …
    FAILED = "failed"
    NOT_REACHED = "not reached"  # its session failed or was stopped before its turn


class Verification(StrEnum):
    """How the stored bytes were proven equal to ours."""

    NONE = ""
    HASH = "size and hash"
    READBACK = "read back"
    RECORDED = "verified by an earlier run"
    NEEDLESS = "nothing sent"  # the file stays as it is, in place


class Archived(StrEnum):
    """What a run did with the originals of a session. A dry run uses the same words for what a run would do."""

    NOTHING = ""
    COPIED = "copied"
    MOVED = "moved"


@dataclass(frozen=True)
class Timing:
    """Wall seconds a file spent in each stage."""

    fetch: float = 0.0
    rewrite: float = 0.0
    store: float = 0.0
    verify: float = 0.0

    @property
    def total(self) -> float:
        """Seconds over all stages."""
        return self.fetch + self.rewrite + self.store + self.verify


@dataclass(frozen=True)
class Held:
    """One version of a file on the site, and the hashes of its bytes."""

    labels: tuple[str, ...]  # the way to it: group, project, …, name
    level: Level  # of the container that holds it
    parent_id: str
    file_id: str
    version: int
    size: int
    sha256: str  # hex digest, "" where it is not known
    sha384: str  # the same


@dataclass(frozen=True)
class Custody:
    """Where the bytes of one origin file are, and by which hashes they are known: what evidence is made of."""

    origin: Held
    export: Held | None  # the copy that was verified; None where there is none
    edits: str  # digest of what beside the origin's bytes decides on those of the copy, see provenance.sealed
    archive: Held | None = None  # the original where it is kept; the same file as the origin where that was moved


@dataclass(frozen=True)
class FileRecord:
    """The one row of one origin file."""

    level: Level  # of the container that holds it
    name: str
    status: Status
    origin_path: str  # group/project/subject/session/acquisition/name
    export_path: str = ""
    archive_path: str = ""
    size: int = 0  # bytes of the origin file
    history: int = 0  # bytes of the version before, which a new one in place leaves in the history
    instances: int = 0  # DICOM instances in it, 0 for other files
    modality: str = ""
    changes: tuple[Change, ...] = ()  # applied (in a dry run: would be applied)
    refused: tuple[Change, ...] = ()
    not_made: tuple[Change, ...] = ()  # could have been applied, but the file failed
    earlier: tuple[Change, ...] = ()  # made by an earlier run, as its copy tells, without values
    done: str = ""  # what became of it, where the status does not say it all
    notes: tuple[str, ...] = ()  # warnings a person should read
    remains: tuple[Remaining, ...] = ()  # old values that still stand somewhere; the notes tell of them, too
    error: str = ""  # why it failed and what to do
    verification: Verification = Verification.NONE
    timing: Timing = field(default_factory=Timing)
    mapped: frozenset[str] = frozenset()  # DICOM keywords for which its containers have a value
    thumbnail: bytes = b""  # PNG, empty where there is none
    custody: Custody | None = None  # None where the file was not reached
    planned: PlannedFile | None = None  # the same

    @property
    def all_changes(self) -> tuple[Change, ...]:
        """Every change that was asked for, whatever became of it."""
        return (*self.changes, *self.refused, *self.not_made)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, but those that say again what a refusal says."""
        said = tuple(f": {change.reason}" for change in self.refused if change.reason)
        return tuple(note for note in self.notes if not note.endswith(said))


@dataclass(frozen=True)
class ContainerRecord:
    """The one row of one origin subject, session or acquisition."""

    level: Level
    label: str
    status: Status
    origin_path: str
    export_path: str = ""
    archive_path: str = ""
    notes: tuple[str, ...] = ()
    error: str = ""
    remains: tuple[Remaining, ...] = ()  # as of a file


@dataclass(frozen=True)
class SessionRecord:
    """What happened to one session, with its containers (subject, session, acquisitions) and files."""

    subject: str
    session: str
    status: Status
    containers: tuple[ContainerRecord, ...] = ()
    files: tuple[FileRecord, ...] = ()
    error: str = ""
    seconds: float = 0.0
    skipped: str = ""  # why it was left alone
    edited_since: bool = False  # it was left alone as exported, but was edited since
    archived: Archived = Archived.NOTHING
    tagged: bool = False  # by this run, which found it without the tag; in a dry run: would be tagged
    cleared: bool = False  # whether empty second copies were removed from the archive; in a dry run: would be
    noted: bool = False  # whether this run corrected what is noted on what was there; in a dry run: would correct
    parts: tuple[Part, ...] = ()  # what a plan says of it
    finishing: bool = False  # whether archiving or tagging had begun, so that a failure may have left a part of it


Kind = Literal["export", "restore", "preview"]  # of run


def kind_of(mode: str, *, dry_run: bool) -> Kind:
    """Return what the rows of a run say of what kind it is."""
    return "preview" if dry_run else "restore" if mode == "restore" else "export"


@dataclass(frozen=True)
class Circumstances:
    """By what, under what and between which projects a run exported; all but its settings."""

    job: str = ""  # id, "" for a run by hand
    image: str = ""  # name and version of the gear's image, as its manifest has it
    dicom_map: Mapping[str, Any] = field(default_factory=dict)  # which file the input was
    projects: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # origin, export, archive: id and path
    approved_plan: str = ""  # digest of the plan that was approved for it
    preview_job: str = ""  # which made that plan, where it was found


@dataclass(frozen=True)
class RunRecord:
    """A whole run: what the reports are made of."""

    title: str  # origin path of the destination: group/project[/subject[/session]]
    stem: str  # file name stem of the outputs, "<subject>-<session>" and the like, already safe for a file system
    gear: str  # "session-export 3.0.0"
    started: str  # ISO 8601, UTC
    finished: str
    dry_run: bool
    log_values: Literal["full", "hash", "none"]
    settings: Mapping[str, Any]  # the configuration as used; never the API key
    sessions: tuple[SessionRecord, ...]
    error: str = ""  # why the run as a whole could not go on
    remarks: tuple[str, ...] = ()  # on the run as a whole
    nothing_selected: str = ""  # why there is no session
    circumstances: Circumstances = field(default_factory=Circumstances)
    plan: Plan | None = None  # of a preview that came to its end

    def files(self) -> Iterator[FileRecord]:
        """Give every origin file, once."""
        for session in self.sessions:
            yield from session.files

    @property
    def mode(self) -> str:
        """What the run was to do with sessions: copy, in_place or restore."""
        return str(self.settings.get("mode") or "copy")

    @property
    def kind(self) -> Kind:
        """What its rows say of what kind it is."""
        return kind_of(self.mode, dry_run=self.dry_run)

    @property
    def succeeded(self) -> bool:
        """Whether every selected session was fully exported, or nothing was to do."""
        return not self.error and all(session.status is not Status.FAILED for session in self.sessions)
