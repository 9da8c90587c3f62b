"""A sheet of real metadata, as a table of text that remembers nothing, says what is there and asks for nothing."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export_session.session.headers import NoElement
from export_session.sheet.aims import aim_of
from export_session.sheet.make import tree_of
from export_session.sheet.read import read_sheet
from export_session.sheet.template import template_of
from export_session.sheet.write import write_rows
from export_session.support.parallel import Workers
from tests.corpus.samples import FMI, GRP3, MRC, samples
from tests.sheet.headers import listing_of, planned, session_of


def elements(dicom: dict[str, Any], above: str = "") -> Iterator[str]:
    """Give the path of every element that metadata show."""
    for key, value in dicom.items():
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for number, item in enumerate(value):
                if isinstance(item, dict):
                    yield from elements(item, f"{above}{key}[{number}].")
        elif not isinstance(value, dict):
            yield f"{above}{key}"


def settable(name: str) -> bool:
    try:
        aim_of(name)
    except NoElement:
        return False
    return True


@pytest.mark.parametrize("importer", [FMI, GRP3, MRC])
@pytest.mark.parametrize("every", [12, pytest.param(1, marks=pytest.mark.slow)])
def test_what_a_sheet_says_of_real_metadata_is_there_already(importer: str, every: int, tmp_path: Path) -> None:
    wrong, count = [], 0
    for sample in samples():
        if importer not in sample.importers or zlib.crc32(sample.name.encode()) % every:
            continue
        header = sample.header(importer)
        session = session_of({"a.dcm": header})
        aims = {name: aim_of(name) for name in elements(header["dicom"]) if settable(name)}
        with Workers(1) as workers:
            template = template_of(tree_of(listing_of(session), aims, workers), aims, "file")
        write_rows(template.rows, tmp_path / "a.csv")
        sheet = read_sheet(tmp_path / "a.csv")
        plan, problems = planned(session, sheet.corrections)
        count += len(plan.deeds)
        said = [
            *sheet.problems,
            *problems,
            *(f"{deed.aim.path} {deed.old!r} {deed.new!r}" for deed in plan.deeds if not deed.done),
        ]
        wrong += [f"{sample.name}: {one}" for one in said]
    assert wrong == []
    assert count > 100
