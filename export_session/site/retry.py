"""Patience: which calls are tried again, how long, and how to tell that a lost call happened after all.

The SDK's own retries are off, so this is the only place that repeats a call. A call that reads, or that is
the same when done twice, is simply sent again. One that is not (a create, a note, an upload) is first looked
for on the site: the answer may have been lost after the site did the work.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from export_session.errors import Unreachable
from export_session.site.model import KINDS, PARENT, Container, File, Level, Parent, Project
from export_session.site.pace import attempting
from export_session.site.patience import Patience
from export_session.site.port import Condition, Identity, Job, JobRequest, Recorded, Rule, Site, Stored, equals
from export_session.support.wording import duration

log = logging.getLogger(__name__)
T = TypeVar("T")
C = TypeVar("C", bound=Container)
L = TypeVar("L", bound=Container | Job)


class View(Protocol):
    """How a container is to be seen by those who read it."""

    def __call__(self, container: C, /) -> C:
        """Return it as it is to be seen."""


def _as_it_is(container: C, /) -> C:
    return container


FIRST_WAIT = 0.5  # seconds
LONGEST_WAIT = 30.0
LONGEST_RETRY_AFTER = 120.0


class PatientSite:
    """A :class:`~export_session.site.port.Site` that outlasts passing trouble of the one it wraps."""

    def __init__(
        self,
        site: Site,
        patience: Patience,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        view: View = _as_it_is,
    ) -> None:
        self._site = site
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._view = view

    def with_patience(self, seconds: float) -> PatientSite:
        """Return the same site with a smaller budget of its own, for one file."""
        patience = Patience(seconds, self._patience)
        return PatientSite(self._site, patience, clock=self._clock, sleep=self._sleep, view=self._view)

    def seen_as(self, view: View) -> PatientSite:
        """Return the same site with containers shown otherwise: in a preview, as they are to be."""
        return PatientSite(self._site, self._patience, clock=self._clock, sleep=self._sleep, view=view)

    def pause(self, seconds: float) -> None:
        """Wait for something to happen on the site; a cancelled run does not."""
        self._sleep(seconds)

    def assert_patience(self, what: str) -> None:
        """Raise Unreachable where nothing more is to be begun: each attempt at a dead site takes its time."""
        if self._patience.over:
            raise Unreachable(f"{what}: not tried any more, as no patience is left")

    # Reading: done twice is done once.

    def identity(self) -> Identity:
        return self._persist(self._site.identity)

    def signs_uploads(self) -> bool:
        return self._persist(self._site.signs_uploads)

    def find_project(self, group: str, label: str) -> Project:
        return self._persist(lambda: self._site.find_project(group, label))

    def read(self, kind: type[C], container_id: str) -> C:
        return self._view(self._persist(lambda: self._site.read(kind, container_id)))

    def children(
        self, parent: Parent, parent_id: str, kind: type[C], *conditions: Condition, with_info: bool = False
    ) -> Iterator[C]:
        listed = self._list(lambda: self._site.children(parent, parent_id, kind, *conditions, with_info=with_info))
        return map(self._view, listed)

    def actions(self, project: Project, user: str) -> frozenset[str] | None:
        return self._persist(lambda: self._site.actions(project, user))

    def gear_rules(self, project_id: str) -> tuple[Rule, ...]:
        return self._persist(lambda: self._site.gear_rules(project_id))

    def classification_schema(self, modality: str) -> Mapping[str, Sequence[str]] | None:
        return self._persist(lambda: self._site.classification_schema(modality))

    def gear_of(self, job_id: str) -> str:
        return self._persist(lambda: self._site.gear_of(job_id))

    def jobs(self, tag: str) -> Iterator[Job]:
        return self._list(lambda: self._site.jobs(tag))

    def rule_jobs(self, session_id: str) -> tuple[Job, ...]:
        return self._persist(lambda: self._site.rule_jobs(session_id))

    def read_file(self, file: File, version: int = 0) -> File:
        return self._persist(lambda: self._site.read_file(file, version))

    def changes(self, file: File) -> tuple[Recorded, ...] | None:
        return self._persist(lambda: self._site.changes(file))

    def fetch(self, file: File, target: Path) -> Stored:
        return self._persist(lambda: self._site.fetch(file, target))

    # Writing: the same when done twice.

    def modify(self, level: Level, container_id: str, body: Mapping[str, Any]) -> None:
        self._persist(lambda: self._site.modify(level, container_id, body))

    def set_info(self, level: Level, container_id: str, values: Mapping[str, Any]) -> None:
        self._persist(lambda: self._site.set_info(level, container_id, values))

    def delete_info(self, level: Level, container_id: str, keys: Sequence[str]) -> None:
        self._persist(lambda: self._site.delete_info(level, container_id, keys))

    def add_tags(self, level: Level, container_id: str, tags: Sequence[str]) -> None:
        self._persist(lambda: self._site.add_tags(level, container_id, tags))

    def remove_tags(self, level: Level, container_id: str, tags: Sequence[str]) -> None:
        self._persist(lambda: self._site.remove_tags(level, container_id, tags))

    def delete_note(self, level: Level, container_id: str, note_id: str) -> None:
        self._persist(lambda: self._site.delete_note(level, container_id, note_id))

    def delete(self, level: Level, container_id: str) -> None:
        self._persist(lambda: self._site.delete(level, container_id))

    def modify_file(self, file: File, body: Mapping[str, Any]) -> None:
        self._persist(lambda: self._site.modify_file(file, body))

    def set_file_info(self, file: File, values: Mapping[str, Any]) -> None:
        self._persist(lambda: self._site.set_file_info(file, values))

    def set_file_classification(self, file: File, classification: Mapping[str, Any]) -> None:
        self._persist(lambda: self._site.set_file_classification(file, classification))

    def add_file_tags(self, file: File, tags: Sequence[str]) -> None:
        self._persist(lambda: self._site.add_file_tags(file, tags))

    def replace_file_info(self, file: File, info: Mapping[str, Any]) -> None:
        self._persist(lambda: self._site.replace_file_info(file, info))

    def set_file_tags(self, file: File, tags: Sequence[str]) -> None:
        self._persist(lambda: self._site.set_file_tags(file, tags))

    def move_session(self, session_id: str, subject_id: str) -> None:
        self._persist(lambda: self._site.move_session(session_id, subject_id))

    # Writing: look first whether the lost call happened.

    def create(self, level: Level, parent_id: str, body: Mapping[str, Any]) -> str:
        parent = PARENT[level]
        made_here = equals("info.export.origin_id", body["info"]["export"]["origin_id"])

        def happened() -> str | None:
            oldest = next(self._site.children(parent, parent_id, KINDS[level], made_here), None)
            return oldest.id if oldest else None

        return self._persist(lambda: self._site.create(level, parent_id, body), happened)

    def add_note(self, level: Level, container_id: str, text: str) -> None:
        def happened() -> bool | None:
            return text in self._site.read(KINDS[level], container_id).notes or None

        def attempt() -> bool:
            self._site.add_note(level, container_id, text)
            return True

        self._persist(attempt, happened)

    def store(self, level: Level, parent_id: str, path: Path, metadata: Mapping[str, Any], replaces: int = 0) -> File:
        def happened() -> File | None:
            file = self._find(level, parent_id, metadata["name"])
            newer = file is not None and file.version > replaces and file.size == path.stat().st_size
            return file if newer else None

        return self._persist(lambda: self._site.store(level, parent_id, path, metadata, replaces), happened)

    def restore(self, file: File, earlier: File) -> File:
        def happened() -> File | None:
            newest = self._site.read_file(file)
            there = newest.version > file.version and (newest.size, newest.hash) == (earlier.size, earlier.hash)
            return newest if there else None

        return self._persist(lambda: self._site.restore(file, earlier), happened)

    def start_job(self, session_id: str, request: JobRequest) -> None:
        """Start a job unless one of this tag has come to be there meanwhile."""

        def happened() -> bool | None:
            return any(job.session_id == session_id for job in self._site.jobs(request.tag)) or None

        def attempt() -> bool:
            self._site.start_job(session_id, request)
            return True

        self._persist(attempt, happened)

    def _find(self, level: Level, parent_id: str, name: str) -> File | None:
        return next((file for file in self._site.read(KINDS[level], parent_id).files if file.name == name), None)

    # The policy

    def _list(self, listing: Callable[[], Iterator[L]]) -> Iterator[L]:
        """Pass a listing on; after trouble list again from the start, leaving out what was passed on."""
        seen: set[str] = set()
        tries = 0
        while True:
            rows = listing()
            try:
                while (row := self._attempt(lambda rows=rows: next(rows, None), tries)) is not None:  # type: ignore[misc]  # mypy cannot infer a lambda's default
                    if row.id not in seen:
                        seen.add(row.id)
                        yield row
            except Unreachable as error:
                self._wait(error, tries)
                tries += 1
            else:
                return

    def _persist(self, attempt: Callable[[], T], happened: Callable[[], T | None] | None = None) -> T:
        """Call `attempt` until it succeeds, fails for good, is found to have happened, or patience ends."""
        tries = 0

        def once() -> T:
            if tries and happened and (answer := happened()) is not None:
                return answer
            return attempt()

        while True:
            try:
                return self._attempt(once, tries)
            except Unreachable as error:
                self._wait(error, tries)
            tries += 1

    def _attempt(self, call: Callable[[], T], tries: int) -> T:
        """Make a call that may be silent as long as there is patience, and count the time where it fails."""
        began, silence = self._clock(), self._patience.silence
        try:
            with attempting(tries + 1, silence):
                return call()
        except Unreachable:
            self._patience.lose_attempt(began, self._clock(), silence)
            raise

    def _wait(self, error: Unreachable, tries: int) -> None:
        """Sleep before the next attempt, or raise `error` where there must be none."""
        left = self._patience.left
        if left < FIRST_WAIT / 100:
            raise type(error)(f"{error}; given up, no patience left", error.status) from None
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2**tries)
        seconds = random.uniform(longest / 2, longest)  # noqa: S311 - jitter keeps parallel jobs apart
        if error.retry_after is not None:
            seconds = max(min(error.retry_after, LONGEST_RETRY_AFTER), FIRST_WAIT / 2)
        seconds, now = min(seconds, left), self._clock()
        if self._patience.may_tell(now):
            log.info("%s; trying again, for up to %s", error, duration(left))
        self._patience.lose(now, now + seconds)
        self._sleep(seconds)
