"""Somebody edited each of these headers: every edit is applied, refused aloud, or doubted in a note, which is rare."""

from __future__ import annotations

from tests.judge.available import importers
from tests.judge.edited import LOST, NOTED, judged

# Nothing is doubted there: the element is not readable, or holds already what was typed in small letters
_CERTAIN = ("in other words", "damaged", "follows the length", "not an element of such a file")


def test_no_edit_is_lost() -> None:
    importers()  # or this is skipped
    found = list(judged(seed=1000, files=60, archives=10))
    assert not [one for one in found if one.outcome == LOST]
    doubted = [one for one in found if one.outcome == NOTED and not any(why in one.reason for why in _CERTAIN)]
    assert len(doubted) <= len(found) * 0.01
