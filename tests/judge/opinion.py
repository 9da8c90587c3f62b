"""The second opinion against the importer itself, over generated inputs: ``python -m tests.judge.opinion --files 300``."""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from export_session.dicom.edits.importers.reading.rereading import Rereading
from tests.judge.campaign import Task, written
from tests.judge.comparison import differences
from tests.judge.importers import Importer, Running, real
from tests.judge.verdict import short

Difference = tuple[str, Any, Any]  # place, what the importer stored, what the second opinion says


def of_file(path: Path, header: dict[str, Any] | None) -> list[Difference]:
    """What the second opinion on a single file says otherwise than the importer; where that failed, there is nothing."""
    with path.open("rb") as source:
        said = Rereading(source).header
    if header is None and isinstance(said.get("PatientWeight"), list):
        return []  # it fails over the weight that it gives the session, when it has made the header
    return _different((header or {}).get("dicom", {}), said)


def of_archive(path: Path, header: dict[str, Any] | None) -> list[Difference]:
    """The same of an archive: of the member that the importer described, and of its lists."""
    if header is None:
        return []
    found = []
    members = [Rereading(io.BytesIO(data)) for data in _members(path)]
    shown = header.get("dicom", {})
    if not any(_different(shown, one.header) == [] for one in members):
        nearest = min((_different(shown, one.header) for one in members), key=len)
        found += [("dicom." + place, *values) for place, *values in nearest]
    for key, entries in header.get("dicom_array", {}).items():
        if len(entries) == len(members):
            own = [one.array_entry(key) for one in members]
            found += [] if _sorted(own) == _sorted(entries) else [("dicom_array." + key, entries, own)]
    return found


def _members(path: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive:
        names = [entry for entry in archive.infolist() if entry.file_size and not entry.is_dir()]
        for entry in sorted(names, key=lambda entry: PurePosixPath(entry.filename)):
            yield archive.read(entry)


def _sorted(entries: list[Any]) -> list[str]:
    return sorted(map(json.dumps, entries))


def _different(stored: Any, said: Any) -> list[Difference]:
    return [(place, before, after) for _, place, before, after in differences(dict(stored), dict(said))]


def disagreements(importer: Importer, task: Task) -> Iterator[tuple[int, list[Difference]]]:
    """Each seed of the task, and how the two differ."""
    with Running(importer) as running, tempfile.TemporaryDirectory(prefix="opinion-") as folder:
        for seed in task.seeds:
            path = written(task.kind, seed, Path(folder))
            compare = of_file if task.kind == "file" else of_archive
            yield seed, compare(path, running.header(path))
            path.unlink()


def main() -> int:
    """Compare as the command line asks; 1 if any header differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.judge.opinion", description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--archives", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    start, bad = time.monotonic(), 0
    for kind, count in (("file", chosen.files), ("archive", chosen.archives)):
        for seed, found in disagreements(real(), Task(kind, tuple(range(chosen.seed, chosen.seed + count)))):
            bad += bool(found)
            for place, stored, said in found[:5]:
                print(f"{kind} {seed}: {place}: stored {short(stored)}, said {short(said)}")
    print(f"{chosen.files + chosen.archives} inputs in {time.monotonic() - start:.0f} s, {bad} that differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
