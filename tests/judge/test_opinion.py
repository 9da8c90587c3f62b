"""The second opinion agrees with the importer itself, whatever the file is like."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judge.campaign import Task
from tests.judge.crafted import CRAFTED
from tests.judge.importers import Running, real
from tests.judge.opinion import disagreements, of_file

pytestmark = pytest.mark.skipif(bool(real().missing), reason=real().missing)


def test_on_crafted_files(tmp_path: Path) -> None:
    path = tmp_path / "1.dcm"
    with Running(real()) as importer:
        for kind, (file, _) in CRAFTED.items():
            path.write_bytes(file.encoded())
            assert of_file(path, importer.header(path)) == [], kind


@pytest.mark.parametrize(("kind", "count"), [("file", 300), ("archive", 30)])
def test_on_generated_inputs(kind: str, count: int) -> None:
    _agree(Task(kind, tuple(range(count))))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("file", 5000), ("archive", 500)])
def test_on_many(kind: str, count: int) -> None:
    _agree(Task(kind, tuple(range(100_000, 100_000 + count))))


def _agree(task: Task) -> None:
    assert {seed: found for seed, found in disagreements(real(), task) if found} == {}
