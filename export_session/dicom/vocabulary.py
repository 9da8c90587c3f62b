"""What the DICOM engine is asked for and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from export_session.dicom.dictionary import Key

MAPPING_WINS = (
    "a Flywheel field is mapped to this element and says otherwise; the mapping wins"  # why an edit is refused
)


class Cause(StrEnum):
    """Why an element is to change."""

    EDIT = "edit"  # a value in info.header.dicom that no importer explains
    SLICE = "per-slice edit"  # a value in info.header.dicom_array
    MAPPING = "mapping"  # a Flywheel field mapped to this element


class Outcome(StrEnum):
    """What became of a change."""

    APPLIED = "applied"
    REFUSED = "refused"


@dataclass(frozen=True)
class Options:
    """How edits are treated; names and meanings are those of the gear configuration."""

    edit_varying: Literal["refuse", "all"] = "refuse"
    edit_uids: bool = False
    on_invalid_edit: Literal["fail", "skip"] = "fail"
    record_original_attributes: bool = False


@dataclass(frozen=True)
class Change:
    """One element of one or more instances of a file, with its old and new value.

    Instances that share (path, old, new, cause, outcome, reason) share one Change.
    """

    tag: str  # "(0010,0020)"
    keyword: str  # "PatientID"; private elements: "Creator, ggggxxee"
    vr: str  # "LO"
    path: str  # "PatientID", "RequestAttributesSequence[0].ScheduledProcedureStepID"
    old: Any  # JSON value as in the bytes; None when the element is absent
    new: Any  # JSON value asked for; None blanks the element
    cause: Cause
    outcome: Outcome
    reason: str = ""  # why refused, or a warning to read with an applied change
    instances: int = 1  # how many instances of the file this covers
    total: int = 1  # how many instances the file holds
    member: str = ""  # the zip member, when it covers just one of several


@dataclass(frozen=True)
class Step:
    """One step of the way to an element: a tag, and the item number where it is a sequence passed through."""

    tag: int  # 0x00100020; for a private element inside a block: 0xgggg00ee, with its creator
    item: int | None = None  # zero-based; None for the last step
    creator: str = ""  # private creator, empty for public elements

    @property
    def key(self) -> Key:
        """The element, wherever it is."""
        return Key("", self.tag, self.creator)


@dataclass(frozen=True)
class Assignment:
    """One value to write: the hand-over from edit detection to the writer."""

    path: tuple[Step, ...]
    vr: str
    value: Any  # JSON value; None or "" makes the element zero-length
    cause: Cause
    instances: frozenset[int] | None = None  # indices into the file's instances; None: all of them
    warning: str = ""


@dataclass(frozen=True)
class Result:
    """What :func:`export_session.dicom.rewrite` did.

    ``modified`` False means that the target was not written and the source bytes are to be used.
    ``header`` is ``info.header`` made to agree with the bytes to store: refused edits are back at the
    value the file holds, applied changes and mapped values are in.
    """

    modified: bool
    changes: tuple[Change, ...] = ()
    refused: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()  # e.g. values whose origin cannot be told from an importer's
    header: Mapping[str, Any] = field(default_factory=dict)
    instances: int = 0  # DICOM instances in the file


def path_text(path: Sequence[Step], keys: Sequence[Key]) -> str:
    """Return a path as ``RequestAttributesSequence[0].ScheduledProcedureStepID``."""
    return ".".join(
        key.name + ("" if step.item is None else f"[{step.item}]") for step, key in zip(path, keys, strict=True)
    )
