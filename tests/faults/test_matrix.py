"""A sample of the matrix and a small soak; ``make faults`` plays all of it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.faults.matrix import KINDS, MODES, Cell, Stage, cells_of, play, rehearse
from tests.faults.soak import soak

SEED = int(os.environ.get("FAULT_SEED", "20240229"))
EACH = 2  # calls for each kind of fault and mode


@pytest.fixture(scope="module", params=MODES)
def rehearsed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return rehearse(tmp_path_factory.mktemp(request.param), request.param)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_disturbed_harms_nothing_and_the_next_completes_it(rehearsed: Stage, kind: str) -> None:
    cells: list[Cell] = [cell for cell in cells_of(rehearsed) if cell.kind == kind]
    for cell in random.Random(f"{SEED} {kind} {rehearsed.mode}").sample(cells, EACH):
        verdict = play(rehearsed, cell)
        assert verdict.struck, cell
        assert not verdict.violations, (cell, verdict.violations)


@pytest.mark.parametrize("mode", MODES)
def test_a_project_is_exported_through_a_bad_network(tmp_path: Path, mode: str) -> None:
    outcome = soak(tmp_path, sessions=4, rate=0.06, seed_of=SEED, mode=mode)
    assert sum(outcome.faults.values()) > 0
    assert outcome.violations == []
