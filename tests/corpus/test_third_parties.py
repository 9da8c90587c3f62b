"""Programs of other people read the new values, and find no fault that they did not find before."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from export_session.dicom import rewrite
from export_session.errors import HeaderError
from tests.corpus import catalogue
from tests.corpus.catalogue import Edit
from tests.corpus.samples import FMI, Sample, samples
from tests.corpus.third_parties import complaints, dump, inherent, shows

KINDS = (
    catalogue.of_every_vr,
    catalogue.nested,
    catalogue.added,
    catalogue.blanked,
    catalogue.text,
)


def _cases(every: int) -> Iterator[tuple[Sample, Edit]]:
    """One of `every` edits, picked by name so that all kinds and files come up."""
    for sample in samples():
        if FMI not in sample.importers or sample.is_zip:
            continue
        for kind in KINDS:
            for edit in kind(sample, sample.header()):
                if zlib.crc32(f"{sample.name} {edit}".encode()) % every == 0:
                    yield sample, edit


@pytest.mark.parametrize("every", [40, pytest.param(1, marks=pytest.mark.slow)])
def test_dcmdump_shows_the_new_value(every: int, tmp_path: Path) -> None:
    verdicts, shown = [], 0
    target = tmp_path / "target.dcm"
    for sample, edit in _cases(every):
        if not _rewritten(sample, edit, target):
            continue
        found = dump(target, edit.path[-1])
        if found is None and dump(sample.path, edit.path[-1]) is None:
            continue  # nor could it read the original
        shown += 1
        if found is None:
            verdicts.append(f"{sample.name}: {edit}: it cannot be read any more")
        elif not shows(found, edit.vr, edit.value):
            verdicts.append(f"{sample.name}: {edit}: {found[:200]}")
    assert shown > 1000 / every
    assert not verdicts, f"{len(verdicts)} of {shown} are shown otherwise:\n" + "\n".join(verdicts[:40])


@pytest.mark.parametrize("every", [80, pytest.param(4, marks=pytest.mark.slow)])
def test_validators_find_no_new_fault(every: int, tmp_path: Path) -> None:
    verdicts, checked = [], 0
    target = tmp_path / "target.dcm"
    for sample, edit in _cases(every):
        if not _rewritten(sample, edit, target):
            continue
        checked += 1
        found = complaints(target) - complaints(sample.path)
        if found and (found := found - inherent(sample, edit, target, tmp_path / "reference.dcm")):
            verdicts.append(f"{sample.name}: {edit}: {dict(found)}")
    assert checked > 800 / every
    assert not verdicts, f"{len(verdicts)} of {checked} have new faults:\n" + "\n".join(verdicts[:40])


def _rewritten(sample: Sample, edit: Edit, target: Path) -> bool:
    target.unlink(missing_ok=True)
    try:
        return rewrite(sample.path, target, edit.header, on_invalid_edit="skip", **edit.options).modified
    except HeaderError:
        return False  # judged elsewhere
