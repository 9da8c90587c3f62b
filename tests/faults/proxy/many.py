"""Many plays at once, in processes of their own."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.faults.proxy.play import Verdict, play, scene_of
from tests.faults.proxy.scenes import Rehearsed, rehearse
from tests.faults.proxy.server import Strike


def play_all(seeds: Sequence[int], names: Sequence[str], processes: int) -> Iterator[Verdict]:
    """Play seeds in parallel, on scenes that are rehearsed once."""
    needed = sorted({scene_of(seed, names) for seed in seeds})
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="proxy-scenes-") as folder:
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            folders = [Path(folder, str(number)) for number in range(len(needed))]
            stages = dict(zip(needed, pool.map(rehearse, needed, folders), strict=True))
        with ProcessPoolExecutor(processes, mp_context=context, initializer=_settle, initargs=(stages, names)) as pool:
            for done in as_completed([pool.submit(_play, seed) for seed in seeds]):
                yield done.result()


def play_one(name: str, seed: int, strikes: Sequence[Strike]) -> Verdict:
    """Play one scene with the faults that are given."""
    with tempfile.TemporaryDirectory(prefix="proxy-scene-") as folder:
        return play(seed, rehearse(name, Path(folder, "scene")), strikes)


_STAGES: dict[str, Rehearsed] = {}
_NAMES: list[str] = []


def _settle(stages: dict[str, Rehearsed], names: Sequence[str]) -> None:
    _STAGES.update(stages)
    _NAMES.extend(names)


def _play(seed: int) -> Verdict:
    return play(seed, _STAGES[scene_of(seed, _NAMES)])
