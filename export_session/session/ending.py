"""How a session ends, in every mode: with its record and then its tags, or with what kept it from them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from export_session.record import Held, SessionRecord, Status
from export_session.session.files import Run
from export_session.session.marks import Marks, note_failure, tag_all
from export_session.session.result import NOTHING_HELD, Result, Route, row_alone
from export_session.session.subjects import SubjectFiles, Subjects
from export_session.site.model import Project, Session
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers
from export_session.support.wording import counted

log = logging.getLogger(__name__)

EMPTY = "there is no file in it, so nothing was exported or tagged; a later run takes what arrives"

Keep = Callable[[SessionRecord], None]


class Story(Protocol):
    """What is done to a session in one mode; a failure is raised."""

    def __call__(
        self, run: Run, route: Route, session: Session, workers: Workers, subjects: Subjects, *, keep: Keep
    ) -> tuple[SessionRecord, Subjects]:
        """Return the record of a session, and what the run knows of the files on subjects by then."""


def told(  # noqa: PLR0917 - as the story itself
    story: Story, run: Run, route: Route, session: Session, workers: Workers, subjects: Subjects, *, keep: Keep
) -> tuple[SessionRecord, Subjects]:
    """Let a story take place; a failure becomes its record.

    Parameters
    ----------
    session
        The origin session, read in full.
    subjects
        What the run knows of the files on subjects; what this session adds to it is returned.
    keep
        Gets the session's record when all is done but the tags: what bears the tag must not be without record.
    """
    began = time.monotonic()
    outcome = attempt(lambda: story(run, route, session, workers, subjects, keep=keep))
    if isinstance(outcome, Failure):
        log.error("%s/%s/%s: %s", route.origin.path, session.subject_label, session.label, outcome.for_log)
        if not run.config.dry_run:
            note_failure(run, session, (), outcome.for_log)
        outcome = row_alone(route, session, Status.FAILED, error=outcome.message), subjects
    record, subjects = outcome
    return replace(record, seconds=time.monotonic() - began), subjects


def empty(route: Route, session: Session) -> SessionRecord:
    """Return the record of a session without any file."""
    log.warning("%s/%s/%s: %s", route.origin.path, session.subject_label, session.label, EMPTY)
    return replace(row_alone(route, session, Status.SKIPPED), skipped=EMPTY)


def objection(result: Result, on_subject: SubjectFiles) -> str:
    """Say why the session cannot be called exported; empty where nothing is in the way."""
    failures = result.count(Status.FAILED)
    if failures:
        return f"{failures:,} of {counted(len(result.outcomes), 'file')} failed"
    return on_subject.objection(result.origin.subject)


def failed(
    run: Run, result: Result, copies: Sequence[Session], reason: str, *, archive: Project | None = None
) -> SessionRecord:
    """Say on the session and its copies, and in the job's log, that it was not exported; then report."""
    origin = result.origin
    log.error("%s: %s", origin.path(origin.session), reason)
    if not run.config.dry_run:
        note_failure(run, origin.session, copies, reason)
    return result.record(Status.FAILED, reason, archive)


def tagged(  # noqa: PLR0917 - the session as it is done, and all that remains to be done with it
    run: Run,
    done: SessionRecord,
    result: Result,
    marks: Marks,
    copies: Sequence[Session],
    workers: Workers,
    keep: Keep,
    *,
    held: Mapping[str, Held] = NOTHING_HELD,
) -> SessionRecord:
    """Let the record of a session be kept, and then tag it; `held` are its originals in the archive."""

    def tag() -> None:
        keep(done)
        tag_all(run.site, marks, workers)

    outcome = attempt(tag)
    if isinstance(outcome, Failure):
        reason = f"exported, but not tagged: {outcome.message}"
        if not note_failure(run, result.origin.session, copies, reason):
            return done
        log.error("%s: %s", result.origin.path(result.origin.session), reason)
        late = result.record(Status.FAILED, reason, result.route.archive, held)
        return replace(late, archived=done.archived, finishing=True)
    return done
