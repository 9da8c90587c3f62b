"""What there is below the destination of a run, as far as a sheet is about it: a listing for each level."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TypeVar

from export_session.session.origin import acquisitions_below
from export_session.sheet.rows import Spot
from export_session.site import ReadSite, equals
from export_session.site.model import Acquisition, Container, Level, Project, Session, Subject
from export_session.support.parallel import Workers

C = TypeVar("C", bound=Container)
Destination = Project | Subject | Session

FEW = 50  # sessions, of which each is asked for its acquisitions rather than all that there are
CHUNK = 250  # containers, as many as a page of a listing


@dataclass(frozen=True)
class Listing:
    """The subjects and sessions that a sheet may be about, and the way to what is below."""

    site: ReadSite
    destination: Destination
    subjects: tuple[Spot, ...]
    sessions: tuple[Spot, ...]

    @classmethod
    def of(cls, site: ReadSite, destination: Destination, tag: str | None) -> Listing:
        """List the subjects and sessions of a run; with a tag the sessions that bear it, and their subjects."""
        sessions = list(_sessions(site, destination, tag))
        if isinstance(destination, Project):
            subjects = list(site.children("project", destination.id, Subject, with_info=True))
        elif isinstance(destination, Subject):
            subjects = [destination]
        else:
            subjects = [site.read(Subject, destination.subject_id)]
        if tag and isinstance(destination, Project):
            chosen = {session.subject_id for session in sessions}
            subjects = [subject for subject in subjects if subject.id in chosen]
        by_id = {subject.id: subject for subject in subjects}
        below = (Spot(by_id[session.subject_id], session) for session in sessions if session.subject_id in by_id)
        return cls(site, destination, tuple(map(Spot, subjects)), tuple(below))

    def spots(
        self, go_below: Callable[[Spot], bool], workers: Workers, wanted: Callable[[Spot], bool] = lambda _: True
    ) -> Iterator[Spot]:
        """Give subjects, sessions and the acquisitions of some sessions; those that are wanted in full.

        Parameters
        ----------
        go_below
            Says of which sessions.
        wanted
            Says of which containers the info, and that of the files, is needed even where listings leave it out.
        """
        listed = self._spots(go_below)
        while chunk := list(islice(listed, CHUNK)):
            yield from workers.map(partial(self._in_full, wanted), chunk)

    def _spots(self, go_below: Callable[[Spot], bool]) -> Iterator[Spot]:
        yield from self.subjects
        yield from self.sessions
        meant = {spot.container.id: spot for spot in self.sessions if go_below(spot)}
        for acquisition in self._acquisitions(meant):
            above = meant.get(acquisition.parents.get("session", ""))
            if above:
                yield replace(above, acquisition=acquisition)

    def _acquisitions(self, sessions: Iterable[str]) -> Iterator[Acquisition]:
        ids = list(sessions)
        if len(ids) > FEW and not isinstance(self.destination, Session):
            yield from acquisitions_below(self.site, self.destination, with_info=True)
            return
        for session_id in ids:
            for one in self.site.children("session", session_id, Acquisition, with_info=True):
                yield replace(one, parents={**one.parents, "session": session_id})

    def _in_full(self, wanted: Callable[[Spot], bool], spot: Spot) -> Spot:
        container = spot.container
        hidden = container.info_is_hidden or any(file.info_is_hidden for file in container.files)
        if not hidden or not wanted(spot):
            return spot
        return replace(spot, **{container.level: self.site.read(type(container), container.id)})  # type: ignore[arg-type]  # of its level

    def labels(self, levels: Sequence[Level]) -> dict[str, dict[str, str]]:
        """Return the labels of subjects or sessions, by id, of each of their parents; those beside the run's, too."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for subject in self._all_subjects() if "subject" in levels else ():
            found["subject"][subject.id] = subject.label
        for session in self._all_sessions() if "session" in levels else ():
            found[session.subject_id][session.id] = session.label
        return found

    def _all_subjects(self) -> Iterator[Subject]:
        where = self.destination
        return self.site.children(
            "project", where.id if isinstance(where, Project) else where.parents["project"], Subject
        )

    def _all_sessions(self) -> Iterator[Session]:
        where = self.destination
        if isinstance(where, Session):
            return self.site.children("subject", where.subject_id, Session)
        return self.site.children(where.level, where.id, Session)


def _sessions(site: ReadSite, destination: Destination, tag: str | None) -> Iterator[Session]:
    if isinstance(destination, Session):
        yield from () if tag and tag not in destination.tags else (destination,)
        return
    wanted = [equals("tags", tag)] if tag else []
    yield from site.children(destination.level, destination.id, Session, *wanted, with_info=True)
