"""All edits of a file at once, in the metadata of each importer, land together and nothing else does."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.datadict import keyword_for_tag

from export_session.errors import HeaderError
from tests.corpus import catalogue
from tests.corpus.catalogue import Edit, parse
from tests.corpus.judge import outcome, same, value_at
from tests.corpus.samples import FMI, GRP3, MRC, Sample, samples
from tests.support.dicom_bytes import UnparsableError, piece_differences, pieces

KINDS = {
    FMI: (catalogue.of_every_vr, catalogue.nested, catalogue.added),
    GRP3: (catalogue.of_every_vr,),
    MRC: (catalogue.of_every_vr,),
}
CUT_OFF = {"pydicom/rtplan_truncated.dcm", "pydicom/no_meta.dcm"}


@pytest.mark.parametrize("importer", KINDS)
@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_all_edits_of_a_file_land_together(importer: str, every: int, tmp_path: Path) -> None:
    verdicts, count = [], 0
    for sample in samples():
        skipped = zlib.crc32(f"{importer} {sample.name}".encode()) % every or sample.path.name.startswith("DICOMDIR")
        if skipped or importer not in sample.importers or sample.name in CUT_OFF:
            continue
        header = sample.header(importer)
        edits = [edit for kind in KINDS[importer] for edit in kind(sample, header)]
        count += len(edits)
        verdicts += [f"{sample.name}: {problem}" for problem in _problems(sample, header, edits, tmp_path / "target")]
    assert count > 1000 / every
    assert not verdicts, f"{len(verdicts)} problems in {count} edits:\n" + "\n".join(verdicts[:60])


def _problems(sample: Sample, header: dict[str, Any], edits: list[Edit], target: Path) -> list[str]:
    target.unlink(missing_ok=True)
    together = header
    for edit in edits:
        together = _merged(together, edit.header, header)
    result = outcome(sample.path, target, together, on_invalid_edit="skip")
    if isinstance(result, HeaderError):
        return [f"not exported: {result}"]
    if not edits:
        return []
    after = replace(sample, path=target).instances(zipped=sample.is_zip) if target.exists() else {}
    refused = {change.keyword for change in result.refused}
    problems = [
        f"refused: {change.path}: {change.reason}" for change in result.refused if not _may(change.keyword, edits)
    ]
    for (name, old), new in zip(sample.instances().items(), after.values(), strict=True):
        if parse(old) is not None:
            due = edits if _is_of_the_series(old, header) else []
            problems += [f"{name}: {problem}" for problem in _wrong(old, new, edits, due, refused)]
    return problems


def _is_of_the_series(instance: bytes, header: dict[str, Any]) -> bool:
    """Whether it is of the series that the metadata describe: what is said of that one is not said of others."""
    read, described = parse(instance), header["dicom"].get("SeriesInstanceUID")
    assert read is not None
    return described in (None, read.get("SeriesInstanceUID"))


def _may(keyword: str, edits: list[Edit]) -> bool:
    return any(edit.refusal_allowed and keyword_for_tag(edit.path[-1]) == keyword for edit in edits)


def _wrong(old: bytes, new: bytes, edits: list[Edit], due: list[Edit], refused: set[str]) -> list[str]:
    read = parse(new)
    assert read is not None
    found = [
        f"{edit}: reads back as {value!r}"
        for edit in due
        if not edit.refusal_allowed
        and keyword_for_tag(edit.path[-1]) not in refused
        and not same(edit.vr, value := value_at(read, edit.path), edit.value)
    ]
    try:
        return found + piece_differences(pieces(old), pieces(new), frozenset(edit.path for edit in edits))
    except UnparsableError as error:
        return [*found, str(error)]


def _merged(into: Any, edited: Any, base: Any) -> Any:
    """`into` with what distinguishes `edited` from `base`."""
    if isinstance(into, dict) and isinstance(edited, dict) and isinstance(base, dict):
        new = {key: value for key, value in edited.items() if key not in base}
        return {
            key: _merged(value, edited[key], base[key]) if key in base else value for key, value in into.items()
        } | new
    if isinstance(edited, list) and edited and isinstance(edited[0], dict) and len(edited) == len(base):
        return [_merged(*items) for items in zip(into, edited, base, strict=True)]
    return into if edited == base else edited
