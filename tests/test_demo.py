"""The demo's site: one at a time, whose page opens with the key."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

import demo.__main__ as demo


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(demo, "OUTPUT", tmp_path)
    monkeypatch.setattr(demo, "PID", tmp_path / "site.pid")
    yield tmp_path
    demo._stop_the_last()


def running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and not demo._is_zombie(pid)


def test_a_kept_site_gives_way_to_the_next(output: Path) -> None:
    pids = []
    for _ in range(2):
        demo._stop_the_last()
        with demo._site(keep=True) as (page, _key):
            pids.append(int((output / "site.pid").read_text()))
        answer = httpx2.get(page, follow_redirects=False, trust_env=False)
        assert answer.status_code == 303, "the address opens with the key it bears"
    assert [running(pid) for pid in pids] == [False, True]


def test_a_process_that_got_the_number_is_left_alone(output: Path) -> None:
    (output / "site.pid").write_text(str(os.getpid()))
    stopped: list[int] = []
    old = signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
    try:
        demo._stop_the_last()
    finally:
        signal.signal(signal.SIGTERM, old)
    (output / "site.pid").unlink()
    assert stopped == []
