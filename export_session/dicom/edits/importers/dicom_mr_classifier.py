"""dicom-mr-classifier (MRC), before and since version 1.2."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydicom.datadict import keyword_for_tag

from export_session.dicom.binary.dataset import Value
from export_session.dicom.binary.instance import Instance
from export_session.dicom.dictionary import NUMBER_VRS, Key, vr_in_dictionary
from export_session.dicom.edits.equality import ABSENT, as_number
from export_session.dicom.edits.importers.importer import Importer
from export_session.dicom.edits.importers.metadata_import_dicom import (
    MetadataImportDicom,
    is_number,
    number_or_text,
    typed,
)

if TYPE_CHECKING:
    from export_session.dicom.edits.importers.reading.rereading import Rereading


class DicomMrClassifier(MetadataImportDicom):
    """As metadata-import-dicom, but lists stay as they are, and a sequence becomes one dict."""

    lists_items = False

    def of_value(self, value: Value) -> Any:
        made = typed(value)
        return number_or_text(made) if value.vr == "UI" and isinstance(made, str) else made

    def of_items(self, value: Value, items: Iterator[Mapping[str, Any]]) -> Any:
        """Merge all items: later ones win, UIDs and empty values are left out."""
        made: dict[str, Any] = {}
        for item, read in zip(items, value.items(), strict=True):
            for keyword, part in item.items():
                tag = next(tag for tag in read.elements if keyword_for_tag(tag) == keyword)
                if part and read.elements[tag].vr != "UI":
                    made[keyword] = part
        return made or ABSENT

    def of_multiplicity(self, made: Any, tag: int) -> Any:
        return made

    def header_in(self, opinion: Rereading) -> Mapping[str, Any]:
        return opinion.of_dicom_mr_classifier

    def left_marks(self, header: Mapping[str, Any], dicom: Mapping[Key, Any]) -> bool:
        return any(
            isinstance(value, Mapping) and vr_in_dictionary(key.tag) == "SQ"
            for key, value in dicom.items()
            if key.text != "PerFrameFunctionalGroupsSequence"
        )

    def order(self, members: Sequence[Instance], numbers: Mapping[int, tuple[int, float]]) -> Sequence[int]:
        """Take the last of the zip first."""
        return range(len(members) - 1, -1, -1)


class EarlyDicomMrClassifier(DicomMrClassifier):
    """Versions before 1.2 cut the numbers of a list down to integers."""

    def of_value(self, value: Value) -> Any:
        made = super().of_value(value)
        if value.vr in NUMBER_VRS and isinstance(made, list):
            return [int(part) if isinstance(part, float) and math.isfinite(part) else part for part in made]
        return made

    def header_in(self, opinion: Rereading) -> Mapping[str, Any]:
        return {}

    def left_marks(self, header: Mapping[str, Any], dicom: Mapping[Key, Any]) -> bool:
        return False  # none that later versions do not leave

    def can_have_made(self, dicom: Mapping[Key, Any], marked: Sequence[Importer]) -> bool:
        """Whether no list has a fraction, and no other family has been there."""
        lists = (value for value in dicom.values() if isinstance(value, list))
        fractions = any(isinstance(part, float) and not part.is_integer() for value in lists for part in value)
        return not fractions and all(isinstance(importer, DicomMrClassifier) for importer in marked)

    def may_show(self, part: Any, own: Any, vr: str) -> bool:
        """Whether a component is the file's number cut down to an integer."""
        number = as_number(own)
        if number is None or not math.isfinite(number) or not is_number(part):
            return False
        return bool(part == int(number))
