"""Nobody edited these files: whoever imported them, no edit is found, and every one of them goes out as it is."""

from __future__ import annotations

import os

import pytest

from tests.judge.campaign import Campaign, Report, Task
from tests.judge.importers import Importer, older, real, showing_private
from tests.judge.kinds import groups
from tests.judge.report import told

_SHOWN = 12000  # characters of a failure


def importers() -> tuple[Importer, ...]:
    """All of them; where an environment is missing, that is a failure in CI and a reason to skip elsewhere."""
    found = (real(), showing_private(real()), *older())
    missing = "\n".join(importer.missing for importer in found if importer.missing)
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return found


def verdict(reports: list[Report]) -> str:
    """The findings by kind; nothing where there are none."""
    if not reports:
        return ""
    kinds = groups(reports)
    inputs = len({(report.kind, report.seed) for report in reports})
    head = f"{len(reports)} findings of {len(kinds)} kinds in {inputs} inputs (python -m tests.judge shows them)\n"
    return head + "\n".join(told(kinds, 2))[:_SHOWN]


def test_single_files_hold_no_edit() -> None:
    found = Campaign(importers()).run([Task("file", tuple(range(300)))])
    assert not verdict(found), verdict(found)


def test_archives_hold_no_edit() -> None:
    found = Campaign(importers()).run([Task("archive", tuple(range(40)))])
    assert not verdict(found), verdict(found)


@pytest.mark.slow
def test_twenty_thousand_files_hold_no_edit() -> None:
    found = Campaign(importers(), jobs=2).run([Task("file", tuple(range(100_000, 120_000)))])
    assert not verdict(found), verdict(found)


@pytest.mark.slow
def test_two_thousand_archives_hold_no_edit() -> None:
    found = Campaign(importers(), jobs=2).run([Task("archive", tuple(range(100_000, 102_000)))])
    assert not verdict(found), verdict(found)
