"""Write ``docs/validation.md``: each promise of the gear, the tests that hold it, and how they ended last.

``make test`` leaves its results in ``test-results.xml`` (JUnit's form); ``python -m tools.validation`` joins them with
the table of promises in ``docs/architecture.md``. It ends with 1 where a promise has a test that failed or was not run.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from export_session import __version__

HOME = Path(__file__).resolve().parents[1]
ARCHITECTURE, TARGET = HOME / "docs" / "architecture.md", HOME / "docs" / "validation.md"
RESULTS = HOME / "test-results.xml"
NOT_RUN = "not run"

HEAD = """# Validation

Written by `python -m tools.validation`: each promise of [architecture.md](architecture.md), the tests that hold it,
and how they ended last. For the binder of a site: run `make test`, then `make validation`, on the version that is
installed.

session-export {version}. {when}

| requirement | test | last result |
|---|---|---|
"""


@dataclass(frozen=True)
class Results:
    """How tests ended, by ``file::test``, all cases of one counted together."""

    outcomes: Mapping[str, Counter[str]] = field(default_factory=dict)
    when: str = ""  # ISO 8601

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what pytest wrote; nothing where there is no such file."""
        if not path.is_file():
            return cls()
        root = ET.parse(path).getroot()  # noqa: S314 - written by our own pytest
        outcomes: dict[str, Counter[str]] = {}
        for case in root.iter("testcase"):
            name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
            outcomes.setdefault(name, Counter())[_outcome(case)] += 1
        suite = next(root.iter("testsuite"), root)
        return cls(outcomes, suite.get("timestamp") or "")

    def of(self, test: str) -> str:
        """Say how a test ended."""
        counts = self.outcomes.get(test)
        if not counts:
            return NOT_RUN
        if set(counts) == {"passed"}:
            return "passed" if counts["passed"] == 1 else f"passed, {counts['passed']:,} cases"
        return ", ".join(f"{counts[word]:,} {word}" for word in ("failed", "passed", "skipped") if counts[word])


def _outcome(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def promises(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each promise of the architecture with the tests that hold it."""
    for line in text.partition("## Promises")[2].splitlines():
        tests = re.findall(r"`(tests/\S+\.py::\w+)`", line)
        if line.startswith("|") and tests:
            yield line.split("|")[1].strip(), tests


def document(text: str, results: Results) -> str:
    """Return the content of ``docs/validation.md``."""
    when = f"Results of {results.when}." if results.when else "The tests were not run yet."
    rows = []
    for promise, tests in promises(text):
        for number, test in enumerate(tests):
            rows.append(f"| {'' if number else promise} | `{test}` | {results.of(test)} |")
    return HEAD.format(version=__version__, when=when) + "\n".join(rows) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the document; 1 where a promise is not proven by these results."""
    results = Results.read(Path(arguments[0]) if arguments else RESULTS)
    text = ARCHITECTURE.read_text(encoding="utf-8")
    TARGET.write_text(document(text, results), encoding="utf-8")
    said = {test: results.of(test) for _, tests in promises(text) for test in tests}
    unproven = [test for test, word in said.items() if not word.startswith("passed")]
    for test in unproven:
        print(f"{test}: {said[test]}")
    print(f"{TARGET.relative_to(HOME)}: {len(said) - len(unproven)} of {len(said)} tests passed")
    return int(bool(unproven))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
