"""What a finished session bears: the result in ``info.qc``, and the tag, the origin's last of all."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from export_session.session.exported import Exported
from export_session.session.files import Run
from export_session.session.quality import failure, result_of, said_of, with_result
from export_session.session.since import as_seen
from export_session.site import Site
from export_session.site.model import EXPORTED, Session
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers

log = logging.getLogger(__name__)

ARCHIVED = {"copy": "copied", "move": "moved"}


@dataclass(frozen=True)
class Marks:
    """What is still to be noted and tagged of a session, which is the origin, and its copies."""

    origin: Session
    notes: tuple[tuple[Session, Mapping[str, Any]], ...]  # the info to be set
    untagged: tuple[Session, ...]  # copies

    @property
    def correct(self) -> bool:
        """Whether nothing of it is left, but perhaps the origin's tag."""
        return not self.notes and not self.untagged


def marks_of(run: Run, exported: Exported, copies: Sequence[Session], *, archived: bool) -> Marks:
    """Compare what a session and its copies bear with what they are to bear.

    Beside the result the origin keeps what it was like, so that a later run can tell when it was edited since, and
    how it was archived, by this run or one before.
    """
    origin, files = exported.origin, len(exported.proofs)
    result = result_of(exported.counts, files=files, bytes=sum(proof.origin.size for proof in exported.proofs))
    seen = as_seen(origin.session, origin.acquisitions)
    kept = ARCHIVED[run.config.archive_mode] if archived else said_of(origin.session.info).get("archived")
    seen |= {"archived": kept} if kept else {}
    seen |= _mode(run)
    seen |= run.approved.noted(origin) if run.approved else {}
    wanted = [*((copy, result) for copy in copies), (origin.session, {**result, **seen})]
    notes = ((session, with_result(session.info, result, run.handling.job)) for session, result in wanted)
    return Marks(
        origin.session,
        tuple((session, values) for session, values in notes if values),
        tuple(copy for copy in copies if EXPORTED not in copy.tags),
    )


def _mode(run: Run) -> dict[str, str]:
    """Return what is noted of the mode, so that a later run knows what there is to go back from."""
    return {} if run.config.mode == "copy" else {"mode": run.config.mode}


def tag_all(site: Site, marks: Marks, workers: Workers) -> None:
    """Note the result on a session and its copies and tag them, the origin last: its tag says that all is done."""
    steps = [partial(site.set_info, "session", session.id, values) for session, values in marks.notes]
    steps += [partial(site.add_tags, "session", copy.id, [EXPORTED]) for copy in marks.untagged]
    workers.map(lambda step: step(), steps)
    if EXPORTED not in marks.origin.tags:
        site.add_tags("session", marks.origin.id, [EXPORTED])


def note_failure(run: Run, origin: Session, copies: Sequence[Session], reason: str) -> bool:
    """Say on a session and its copies that it was not exported, where the site lets us.

    Each is read again, as other gears may have noted their results meanwhile.

    Returns
    -------
    bool
        False, and nothing is noted, where the origin was without the tag and bears it by now: then all is done that
        comes before the tag. Either only the site's answer to it was lost, or another run has come to the end.
    """
    again = attempt(partial(run.site.read, Session, origin.id))
    if isinstance(again, Session) and EXPORTED in again.tags and EXPORTED not in origin.tags:
        log.warning("the session bears the tag %s all the same", EXPORTED)
        return False

    def note(session: Session) -> None:
        info = run.site.read(Session, session.id).info
        if values := with_result(info, {**failure(reason), **_mode(run)}, run.handling.job):
            run.site.set_info("session", session.id, values)

    for session in (origin, *copies):
        said = attempt(partial(note, session))
        if isinstance(said, Failure):
            log.warning("could not note the failure on the session: %s", said.message)
    return True
