"""Somebody edited each of these headers: every edit is applied, refused aloud, or doubted in a note, which is rare."""

from __future__ import annotations

from tests.judge.available import importers
from tests.judge.edited import LOST, NOTED, judged

_NOT_FROM_THE_FILE = ("damaged", "follows the length", "not an element of such a file")


def test_no_edit_is_lost() -> None:
    importers()  # or this is skipped
    found = list(judged(seed=1000, files=60, archives=10))
    assert not [one for one in found if one.outcome == LOST]
    doubted = [
        one for one in found if one.outcome == NOTED and not any(why in one.reason for why in _NOT_FROM_THE_FILE)
    ]
    assert len(doubted) <= len(found) * 0.01
