"""Every kind of edit over every file of the corpus lands in the bytes, and nothing else does."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import catalogue
from tests.corpus.catalogue import Edit
from tests.corpus.judge import judge
from tests.corpus.samples import CORPUS, FMI, Sample, samples

Edits = Callable[[Sample, dict[str, Any]], Iterator[Edit]]
# What no edit can be asked of, and why. Anything else must take an edit.
UNREADABLE = {
    "pydicom/no_meta.dcm": "the data set is cut off",
    "pydicom/rtplan_truncated.dcm": "the last sequence is cut off",
    "pydicom/dicomdirtests/TINY_ALPHA/README": "not DICOM",
    "crafted/invalid_da_ui_tm.dcm": "its UIDs are invalid, and an importer rebuilds those at random",
}


def _private(sample: Sample, header: dict[str, Any]) -> Iterator[Edit]:
    yield from catalogue.private(sample)


# Of how many edits one is tried in a quick run.
KINDS: list[tuple[Edits, int]] = [
    (catalogue.of_every_vr, 16),
    (catalogue.nested, 4),
    (_private, 1),
    (catalogue.added, 16),
    (catalogue.blanked, 8),
    (catalogue.text, 32),
    (catalogue.per_slice, 5),
    (catalogue.to_refuse, 32),
    (catalogue.uids, 16),
    (catalogue.recorded, 32),
]


def _name(value: Edits | int) -> str:
    return f"one of {value}" if isinstance(value, int) else value.__name__.strip("_")


@pytest.mark.parametrize(("kind", "every"), KINDS, ids=_name)
def test_an_edit_is_applied_exactly_or_refused_with_its_reason(kind: Edits, every: int, tmp_path: Path) -> None:
    _check(kind, every, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS], ids=_name)
def test_every_edit_is_applied_exactly_or_refused_with_its_reason(kind: Edits, tmp_path: Path) -> None:
    _check(kind, 1, tmp_path)


def _check(kind: Edits, every: int, folder: Path) -> None:
    verdicts, count = [], 0
    for sample in samples():
        if FMI not in sample.importers or sample.name in UNREADABLE:
            continue
        for edit in kind(sample, sample.header()):
            if zlib.crc32(f"{sample.name} {edit}".encode()) % every:
                continue
            count += 1
            if sample.path.name.startswith("DICOMDIR") and not edit.refusal_due:
                edit = replace(edit, refusal_due="a DICOMDIR stays as it is")  # noqa: PLW2901 - the same edit, judged by that rule
            verdicts += [f"{sample.name}: {edit}: {problem}" for problem in judge(sample, edit, folder / "target")]
    assert count or not CORPUS.is_dir(), "the catalogue made no such edit"
    assert not verdicts, f"{len(verdicts)} problems in {count} edits:\n" + "\n".join(verdicts[:60])
