"""The HTML report: one page that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from . import view
from .cells import shortened, text_of, visible
from .change_log import action, where
from .diff import marked, plain
from .plot import stage_bar, throughput
from .verdict import Figures, counted, duration, size, verdict

if TYPE_CHECKING:
    from export_session.dicom.model import Change
    from export_session.model import RunRecord

HERE = Path(__file__).parent
TEXT_LIMIT = 1000  # characters of a message on the page; the export log holds all
SLOWEST = 20  # files in the table of times


@dataclass
class Budget:
    """Room on the page for one kind of content; what does not fit is left out and counted.

    A browser opens a page of 10 MB at ease. The CSV files have no such limit.
    """

    left: int
    left_out: int = 0

    def take(self, piece: str) -> bool:
        """Whether the piece still fits; if so, its room is taken."""
        needed = len(piece.encode(errors="backslashreplace"))
        fits = needed <= self.left
        if fits:
            self.left -= needed
        else:
            self.left_out += 1
        return fits


def write(record: RunRecord, path: Path) -> None:
    """Write the report of a run."""
    path.write_text(render(record), encoding="utf-8", errors="backslashreplace")


def render(record: RunRecord) -> str:
    """Give the page of a run, whose values are taken as fit to be shown."""
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    sessions = view.sessions(record)
    timed = sorted(
        (place for place in view.places(sessions) if place.file.timing.total > 0),
        key=lambda place: -place.file.timing.total,
    )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "action": action,
        "counted": counted,
        "duration": duration,
        "message": lambda text: shortened(visible(text), TEXT_LIMIT),
        "picture": lambda png: f"data:image/png;base64,{base64.b64encode(png).decode()}",
        "short": lambda path: path.removeprefix(f"{record.title}/"),
        "size": size,
        "text": lambda value: visible(text_of(value)),
        "values": _values if record.log_values == "full" else _masked,
        "where": where,
    }
    page = environment.get_template("report.html").render(
        record=record,
        verdict=verdict(record),
        figures=Figures.of(record),
        sessions=sessions,
        concerns=view.concerns(sessions),
        elements=view.elements(sessions),
        stages=view.stages(record),
        slowest=timed[:SLOWEST],
        timed=len(timed),
        stage_bar=stage_bar,
        scatter=throughput((place.file.size, place.file.timing.total) for place in timed),
        verification=view.verification(record),
        tables=Budget(4_000_000),
        lines=Budget(3_000_000),
        pictures=Budget(1_200_000),
        overview=Budget(800_000),
        style=Markup(style),  # noqa: S704  (our own file)
        script=Markup(script),  # noqa: S704  (our own file)
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    return page.lstrip()


def _values(change: Change) -> tuple[Markup, Markup]:
    """Give old and new value of a change, marked where both can be compared."""
    old, new = text_of(change.old), text_of(change.new)
    if old and new:
        return marked(old, new)
    return plain(old) or _nothing(change.old), plain(new) or Markup("<i>empty</i>")


def _masked(change: Change) -> tuple[Markup, Markup]:
    """Give old and new value of a change whose values are not to be shown: nothing to compare in them."""
    old, new = plain(text_of(change.old)), plain(text_of(change.new))
    return old or _nothing(change.old), new or Markup("<i>empty</i>")


def _nothing(old: object) -> Markup:
    return Markup("<i>absent</i>") if old is None else Markup("<i>empty</i>")
