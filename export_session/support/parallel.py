"""Several calls in flight: the network waits in parallel while the processor rewrites."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Workers:
    """A bounded set of threads; results come back in the order of the items.

    One of these threads may ask for more work itself. What nobody has begun of it, it then does rather than
    wait for another thread: were all to wait for each other, none would ever begin.
    """

    def __init__(self, number: int) -> None:
        self._here = threading.local()
        self._pool = ThreadPoolExecutor(number, thread_name_prefix="transfer", initializer=self._enter)

    def _enter(self) -> None:
        self._here.is_worker = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)

    def map(self, function: Callable[[A], B], items: Iterable[A]) -> list[B]:
        """Return ``function(item)`` for every item; the first error is raised once running calls have ended."""
        works = [partial(function, item) for item in items]
        futures = [self._pool.submit(work) for work in works]
        try:
            own = self._do_what_nobody_began(works, futures) if getattr(self._here, "is_worker", False) else {}
            return [own[index] if index in own else future.result() for index, future in enumerate(futures)]
        except BaseException:
            wait([future for future in futures if not future.cancel()])
            raise

    def both(self, first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
        """Return the results of two calls made at the same time."""
        works: tuple[Callable[[], A | B], ...] = (first, second)
        one, other = self.map(lambda work: work(), works)
        return one, other  # type: ignore[return-value]  # each has the type of its own call

    def _do_what_nobody_began(self, works: Sequence[Callable[[], B]], futures: Sequence[Future[B]]) -> dict[int, B]:
        return {index: work() for index, work in enumerate(works) if futures[index].cancel()}
