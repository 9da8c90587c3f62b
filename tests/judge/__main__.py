"""Judge edit detection: ``python -m tests.judge --files 1000 --archives 100``. Exits 1 where there are findings."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.judge import comparison
from tests.judge.campaign import Campaign, Task
from tests.judge.importers import Running, older, real, showing_private
from tests.judge.kinds import groups
from tests.judge.report import told

NAMES = ("fmi", "p15e", "grp3", "mrc")


def main() -> int:
    """Run the judge as the command line asks."""
    chosen = _arguments()
    newest = real(chosen.importer)
    wanted = [one for one in (newest, showing_private(newest), *older()) if one.name in chosen.only]
    missing = [one.missing for one in wanted if one.missing]
    if missing:
        sys.exit("\n".join(missing))
    tasks = [
        Task("file", tuple(range(chosen.seed, chosen.seed + chosen.files))),
        Task("archive", tuple(range(chosen.seed, chosen.seed + chosen.archives))),
    ]
    if chosen.compare:
        return comparison.main(real(chosen.importer), real(chosen.compare), tasks)
    start = time.monotonic()
    found = Campaign(wanted, chosen.jobs).run(tasks, _progress if sys.stderr.isatty() else None)
    kinds = groups(found)
    running = [Running(one) for one in wanted] if chosen.shrink else []
    for line in told(kinds, chosen.examples, running):
        print(line, flush=True)
    for one in running:
        one.stop()
    total = chosen.files + chosen.archives
    bad = len({(report.kind, report.seed) for report in found})
    print(
        f"{total} inputs in {time.monotonic() - start:.0f} s: {len(found)} findings of {len(kinds)} kinds in {bad} inputs"
    )
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.judge", description=__doc__)
    parser.add_argument("--files", type=int, default=1000, help="single files to make")
    parser.add_argument("--archives", type=int, default=100, help="zip archives to make")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--importer", type=_python, default=real().python, help="Python of the importer's environment")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="importers to judge by")
    parser.add_argument(
        "--compare", type=_python, help="Python of another importer's environment: show how headers differ"
    )
    parser.add_argument("--examples", type=int, default=2, help="inputs to show of each kind")
    parser.add_argument("--shrink", action="store_true", help="make these inputs as small as they can be")
    return parser.parse_args()


def _python(text: str) -> Path:
    return Path.cwd() / text  # not resolved: an environment's Python is a link


def _progress(done: int, found: int) -> None:
    print(f"\r{done} inputs, {found} findings", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
