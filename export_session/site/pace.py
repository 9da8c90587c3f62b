"""How long a call may take: as long as it stays in motion.

A call may be silent for so many seconds. Bytes that move buy it more, at the rate of a very slow line: a large file
may take hours, while an answer that comes byte by byte ends about as soon as one that does not come at all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf

SLOWEST = 4096.0  # bytes a second


@dataclass(frozen=True)
class Attempt:
    """What whoever repeats calls lets the calls of this attempt know."""

    number: int = 1
    silence: float = inf  # seconds


class Meter:
    """How much longer one call may be silent."""

    def __init__(self, silence: float) -> None:
        self._silence = silence
        self._until = time.monotonic() + silence

    def left(self) -> float:
        """Return seconds; TimeoutError where there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def moved(self, size: int) -> None:
        """Count bytes that were sent or received."""
        self._until = min(time.monotonic() + self._silence, self._until + size / SLOWEST)


_attempt: ContextVar[Attempt] = ContextVar("_attempt", default=Attempt())  # noqa: B039 - it is frozen
_meter: ContextVar[Meter | None] = ContextVar("_meter", default=None)


@contextmanager
def attempting(number: int, silence: float) -> Iterator[None]:
    """Let the calls made meanwhile in this thread know their attempt."""
    token = _attempt.set(Attempt(number, silence))
    try:
        yield
    finally:
        _attempt.reset(token)


@contextmanager
def measured(silence: float) -> Iterator[Attempt]:
    """Measure one call in this thread, which may be silent so long, or as long as its attempt allows."""
    attempt = _attempt.get()
    token = _meter.set(Meter(min(silence, attempt.silence)))
    try:
        yield attempt
    finally:
        _meter.reset(token)


def cut(timeout: float | None) -> float | None:
    """Return a timeout that is no longer than what is left to the present call."""
    meter = _meter.get()
    if meter is None:
        return timeout
    return meter.left() if timeout is None else min(timeout, meter.left())


def moved(size: int) -> None:
    """Count bytes that the present call moved."""
    if meter := _meter.get():
        meter.moved(size)
