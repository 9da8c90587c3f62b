"""Several calls in flight: the network waits in parallel while the processor rewrites."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Workers:
    """A bounded set of threads; results come back in the order of the items.

    What one of these threads asks for it does itself: were it to wait for another, all could come to wait.
    """

    def __init__(self, number: int) -> None:
        self._here = threading.local()
        self._pool = ThreadPoolExecutor(number, thread_name_prefix="transfer", initializer=self._enter)

    def _enter(self) -> None:
        self._here.is_worker = True

    @property
    def _busy(self) -> bool:
        return getattr(self._here, "is_worker", False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)

    def map(self, function: Callable[[A], B], items: Iterable[A]) -> list[B]:
        """Return ``function(item)`` for every item; the first error is raised once running calls have ended."""
        return [function(item) for item in items] if self._busy else list(self._pool.map(function, items))

    def both(self, first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
        """Return the results of two calls made at the same time."""
        if self._busy:
            return first(), second()
        other = self._pool.submit(second)
        return first(), other.result()
