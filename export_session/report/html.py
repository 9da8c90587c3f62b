"""The HTML report: one page that needs nothing but itself."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from export_session.dicom.dictionary import NUMBER_VRS
from export_session.dicom.vocabulary import Cause
from export_session.report import view
from export_session.report.attention import concerns
from export_session.report.cells import text_of
from export_session.report.change_log import where
from export_session.report.diff import marked, plain, whole
from export_session.report.plot import stage_bar, throughput
from export_session.report.remains import old_values
from export_session.report.templates import assets, new_environment
from export_session.report.values import NUMBER, shown_text
from export_session.report.verdict import Figures, history, verdict
from export_session.support.wording import counted, duration, shortened, size, visible

if TYPE_CHECKING:
    from export_session.dicom.vocabulary import Attribution, Change
    from export_session.record import RunRecord

TEXT_LIMIT = 1000  # characters of a message on the page; the export log holds all
LINES = 4_500_000  # bytes of the list of files
SMALLEST = 2_000  # bytes
TABLE_ROWS = 200  # changes of one file
ELEMENT_PAIRS = 4  # old and new values of one element; a single further one is shown, too
DOTS = 5_000  # files in the plot
FEW = 3  # files that are shown unfolded
EMPTY = Markup("<i>empty</i>")
WHOLE_VRS = {"AS", "DA", "DT", "TM"} | NUMBER_VRS  # a part of a date or number says nothing
CAUSES = {Cause.EDIT: "mine", Cause.MAPPING: "mapping", Cause.SLICE: "per slice"}  # as the page filters by them
SLOWEST = 20  # files in the table of times


@dataclass
class Budget:
    """Room on the page for one kind of content; what does not fit is left out and counted.

    A browser opens a page of 10 MB at ease. The CSV files have no such limit.
    """

    left: int
    left_out: int = 0

    @property
    def full(self) -> bool:
        """Whether there is so little room that nothing more needs to be prepared."""
        return self.left < SMALLEST

    def take(self, piece: str) -> bool:
        """Whether the piece still fits; if so, its room is taken."""
        needed = len(piece.encode(errors="backslashreplace"))
        fits = needed <= self.left
        self.left -= needed if fits else 0
        self.left_out += not fits
        return fits


def render(record: RunRecord) -> str:
    """Give the page of a run, whose values are taken as fit to be shown."""
    sessions = view.sessions(record)
    timed = sorted(
        (place for place in view.places(sessions) if place.file.timing.total > 0),
        key=lambda place: -place.file.timing.total,
    )
    page = _template().render(
        record=record,
        verdict=verdict(record),
        history=history(record),
        period=_period(record.started, record.finished),
        figures=Figures.of(record),
        sessions=sessions,
        concerns=concerns(sessions, preview=record.dry_run),
        elements=view.elements(sessions),
        remaining=old_values(sessions),
        stages=view.stages(record),
        slowest=timed[:SLOWEST],
        timed=len(timed),
        dots=DOTS,
        stage_bar=stage_bar,
        scatter=throughput((place.file.size, place.file.timing.total) for place in timed[:DOTS]),
        verification=view.verification(record),
        short=lambda path: path.removeprefix(f"{record.title}/"),
        values=partial(_values, comparable=record.log_values == "full"),
        few_files=len(list(record.files())) <= FEW,
        table_rows=TABLE_ROWS,
        is_in_place=view.is_in_place,
        lies_as=view.lies_as,
        pairs_shown=_pairs_shown,
        causes=CAUSES,
        on_page=set(),
        tables=Budget(3_000_000),
        lines=Budget(LINES),
        pictures=Budget(800_000),
        overview=Budget(600_000),
        **assets("report.js"),
    )
    return page.lstrip()


@cache
def _template() -> jinja2.Template:
    environment = new_environment()
    environment.filters |= {
        "authored": authored,
        "counted": counted,
        "duration": duration,
        "message": lambda text: shortened(visible(text), TEXT_LIMIT),
        "plain": plain,
        "pathwise": lambda path: _breaking(path, "/"),
        "picture": lambda png: f"data:image/png;base64,{base64.b64encode(png).decode()}",
        "sentence": lambda text: text[:1].upper() + text[1:] if re.match("[a-z]+ ", text) else text,
        "size": size,
        "stepwise": lambda path: _breaking(path, "."),
        "text": lambda value: visible(text_of(value)),
        "where": where,
    }
    return environment.get_template("report.html")


def authored(known: Attribution) -> str:
    """Say who made an edit, when and why."""
    who = " at ".join(filter(None, (known.author, known.at)))
    return ": ".join(filter(None, (f"corrected by {who}" if who else "corrected", known.reason))) + (
        f" ({known.source})" if known.source else ""
    )


def _values(change: Change, fate: str, *, comparable: bool) -> tuple[Markup, Markup]:
    """Give old and new value of a change, with the difference marked where there is one to be seen."""
    old, new = shown_text(change.old, change.vr), shown_text(change.new, change.vr)
    if comparable and old and new and not fate:
        numbers = NUMBER.fullmatch(old) and NUMBER.fullmatch(new)
        return whole(old, new) if change.vr in WHOLE_VRS or numbers else marked(old, new)
    nothing = Markup("<i>absent</i>") if change.old is None else EMPTY
    return plain(old) or nothing, plain(new) or EMPTY


def _pairs_shown(element: view.ElementChange) -> tuple[view.Pair, ...]:
    """Give the pairs of values for which there is room; never is a line spent on hiding a single one."""
    return element.pairs if len(element.pairs) <= ELEMENT_PAIRS + 1 else element.pairs[:ELEMENT_PAIRS]


def _breaking(path: str, mark: str) -> Markup:
    """Let a long path, to a file or into sequences, break after its steps."""
    return Markup(f"{mark}<wbr>").join(visible(path).split(mark))  # noqa: S704 - the mark is ours


def _period(started: str, finished: str) -> str:
    """Give begin and end of a run in UTC, the day said once."""
    try:
        begin, end = (datetime.fromisoformat(each).astimezone(UTC) for each in (started, finished))
    except (ValueError, OverflowError):
        return f"{started} to {finished}"
    return f"{begin:%Y-%m-%d %H:%M:%S} to {end:{'%H:%M:%S' if begin.date() == end.date() else '%Y-%m-%d %H:%M:%S'}} UTC"
