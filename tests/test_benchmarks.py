"""The benchmarks measure what they say."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pydicom
import pytest

from benchmarks import rewriting
from benchmarks.figures import Figure, Ratio, best, table, write_json
from benchmarks.inputs import EDITS, Input, enhanced, large_multiframe, packed_series
from export_session.dicom import rewrite

INPUTS = {
    "deflated series": lambda folder: packed_series(folder, 3, 32),
    "stored series": lambda folder: packed_series(folder, 3, 32, zipfile.ZIP_STORED),
    "enhanced": lambda folder: enhanced(folder, 5, 32),
    "large": lambda folder: large_multiframe(folder, 2**21),
}


@pytest.fixture(params=INPUTS)
def given(request: pytest.FixtureRequest, tmp_path: Path) -> Input:
    made: Input = INPUTS[request.param](tmp_path)
    return made


def test_the_three_corrections_are_what_is_measured(given: Input, tmp_path: Path) -> None:
    result = rewrite(given.source, tmp_path / "target", given.header)
    assert {change.keyword: change.new for change in result.changes} == EDITS
    assert not result.refused


def test_the_yardstick_does_the_same_work(tmp_path: Path) -> None:
    given = packed_series(tmp_path, 3, 32)
    rewriting._straightforward(given.source, tmp_path / "yardstick")
    rewrite(given.source, tmp_path / "target", given.header)
    with zipfile.ZipFile(tmp_path / "yardstick") as theirs, zipfile.ZipFile(tmp_path / "target") as ours:
        assert theirs.namelist() == ours.namelist()
        for name in ours.namelist():
            assert pydicom.dcmread(theirs.open(name)) == pydicom.dcmread(ours.open(name))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_the_floor_writes_about_as_many_bytes(method: int, tmp_path: Path) -> None:
    given = packed_series(tmp_path, 3, 128, method)
    rewriting._floor(given.source, tmp_path / "floor")
    rewrite(given.source, tmp_path / "target", given.header)
    assert (tmp_path / "floor").stat().st_size == pytest.approx((tmp_path / "target").stat().st_size, rel=0.05)


def test_a_ratio_fails_only_far_from_its_target() -> None:
    verdicts = [Ratio(value, "x", 1.5, 3.0).verdict for value in (1.5, 1.6, 3.1)]
    assert verdicts == ["", "misses", "FAILS"]
    verdicts = [Ratio(value, "x", 8, 4, higher_is_better=True).verdict for value in (8, 7.9, 3.9)]
    assert verdicts == ["", "misses", "FAILS"]


def test_the_fastest_round_of_each_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([3.0, 30.0, 1.0, 10.0, 2.0, 20.0])  # of two works, in turns
    clock = SimpleNamespace(now=0.0)
    clock.perf_counter = lambda: clock.now
    monkeypatch.setattr("benchmarks.figures.time", clock)

    def work() -> None:
        clock.now += next(seconds)

    assert best(work, work) == (1.0, 10.0)


def test_table_and_json_show_the_same_figures(tmp_path: Path) -> None:
    figures = [Figure("one", (Ratio(2.0, "x floor", 1.5, 3.0),), 4.0, 2.0), Figure("two", (), peak=12.3)]
    lines = table(figures).splitlines()
    assert lines[2].split() == ["one", "4.000", "2.000", "2.00", "x", "floor", "(<=", "1.5)", "misses"]
    assert lines[3].split() == ["two", "12"]
    write_json(figures, tmp_path / "new" / "bench.json")
    written = json.loads((tmp_path / "new" / "bench.json").read_text())
    assert [figure["name"] for figure in written["figures"]] == ["one", "two"]
    assert written["machine"]["cores"] >= 1
