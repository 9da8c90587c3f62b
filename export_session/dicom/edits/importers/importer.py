"""What an importer is to edit detection: one small interface that every family of them fills."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from export_session.dicom.binary.dataset import Value
from export_session.dicom.binary.instance import Instance
from export_session.dicom.dictionary import Key
from export_session.dicom.edits.equality import ABSENT

if TYPE_CHECKING:
    from export_session.dicom.edits.importers.reading.rereading import Rereading


class Importer(ABC):
    """One family of gears that write ``info.header.dicom``, as far as edit detection depends on it."""

    faithful = False  # shows values by the VR of the dictionary and text as it is
    replaces_others = False  # what it stores takes the place of what other importers left
    drops_empty_components = False  # shows lists without their empty components
    spells_none = False  # shows empty numbers in items as the text "None"
    lists_items = True  # shows each item of a sequence for itself

    # What it stores

    @abstractmethod
    def of_value(self, value: Value) -> Any:
        """Return the JSON value it stores for an element that is no sequence, ABSENT where it stores none."""

    def of_items(self, value: Value, items: Iterator[Mapping[str, Any]]) -> Any:
        """Return what it stores for a sequence, given what it makes of each item."""
        return list(items) or ABSENT

    def of_multiplicity(self, made: Any, tag: int) -> Any:
        """Return what it makes of a value in the end, as the multiplicity of its element asks for."""
        return made

    def header_in(self, opinion: Rereading) -> Mapping[str, Any]:
        """Return ``info.header.dicom`` as it makes it of a file by its own way of reading; empty if unknown."""
        return {}

    # What it leaves out

    def stores(self, value: Value | None, key: Key) -> bool:
        """Whether it has a place for an element in ``header.dicom``."""
        return True

    # Its marks

    @abstractmethod
    def left_marks(self, header: Mapping[str, Any], dicom: Mapping[Key, Any]) -> bool:
        """Whether ``info.header`` bears marks that only this family leaves.

        Parameters
        ----------
        header
            The whole of ``info["header"]``.
        dicom
            Its ``dicom`` by element.
        """

    def can_have_made(self, dicom: Mapping[Key, Any], marked: Sequence[Importer]) -> bool:
        """Whether it can have made values of a header that bears the marks of some families."""
        return True

    # Its order of members

    def order(self, members: Sequence[Instance], numbers: Mapping[int, tuple[int, float]]) -> Sequence[int]:
        """Return the members of a zip, by position, in the order in which it looks for the one to describe.

        Parameters
        ----------
        members
            All of them, what is no DICOM included, as the zip has them.
        numbers
            Their Instance Numbers as keys to sort by.
        """
        return by_path(members)

    # How it reshapes components

    def loses_text(self, value: Value) -> bool:
        """Whether it drops characters of an element."""
        return False

    def may_show(self, part: Any, own: Any, vr: str) -> bool:
        """Whether it can have made a component of the metadata of one that the file spells otherwise."""
        return False


def by_path(members: Sequence[Instance]) -> Sequence[int]:
    """Return the positions of members sorted by their path."""
    return sorted(range(len(members)), key=lambda i: PurePosixPath(members[i].name).parts)
