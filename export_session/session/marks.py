"""What a finished session bears: the result in ``info.qc``, and the tag, the origin's last of all."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from export_session.session.exported import Exported
from export_session.session.files import Run
from export_session.session.quality import failure, result_of, said_of, with_result
from export_session.session.since import as_seen
from export_session.site.model import EXPORTED, Session
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers

log = logging.getLogger(__name__)

ARCHIVED = {"copy": "copied", "move": "moved"}


def tag_all(run: Run, exported: Exported, copies: Sequence[Session], workers: Workers, *, archived: bool) -> None:
    """Note the result on a session and its copies and tag them, the origin last: its tag says that all is done.

    Beside the result the origin keeps what it was like, so that a later run can tell when it was edited since, and
    how it was archived, by this run or one before.
    """
    origin, files = exported.origin, len(exported.proofs)
    result = result_of(exported.counts, files=files, bytes=sum(proof.origin.size for proof in exported.proofs))
    seen = as_seen(origin.session, origin.acquisitions)
    kept = ARCHIVED[run.config.archive_mode] if archived else said_of(origin.session.info).get("archived")
    seen |= {"archived": kept} if kept else {}
    notes = [partial(_note, run, copy, result) for copy in copies]
    notes.append(partial(_note, run, origin.session, {**result, **seen}))
    tags = [partial(_tag, run, copy) for copy in copies]
    workers.map(lambda step: step(), (*notes, *tags))
    _tag(run, origin.session)


def bears_the_tag(run: Run, origin: Session) -> bool:
    """Tell whether a session that was without the tag bears it by now: then all is done that comes before it.

    Either only the site's answer to tagging it was lost, or another run has come to the end meanwhile.
    """
    again = attempt(partial(run.site.read, Session, origin.id))
    there = isinstance(again, Session) and EXPORTED in again.tags and EXPORTED not in origin.tags
    if there:
        log.warning("the session bears the tag %s all the same", EXPORTED)
    return there


def note_failure(run: Run, origin: Session, copies: Sequence[Session], reason: str) -> None:
    """Say on a session and its copies that it was not exported, where the site lets us.

    Each is read again, as other gears may have noted their results meanwhile. Where the origin bears the tag by now,
    what is noted there is so.
    """
    if bears_the_tag(run, origin):
        return

    def note(session: Session) -> None:
        _note(run, run.site.read(Session, session.id), failure(reason))

    for session in (origin, *copies):
        said = attempt(partial(note, session))
        if isinstance(said, Failure):
            log.warning("could not note the failure on the session: %s", said.message)


def _note(run: Run, session: Session, result: Mapping[str, Any]) -> None:
    if values := with_result(session.info, result, run.handling.job):
        run.site.set_info("session", session.id, values)


def _tag(run: Run, session: Session) -> None:
    if EXPORTED not in session.tags:
        run.site.add_tags("session", session.id, [EXPORTED])
