"""Flywheel fields mapped to DICOM elements, and how they get along with edits of the same elements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.values import why_unwritable
from export_session.dicom.dictionary import (
    SPECIFIC_CHARACTER_SET,
    STRING_VRS,
    Key,
    key_of,
    vm_in_dictionary,
)
from export_session.dicom.edits.compare import Comparison
from export_session.dicom.edits.derived_labels import age_string, is_derived_label, same_age, unit_of
from export_session.dicom.edits.difference import Difference
from export_session.dicom.edits.edit import Edit
from export_session.dicom.edits.equality import is_empty, is_plain, same
from export_session.dicom.edits.importers import ABSENT, FAITHFUL
from export_session.dicom.edits.projection import project
from export_session.dicom.edits.series import Series
from export_session.dicom.edits.typed import Typed, why_undefined
from export_session.dicom.vocabulary import MAPPING_WINS, Cause, HeaderPath

_NO_FIELD = (
    "a Flywheel field does not say how the text of each file is encoded; correct it in info.header.dicom, or set "
    "assume_charset"
)
_OVERRIDES = "the mapping overrides an edit in info.header"


def with_mapping(
    edits: Sequence[Edit],
    overrides: Mapping[str, Any],
    header: Mapping[str, Any],
    series: Series,
    comparison: Comparison,
) -> tuple[list[Edit], list[str]]:
    """Add the mapped values to the edits; return both, and notes.

    Parameters
    ----------
    edits
        What was found in the metadata.
    overrides
        Values by keyword. One that is absent, empty or unknown never touches an element.
    header, series, comparison
        What the values are compared with.
    """
    decided, notes = list(edits), []
    for text, value in overrides.items():
        key = key_of(text)
        if _is_unknown(value):
            continue
        if key is None:
            notes.append(f"{text} is not a DICOM keyword or private element, so nothing is mapped to it")
            continue
        row = _Row(series.data_sets[series.indices[0]].spelled(key), value, header, series, comparison)
        rivals = [edit for edit in decided if edit.difference.keys[0].is_like(row.key)]
        if row.is_label_of_file or any(row.is_label_of(edit) for edit in rivals):
            continue
        made = list(row.edits())
        if rivals and (unfit := [edit.refuse(why) for edit in made if (why := _why_unfit(edit.difference))]):
            decided += unfit  # which decides nothing, so the edits stand
            continue
        lost = [edit.overrule(MAPPING_WINS) for edit in rivals if not row.agrees_with(edit)]
        if lost:
            notes.append(f"{row.key.name}: {MAPPING_WINS}")
            made = [edit.warn(_OVERRIDES) for edit in made]
        elif rivals:  # whoever asked for the same in the metadata is named
            made = [replace(edit, attribution=rivals[0].attribution) for edit in made]
        decided = [*(edit for edit in decided if edit not in rivals), *lost, *made]
    return decided, notes


def _is_unknown(value: Any) -> bool:
    return is_empty(value) or (isinstance(value, str) and value.strip().lower() == "unknown")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _why_unfit(difference: Difference) -> str:
    """Say why no VR that an element can have holds a value; "" where one does."""
    if reason := difference.refusal or difference.unwritable:
        return reason
    in_file, step = difference.in_file, difference.path[-1]
    own = {in_file.element.vr, in_file.dictionary_vr} if in_file else set()
    vm = vm_in_dictionary(in_file.tag if in_file else step.tag, step.creator)
    held = in_file if in_file and not in_file.is_sequence else None
    reasons = [
        why_unwritable(difference.value, vr, vm, held.decoded(vr) if held and vr in STRING_VRS else "")
        for vr in (difference.vr, *(own - {"", "UN"}))
    ]
    return reasons[0] if all(reasons) else ""


@dataclass(frozen=True)
class _Row:
    """One Flywheel field and the element that it is mapped to."""

    key: Key
    value: Any
    header: Mapping[str, Any]
    series: Series
    comparison: Comparison

    @property
    def is_label_of_file(self) -> bool:
        """Whether the value is a label that was made from the header of an instance."""
        data_sets = self.series.data_sets.values()
        return isinstance(self.value, str) and any(
            is_derived_label(self.key.name, self.value, data_set) for data_set in data_sets
        )

    def is_label_of(self, edit: Edit) -> bool:
        """Whether the value says what an edit says, in the platform's way of making labels."""
        wanted = edit.difference.wanted
        if edit.refused or not isinstance(self.value, str) or not isinstance(wanted, str):
            return False
        data_set = self.series.data_sets[self.series.indices[0]]
        return is_derived_label(self.key.name, self.value, data_set, edited=wanted)

    def agrees_with(self, edit: Edit) -> bool:
        """Whether an edit wants the same value."""
        typed = self._typed(self.series.data_sets[self.series.indices[0]])
        return same(edit.difference.wanted, typed.value, edit.difference.vr)

    def _typed(self, data_set: DataSet) -> Typed:
        """Return the value in DICOM's form; a number for an age is Flywheel's own, in seconds."""
        typed = self.comparison.typed(self.key, self.value, data_set)
        is_age = not isinstance(self.value, str) and self.comparison.difference(self.key, "", data_set).vr == "AS"
        return Typed(self.value) if is_age else typed

    def edits(self) -> Iterator[Edit]:
        """Yield the edit that brings the value into the instances that do not hold it."""
        groups = self.series.distinct(self.key)
        changing = [group for group in groups if not self._is_held_by(self.series.data_sets[group[0]])]
        if not changing:
            return
        covered = frozenset(i for group in changing for i in group)
        data_set = self.series.data_sets[changing[0][0]]
        in_file = data_set.get(self.key)
        yield Edit(
            self._difference(data_set, in_file),
            Cause.MAPPING,
            None if len(covered) == len(self.series.indices) else covered,
            places=self._places(),
            before=project(in_file, self.comparison.marks.likeliest) if in_file else ABSENT,
        )

    def _difference(self, data_set: DataSet, in_file: Value | None) -> Difference:
        typed = self._typed(data_set)
        difference = self.comparison.difference(self.key, typed.value, data_set)
        if self.key.tag == SPECIFIC_CHARACTER_SET:
            return replace(difference, value=self.value, refusal=_NO_FIELD)
        if difference.vr == "SQ":
            return replace(difference, value=self.value, refusal="a Flywheel field cannot be mapped to a sequence")
        if not is_plain(self.value):
            return replace(difference, value=self.value, refusal="an object cannot be written to an element")
        if difference.vr != "AS" or not _is_number(self.value):
            difference = replace(difference, value=typed.value, unwritable=typed.refusal)
            return difference.warn(why_undefined(typed.value, self.key.name)).warn(typed.remark)
        age = age_string(self.value, unit_of(in_file.decoded("AS")) if in_file else "")
        if not age:
            return replace(difference, value=self.value, refusal="an Age String says no age below 0 or above 999 years")
        return replace(difference, value=age, wanted=age)

    def _is_held_by(self, data_set: DataSet) -> bool:
        """Whether an instance says already what the Flywheel field says."""
        in_file = data_set.get(self.key)
        if in_file is None or in_file.empty or in_file.is_sequence:
            return False
        if not is_plain(self.value):
            return False
        if (
            in_file.vr == "AS"
            and (isinstance(self.value, str) or _is_number(self.value))
            and same_age(in_file.decoded("AS"), self.value)
        ):
            return True
        readings = FAITHFUL.of_value(in_file), in_file.decoded(in_file.vr)
        return any(same(self._typed(data_set).value, reading, in_file.vr) for reading in readings)

    def _places(self) -> tuple[HeaderPath, ...]:
        """Return where the metadata shows the element, or will; nowhere where there is no metadata."""
        dicom = self.header.get("dicom")
        if not isinstance(dicom, Mapping) or not dicom:
            return ()
        shown = (text for text in dicom if (other := key_of(text)) and other.is_like(self.key))
        return (("dicom", next(shown, self.key.text)),)
