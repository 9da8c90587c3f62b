"""The engine: takes pending jobs off the queue and runs them, a bounded number at a time."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

from local_site.engine import jobs
from local_site.engine.config_json import GEAR_HOME
from local_site.engine.run import Run, mounting
from local_site.errors import BadRequestError
from local_site.site.state import Site
from local_site.storage.store import Doc


class Engine:
    """The one that runs the jobs of a site, in threads of this process and processes of their own.

    Parameters
    ----------
    site
        The site, already listening: gears need its address.
    at_once
        How many jobs may run at the same time.
    python
        The interpreter for gears whose command begins with ``python``; default: the one that runs the engine.
    """

    def __init__(self, site: Site, *, at_once: int = 2, python: str | None = None) -> None:
        self._site = site
        self._at_once = at_once
        found = shutil.which(python or sys.executable)
        if found is None:
            raise FileNotFoundError(f"{python} is not an interpreter that can be run")
        self._python = str(Path(found).absolute())  # gears start in directories of their own
        self._work = threading.Event()
        self._stopping = False
        self._mounts = False
        self._running: dict[str, tuple[Run, threading.Thread]] = {}
        self._scheduler = threading.Thread(target=self._schedule, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to run jobs."""
        shutil.rmtree(self._site.root / "jobs", ignore_errors=True)
        self._mounts = can_mount(self._site.root / "jobs")
        self._site.job_listeners.append(self._job_written)
        self._work.set()
        self._scheduler.start()

    def stop(self) -> None:
        """Stop running jobs; those that run are stopped and have failed."""
        self._stopping = True
        self._work.set()
        self._scheduler.join()
        self._site.job_listeners.remove(self._job_written)
        running = list(self._running.values())
        for run, _ in running:
            _in_background(run, "The engine was stopped while the job was running")
        for _, thread in running:
            thread.join()

    def _job_written(self, job: Doc) -> None:
        """Look at the queue again; stop a job that was cancelled. Called inside a transaction: nothing waits here."""
        running = self._running.get(job["_id"])
        if running is not None and job["state"] == "cancelled":
            _in_background(running[0], "The job was cancelled")
        self._work.set()

    def _schedule(self) -> None:
        while True:
            self._work.wait()
            self._work.clear()
            while not self._stopping and len(self._running) < self._at_once:
                job = jobs.next_pending(self._site)
                if job is None:
                    break
                self._begin(job)
            if self._stopping:
                return

    def _begin(self, job: Doc) -> None:
        try:
            job = jobs.transition(self._site, job["_id"], "running")
        except BadRequestError:
            return  # cancelled since
        run = Run(self._site, job, self._python, self._site.root / "jobs" / job["_id"], self._mounts)
        thread = threading.Thread(target=self._run, args=(run,), name=f"job-{job['_id']}", daemon=True)
        self._running[job["_id"]] = (run, thread)
        thread.start()

    def _run(self, run: Run) -> None:
        try:
            run()
        finally:
            del self._running[run.job["_id"]]
            self._work.set()


def can_mount(folder: Path) -> bool:
    """Whether this machine lets jobs have their directory at /flywheel/v0; tried out in `folder`."""
    home, root = folder / "tried", folder / "tried.root"
    for directory in (home, root):
        directory.mkdir(parents=True)
    command = [*mounting(home, root), "/usr/bin/env", "test", "-d", GEAR_HOME]
    tried = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603 - our own
    shutil.rmtree(folder, ignore_errors=True)
    return tried.returncode == 0


def _in_background(run: Run, reason: str) -> None:
    threading.Thread(target=run.stop, args=(reason,), daemon=True).start()
