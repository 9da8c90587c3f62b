"""The gear in a process of its own that starts at once, so that thousands of runs, some killed, take minutes.

A server process imports the gear and forks for every run; what a run prints goes to a file. Waits between attempts
are shortened, attempts are not.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.support.gear import HOME, Run, stage

FIRST_WAIT = 0.002  # seconds, in place of half a second
PATIENCE = 30.0  # seconds, in place of an hour
RESERVE = 15.0  # seconds, as it is


@dataclass(frozen=True)
class Haste:
    """How long a run waits and puts up with failures."""

    first_wait: float = FIRST_WAIT
    patience: float = PATIENCE
    answer: float = 20.0  # for an answer of the site
    rewrite: float = 0.0  # that every rewrite takes more
    reserve: float = RESERVE  # seconds


HASTY = Haste()


def start(folder: Path, haste: Haste = HASTY) -> BaseProcess:
    """Start the gear in a staged directory."""
    process = _forker().Process(target=_run, args=(str(folder), haste))
    process.start()
    return process


def finish(process: BaseProcess, folder: Path, timeout: float = 120.0) -> Run:
    """Wait for a run; its code is negative where a signal ended it."""
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"the gear still runs after {timeout} s:\n{_printed(folder)}")
    return Run(process.exitcode, _printed(folder), folder)


def run(folder: Path, api_key: str, destination: tuple[str, str], config: dict[str, Any], haste: Haste = HASTY) -> Run:
    """Stage a directory (again) and run the gear in it to its end."""
    stage(folder, api_key, destination, config)
    return finish(start(folder, haste), folder)


def _printed(folder: Path) -> str:
    return (folder / "printed.txt").read_text(errors="replace")


def _forker() -> multiprocessing.context.ForkServerContext:
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    context = multiprocessing.get_context("forkserver")
    path = os.pathsep.join(filter(None, [str(HOME), os.environ.get("PYTHONPATH")]))
    # runpy warns that a module run by -m has been imported: on purpose, so that no run has to import it again.
    with _environment(PYTHONPATH=path, PYTHONWARNINGS="ignore::RuntimeWarning"):
        context.set_forkserver_preload(["tests.faults.soak", "tests.faults.warm"])
        multiprocessing.forkserver.ensure_running()
    return context


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set variables for the server process, which is started but once."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _run(folder: str, haste: Haste) -> None:
    target = os.open(Path(folder, "printed.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(target, stream)
    from export_session import main
    from export_session.session import files as copying
    from export_session.session import transfer
    from export_session.site import patience, retry
    from export_session.site import sdk as flywheel

    retry.FIRST_WAIT, patience.RESERVE = haste.first_wait, haste.reserve
    main.RUN_PATIENCE = copying.FILE_PATIENCE = haste.patience
    flywheel.ANSWER_SECONDS = flywheel.CONNECT_SECONDS = haste.answer  # type: ignore[assignment]  # below 1 s
    if haste.rewrite:
        vars(transfer)["rewrite"] = lambda *_, **__: time.sleep(haste.rewrite)
    sys.exit(main.main(Path(folder)))
