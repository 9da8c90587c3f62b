"""How long a run waits for the jobs of gear rules, and what it says of those that do not end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from export_session.session.rules import QUEUED, RUNNING, await_rules
from export_session.site import Job


@dataclass
class Site:
    """A site that tells the states of its jobs, one look after the other, the last for ever."""

    looks: Sequence[Sequence[str]]
    seconds: float = 0.0
    looked: int = 0

    def rule_jobs(self, session_id: str) -> tuple[Job, ...]:
        states = self.looks[min(self.looked, len(self.looks) - 1)]
        self.looked += 1
        return tuple(Job(f"job{number}", state, session_id) for number, state in enumerate(states))

    def pause(self, seconds: float) -> None:
        self.seconds += seconds


def heard(looks: Sequence[Sequence[str]], job: str = "") -> tuple[tuple[str, ...], float]:
    site: Any = Site(looks)
    return await_rules(site, "session", job, clock=lambda: site.seconds), site.seconds


def test_jobs_that_end_are_awaited_however_they_end() -> None:
    notes, seconds = heard([["pending", "running"], ["running", "complete"], ["failed", "complete"]])
    assert notes == ()
    assert 0 < seconds < QUEUED


@pytest.mark.parametrize(("state", "most"), [("pending", QUEUED), ("scheduled", QUEUED), ("running", RUNNING)])
def test_jobs_that_do_not_end_are_said(state: str, most: float) -> None:
    notes, seconds = heard([[state, "complete"]])
    assert most < seconds < most + 5
    assert notes[0].startswith("1 job")


def test_a_run_does_not_wait_for_itself() -> None:
    assert heard([["running"]], job="job0") == ((), 0.0)
