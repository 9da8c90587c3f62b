"""Identifiers and points in time, in the forms that a Flywheel site gives them."""

from __future__ import annotations

import re
import secrets
import threading
import time
from datetime import UTC, datetime

OBJECT_ID = re.compile(r"[0-9a-f]{24}")
STORED_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")


class IdSource:
    """Source of 24-digit hexadecimal ids that grow with creation, as keyset paging needs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self._tail = secrets.token_hex(4)

    def __call__(self) -> str:
        """Return the next id: seconds, nanoseconds, and a part of this process's own."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            seconds, nanoseconds = divmod(self._last, 10**9)
        return f"{seconds:08x}{nanoseconds:08x}{self._tail}"


def stored_time(moment: datetime) -> str:
    """Return `moment` as the site stores and sends it: ISO 8601, UTC, milliseconds."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}000+00:00"


def now() -> str:
    """Return the present time as the site stores it."""
    return stored_time(datetime.now(UTC))


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 time; one without offset is UTC.

    Raises
    ------
    ValueError
        `text` is not a time.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
