"""However few threads there are, work within work comes to an end."""

from __future__ import annotations

import threading
import time

import pytest

from export_session.support.parallel import Workers


@pytest.mark.parametrize("threads", [1, 2, 16])
@pytest.mark.timeout(20)
def test_work_within_work_comes_to_an_end(threads: int) -> None:
    with Workers(threads) as workers:

        def inner(number: int) -> list[int]:
            first, second = workers.both(lambda: number, lambda: sum(workers.map(abs, [-number, number])))
            return [first, second]

        assert workers.map(inner, range(20)) == [[number, 2 * number] for number in range(20)]
        assert workers.both(lambda: inner(1), lambda: inner(2)) == ([1, 2], [2, 4])


@pytest.mark.timeout(20)
def test_work_within_work_is_shared_with_idle_threads() -> None:
    together = threading.Barrier(4)
    with Workers(4) as workers:

        def inner() -> list[int]:
            return workers.map(lambda _: together.wait(10), range(8))  # only four at a time let each other go on

        assert sorted(workers.both(inner, lambda: None)[0]) == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.timeout(20)
def test_an_error_is_raised_when_nothing_runs_any_more() -> None:
    begun, ended = threading.Barrier(2), threading.Event()
    with Workers(2) as workers:

        def work(number: int) -> None:
            begun.wait(10)
            if number == 0:
                raise ValueError(number)
            time.sleep(0.05)
            ended.set()

        with pytest.raises(ValueError, match="0"):
            workers.map(work, range(2))
        assert ended.is_set()


def test_results_come_in_the_order_of_the_items() -> None:
    late = threading.Event()
    with Workers(2) as workers:

        def wait(number: int) -> int:
            late.wait(10) if number == 0 else late.set()
            return number

        assert workers.map(wait, range(3)) == [0, 1, 2]
