"""What a fan-out came to: a table of its sessions and their jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from export_session.report.table_page import TablePage, Tile
from export_session.report.verdict import Verdict
from export_session.support.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from export_session.report.cells import Cell

COLUMNS = (
    "Subject",
    "Session",
    "Session ID",
    "Job ID",  # the newest of this fan-out, as this run found it
    "State",  # of that job
    "Action",
    "Why",
    "New Job ID",  # the one that this run started
)


class Action(StrEnum):
    """What a fan-out does with a session; a preview says what it would do."""

    STARTED = "started"
    NOT_STARTED = "could not be started"
    UNDER_WAY = "under way"
    EXPORTED = "exported"
    LEFT = "left alone"


@dataclass(frozen=True)
class Line:
    """A session of a fan-out."""

    subject: str
    session: str
    session_id: str
    job: str  # id, empty where there is none
    state: str
    action: Action
    why: str
    started: str = ""  # id of the job that this run started

    def cells(self) -> tuple[Cell, ...]:
        """Give its row."""
        names = self.subject, self.session, self.session_id
        return (*names, self.job, self.state, self.action, self.why, self.started)


@dataclass(frozen=True)
class Jobs:
    """A fan-out: its sessions and their jobs."""

    lines: Sequence[Line]
    title: str  # origin path of what it works on
    tag: str  # that its jobs bear
    preview: bool
    why_empty: str = ""

    @property
    def states(self) -> Counter[str]:
        """How many jobs this run found in which state."""
        return Counter(line.state or "no job" for line in self.lines)

    @property
    def actions(self) -> Counter[Action]:
        """With how many sessions what is done."""
        return Counter(line.action for line in self.lines)

    @property
    def verdict(self) -> Verdict:
        """How far the sessions are and what was started, in one sentence."""
        if not self.lines:
            return Verdict("good", f"Nothing to do: {self.why_empty}.")
        by = self.actions
        parts = ", ".join(f"{by[action]:,} {self.verb(action)}" for action in SAID_FIRST if by[action])
        again = sum(line.state in ENDED_BADLY and line.action is Action.STARTED for line in self.lines)
        said = f"; {counted(again, 'job')} of before ended without success" if again else ""
        sentence = f"{counted(len(self.lines), 'session')}: {parts}{said}."
        return Verdict("bad" if by[Action.NOT_STARTED] else "warning" if again else "good", sentence)

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do next."""
        own = f"In Flywheel, the jobs of this fan-out bear the tag {self.tag}."
        if not self.actions.keys() & {Action.STARTED, Action.NOT_STARTED, Action.UNDER_WAY}:
            return "Nothing is left to start.", own
        if self.preview:
            return "This was a preview: run it without dry_run to start the jobs.", own
        again = "Run it again with the same settings to see how far the jobs are, and to start what is missing."
        return again, f"{own} Once they are done, summarize shows what came of all sessions."

    def verb(self, action: Action) -> str:
        """Say an action as it is done, or in a preview would be."""
        return "would be started" if self.preview and action is Action.STARTED else action.value


SAID_FIRST = (Action.EXPORTED, Action.UNDER_WAY, Action.STARTED, Action.NOT_STARTED, Action.LEFT)
ENDED_BADLY = frozenset({"failed", "cancelled"})
MARKS = {
    "complete": "created",
    "failed": "failed",
    "cancelled": "failed",
    "running": "not-reached",
    "pending": "not-reached",
    Action.NOT_STARTED.value: "failed",
    Action.EXPORTED.value: "created",
    Action.UNDER_WAY.value: "not-reached",
}


def page(jobs: Jobs, footer: str, csv: str) -> TablePage:
    """Arrange the page."""
    tiles = [
        Tile("Without a job" if state == "no job" else f"Job {state}", f"{number:,}", attention=state in ENDED_BADLY)
        for state, number in jobs.states.most_common()
    ]
    rows = [line.cells() for line in jobs.lines]
    return TablePage(
        kind="jobs of a fan-out",
        title=jobs.title,
        preview=jobs.preview,
        verdict=jobs.verdict,
        tiles=tiles,
        columns=COLUMNS,
        rows=[[jobs.verb(cell) if isinstance(cell, Action) else cell for cell in row] for row in rows],
        marks=MARKS,
        advice=jobs.advice,
        csv=csv,
        footer=footer,
    )
