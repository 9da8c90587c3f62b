"""Ending a run that somebody cancels: soon, without a trace on disk, and in words.

A signal only wakes a thread that does the rest, so that nothing is interrupted where it stands. Whoever waits or
calls the site then raises :class:`Cancelled`; what cannot be woken ends with the process.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE = 6.0  # seconds until a run that was cancelled is ended as it stands


class Cancelled(BaseException):
    """The run is to end. No error of the gear: what catches those must not catch this."""

    def __init__(self, code: int) -> None:
        super().__init__(f"cancelled, exit code {code}")
        self.code = code


class Cancellation:
    """Whether somebody wants the run to end."""

    def __init__(self) -> None:
        self._code = 0
        self._event = threading.Event()
        self._steps: list[Callable[[], object]] = []
        self._last: list[Callable[[], object]] = []

    def check(self) -> None:
        """Raise Cancelled where the run is to end."""
        if self._code:
            raise Cancelled(self._code)

    def sleep(self, seconds: float) -> None:
        """Wait, unless the run is to end."""
        self._event.wait(seconds)
        self.check()

    def then(self, step: Callable[[], object]) -> None:
        """Have `step` done as soon as the run is cancelled, in a thread of its own."""
        self._steps.append(step)

    def at_last(self, step: Callable[[], object]) -> None:
        """Have `step` done before a run that does not end by itself is ended."""
        self._last.append(step)

    def cancel(self, number: int) -> None:
        """Let the run end as signal `number` has it."""
        self._code = 128 + number
        self._event.set()
        for step in self._steps:
            step()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Heed signals meanwhile."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        over = threading.Event()
        before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        thread = threading.Thread(target=self._watch, args=(reader, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(writer)
            thread.join()
            os.close(reader)

    def _watch(self, reader: int, over: threading.Event) -> None:
        number = next((number for number in iter(lambda: os.read(reader, 1), b"") if number[0] in SIGNALS), b"")
        if not number or over.is_set():
            return
        log.error("cancelled (%s); run again to go on where this run stopped", signal.Signals(number[0]).name)
        self.cancel(number[0])
        if not over.wait(GRACE):
            self._end()

    def _end(self) -> None:
        """End the process where some call cannot be woken."""
        for step in self._last:
            step()
        for handler in logging.getLogger().handlers:
            handler.flush()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self._code)
