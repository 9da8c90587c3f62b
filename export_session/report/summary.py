"""Many sessions in one place: what their runs noted on them, as table, page and workbook."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from export_session.report.table_page import TablePage, Tile
from export_session.report.verdict import Verdict
from export_session.support.wording import counted, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from export_session.report.cells import Cell

COLUMNS = (
    "Subject",
    "Session",
    "State",
    "Why",
    "Edited Since",
    "Archived",
    "Files",  # of the session and on its subject
    "Bytes",
    "Changes",
    "Refused",
    "Notes",
    "Tags",
    "Gear Version",
    "Job ID",
    "Session ID",
)


class State(StrEnum):
    """How far a session is."""

    EXPORTED = "exported"
    REFUSED = "exported with refused edits"
    FAILED = "failed"
    NOT_TAGGED = "not tagged"
    OPEN = "not exported"


class Edited(StrEnum):
    """Whether files of an exported session were edited, added or removed since."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "not looked at"
    NOTHING = ""  # not exported, so there is nothing to compare with


@dataclass(frozen=True)
class Row:
    """A session."""

    subject: str
    session: str
    state: State
    why: str
    edited: Edited
    archived: str  # copied, moved, or empty
    files: int
    bytes: int
    changes: int
    refused: int
    notes: int
    tags: str
    version: str  # of the gear
    job: str
    session_id: str

    def cells(self) -> tuple[Cell, ...]:
        """Give its cells in the order of the columns."""
        counts = self.files, self.bytes, self.changes, self.refused, self.notes
        about = self.subject, self.session, self.state.value, self.why, self.edited.value, self.archived
        return (*about, *counts, self.tags, self.version, self.job, self.session_id)


@dataclass(frozen=True)
class Summary:
    """All sessions."""

    title: str  # origin path of what was summed up
    rows: Sequence[Row]

    @property
    def states(self) -> Counter[State]:
        """How many sessions are in which state."""
        return Counter(row.state for row in self.rows)

    @property
    def edited(self) -> Counter[Edited]:
        """How many sessions were edited since their export, or not, or were not looked at."""
        return Counter(row.edited for row in self.rows)

    @property
    def verdict(self) -> Verdict:
        """How far the sessions are, in one sentence."""
        if not self.rows:
            return Verdict("good", "There is no session here.")
        states, edited = self.states, self.edited[Edited.YES]
        parts = [f"{states[state]:,} {state.value}" for state in State if states[state]]
        also = f"; {edited:,} edited since {'its' if edited == 1 else 'their'} export" if edited else ""
        attention = states[State.REFUSED] or states[State.NOT_TAGGED] or edited
        kind: Literal["good", "warning", "bad"] = "bad" if states[State.FAILED] else "warning" if attention else "good"
        return Verdict(kind, f"{counted(len(self.rows), 'session')}: {', '.join(parts)}{also}.")

    @property
    def figures(self) -> tuple[Tile, ...]:
        """The sums."""
        rows, states, archived = self.rows, self.states, Counter(row.archived for row in self.rows)
        exported = states[State.EXPORTED] + states[State.REFUSED]
        unknown, untagged = self.edited[Edited.UNKNOWN], states[State.NOT_TAGGED]
        return (
            Tile("Sessions", f"{len(rows):,}", f"{states[State.OPEN]:,} not exported"),
            Tile("Exported", f"{exported:,}", f"{untagged:,} more not tagged" if untagged else ""),
            Tile("Edited since", f"{self.edited[Edited.YES]:,}", f"{unknown:,} not looked at" if unknown else ""),
            Tile("Failed", f"{states[State.FAILED]:,}", attention=bool(states[State.FAILED])),
            Tile(
                "Refused edits",
                f"{sum(row.refused for row in rows):,}",
                f"in {counted(states[State.REFUSED], 'session')}",
                attention=bool(states[State.REFUSED]),
            ),
            Tile("Archived", f"{archived['copied'] + archived['moved']:,}", f"{archived['moved']:,} of them moved"),
            Tile(
                "Exported data", size(sum(row.bytes for row in rows)), counted(sum(row.files for row in rows), "file")
            ),
        )

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do next, and how to find the same sessions in Flywheel."""
        said = [FILTERS]
        if self.edited[Edited.YES]:
            said.append("Set force_export to export what was edited since; files that are the same are not sent again.")
        if self.states[State.FAILED] or self.states[State.NOT_TAGGED]:
            said.append("Run the gear again, once a cause is removed: what is verified is not sent again.")
        if self.edited[Edited.UNKNOWN]:
            said.append(
                "Not looked at: there are too many acquisitions to list them all here, or an earlier version exported "
                "the session. A run (or preview) on the project or subject says of each tagged session whether its "
                "files were edited since."
            )
        return tuple(said)


FILTERS = (
    "To find them in Flywheel, filter sessions by: tags = EXPORTED (done); "
    "info.qc.session-export.export.state = FAIL (failed, or with refused edits); "
    "info.qc.session-export.export.refused > 0 (with refused edits)."
)
MARKS = {
    State.EXPORTED.value: "created",
    State.REFUSED.value: "not-reached",
    State.FAILED.value: "failed",
    State.NOT_TAGGED.value: "not-reached",
    State.OPEN.value: "skipped",
}


def page(summary: Summary, footer: str, csv: str) -> TablePage:
    """Arrange the page."""
    return TablePage(
        kind="summary of sessions",
        title=summary.title,
        preview=False,
        verdict=summary.verdict,
        tiles=summary.figures,
        columns=COLUMNS,
        rows=[row.cells() for row in summary.rows],
        marks=MARKS,
        advice=summary.advice,
        csv=csv,
        footer=footer,
    )
