"""Nobody edited these files: whoever imported them, no edit is found, and every one of them goes out as it is."""

from __future__ import annotations

import pytest

from tests.judge.available import importers
from tests.judge.campaign import Campaign, Report, Task
from tests.judge.kinds import groups
from tests.judge.report import told

_SHOWN = 12000  # characters of a failure
# Inputs in which edits were found once: elements behind pixel data, pixels that decide a VR, members that only the
# importer takes for instances, headers of two importers that described two members, lists of frames, ...
_FILES = (71180, 72083)
_ARCHIVES = (
    7098, 7101, 7109, 7112, 7178, 50005, 50012, 50014, 50019, 50022, 50024, 50027, 50047, 50064, 50065, 50086, 50103,
    50110, 50127, 50137, 50189, 50221, 50244, 50254, 50262, 50269, 50458, 50490, 70088, 70208,
)  # fmt: skip


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


def test_what_once_was_found_stays_mended() -> None:
    found = Campaign(importers()).run([Task("file", _FILES), Task("archive", _ARCHIVES)])
    assert not verdict(found), verdict(found)


@pytest.mark.slow
def test_twenty_thousand_files_hold_no_edit() -> None:
    found = Campaign(importers(), jobs=2).run([Task("file", tuple(range(100_000, 120_000)))])
    assert not verdict(found), verdict(found)


@pytest.mark.slow
def test_two_thousand_archives_hold_no_edit() -> None:
    found = Campaign(importers(), jobs=2).run([Task("archive", tuple(range(100_000, 102_000)))])
    assert not verdict(found), verdict(found)
