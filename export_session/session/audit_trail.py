"""The audit trail of a site, asked of each file with edits once, and not at all after the site said it keeps none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from threading import Lock
from types import MappingProxyType

from export_session.dicom.edits.edit import place_text
from export_session.dicom.vocabulary import Attribution, HeaderPath, Writing, Written
from export_session.session.history import History
from export_session.site import ReadSite, Recorded
from export_session.site.model import File

UNKNOWN = "Authors are unknown: this site keeps no audit trail, or does not show it to this API key."


NO_SHEET: Mapping[str, Attribution] = MappingProxyType({})


class AuditTrail:
    """What a run learns of who wrote the metadata of its files."""

    def __init__(self) -> None:
        self._asking = Lock()
        self._is_kept: bool | None = None  # None until it was asked for
        self._answers: dict[tuple[str, int, str], dict[HeaderPath, Writing | None]] = {}

    @property
    def is_missing(self) -> bool:
        """Whether it was asked for, and the site has none to show."""
        return self._is_kept is False

    def written(self, site: ReadSite, file: File, sheet: Mapping[str, Attribution] = NO_SHEET) -> Written:
        """Return what tells who wrote a value in ``info.header`` of a file; the site is asked when that is.

        Parameters
        ----------
        sheet
            By path, the values that stand there because a sheet of corrections said so: they are corrections of a
            person, whoever entered them. The trail adds when that was, and by which user.
        """

        @cache
        def history() -> History | None:
            changes = self._changes(site, file)
            return None if changes is None else History(file.info.get("header"), changes)

        def written(place: HeaderPath) -> Writing | None:
            answers = self._answers.setdefault(_key(file), {})
            if place not in answers:
                told = history()
                known = told.at(place) if told else None
                said = sheet.get(place_text(place))
                answers[place] = _by_sheet(said, known) if said else known
            return answers[place]

        return written

    def has_decided(self, file: File) -> bool:
        """Whether it told of a value of the file that no person wrote it."""
        answers = self._answers.get(_key(file), {})
        return any(writing and not writing.by_person for writing in answers.values())

    def _changes(self, site: ReadSite, file: File) -> tuple[Recorded, ...] | None:
        if self._is_kept is None:
            with self._asking:
                if self._is_kept is None:
                    changes = site.changes(file)
                    self._is_kept = changes is not None
                    return changes
        return site.changes(file) if self._is_kept else None


def _by_sheet(said: Attribution, known: Writing | None) -> Writing:
    """Return who made a value that a sheet asked for: the sheet says why, the trail when it was entered."""
    at = known.attribution.at if known else ""
    author = known.attribution.author if known and known.by_person else ""
    return Writing(replace(said, author=said.author or author, at=said.at or at), by_person=True)


def _key(file: File) -> tuple[str, int, str]:
    return file.file_id, file.version, file.modified
