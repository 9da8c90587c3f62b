"""A sheet, given as corrections, against a local site: what it would change, what is wrong with it, what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from export_session.dicom.vocabulary import Options
from export_session.sheet.aims import aimed
from export_session.sheet.apply import apply
from export_session.sheet.check import check
from export_session.sheet.listing import Listing
from export_session.sheet.model import UNSAID, Correction, Place, Selector
from export_session.sheet.plan import Plan
from export_session.sheet.problems import Problems
from export_session.sheet.read import read_sheet
from export_session.sheet.rows import Rows
from export_session.sheet.undo import inverse
from export_session.sheet.write import write_sheet
from export_session.site import Patience, PatientSite, connect
from export_session.site.model import KINDS
from export_session.support.parallel import Workers
from tests.support.world import World


def asks(target: str, new: Any, *where: str, current: Any = UNSAID, by_id: str = "", **more: Any) -> Correction:
    """Return a correction; `where` are the labels of subject, session, acquisition and file."""
    names = dict(zip(("subject", "session", "acquisition", "file"), where, strict=False))
    return Correction(Selector(**names, id=by_id), target, new, Place(1, 1), current, **more)


@dataclass(frozen=True)
class Checked:
    """What came of the check of a sheet."""

    site: PatientSite
    plan: Plan
    problems: list[str]

    def apply(self) -> list[str]:
        assert not self.problems, self.problems
        with Workers(2) as workers:
            return list(apply(self.site, self.plan, workers).values())

    def undo(self, folder: Path, ending: str) -> Sequence[Correction]:
        """Return the corrections that restore what was there, as they are read from the sheet that a run leaves."""
        path = folder / f"undo.{ending}"
        write_sheet(inverse(self.plan), path)
        read = read_sheet(path)
        assert not read.problems, read.problems
        return read.corrections


def checked(
    world: World,
    where: Any,
    *corrections: Correction,
    tag: str | None = None,
    site: PatientSite | None = None,
    **options: Any,
) -> Checked:
    """Check a sheet whose corrections are in its rows from the second one on."""
    site = site or PatientSite(connect(world.site.api_key), Patience(5.0))
    destination: Any = site.read(KINDS[where.container_type], where.id)
    numbered = [replace(one, place=Place(row, 7, "Corrections")) for row, one in enumerate(corrections, 2)]
    problems, chosen = Problems(), Options(**options)
    with Workers(4) as workers:
        rows = Rows(aimed(numbered, chosen, problems))
        plan = check(Listing.of(site, destination, tag), rows, chosen, problems, workers)
    return Checked(site, plan, list(map(str, problems.all())))
