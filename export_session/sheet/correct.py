"""The story of a sheet: read it, check all of it, leave its inverse, apply it. A preview stops before it writes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from export_session.dicom.vocabulary import Attribution
from export_session.errors import ConfigError
from export_session.report.cells import text_of
from export_session.report.disclosure import HIDDEN
from export_session.report.outputs import GrowingTable
from export_session.session.headers import ABSENT
from export_session.settings import Config
from export_session.sheet.aims import aimed
from export_session.sheet.apply import Failures, apply
from export_session.sheet.check import check
from export_session.sheet.listing import Destination, Listing
from export_session.sheet.plan import Deed, Plan
from export_session.sheet.problems import Problems
from export_session.sheet.read import read_sheet
from export_session.sheet.rows import Rows
from export_session.sheet.undo import inverse
from export_session.sheet.write import write_sheet
from export_session.site import PatientSite
from export_session.support.parallel import Workers
from export_session.support.wording import counted

log = logging.getLogger(__name__)

AGAIN = "it finds what is done, and does the rest"
KEPT_IN_PLACE = (
    "corrections: elements are taken out of the metadata, and no missing key is a deletion: what a run has added to "
    "the files in place stays in them. A run with mode: restore brings the versions before back; undo after that."
)
COLUMNS = ("Cell", "Path", "Element", "Old", "New", "Outcome", "Reason", "Run")


@dataclass(frozen=True)
class Corrected:
    """What came of a sheet."""

    site: PatientSite  # as the rest of the run is to see it
    sentence: str
    failed: bool = False  # something could not be written; what was is in the sheet that undoes it


@dataclass(frozen=True)
class Sheets:
    """The sheet that a run was given, and where those go that it writes."""

    given: Path
    folder: Path
    stem: str  # how their names begin

    def named(self, ending: str) -> Path:
        """Return the path of an output."""
        return self.folder / f"{self.stem}_{ending}"


def correct(site: PatientSite, config: Config, destination: Destination, sheets: Sheets, workers: Workers) -> Corrected:
    """Apply a sheet to the site, or in a preview show the site as it would be.

    Raises
    ------
    ConfigError
        Something is wrong with the sheet: all of it is told, and nothing is written.
    OutputError
        The sheet that would undo it cannot be written: nothing else is, then.
    """
    read = read_sheet(sheets.given)
    for remark in read.remarks:
        log.warning("corrections: %s", remark)
    problems = Problems(read.problems)
    rows = Rows(aimed(read.corrections, config.options, problems))
    log.info("corrections: %s to check", counted(len(read.corrections), "value"))
    plan = check(Listing.of(site, destination, config.select_tag), rows, config.options, problems, workers)
    plan = replace(plan, by=Attribution(site.identity().id, datetime.now(UTC).isoformat(timespec="seconds")))
    report = GrowingTable(sheets.named("corrections_log.csv"), COLUMNS)
    name, told = sheets.given.name, partial(_row, config=config)
    if problems:
        report.rewrite(_refusals(problems, config))
        raise ConfigError(dict.fromkeys(_told(problems)))
    report.rewrite(told(deed, "there already" if deed.done else "to be corrected") for deed in plan.deeds)
    if config.mode == "in_place" and any(deed.file_id and deed.new is ABSENT for deed in plan.open):
        log.warning(KEPT_IN_PLACE)
    if config.dry_run:
        return Corrected(site.seen_as(plan.applied_to), f"{name}: {_counts(plan, 'would be corrected')}")
    _leave_undo(plan, sheets)
    failures = apply(site, plan, workers)
    report.rewrite(told(deed, *_outcome(deed, failures)) for deed in plan.deeds)
    for failure in dict.fromkeys(failures.values()):
        log.error("corrections: %s", failure)
    if failures:
        left = counted(len(failures), "place")
        return Corrected(site, f"{name}: not all is corrected in {left}. Run again: {AGAIN}", failed=True)
    return Corrected(site, f"{name}: {_counts(plan, 'corrected')}")


def _outcome(deed: Deed, failures: Failures) -> tuple[str, str]:
    """Return what became of a value, and why if it is not what was asked for."""
    if deed.done:
        return "there already", ""
    return ("failed", failures[deed.group]) if deed.group in failures else ("corrected", "")


def _leave_undo(plan: Plan, sheets: Sheets) -> None:
    """Write the inverse sheet, before anything is written to the site, so that whatever ends the run leaves it."""
    undo = list(inverse(plan))
    for ending in ("csv", "xlsx") if undo else ():
        write_sheet(undo, sheets.named(f"undo.{ending}"))


def _counts(plan: Plan, verb: str) -> str:
    files = len({deed.file_id for deed in plan.open if deed.file_id})
    fields = sum(not deed.file_id for deed in plan.open)
    values, done = len(plan.open) - fields, len(plan.deeds) - len(plan.open)
    parts = [f"{counted(values, 'value')} in {counted(files, 'file')}"] if values or not fields else []
    parts += [counted(fields, "field")] if fields else []
    return f"{' and '.join(parts)} {verb}{f', {done:,} there already' if done else ''}"


def _told(problems: Problems) -> Iterator[str]:
    yield from problems.read
    yield from (problem.for_log for problem in problems.all())
    yield "Nothing was written. Mend the sheet and run again; the corrections log has the same with values and places."


def _refusals(problems: Problems, config: Config) -> Iterator[Sequence[str]]:
    for text in problems.read:
        place, _, why = text.partition(": ")
        yield place, "", "", "", "", "refused", why, _run(config)
    for one in problems.all():
        reason = str(one) if config.log_values == "full" else one.for_log
        yield str(one.place), one.met, "", "", "", "refused", reason.partition(": ")[2], _run(config)


def _row(deed: Deed, outcome: str, why: str = "", *, config: Config) -> Sequence[str]:
    shown = (_shown(value, config) for value in (deed.old, deed.new))
    place, reason = str(deed.correction.place), "; ".join(filter(None, (why, deed.correction.reason)))
    return place, deed.where, deed.aim.path, *shown, outcome, reason, _run(config)


def _run(config: Config) -> str:
    return "preview" if config.dry_run else "corrections"


def _shown(value: Any, config: Config) -> str:
    text = "" if value is ABSENT else text_of(value)
    return text if config.log_values == "full" or not text else HIDDEN
