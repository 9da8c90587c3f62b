"""A sample of the faults on the way back; ``python -m tests.faults.way_back`` plays all of them."""

from __future__ import annotations

import os
import random

import pytest

from tests.faults.matrix import KINDS
from tests.faults.scene import QUARANTINE, files_in, sessions_in
from tests.faults.way_back import Stage, play, rehearse

SEED = int(os.environ.get("FAULT_SEED", "20240229"))


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return rehearse(tmp_path_factory.mktemp("way-back"))


@pytest.mark.parametrize("kind", KINDS)
def test_on_a_disturbed_way_back_nothing_is_out_of_reach_and_the_next_run_arrives(rehearsed: Stage, kind: str) -> None:
    of_kind = [cell for cell in rehearsed.cells if cell.kind == kind]
    writing = [cell for cell in of_kind if cell.call.method != "GET"]
    for cell in random.Random(f"{SEED} {kind}").sample(writing, 1):
        verdict = play(rehearsed, cell)
        assert verdict.struck, cell
        assert not verdict.violations, (cell, verdict.violations)


def test_an_undisturbed_way_back_leads_to_what_was_before(rehearsed: Stage) -> None:
    before, after = (files_in(dump, QUARANTINE) for dump in (rehearsed.original, rehearsed.after))
    assert {name: file["sha256"] for name, file in after.items()} == {
        name: file["sha256"] for name, file in before.items()
    }
    assert files_in(rehearsed.in_place, QUARANTINE) != before
    sessions = (sessions_in(dump, QUARANTINE) for dump in (rehearsed.original, rehearsed.after))
    assert len({str([(one["tags"], one["info"]) for one in found.values()]) for found in sessions}) == 1
