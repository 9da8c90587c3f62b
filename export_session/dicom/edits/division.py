"""Per-slice edits that leave the instances of one patient, study or series with different values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from export_session.dicom.edits.belonging import Belonging
from export_session.dicom.edits.edit import Edit
from export_session.dicom.edits.equality import same
from export_session.dicom.edits.projection import as_json
from export_session.dicom.edits.reach import leaf
from export_session.dicom.edits.series import Series
from export_session.dicom.entities import Entity, entity_of
from export_session.dicom.vocabulary import Cause, Step


def with_divisions_told(edits: Sequence[Edit], series: Series) -> Iterator[Edit]:
    """Yield the edits, those with a warning after which one entity has several values of what is one (PS3.3 §C.7)."""
    values: dict[tuple[Step, ...], Mapping[int, Any]] = {}
    divided: dict[tuple[tuple[Step, ...], Belonging], bool] = {}
    for edit in edits:
        entity = _divisible(edit)
        if entity is None or not edit.instances:
            yield edit
            continue
        member = min(edit.instances)
        place = edit.path, series.identities[member]
        if place not in divided:
            if edit.path not in values:
                values[edit.path] = _to_be(edit.path, edits, series)
            divided[place] = _differ(values[edit.path], series.those_of(entity, member), edit.difference.vr)
        yield edit.warn(f"the instances of one {entity} now differ in this element") if divided[place] else edit


def _divisible(edit: Edit) -> Entity | None:
    """Return the entity that an edit of single instances may divide."""
    return entity_of(edit.path) if edit.cause is Cause.SLICE and not edit.refused else None


def _to_be(path: tuple[Step, ...], edits: Sequence[Edit], series: Series) -> Mapping[int, Any]:
    """Return what the instances will hold at a place, as far as they have it."""
    values: dict[int, Any] = {}
    for group in series.distinct(path[0].key):
        found, value = leaf(series.data_sets[group[0]], path)
        held = as_json(value) if value else None
        values |= {i: held for i in group if found and not (value is None and series.members[i].problem)}
    for edit in edits:
        if edit.path == path and not edit.refused:
            covered = series.indices if edit.instances is None else edit.instances
            values |= dict.fromkeys(covered, edit.difference.wanted)
    return values


def _differ(values: Mapping[int, Any], members: frozenset[int], vr: str) -> bool:
    held = [values[i] for i in sorted(members) if i in values]
    return any(not same(held[0], other, vr) for other in held[1:])
