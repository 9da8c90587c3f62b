"""Gear rules of a project in which files are changed in place run on the new versions, and have their say first."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from export_session.errors import SiteError
from export_session.site import PatientSite
from export_session.support.wording import counted

log = logging.getLogger(__name__)

RUNNING = 300.0  # seconds to wait for a job that runs
QUEUED = 15.0  # seconds to wait for one that does not: it may be behind this very job
PAUSE = 1.0  # seconds between two looks


def await_rules(
    site: PatientSite, session_id: str, job: str, *, clock: Callable[[], float] = time.monotonic
) -> tuple[str, ...]:
    """Wait, for a bounded time, until the jobs have ended that gear rules have started on a session.

    Parameters
    ----------
    job
        The id of the job that this run is, for which it must not wait.

    Returns
    -------
    tuple
        What a person should know: which of them had not ended.
    """
    began = clock()
    while True:
        try:
            jobs = [one for one in site.rule_jobs(session_id) if one.id != job]
        except SiteError as error:
            log.warning("whether gear rules run on the session cannot be told: %s", error)
            return ()
        running = sum(one.state == "running" for one in jobs)
        waiting = sum(one.state in {"pending", "scheduled"} for one in jobs)
        if not running and not waiting:
            return ()
        if clock() - began > (RUNNING if running else QUEUED):
            left = counted(running + waiting, "job")
            return (
                f"{left} of gear rules had not ended when it was looked at for the last time; see what they make of it",
            )
        site.pause(PAUSE)
