"""How far a run has come, at the pace of a person who watches: log lines, or one line on a terminal."""

from __future__ import annotations

import logging
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Self, TextIO

from export_session.support.wording import counted, duration, size

if TYPE_CHECKING:
    from collections.abc import Callable

LOG = logging.getLogger(__name__)
LOG_EVERY = 10.0  # seconds, at most one line,
LOG_SELDOM = 60.0  # growing to this in a run of
LOG_GROWS = 0.1  # of the time it takes; so an hour is about eighty lines
LOG_STEP = 0.1  # of the work, at least one line, but
LOG_APART = 1.0  # seconds between lines
DRAW_EVERY = 0.1  # seconds
BAR_WIDTH = 24


class _Done(NamedTuple):
    """How far something has come."""

    files: int
    bytes: int
    total_files: int
    total_bytes: int


class Progress:
    """Counts files and bytes and says now and then how it goes; safe to use from many threads.

    Parameters
    ----------
    total_files, total_bytes
        What is to be done; :meth:`expect` adds to it. While nothing is known, no share and no time left
        are told. Where several sessions are expected, the lines count those, and the time left is that of all.
    log
        Gets a line every ten seconds or ten per cent, and a last one. Lines name no file: a file name may
        name a person.
    tty
        Where this is a terminal, a single line is drawn there in place of the log lines; it names the last file.
    clock
        Seconds that only grow.
    """

    def __init__(
        self,
        total_files: int = 0,
        total_bytes: int = 0,
        *,
        log: logging.Logger = LOG,
        tty: TextIO = sys.stderr,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total_files, self._total_bytes = total_files, total_bytes
        self._log, self._clock = log, clock
        self._tty = tty if tty.isatty() else None
        self._files = self._bytes = self._warnings = 0
        self._sessions = self._session = 0  # how many there are, the number of the present one
        self._before = _Done(0, 0, 0, 0)  # this session
        self._started = clock()
        self._said_at, self._said_share = self._started, 0.0
        self._drawn_at = -DRAW_EVERY
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def expect_sessions(self, number: int) -> None:
        """Say how many sessions there are."""
        with self._lock:
            self._sessions = number

    def begin_session(self) -> None:
        """Come to the next session."""
        with self._lock:
            self._session += 1
            self._before = _Done(self._files, self._bytes, self._total_files, self._total_bytes)

    def expect(self, files: int, size: int) -> None:
        """Add work that has just become known, such as the next session of a project."""
        with self._lock:
            self._total_files += files
            self._total_bytes += size

    def advance(self, name: str, size: int) -> None:
        """Count a file of ``size`` bytes as done."""
        with self._lock:
            self._files += 1
            self._bytes += size
            self._tell(name)

    def warn(self) -> None:
        """Count a warning; how many there were stays in view."""
        with self._lock:
            self._warnings += 1

    def close(self) -> None:
        """Say how far it came in the end."""
        with self._lock:
            if self._tty:
                self._tty.write("\r\x1b[K")
                self._tty.flush()
            self._log.info(self._line(last=True))

    def _tell(self, name: str) -> None:
        now = self._clock()
        if self._tty:
            if now - self._drawn_at >= DRAW_EVERY:
                self._drawn_at = now
                self._draw(self._tty, name)
            return
        share = self._share()
        quiet = now - self._said_at
        pace = max(LOG_EVERY, min(LOG_SELDOM, LOG_GROWS * (now - self._started)))
        if quiet >= pace or (quiet >= LOG_APART and share - self._said_share >= LOG_STEP):
            self._said_at, self._said_share = now, share
            if share < 1:  # the last file is the business of close()
                self._log.info(self._line())

    def _share(self) -> float:
        """Return how much of the work is done: sessions count alike, files by their bytes if they have any."""
        here = self._here()
        done, total = (here.bytes, here.total_bytes) if here.total_bytes else (here.files, here.total_files)
        share = min(1.0, done / total) if total else 0.0
        if self._sessions < 2 or not self._session:
            return share
        return min(1.0, (self._session - 1 + share) / self._sessions)

    def _here(self) -> _Done:
        """Return the counts of the present session."""
        now = _Done(self._files, self._bytes, self._total_files, self._total_bytes)
        return _Done(*(one - other for one, other in zip(now, self._before, strict=True)))

    def _line(self, *, last: bool = False) -> str:
        elapsed = self._clock() - self._started
        several = self._sessions > 1
        shown = _Done(self._files, self._bytes, self._total_files, self._total_bytes) if last else self._here()
        parts = []
        if several:
            done = counted(self._session, "session")
            parts.append(done if last else f"session {self._session:,} of {self._sessions:,}")
        if shown.total_files:
            parts.append(f"{shown.files:,} of {counted(shown.total_files, 'file')}")
            parts.append(f"{size(shown.bytes)} of {size(shown.total_bytes)}")
        else:
            parts += [f"{counted(shown.files, 'file')}", size(shown.bytes)]
        if elapsed > 0 and self._bytes:
            parts.append(f"{size(self._bytes / elapsed)}/s")
        if last:
            parts.append(f"in {duration(elapsed)}")
        elif share := self._share():
            parts.append(f"about {duration(elapsed * (1 - share) / share)} left{' for all sessions' * several}")
        if self._warnings:
            parts.append(counted(self._warnings, "warning"))
        return ", ".join(parts)

    def _draw(self, tty: TextIO, name: str) -> None:
        filled = round(self._share() * BAR_WIDTH)
        printable = "".join(each if each.isprintable() else "?" for each in name)
        line = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {self._line()}  {printable}"
        tty.write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
        tty.flush()
