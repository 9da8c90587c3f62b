"""The record of requests, for assertions: what was asked, by which key, how it ended."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass
class Entry:
    """One request.

    Attributes
    ----------
    method, path, query
        As sent; the path is raw and without ``/api``.
    route
        The template of the route, such as ``/sessions/{id}/tags``; empty if none matched.
    key_id
        Names the key that was used without giving it away; empty without one.
    time
        When the request came, in seconds since the epoch.
    status
        The HTTP status; 0 while it runs, and when the connection was reset by a fault.
    seconds
        How long it took.
    bytes_in, bytes_out
        Sizes of the bodies.
    fault
        The kinds of the faults that struck it.
    """

    method: str
    path: str
    query: str
    route: str
    time: float
    key_id: str = ""
    status: int = 0
    seconds: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    fault: tuple[str, ...] = ()


class Journal:
    """All requests since the start, or since it was cleared; the oldest give way beyond a bound."""

    def __init__(self, bound: int = 200_000) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._bound = bound

    def add(self, entry: Entry) -> None:
        """Record a request that has come; the entry is completed when it ends."""
        with self._lock:
            self._entries.append(entry)
            if len(self._entries) > self._bound:
                del self._entries[: self._bound // 2]

    def clear(self) -> None:
        """Forget what was recorded."""
        with self._lock:
            self._entries.clear()

    def entries(self) -> list[Entry]:
        """Return what was recorded, in the order the requests came."""
        with self._lock:
            return list(self._entries)
