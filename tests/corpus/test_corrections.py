"""A sheet does to the metadata of real files what a person does who types them, and its inverse undoes it exactly."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.datadict import keyword_for_tag

from export_session.errors import HeaderError
from export_session.sheet.model import Correction
from export_session.sheet.plan import Deed
from export_session.sheet.read import read_sheet
from export_session.sheet.spelling import shown
from export_session.sheet.undo import inverse
from export_session.sheet.write import write_sheet
from tests.corpus import catalogue
from tests.corpus.catalogue import Edit
from tests.corpus.judge import outcome
from tests.corpus.samples import FMI, GRP3, MRC, P15E, Sample, samples
from tests.sheet.applying import asks
from tests.sheet.headers import planned, session_of

KINDS = (catalogue.of_every_vr, catalogue.nested, catalogue.added, catalogue.blanked)


def typed(edit: Edit) -> Correction | None:
    """Return an edit as a row of a sheet, as a person types it; None for what a person corrects otherwise."""
    if edit.kind == "null":  # of which nobody can tell whether a person wrote it; <blank> empties the element
        return None
    if isinstance(edit.value, (dict, list)) and any(isinstance(part, dict) for part in edit.value):
        return None
    steps = [f"[{step}]." if number % 2 else keyword_for_tag(step) for number, step in enumerate(edit.path)]
    blank = edit.value in (None, "", [])
    return asks("".join(steps), None if blank else shown(edit.value), "", "", "", "a.dcm")


def every_edit(sample: Sample, importer: str) -> Iterator[tuple[Edit, Correction]]:
    header = sample.header(importer)
    for kind in KINDS:
        for edit in kind(sample, header):
            row = typed(edit) if all(keyword_for_tag(step) for step in edit.path[::2]) else None
            if row is not None:
                yield edit, row


def stored(sample: Sample, header: dict[str, Any], target: Path) -> object:
    """Return what an export makes of a file with these metadata."""
    target.unlink(missing_ok=True)
    result = outcome(sample.path, target, header, on_refused_edit="export", edit_varying="all")
    if isinstance(result, HeaderError):
        return str(result)
    made = [(change.path, change.outcome) for change in (*result.changes, *result.refused)]
    return sorted(made), target.read_bytes() if target.exists() else b""


def chosen(importer: str, every: int) -> Iterator[Sample]:
    for sample in samples():
        if importer in sample.importers and not zlib.crc32(f"{importer} {sample.name}".encode()) % every:
            yield sample


@pytest.mark.parametrize("importer", [FMI, GRP3, MRC])
@pytest.mark.parametrize("every", [16, pytest.param(1, marks=pytest.mark.slow)])
def test_a_row_does_what_the_same_value_does_when_it_is_typed(importer: str, every: int, tmp_path: Path) -> None:
    wrong, count = [], 0
    for sample in chosen(importer, every):
        for edit, row in list(every_edit(sample, importer))[:: min(every, 6)]:
            session = session_of({"a.dcm": sample.header(importer)})
            plan, problems = planned(session, [row], edit_varying="all")
            if problems:
                wrong += [] if edit.refusal_allowed else [f"{sample.name}: {problems}"]
                continue
            count += 1
            after = plan.applied_to(session).files[0].info["header"]
            if stored(sample, after, tmp_path / "sheet") != stored(sample, edit.header, tmp_path / "typed"):
                wrong.append(f"{sample.name}: {row.target} = {row.new!r}, {edit.kind}")
    assert count > 800 / (every * min(every, 6))
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:40])


@pytest.mark.parametrize("importer", [FMI, P15E, GRP3, MRC])
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("every", [12, pytest.param(1, marks=pytest.mark.slow)])
def test_the_inverse_of_a_sheet_restores_the_metadata_exactly(
    importer: str, ending: str, every: int, tmp_path: Path
) -> None:
    count = 0
    for sample in chosen(importer, every):
        header = sample.header(importer)
        rows = {row.target: row for _, row in every_edit(sample, importer)}
        inside = {target.partition("[")[0] for target in rows if "[" in target}
        names = [name for name in header["dicom"] if name not in inside and asks_for_blank(name)]
        rows |= {name: asks(name, None, "", "", "", "a.dcm") for name in names}
        before = session_of({"a.dcm": header})
        plan, problems = planned(before, list(rows.values()), edit_varying="all")
        after = plan.applied_to(before)
        deeds: list[Deed] = list(plan.open)
        count += len(deeds)
        path = tmp_path / f"undo.{ending}"
        write_sheet(inverse(plan), path)
        read = read_sheet(path)
        assert read.problems == (), (sample.name, problems)
        undo, wrong = planned(after, read.corrections)
        assert wrong == [], sample.name
        back = undo.applied_to(after).files[0].info["header"]
        assert spelled(back) == spelled(header), sample.name
    assert count > 2000 / every


def spelled(header: dict[str, Any]) -> list[str]:
    """Return metadata so that what differs is seen: 5 and 5.0 do."""
    return [f"{part} {key}: {json.dumps(value)}" for part in header for key, value in sorted(header[part].items())]


def asks_for_blank(name: str) -> bool:
    return bool(zlib.crc32(name.encode()) % 2)
