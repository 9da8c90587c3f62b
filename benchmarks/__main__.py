"""Measure, print a table, and write it to bench-output/bench.json.

Usage: ``python -m benchmarks [figure ...]``; without arguments, all of them. Ends with 1 when a ratio is far
off its target.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import rewriting, running
from benchmarks.figures import Figure, machine, table, write_json

OUTPUT = Path(__file__).resolve().parent.parent / "bench-output" / "bench.json"
FIGURES: dict[str, Callable[[Path], Iterable[Figure]]] = {
    "series": rewriting.series,
    "small-slices": rewriting.small_slices,
    "multiframe": rewriting.multiframe,
    "stored": rewriting.stored,
    "untouched": rewriting.untouched,
    "remains": rewriting.remains,
    "memory-slices": rewriting.memory_of_slices,
    "memory-frames": rewriting.memory_of_frames,
    "start-up": running.start_up,
    "overlap": running.overlap,
    "stages": running.stages,
}


def main(names: list[str]) -> int:
    """Measure the named figures."""
    if unknown := set(names) - FIGURES.keys():
        print(f"no such figure: {', '.join(sorted(unknown))}; there are: {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    for name in names or FIGURES:
        print(f"measuring {name} ...", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="session-export-bench-") as folder:
            figures.extend(FIGURES[name](Path(folder)))
    write_json(figures, OUTPUT)
    print(", ".join(f"{key} {value}" for key, value in machine().items()), table(figures), sep="\n\n")
    return 1 if any(figure.failed for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
