"""What the comparison of the metadata with an instance finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.dictionary import NUMBER_STRINGS, Key
from export_session.dicom.edits.importers import Marks
from export_session.dicom.edits.projection import as_json
from export_session.dicom.vocabulary import Step

Above = tuple[tuple[Key, int], ...]  # the sequences passed through, with the number of the item
Imported = Callable[[Key, Above], Sequence[Sequence[Any]]]  # items of a sequence, as importers themselves read them


@dataclass(frozen=True)
class Difference:
    """One value of the metadata that no importer explains."""

    path: tuple[Step, ...]
    keys: tuple[Key, ...]  # one for each step
    vr: str  # to write with
    in_file: Value | None  # what the file holds, None when the element is absent
    wanted: Any  # as the metadata has it, but in DICOM's form
    value: Any = None  # to write: unchanged components are the file's own text; Items for those of a sequence
    refusal: str = ""  # why it cannot be written
    warning: str = ""  # to read with the change
    was_typed: bool = False  # in another form than DICOM's
    unwritable: str = ""  # why what was typed is no value of its VR; the writer refuses it, wherever it is to go

    @property
    def old(self) -> Any:
        """The JSON value of the bytes, numbers of DS and IS as they are spelled; None when the element is absent."""
        if self.in_file and self.in_file.vr in NUMBER_STRINGS:
            return self.in_file.spelled() or None
        return as_json(self.in_file) if self.in_file else None

    def warn(self, warning: str) -> Difference:
        """Return the difference with one more warning."""
        return replace(self, warning="; ".join(filter(None, (self.warning, warning))))


@dataclass(frozen=True)
class Remark:
    """Something a person should know about a value that is no edit."""

    text: str


@dataclass(frozen=True)
class Doubt(Remark):
    """A value of which the bytes do not tell whether a person wrote it."""

    difference: Difference  # where it is
    if_edited: Callable[[], Iterable[Finding]] = field(compare=False)  # what it is if a person wrote it


@dataclass(frozen=True)
class Restated:
    """A value that says in a person's words what the file holds already, so that it is no edit."""

    difference: Difference


Finding = Difference | Remark | Restated


class Compares(Protocol):
    """What the comparison of data sets gives to that of the items in their sequences."""

    @property
    def marks(self) -> Marks:
        """What is known of the importers."""

    def of_data_set(self, metadata: Mapping[str, Any], data_set: DataSet, above: Above = ()) -> Iterator[Finding]:
        """Yield what differs between a dict of the metadata and a data set of the file."""

    def to_add(self, key: Key, value: Any, data_set: DataSet, above: Above = ()) -> Difference:
        """Return a value of the metadata as it is to be written where there is none."""

    @property
    def imported(self) -> Imported:
        """What importers themselves make of a sequence."""
