"""The importers: the gears that write ``info.header.dicom``, and which of them can have made a header.

Each family is a module with one class. To support another, add its module and its line in :data:`IMPORTERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from export_session.dicom.binary.dataset import Value
from export_session.dicom.dictionary import Key, key_of
from export_session.dicom.edits.equality import ABSENT
from export_session.dicom.edits.importers.dicom_mr_classifier import DicomMrClassifier, EarlyDicomMrClassifier
from export_session.dicom.edits.importers.file_metadata_importer import PER_FRAME_GROUPS, FileMetadataImporter
from export_session.dicom.edits.importers.importer import Importer
from export_session.dicom.edits.importers.metadata_import_dicom import MetadataImportDicom

# The likelier first
IMPORTERS: tuple[Importer, ...] = (
    FileMetadataImporter(),
    MetadataImportDicom(),
    DicomMrClassifier(),
    EarlyDicomMrClassifier(),
)
FAITHFUL = FileMetadataImporter(repairing=False)  # serves wherever a value of the file is to be shown


@dataclass(frozen=True)
class Marks:
    """What ``info.header`` tells of the importers that made it."""

    marked: tuple[Importer, ...]  # those that left their marks
    possible: tuple[Importer, ...]  # those that can have made a value of it

    @property
    def are_clear(self) -> bool:
        """Whether any mark was found."""
        return bool(self.marked)

    @property
    def likeliest(self) -> Importer:
        """The importer in whose way a value is shown that is put back."""
        return self.marked[0] if self.marked else IMPORTERS[0]

    @property
    def makers(self) -> tuple[Importer, ...]:
        """The importers that can have made what the likeliest one stores."""
        alone = len(self.marked) == 1 and self.marked[0].replaces_others
        return self.marked if alone else self.possible

    def overwrote(self, value: Value | None, key: Key) -> bool:
        """Whether the last importer wrote this key, so that no earlier one can have left its value."""
        last = [one for one in self.marked if one.replaces_others]
        return all(value is not None and one.stores(value, key) for one in last)

    def importers(self, value: Value | None, key: Key) -> tuple[Importer, ...]:
        """Return the importers that can have made the value of a key.

        The faithful one is always among them, since a value that the file holds already is no edit. Where an
        importer that replaces what others left was alone, only keys that it does not store can be left from
        another.
        """
        stored = all(one.stores(value, key) for one in self.makers)
        return (*(self.makers if stored else self.possible), FAITHFUL)


def marks_of(header: Mapping[str, Any]) -> Marks:
    """Tell from the marks in ``info.header`` which importers can have made it."""
    dicom = header.get("dicom")
    shown = {key: value for text, value in dicom.items() if (key := key_of(text))} if isinstance(dicom, Mapping) else {}
    marked = tuple(importer for importer in IMPORTERS if importer.left_marks(header, shown))
    return Marks(marked, tuple(importer for importer in IMPORTERS if importer.can_have_made(shown, marked)))


__all__ = ["ABSENT", "FAITHFUL", "IMPORTERS", "PER_FRAME_GROUPS", "Importer", "Marks", "marks_of"]
