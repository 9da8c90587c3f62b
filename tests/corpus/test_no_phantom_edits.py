"""Metadata that nobody edited gives no edits, and an edit of every single value is found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.dictionary import key_of
from export_session.dicom.edits.edit import Decision
from export_session.dicom.edits.find import find_edits
from export_session.dicom.files.file import read_instances
from export_session.dicom.vocabulary import Options
from tests.corpus.samples import FMI, GRP3, MRC, P15E, Sample, samples

UNALTERED = {
    "FileMetaInformationGroupLength",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "MediaStorageSOPInstanceUID",
}
EVERY_IMPORTER = pytest.mark.parametrize("importer", [FMI, P15E, GRP3, MRC])


@cache
def instances(sample: Sample) -> tuple[Instance, ...]:
    return tuple(read_instances(sample.path))


def read_by(importer: str) -> Iterator[Sample]:
    return (sample for sample in samples() if importer in sample.importers)


def is_whole(sample: Sample) -> bool:
    """Whether it has instances, and none of them is cut off."""
    return any(one.kind is Kind.INSTANCE for one in instances(sample)) and not any(
        one.problem for one in instances(sample)
    )


def summary(decision: Decision) -> list[str]:
    return [f"{edit.places}: {edit.difference.refusal or edit.difference.value!r}" for edit in decision.edits]


@EVERY_IMPORTER
def test_metadata_as_imported_holds_no_edit(importer: str) -> None:
    found = {sample.name: find_edits(instances(sample), sample.header(importer)) for sample in read_by(importer)}
    assert len(found) > 150
    assert {name: summary(decision) for name, decision in found.items() if decision.edits} == {}


@EVERY_IMPORTER
@pytest.mark.parametrize("edit_varying", ["refuse", "all"])
def test_no_option_makes_edits_of_metadata_as_imported(importer: str, edit_varying: Any) -> None:
    options = Options(edit_varying=edit_varying, edit_uids=True)
    found = {
        sample.name: find_edits(instances(sample), sample.header(importer), None, options)
        for sample in read_by(importer)
    }
    assert {name: summary(decision) for name, decision in found.items() if decision.edits} == {}


def whole_numbers(value: Any) -> Any:
    """As a browser sends JSON back: 5.0 becomes 5."""
    if isinstance(value, dict):
        return {key: whole_numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [whole_numbers(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def wrapped(value: Any) -> Any:
    """Every scalar as a list of one, every list of one as a scalar."""
    if isinstance(value, dict):
        return {key: part if isinstance(part, dict) else wrapped(part) for key, part in value.items()}
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        return [wrapped(part) for part in value]
    if isinstance(value, list):
        return value[0] if len(value) == 1 and not isinstance(value[0], list) else value
    return [value]


def backwards(value: Any) -> Any:
    """With the keys in another order."""
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in reversed(value)}
    return [backwards(part) for part in value] if isinstance(value, list) else value


@EVERY_IMPORTER
@pytest.mark.parametrize("change", [whole_numbers, wrapped, backwards])
def test_a_change_of_form_alone_is_no_edit(importer: str, change: Callable[[Any], Any]) -> None:
    found = {}
    for sample in read_by(importer):
        header = sample.header(importer)
        header["dicom"] = change(header["dicom"])
        found[sample.name] = find_edits(instances(sample), json.loads(json.dumps(header)))
    assert {name: summary(decision) for name, decision in found.items() if decision.edits} == {}


def altered(value: Any) -> Any:
    """Another value of the same kind, that no instance holds."""
    if isinstance(value, str):
        return value + "X"
    return 1.5 if value is None else value + 1000003


def alter_all(metadata: dict[str, Any], place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Alter every value of a dict, of one component where it is a list; yield where."""
    for key, value in metadata.items():
        if key in UNALTERED or key_of(key) is None or value in ("", [], {}):
            continue
        if isinstance(value, dict):
            yield from alter_all(value, (*place, key))
        elif isinstance(value, list) and isinstance(value[0], dict):
            for number, item in enumerate(value):
                yield from alter_all(item, (*place, key, number))
        else:
            metadata[key] = [*value[:-1], altered(value[-1])] if isinstance(value, list) else altered(value)
            yield (*place, key)


@pytest.mark.parametrize("importer", [FMI, P15E, GRP3])
def test_an_edit_of_every_value_is_found_and_nothing_else(importer: str) -> None:
    problems = []
    for sample in read_by(importer):
        if not is_whole(sample):
            continue
        header = sample.header(importer)
        wanted = {("dicom", *place) for place in alter_all(header["dicom"])}
        decision = find_edits(instances(sample), header, None, Options(edit_varying="all"))
        found = {place for edit in decision.edits for place in edit.places}
        problems += [f"{sample.name}: lost {place}" for place in wanted - found]
        problems += [f"{sample.name}: phantom {place}" for place in found - wanted]
    assert problems == []


def test_an_edit_of_every_value_that_merges_items_is_refused_or_found() -> None:
    problems = []
    for sample in read_by(MRC):
        if not is_whole(sample):
            continue
        header = sample.header(MRC)
        wanted = {("dicom", place[0]) for place in alter_all(header["dicom"])}
        decision = find_edits(instances(sample), header, None, Options(edit_varying="all"))
        found = {place[:2] for edit in decision.edits for place in edit.places}
        problems += [f"{sample.name}: {place}" for place in wanted ^ found]
    assert problems == []
