"""The same source, metadata and options make the same bytes: again, in any order, and beside other files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from export_session.errors import HeaderError
from tests.corpus import catalogue
from tests.corpus.catalogue import Edit
from tests.corpus.judge import digest, outcome
from tests.corpus.samples import FMI, Sample, samples


def _cases() -> list[tuple[Sample, Edit]]:
    kinds = (catalogue.of_every_vr, catalogue.text, catalogue.nested)
    cases = [
        (sample, next(kind(sample, sample.header()), None))
        for sample in samples()[::4]
        if FMI in sample.importers
        for kind in kinds
    ]
    return [(sample, edit) for sample, edit in cases if edit is not None]


def _digest(case: tuple[Sample, Edit], target: Path) -> str:
    sample, edit = case
    result = outcome(sample.path, target, edit.header, on_invalid_edit="skip", record_original_attributes=True)
    if isinstance(result, HeaderError):
        return f"{type(result).__name__}: {result}"
    return digest(target) if result.modified else "not modified"


def test_files_rewritten_side_by_side_are_the_same_as_one_after_another(tmp_path: Path) -> None:
    cases = _cases()
    alone = [_digest(case, tmp_path / f"alone-{number}") for number, case in enumerate(cases)]
    with ThreadPoolExecutor(4) as threads:
        targets = [tmp_path / f"beside-{number}" for number in range(len(cases))]
        beside = list(threads.map(_digest, reversed(cases), reversed(targets)))
    assert beside[::-1] == alone
    assert sum(len(one) == 64 for one in alone) > len(alone) / 2
