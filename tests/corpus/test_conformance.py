"""What a change broke is told of real files, most of which break some rule themselves, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from export_session.dicom import Result, rewrite
from export_session.dicom.binary.dataset import DataSet, main_data_set
from export_session.dicom.binary.instance import Kind
from export_session.dicom.conformance import added_findings
from export_session.dicom.conformance.rules import table_of
from export_session.dicom.files.file import read_instances
from export_session.errors import HeaderError
from tests.corpus.samples import FMI, Sample, samples

TAIL = "which the change brought in"


def data_sets() -> Iterator[tuple[Sample, DataSet]]:
    """The first instance of every file whose kind of object the standard knows."""
    for sample in samples():
        for instance in [one for one in read_instances(sample.path) if one.kind is Kind.INSTANCE][:1]:
            data_set = main_data_set(instance)
            sop_class = data_set.at(0x00080016)
            if sop_class and table_of(sop_class.decoded("UI")):
                yield sample, data_set


def edited(folder: Path, **edits: Any) -> Iterator[tuple[Sample, DataSet, Result]]:
    """Each file with the same edits of it, if they change it."""
    for sample, data_set in data_sets():
        if FMI not in sample.importers:
            continue
        header = sample.header()
        header["dicom"] = {**header["dicom"], **edits}
        target = folder / f"target{sample.path.suffix}"
        with suppress(HeaderError):  # that of a file which is cut off
            result = rewrite(sample.path, target, header, on_refused_edit="export", check_conformance=True)
            if result.modified:
                yield sample, data_set, result


def findings(result: Result) -> list[str]:
    return [note for note in result.notes if note.endswith(TAIL)]


def test_files_that_nobody_edited_have_no_finding() -> None:
    found = {sample.name: added_findings(data_set, data_set) for sample, data_set in data_sets()}
    assert len(found) > 50
    assert not any(found.values())


@pytest.mark.parametrize(
    "edits", [{"PatientName": "Nova^Vera", "StudyDescription": "Head", "PatientSex": "O"}, {"PatientID": ""}]
)
def test_edits_that_keep_the_rules_have_no_finding(tmp_path: Path, edits: dict[str, Any]) -> None:
    found = {sample.name: findings(result) for sample, _, result in edited(tmp_path, **edits)}
    assert len(found) > 50
    assert {name: notes for name, notes in found.items() if notes} == {}


def test_a_value_that_is_not_enumerated_is_the_only_finding(tmp_path: Path) -> None:
    found = {sample.name: findings(result) for sample, _, result in edited(tmp_path, PatientSex="X")}
    assert len(found) > 50
    said = f"PatientSex: X is not one of M, F, O (PS3.3 §C.7.1.1), {TAIL}"
    assert {name: notes for name, notes in found.items() if notes != [said]} == {}


def test_what_must_have_a_value_and_loses_it_is_the_only_finding(tmp_path: Path) -> None:
    found = {sample.name: findings(result) for sample, _, result in edited(tmp_path, Modality="")}
    assert len(found) > 50
    assert {
        name: notes for name, notes in found.items() if len(notes) != 1 or "Modality is empty" not in notes[0]
    } == {}
