from __future__ import annotations

import io
import logging
import threading

import pytest

from export_session.support.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> logging.Logger:
    caplog.set_level(logging.INFO)
    return logging.getLogger("progress-test")


def run(progress: Progress, clock: Clock, files: int, seconds: float, size: int = 1_000_000) -> None:
    for number in range(files):
        clock.now += seconds
        progress.advance(f"file-{number}.dcm", size)


def test_quick_runs_say_one_line_at_each_tenth(
    clock: Clock, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    progress = Progress(1000, 1_000_000_000, log=log, clock=clock)
    run(progress, clock, 1000, 0.02)
    progress.close()
    assert 9 <= len(caplog.messages) <= 11


def test_a_run_of_a_moment_says_its_last_line_alone(
    clock: Clock, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    with Progress(50, 50_000_000, log=log, clock=clock) as progress:
        run(progress, clock, 50, 0.01)
    assert len(caplog.messages) == 1


def test_slow_runs_say_a_line_every_ten_seconds_at_most(
    clock: Clock, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    progress = Progress(1000, 1_000_000_000, log=log, clock=clock)
    run(progress, clock, 60, 1.0)
    assert len(caplog.messages) == 6


def test_a_line_tells_files_bytes_rate_and_time_left(
    clock: Clock, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    progress = Progress(100, 100_000_000, log=log, clock=clock)
    run(progress, clock, 10, 1.0)
    assert caplog.messages == ["10 of 100 files, 10.0 MB of 100.0 MB, 1.0 MB/s, about 1 min 30 s left"]


def test_the_last_line_tells_the_whole_and_counts_the_warnings(
    clock: Clock, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    with Progress(2, 2_000_000, log=log, clock=clock) as progress:
        progress.warn()
        run(progress, clock, 2, 2.0)
    assert caplog.messages[-1] == "2 of 2 files, 2.0 MB of 2.0 MB, 500.0 kB/s, in 4.0 s, 1 warning"


def test_no_line_names_a_file(clock: Clock, log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    with Progress(10, 0, log=log, clock=clock) as progress:
        run(progress, clock, 10, 20.0, size=0)
    assert caplog.messages
    assert "file-" not in caplog.text


def test_work_that_becomes_known_later_counts(
    clock: Clock, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    progress = Progress(log=log, clock=clock)
    for _ in range(3):
        progress.expect(2, 2_000_000)
        run(progress, clock, 2, 1.0)
    progress.close()
    assert caplog.messages[-1].startswith("6 of 6 files, 6.0 MB of 6.0 MB")


def test_nothing_to_do_is_no_reason_to_fail(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    with Progress(0, 0, log=log, clock=lambda: 0.0):
        pass
    assert caplog.messages == ["0 files, 0 B, in 0.0 s"]


def test_where_the_total_is_unknown_the_lines_tell_what_is_done(
    clock: Clock, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    progress = Progress(log=log, clock=clock)
    run(progress, clock, 11, 1.0)
    assert caplog.messages == ["10 files, 10.0 MB, 1.0 MB/s"]


def test_a_terminal_gets_one_line_that_is_drawn_over_and_wiped(
    clock: Clock, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    terminal = Terminal()
    progress = Progress(4, 4_000_000, log=log, tty=terminal, clock=clock)
    run(progress, clock, 2, 1.0)
    progress.advance("evil\x1b[2J\n.dcm", 1)
    drawn = terminal.getvalue()
    assert "[############............] 2 of 4 files" in drawn
    assert "\n" not in drawn
    assert "\x1b[2J" not in drawn
    assert caplog.messages == []
    progress.close()
    assert terminal.getvalue().endswith("\r\x1b[K")
    assert len(caplog.messages) == 1


def test_many_threads_lose_no_count(log: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress(800, 800, log=log)

    def work() -> None:
        for _ in range(100):
            progress.advance("x", 1)
            progress.warn()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    progress.close()
    assert caplog.messages[-1].startswith("800 of 800 files, 800 B of 800 B")
    assert caplog.messages[-1].endswith("800 warnings")


def test_a_run_of_sessions_tells_which_one_it_is_at_and_the_time_for_all(
    clock: Clock, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    progress = Progress(log=log, clock=clock)
    progress.expect_sessions(4)
    for _ in range(2):
        progress.begin_session()
        progress.expect(10, 10_000_000)
        run(progress, clock, 10, 2.0)
    assert caplog.messages[-1] == (
        "session 2 of 4, 8 of 10 files, 8.0 MB of 10.0 MB, 500.0 kB/s, about 44.0 s left for all sessions"
    )
    progress.close()
    assert caplog.messages[-1] == "2 sessions, 20 of 20 files, 20.0 MB of 20.0 MB, 500.0 kB/s, in 40.0 s"


def test_long_runs_say_less_often_how_it_goes(
    clock: Clock, log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    progress = Progress(100_000, 100_000_000_000, log=log, clock=clock)
    run(progress, clock, 3600, 1.0)
    assert 60 <= len(caplog.messages) <= 100
