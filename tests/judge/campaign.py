"""Many files, many importers: what the engine says to each of them, by several processes."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.judge.archives import archive_of
from tests.judge.files import file_of
from tests.judge.importers import Importer, Running
from tests.judge.verdict import Finding, findings

BATCH = 25
NOBODY = "none"  # no importer ran: there is no metadata at all
MIXED = "mixed"  # file-metadata-importer ran over a file that metadata-import-dicom had read before


@dataclass(frozen=True)
class Task:
    """Inputs of one kind."""

    kind: str  # file or archive
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """A finding, and where it was made."""

    kind: str
    seed: int
    importer: str
    options: tuple[tuple[str, Any], ...]
    finding: Finding


def written(kind: str, seed: int, folder: Path) -> Path:
    """The input of that kind and seed, as a file."""
    path = folder / (f"{seed}.dcm" if kind == "file" else f"{seed}.zip")
    path.write_bytes(file_of(seed).encoded() if kind == "file" else archive_of(seed).encoded())
    return path


def options_of(seed: int) -> dict[str, Any]:
    """The configuration that the gear is run with for this seed."""
    rng = random.Random(f"options {seed}")
    return {"edit_varying": rng.choice(["auto", "refuse", "all"]), "edit_uids": rng.random() < 0.5}


def headers_of(seed: int, path: Path, running: Sequence[Running]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The metadata that each importer leaves at a file, and those of two that ran one after the other.

    A quarter of the seeds pass through a browser, which knows no 5.0, before they come to the engine.
    """
    made: dict[str, dict[str, Any]] = {NOBODY: {}}
    for one in running:
        header = one.header(path)
        if header is not None:
            made[one.importer.name] = header
    if {"fmi", "grp3"} <= made.keys():
        made[MIXED] = merged(made["grp3"], made["fmi"])
    for importer, header in made.items():
        yield importer, whole_numbers(header) if seed % 4 == 1 else header


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Metadata with newer metadata merged in: objects key by key, everything else replaced."""
    both = dict(old)
    for key, value in new.items():
        before = both.get(key)
        both[key] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return both


def whole_numbers(value: Any) -> Any:
    """A header as a browser sends it back: 5.0 is 5 there."""
    if isinstance(value, dict):
        return {key: whole_numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [whole_numbers(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def reports(kind: str, seed: int, path: Path, running: Sequence[Running]) -> Iterator[Report]:
    """What is found at one input."""
    options = options_of(seed)
    for importer, header in headers_of(seed, path, running):
        for finding in findings(path, header, **options):
            yield Report(kind, seed, importer, tuple(sorted(options.items())), finding)


class Campaign:
    """The judgement of many inputs; progress is told as it is made."""

    def __init__(self, importers: Sequence[Importer], jobs: int = 1) -> None:
        self._importers = tuple(importers)
        self._jobs = jobs

    def run(self, tasks: Sequence[Task], told: Callable[[int, int], None] | None = None) -> list[Report]:
        """Judge them all."""
        work = [
            (self._importers, Task(task.kind, task.seeds[at : at + BATCH]))
            for task in tasks
            for at in range(0, len(task.seeds), BATCH)
        ]
        found: list[Report] = []
        done = 0
        with ExitStack() as stack:
            results: Iterator[list[Report]]
            if self._jobs > 1:
                pool = stack.enter_context(get_context("spawn").Pool(self._jobs))
                results = pool.imap_unordered(_judged, work)
            else:
                results = map(_judged, work)
            for batch in results:
                found += batch
                done += BATCH
                if told is not None:
                    told(done, len(found))
        stop_all()
        return sorted(found, key=lambda report: (report.kind, report.seed, report.importer, report.finding.path))


_RUNNING: dict[Importer, Running] = {}  # of this process, for all its batches


def _judged(work: tuple[tuple[Importer, ...], Task]) -> list[Report]:
    importers, task = work
    running = [_RUNNING.setdefault(importer, Running(importer)) for importer in importers]
    found: list[Report] = []
    with tempfile.TemporaryDirectory(prefix="judge-") as folder:
        for seed in task.seeds:
            path = written(task.kind, seed, Path(folder))
            found += reports(task.kind, seed, path, running)
            path.unlink()
    return found


def stop_all() -> None:
    """End the importers of this process."""
    while _RUNNING:
        _RUNNING.popitem()[1].stop()
