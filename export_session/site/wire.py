"""The connections below the HTTP library: kept in motion, and hung up when the run is cancelled.

The library's own timeouts begin anew with every byte, and it has none for a call as a whole.
"""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from export_session.site import pace
from export_session.support.cancellation import Cancellation

SLICE = 1 << 15  # bytes sent at once: a receiver that takes them one by one is noticed soon


class Wire:
    """The library's network, where every wait is cut at what is left to the call."""

    def __init__(self, network: Any, cancellation: Cancellation) -> None:
        self._network = network
        self._cancellation = cancellation
        self._open: weakref.WeakSet[Stream] = weakref.WeakSet()
        self._lock = threading.Lock()
        cancellation.then(self.hang_up)

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **details: Any) -> Stream:
        """Open a connection."""
        with self.uncancelled():
            return self.watch(self._network.connect_tcp(host, port, timeout=pace.cut(timeout), **details))

    def sleep(self, seconds: float) -> None:
        """Wait between attempts to connect."""
        self._cancellation.sleep(seconds)

    def watch(self, stream: Any) -> Stream:
        """Return a stream that stays in motion or ends."""
        watched = Stream(stream, self)
        with self._lock:
            self._open.add(watched)
        return watched

    @contextmanager
    def uncancelled(self) -> Iterator[None]:
        """Raise Cancelled in a run that is to end, before and after: what was hung up says nothing of the site."""
        self._cancellation.check()
        try:
            yield
        finally:
            self._cancellation.check()

    def hang_up(self) -> None:
        """End what every connection waits for, in whatever thread that is."""
        with self._lock:
            streams = list(self._open)
        for stream in streams:
            stream.hang_up()


class Stream:
    """One connection."""

    def __init__(self, stream: Any, wire: Wire) -> None:
        self._stream = stream
        self._wire = wire

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Receive what is there, or the next that comes."""
        with self._wire.uncancelled():
            content: bytes = self._stream.read(max_bytes, timeout=pace.cut(timeout))
        pace.moved(len(content))
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send."""
        view = memoryview(buffer)
        for start in range(0, len(view), SLICE):
            part = view[start : start + SLICE]
            with self._wire.uncancelled():
                self._stream.write(part, timeout=pace.cut(timeout))
            pace.moved(len(part))

    def close(self) -> None:
        """Close."""
        self._stream.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Stream:
        """Return the same connection, encrypted."""
        with self._wire.uncancelled():
            return self._wire.watch(self._stream.start_tls(ssl_context, server_hostname, timeout=pace.cut(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """Return what the library knows of the connection."""
        return self._stream.get_extra_info(info)

    def hang_up(self) -> None:
        """Wake whoever waits here; the thread that uses the connection closes it."""
        try:
            # Not the method of an encrypted socket, which would meddle with a read under way.
            socket.socket.shutdown(self.get_extra_info("socket"), socket.SHUT_RDWR)
        except OSError:  # closed already
            return
