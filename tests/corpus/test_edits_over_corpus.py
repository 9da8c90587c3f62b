"""Every kind of edit over every file of the corpus lands in the bytes, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import catalogue
from tests.corpus.catalogue import Edit
from tests.corpus.judge import judge
from tests.corpus.samples import FMI, Sample, samples

Edits = Callable[[Sample, dict[str, Any]], Iterator[Edit]]
# What the file itself forbids: (sample, reason). Anything else must take an edit.
UNREADABLE = {
    "pydicom/no_meta.dcm": "the data set is cut off",
    "pydicom/rtplan_truncated.dcm": "the last sequence is cut off",
    "pydicom/dicomdirtests/TINY_ALPHA/README": "not DICOM",
}


def _private(sample: Sample, header: dict[str, Any]) -> Iterator[Edit]:
    yield from catalogue.private(sample)


@pytest.mark.parametrize(
    "kind",
    [
        catalogue.of_every_vr,
        catalogue.nested,
        _private,
        catalogue.added,
        catalogue.blanked,
        catalogue.text,
        catalogue.per_slice,
        catalogue.to_refuse,
    ],
    ids=lambda kind: kind.__name__.strip("_"),
)
def test_an_edit_is_applied_exactly_or_refused_with_its_reason(kind: Edits, tmp_path: Path) -> None:
    verdicts, count = [], 0
    for sample in samples():
        if FMI not in sample.importers or sample.name in UNREADABLE:
            continue
        for edit in kind(sample, sample.header()):
            count += 1
            verdicts += [f"{sample.name}: {edit}: {problem}" for problem in judge(sample, edit, tmp_path / "target")]
    assert count, "the catalogue made no such edit"
    assert not verdicts, f"{len(verdicts)} problems in {count} edits:\n" + "\n".join(verdicts[:60])
