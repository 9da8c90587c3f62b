"""Signals and variables, with the gear as the engine starts it: a process of its own, with native threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.conftest import Play
from tests.faults.matrix import config
from tests.support import gear
from tests.support.middlebox import middlebox, stall


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_gear_itself_heeds_a_signal(number: int, play: Play) -> None:
    with middlebox(play.site.api_key) as box:
        act = box.act("GET", "/files/[^/]+$", how=stall)
        folder = gear.stage(play.folder / "run", box.api_key, play.scene.destination, config("copy", transfers=16))
        process = subprocess.Popen(
            [sys.executable, str(gear.HOME / "run.py")],
            cwd=folder,
            env={**os.environ, "NO_PROXY": "127.0.0.1,localhost", "SESSION_EXPORT_PATIENCE": "3600"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while not act.struck:
            assert process.poll() is None
            time.sleep(0.05)
        began = time.monotonic()
        process.send_signal(number)
        printed, _ = process.communicate(timeout=60)
    assert time.monotonic() - began < 6.0
    assert process.returncode == 128 + number, printed
    assert f"cancelled ({signal.Signals(number).name}); run again" in printed
    assert "Traceback" not in printed
    assert not list(Path(folder, "work").iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_gear_has_begun_ends_it_in_words(number: int, play: Play) -> None:
    """One of the packages that it imports sends the signal."""
    package = play.folder / "first" / "flywheel"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"import os\nos.kill(os.getpid(), {number})\n")
    folder = gear.stage(play.folder / "run", play.site.api_key, play.scene.destination, config("copy"))
    done = subprocess.run(
        [sys.executable, str(gear.HOME / "run.py")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 128 + number
    assert "run again" in done.stdout
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "1e400", "10 s", "10\nExported and verified"])
def test_a_wrong_patience_is_a_configuration_error(text: str, play: Play) -> None:
    folder = gear.stage(play.folder / "run", play.site.api_key, play.scene.destination, config("copy"))
    run = gear.run(folder, SESSION_EXPORT_PATIENCE=text)
    assert run.code == 2
    assert "SESSION_EXPORT_PATIENCE: " in run.printed
    assert "is not a number of seconds" in run.printed
    assert "Traceback" not in run.printed
    assert not any(line.startswith("Exported") for line in run.printed.splitlines())
    assert not play.site.requests
    assert play.export().code == 0


@pytest.mark.parametrize("text", ["0", "1.5", "", " 60 "])
def test_a_right_one_is_heeded(text: str, play: Play) -> None:
    folder = gear.stage(play.folder / "run", play.site.api_key, play.scene.destination, config("copy"))
    assert gear.run(folder, SESSION_EXPORT_PATIENCE=text).code == 0
