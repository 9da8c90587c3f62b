"""Findings as text for the person who is to mend the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.judge.campaign import Report
from tests.judge.importers import Running
from tests.judge.kinds import Group
from tests.judge.shrink import described, shrunk
from tests.judge.verdict import short


def told(kinds: Sequence[Group], examples: int, running: Sequence[Running] = ()) -> Iterator[str]:
    """Each kind with some inputs that show it, line by line.

    Parameters
    ----------
    kinds
        What was found.
    examples
        How many inputs to show of each kind.
    running
        Importers to make these inputs as small as can be with; none: the inputs are named only.
    """
    for number, group in enumerate(kinds, 1):
        yield ""
        yield f"{number}. {group.kind}"
        yield f"   {len(group.reports)} times"
        yield from ("   " + counts for counts in group.counts if counts)
        for report in group.examples(examples):
            yield from _example(report, running)


def _example(report: Report, running: Sequence[Running]) -> Iterator[str]:
    options = ", ".join(f"{name}={value}" for name, value in report.options)
    finding = report.finding
    yield f"   {report.kind} {report.seed}, {report.importer}, {options}"
    if finding.what in ("change", "refusal"):
        yield f"     {finding.path} {finding.tag}: bytes read as {short(finding.old)}, importer shows {short(finding.shown)}"
    elif finding.reason:
        yield f"     {finding.path}: {finding.reason[:300]}"
    if running:
        yield from ("     | " + line for line in described(shrunk(report, running)))
