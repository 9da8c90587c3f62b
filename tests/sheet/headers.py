"""A sheet against files whose metadata are given, without a site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from export_session.dicom.vocabulary import Options
from export_session.sheet.aims import aimed
from export_session.sheet.check import check
from export_session.sheet.listing import Listing
from export_session.sheet.model import Correction, Place
from export_session.sheet.plan import Plan
from export_session.sheet.problems import Problems
from export_session.sheet.rows import Rows, Spot
from export_session.site.model import File, Session, Subject
from export_session.support.parallel import Workers

BARE: dict[str, Any] = {
    "details": {},
    "info": {},
    "info_is_hidden": False,
    "tags": (),
    "notes": (),
    "repeated_notes": (),
    "files": (),
    "created": "",
}


class _Given(Listing):
    """What there is, as it was given."""

    def spots(self, *_: object) -> Iterator[Spot]:
        yield from (*self.subjects, *self.sessions)


def session_of(headers: Mapping[str, Mapping[str, Any]]) -> Session:
    """Return a session with a file for each header, by its name."""
    files = (
        File(name, name, 1, name, 1, "", "dicom", "MR", {}, {"header": header}, (), "session", "ses")
        for name, header in headers.items()
    )
    bare = {**BARE, "files": tuple(files)}
    return Session(id="ses", label="Visit", parents={}, subject_id="sub", subject_label="S", **bare)


def listing_of(session: Session) -> Listing:
    """Return what there is: this session and its subject."""
    subject = Subject(id="sub", label="S", parents={"project": "p"}, **BARE)
    return _Given(None, session, (Spot(subject),), (Spot(subject, session),))  # type: ignore[arg-type]  # never asked


def planned(session: Session, corrections: Sequence[Correction], **options: Any) -> tuple[Plan, list[str]]:
    """Return what a sheet changes in a session, and what is wrong with it."""
    numbered = [replace(one, place=Place(row, 7, "Corrections")) for row, one in enumerate(corrections, 2)]
    problems, chosen = Problems(), Options(**options)
    with Workers(1) as workers:
        rows = Rows(aimed(numbered, chosen, problems))
        return check(listing_of(session), rows, chosen, problems, workers), list(map(str, problems.all()))


def corrected(header: Mapping[str, Any], *corrections: Correction, **options: Any) -> dict[str, Any]:
    """Return the metadata of a file once a sheet is applied."""
    session = session_of({"a.dcm": header})
    plan, problems = planned(session, corrections, **options)
    assert not problems, problems
    found: dict[str, Any] = plan.applied_to(session).files[0].info["header"]
    return found
