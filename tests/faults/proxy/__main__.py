"""Hostile runs by the hundred: ``python -m tests.faults.proxy --runs N --seed S [--scene …]``.

Each run has a seed of its own, from S on; ``--runs 1 --seed X`` (with the same scenes) plays run X again. What a seed
draws depends on the calls that the gear makes; ``--scene NAME --strike KIND METHOD ROUTE NTH`` does not.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.faults.proxy.many import play_all, play_one
from tests.faults.proxy.play import Verdict
from tests.faults.proxy.scenes import CASES
from tests.faults.proxy.server import Strike

SHOWN = 6  # seeds of each kind of violation


def main() -> int:
    """Play, print what came of it, and return 1 where any promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0, help="of the first run; the others count up from it")
    parser.add_argument("--scene", choices=CASES, action="append", help="play this one only; may be repeated")
    parser.add_argument("--processes", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument(
        "--strike",
        nargs="+",
        action="append",
        metavar=("KIND METHOD ROUTE NTH", "TIMES SEED"),
        help="play --scene once with these faults instead: such as 'reply lost' POST /subjects 1",
    )
    options = parser.parse_args()
    if options.strike:
        strikes = [Strike(*given[:3], *map(int, given[3:])) for given in options.strike]
        verdict = play_one(options.scene[0] if options.scene else "session copy", options.seed, strikes)
        print(told(verdict))
        return int(bool(verdict.violations))
    names = tuple(options.scene or CASES)
    began = time.monotonic()
    seeds = range(options.seed, options.seed + options.runs)
    verdicts = []
    for verdict in play_all(seeds, names, options.processes):
        verdicts.append(verdict)
        if len(verdicts) % 50 == 0:
            print(f"{len(verdicts)} of {len(seeds)}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        if options.runs == 1 or verdict.violations:
            print(told(verdict), flush=True)
    return report(verdicts, time.monotonic() - began)


def told(verdict: Verdict) -> str:
    """Describe one play."""
    lines = [f"seed {verdict.seed}, {verdict.scene}, exit code {verdict.code}: {'; '.join(map(str, verdict.strikes))}"]
    lines += [f"    {each.promise}, {each.when}: {each.text}" for each in verdict.violations]
    return "\n".join(lines)


def report(verdicts: Sequence[Verdict], seconds: float) -> int:
    """Print violations by promise, and by what was done to which route; return 1 where there are any."""
    kinds: defaultdict[tuple[int, str, str, str], list[int]] = defaultdict(list)
    faults: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for verdict in verdicts:
        for each in verdict.violations:
            kinds[int(each.promise[1:]), each.promise, each.when, each.text].append(verdict.seed)
        if verdict.violations:
            for strike in verdict.strikes:
                faults[strike.kind, f"{strike.method} {strike.route}"].append(verdict.seed)
    print("\nBroken promises:" if kinds else "\nNo promise was broken.")
    for (_, promise, when, text), seeds in sorted(kinds.items()):
        print(f"  {promise} [{when}] {text}: {_seeds(seeds)}")
    if faults:
        print("Where, by fault and route:")
        for (kind, route), seeds in sorted(faults.items(), key=lambda item: (-len(item[1]), item[0])):
            print(f"  {kind} at {route}: {_seeds(seeds)}")
    struck = Counter(strike.kind for verdict in verdicts for strike in verdict.strikes)
    hits = sum(strike.struck for verdict in verdicts for strike in verdict.strikes)
    codes = Counter(verdict.code for verdict in verdicts)
    print(f"scenes: {', '.join(f'{name} {n}' for name, n in Counter(v.scene for v in verdicts).most_common())}")
    print(f"faults: {', '.join(f'{name} {n}' for name, n in struck.most_common())}")
    print(f"exit codes of disturbed runs: {', '.join(f'{code}: {n}' for code, n in sorted(codes.items()))}")
    failed = [verdict for verdict in verdicts if verdict.code in (1, 2)]
    once = [verdict.seed for verdict in failed if [strike.struck for strike in verdict.strikes] == [1]]
    print(f"runs that one passing fault ended with a failure, which is no violation: {_seeds(once)}")
    broken = sum(bool(verdict.violations) for verdict in verdicts)
    missed = sum(verdict.missed for verdict in verdicts)
    total = sum(len(verdict.violations) for verdict in verdicts)
    print(
        f"{len(verdicts)} disturbed runs, {hits} faulty calls ({missed} runs met no fault): {total} violations in "
        f"{broken} runs   [{seconds:.0f} s]"
    )
    return int(bool(total or not verdicts))


def _seeds(seeds: Sequence[int]) -> str:
    distinct = sorted(set(seeds))
    more = f" and {len(distinct) - SHOWN} more" if len(distinct) > SHOWN else ""
    return f"{len(distinct)} (seeds {', '.join(map(str, distinct[:SHOWN]))}{more})" if distinct else "0"


if __name__ == "__main__":
    sys.exit(main())
