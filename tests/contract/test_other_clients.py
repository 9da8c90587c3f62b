"""The core of the contract through other clients, each run by an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.wire import fresh, key_of

ROOT = Path(__file__).parents[2]
DRIVERS = Path(__file__).parent / "drivers"
# SDK 12 still names a class that Python 3.10 moved; beside that a driver runs as it is.
RUN = """
import collections, collections.abc, runpy, sys
collections.MutableMapping = collections.abc.MutableMapping
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def environment(client: str) -> Path:
    """Return the interpreter of a client's environment."""
    interpreter = ROOT / ".venvs" / client / "bin" / "python"
    if not interpreter.exists():
        missing = f"{interpreter} is missing; tools/clients/setup.sh makes it"
        assert os.environ.get("CI") != "true", missing
        pytest.skip(missing)
    return interpreter


def run(interpreter: Path | str, driver: str, api_key: str) -> None:
    done = subprocess.run(
        [interpreter, "-W", "ignore", "-c", RUN, DRIVERS / driver, fresh("other")],
        env={"API_KEY": api_key, "NO_PROXY": "127.0.0.1,localhost", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "passed\n"), done.stderr


def test_sdk_12_programs_run(site: Any) -> None:
    run(environment("sdk12"), "sdk.py", site.api_key)


def test_the_same_program_runs_with_the_present_sdk(site: Any) -> None:
    run(sys.executable, "sdk.py", site.api_key)


def test_fw_client_programs_run(site: Any) -> None:
    run(environment("fwclient"), "fwclient.py", f"{site.url}:{key_of(site.api_key)}")
