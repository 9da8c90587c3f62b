"""Flywheel fields mapped to DICOM elements, and how they get along with edits of the same elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet
from export_session.dicom.dictionary import Key, key_of
from export_session.dicom.edits.compare import Comparison
from export_session.dicom.edits.derived_labels import age_string, is_derived_label, same_age, unit_of
from export_session.dicom.edits.edit import Edit, HeaderPath
from export_session.dicom.edits.equality import is_empty, same
from export_session.dicom.edits.importers import ABSENT, FAITHFUL
from export_session.dicom.edits.projection import project
from export_session.dicom.edits.series import Series
from export_session.dicom.vocabulary import Cause

_WINS = "a Flywheel field is mapped to this element and says otherwise; the mapping wins"
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
        if _is_unknown(value):
            continue
        key = key_of(text)
        if key is None:
            notes.append(f"{text} is no DICOM keyword or private element, so nothing is mapped to it")
            continue
        key = series.data_sets[series.indices[0]].spelled(key)
        rivals = [edit for edit in decided if edit.difference.keys[0].is_like(key)]
        if any(_is_label_of_edit(key, value, edit, series) for edit in rivals):
            continue
        mapped = _mapped(key, value, header, series, comparison)
        losers = [edit for edit in rivals if not _is_silent(key, value, series)]
        if losers:
            decided = [edit for edit in decided if edit not in losers]
            lost = [edit.refuse(_WINS) for edit in losers if not _wants(edit, value)]
            decided += lost
            notes += [f"{key.name}: {_WINS}"] if lost else []
            mapped = mapped.warn(_OVERRIDES) if mapped and lost else mapped
        decided += [mapped] if mapped else []
    return decided, notes


def _is_unknown(value: Any) -> bool:
    return is_empty(value) or (isinstance(value, str) and value.strip().lower() == "unknown")


def _wants(edit: Edit, value: Any) -> bool:
    return same(edit.difference.wanted, value, edit.difference.vr)


def _is_label_of_edit(key: Key, value: Any, edit: Edit, series: Series) -> bool:
    """Whether a label says what an edit of the same element says, in the platform's way of making labels."""
    wanted = edit.difference.wanted
    data_set = series.data_sets[series.indices[0]]
    return (
        isinstance(value, str)
        and isinstance(wanted, str)
        and not edit.refused
        and is_derived_label(key.name, value, data_set, edited=wanted)
    )


def _is_silent(key: Key, value: Any, series: Series) -> bool:
    """Whether a value is a label that was made from the header."""
    return isinstance(value, str) and any(
        is_derived_label(key.name, value, data_set) for data_set in series.data_sets.values()
    )


def _mapped(key: Key, value: Any, header: Mapping[str, Any], series: Series, comparison: Comparison) -> Edit | None:
    """Return the edit that brings a mapped value into the instances that do not hold it, None where all do."""
    changing = [group for group in series.distinct(key) if not _holds(key, value, series.data_sets[group[0]])]
    if not changing or _is_silent(key, value, series):
        return None
    covered = frozenset(i for group in changing for i in group)
    data_set = series.data_sets[changing[0][0]]
    in_file = data_set.get(key)
    difference = comparison.difference(key, value, data_set)
    refusal = "a Flywheel field cannot be mapped to a sequence" if difference.vr == "SQ" else difference.refusal
    if difference.vr == "AS" and isinstance(value, (int, float)):
        age = age_string(value, unit_of(in_file.decoded("AS")) if in_file else "")
        value, refusal = (age, refusal) if age else (value, "an Age String says no age below 0 or above 999 years")
    return Edit(
        replace(difference, value=value, wanted=value, refusal=refusal),
        Cause.MAPPING,
        None if len(covered) == len(series.indices) else covered,
        places=_places(key, header),
        before=project(in_file, comparison.marks.likeliest) if in_file else ABSENT,
    )


def _holds(key: Key, value: Any, data_set: DataSet) -> bool:
    """Whether an instance says already what a Flywheel field says."""
    in_file = data_set.get(key)
    if in_file is None or in_file.empty or in_file.is_sequence:
        return False
    if in_file.vr == "AS" and same_age(in_file.decoded("AS"), value):
        return True
    return same(value, FAITHFUL.of_value(in_file), in_file.vr) or same(value, in_file.decoded(in_file.vr), in_file.vr)


def _places(key: Key, header: Mapping[str, Any]) -> tuple[HeaderPath, ...]:
    """Return where the metadata shows the element, or will; nowhere where there is no metadata."""
    dicom = header.get("dicom")
    if not isinstance(dicom, Mapping) or not dicom:
        return ()
    shown = (text for text in dicom if (other := key_of(text)) and other.is_like(key))
    return (("dicom", next(shown, key.text)),)
