"""What the DICOM engine is asked for and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from export_session.dicom.character_sets import NoDeclaration, declaration
from export_session.dicom.dictionary import Key
from export_session.errors import ConfigError

MAPPING_WINS = (
    "a Flywheel field is mapped to this element and says otherwise; the mapping wins"  # why an edit is refused
)


class Cause(StrEnum):
    """Why an element is to change."""

    EDIT = "edit"  # a value in info.header.dicom that no importer explains
    SLICE = "per-slice edit"  # a value in info.header.dicom_array
    MAPPING = "mapping"  # a Flywheel field mapped to this element
    REFERENCE = "reference"  # a reference to a UID that an edit changes, in this file or in another one


class Outcome(StrEnum):
    """What became of a change."""

    APPLIED = "applied"
    REFUSED = "refused"
    NOT_MADE = "not made"  # it could have been, but the file is not exported
    EARLIER = "applied earlier"  # by an earlier run


# What follows where: old UID -> new one; of a study or series of which only a part has a new one, in place of it the
# UIDs of the series and instances in it -> the UID that study or series has for each of these
Follow = Mapping[str, str | Mapping[str, str]]


@dataclass(frozen=True)
class Options:
    """How edits are treated; names and meanings are those of the gear configuration.

    ``on_invalid_edit`` is the earlier name of ``on_refused_edit``.

    Raises
    ------
    ConfigError
        Both are given and mean different things.
    """

    edit_varying: Literal["auto", "refuse", "all"] = "auto"
    edit_uids: bool = False
    on_refused_edit: Literal["fail", "export"] | None = None  # None only on its way in; it means "fail"
    record_original_attributes: bool = False
    on_invalid_edit: InitVar[str | None] = None
    assume_charset: str = ""  # of text in a file that declares no character set
    check_conformance: bool = False  # say which rules of PS3.3 the changes break; decides on no byte

    @property
    def assumed(self) -> str:
        """``assume_charset`` as a value of Specific Character Set, "" where nothing is assumed.

        Raises
        ------
        ConfigError
            It is none.
        """
        try:
            return declaration(self.assume_charset.split("\\")) if self.assume_charset else ""
        except NoDeclaration as problem:
            raise ConfigError([f"assume_charset cannot be {self.assume_charset!r}: {problem}."]) from None

    def __post_init__(self, on_invalid_edit: str | None) -> None:
        """Settle what becomes of refused edits, by whichever name it was said."""
        object.__setattr__(self, "on_refused_edit", by_either_name(self.on_refused_edit, on_invalid_edit))
        _ = self.assumed  # which says what is wrong with it


def by_either_name(on_refused_edit: str | None, on_invalid_edit: str | None) -> str:
    """Return what becomes of refused edits, said by the name of the option or by its earlier one.

    Raises
    ------
    ConfigError
        Both are given and mean different things.
    """
    earlier = "export" if on_invalid_edit == "skip" else on_invalid_edit
    if on_refused_edit and earlier and on_refused_edit != earlier:
        problem = (
            f"on_invalid_edit is the earlier name of on_refused_edit: {on_invalid_edit} means {earlier}, and "
            f"on_refused_edit is {on_refused_edit}. Give on_refused_edit alone."
        )
        raise ConfigError([problem])
    return on_refused_edit or earlier or "fail"


@dataclass(frozen=True)
class Attribution:
    """Who made an edit, when and why, as far as it was recorded anywhere."""

    author: str = ""  # user id, as Flywheel has it
    at: str = ""  # ISO 8601, UTC
    reason: str = ""  # as the author gave it
    source: str = ""  # what tells so: "audit trail", or the cell of a sheet of corrections


HeaderPath = tuple[str | int, ...]  # keys and indices from ``info.header`` down to a value


@dataclass(frozen=True)
class Writing:
    """The change that made a value of the metadata what it is now."""

    attribution: Attribution
    by_person: bool  # False: a gear or the site itself made it
    corrects: bool = True  # whether it changed a header that was there; False: the value came with all the others


# Tells of the value at a place who wrote it last; None where nobody knows
Written = Callable[[HeaderPath], Writing | None]


def written_by_somebody(_place: HeaderPath) -> Writing | None:
    """Know of no value who wrote it."""
    return None


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
    reason: str = ""  # why refused or not made, or a warning to read with an applied change
    instances: int = 1  # how many instances of the file this covers
    total: int = 1  # how many instances the file holds
    member: str = ""  # the zip member, when it covers just one of several
    attribution: Attribution | None = None  # of an edit, where it is known


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
class ItemValue:
    """One value to write within an item."""

    path: tuple[Step, ...]  # from the item on
    vr: str
    value: Any  # as that of an Assignment
    warning: str = ""


@dataclass(frozen=True)
class KeptItem:
    """An item of the file that stays, with its bytes but for what is written in it."""

    number: int  # in the file, from zero
    values: tuple[ItemValue, ...] = ()


@dataclass(frozen=True)
class NewItem:
    """An item to add; it holds these values alone, the empty ones as elements without a value."""

    values: tuple[ItemValue, ...] = ()
    asked: Any = field(default=None, compare=False)  # the same as JSON


@dataclass(frozen=True)
class Items:
    """All items that a sequence is to have, in their order; those of the file that are not among them go."""

    items: tuple[KeptItem | NewItem, ...]
    count: int  # of items in the file; 0 also where it has no such sequence
    asked: Any = field(default=None, compare=False)  # the same as JSON


@dataclass(frozen=True)
class Assignment:
    """One value to write: the hand-over from edit detection to the writer."""

    path: tuple[Step, ...]
    vr: str
    value: Any  # JSON value, None or "" makes the element zero-length; or the Items of a sequence
    cause: Cause
    instances: frozenset[int] | None = None  # indices into the file's instances; None: all of them
    warning: str = ""
    refusal: str = ""  # why it must not be written, whatever holds the element
    attribution: Attribution | None = None  # of an edit, where it is known


@dataclass(frozen=True)
class Remaining:
    """A place where the old value of an identifying element still stands after it was changed."""

    element: str  # path of the element that was changed
    old: Any  # its old value
    where: str  # path of the element that holds it still, or words for a name
    instances: int = 1  # how many instances of the file this covers; 0 where it is beside them


@dataclass(frozen=True)
class Identity:
    """Whom and what a file shows, as it is stored: that in which the files of a session should agree.

    UIDs are kept as numbers that stand for them, since there may be thousands.
    """

    values: Mapping[str, tuple[str, ...]]  # the different ones of all instances, by keyword; "" where one has none
    studies: Mapping[str, Mapping[str, tuple[str, ...]]]  # the same of the instances of each study, by its UID
    dates: frozenset[str] = frozenset()  # on which its instances were made
    instances: tuple[int, ...] = ()  # SOPInstanceUIDs, as often as they occur
    series: frozenset[int] = frozenset()  # SeriesInstanceUIDs
    references: frozenset[tuple[int, int]] = frozenset()  # series and instance, of references that name both
    described: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by what else that is not one image's own
    complete: bool = True  # False: known from the metadata of one instance only


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
    remains: tuple[Remaining, ...] = ()  # old values that still stand somewhere in the file as it is stored
    identity: Identity | None = None  # None where the file holds no instance


def path_text(path: Sequence[Step], keys: Sequence[Key]) -> str:
    """Return a path as ``RequestAttributesSequence[0].ScheduledProcedureStepID``."""
    return ".".join(
        key.name + ("" if step.item is None else f"[{step.item}]") for step, key in zip(path, keys, strict=True)
    )
