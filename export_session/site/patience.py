"""Patience: how much time a run, or one file of it, may lose to calls that fail."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from math import inf

LONGEST_SILENCE = 60.0  # seconds a call may be silent
LEAST_SILENCE = 5.0  # the same where no patience is left
RESERVE = 15.0  # seconds that such calls of a run may lose together before it begins nothing more
TELL_EVERY = 15.0  # seconds between lines of the log on what is waited for


@dataclass
class Patience:
    """Seconds that may be lost on failed attempts and the waits between them.

    Time spent in calls that succeed is free, however long they take, and time that several calls lose at once is
    lost but once. What a child loses its parents lose, too. A call may be silent no longer than there is patience
    left.
    """

    limit: float
    parent: Patience | None = None
    _lost: float = 0.0
    _lost_until: float = -inf
    _told: float = -inf
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def lose(self, began: float, ended: float) -> None:
        """Count the time between two moments as lost."""
        with self._lock:
            self._lost += max(0.0, ended - max(began, self._lost_until))
            self._lost_until = max(self._lost_until, ended)
        if self.parent:
            self.parent.lose(began, ended)

    def lose_attempt(self, began: float, ended: float, silence: float) -> None:
        """Count a failed attempt as lost: its silence, or up to a third of all patience.

        So a large file that is cut at its end is sent again, however long it took until there.
        """
        self.lose(max(began, ended - max(silence, self.limit / 3)), ended)

    @property
    def left(self) -> float:
        """Seconds that may still be lost."""
        own = self.limit - self._lost
        return min(own, self.parent.left) if self.parent else own

    @property
    def over(self) -> bool:
        """Whether nothing more is to be begun: the whole run has lost its patience, and the reserve."""
        return self.parent.over if self.parent else self._lost >= self.limit + RESERVE

    @property
    def silence(self) -> float:
        """Seconds that the next call may be silent."""
        return min(LONGEST_SILENCE, max(self.left, LEAST_SILENCE))

    def may_tell(self, now: float) -> bool:
        """Tell whether it is time for a line of the log on what is waited for; the whole run has but one at a time."""
        if self.parent:
            return self.parent.may_tell(now)
        with self._lock:
            if now - self._told < TELL_EVERY:
                return False
            self._told = now
            return True
