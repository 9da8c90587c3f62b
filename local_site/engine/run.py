"""Running one job: stage the gear, run its command, keep what it says and what it leaves.

The gear finds what it would find in its image: its own files, ``config.json``, ``manifest.json``, ``input/``,
``output/`` and ``work/`` in the directory it is started in, which is /flywheel/v0 where this machine allows it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from local_site.engine import config_json, jobs, manifests, mounted
from local_site.engine.log import JobLog
from local_site.engine.outputs import Outputs
from local_site.errors import BadRequestError
from local_site.hierarchy.files import version_of
from local_site.site import certificate
from local_site.site.state import Site
from local_site.storage.store import Doc

STAGED = ("config.json", "manifest.json", "input", "output", "work")
KEPT_OUT = (".git", ".venv", ".venvs")  # what a working copy holds beside the gear
LONGEST_LINE = 65536  # bytes; a longer one is kept in pieces
PATIENCE = 10.0  # seconds between SIGTERM and SIGKILL
SIMPLE_COMMAND = re.compile(r"[^\s=;&|]+(\s[^;&|\n]*)?")  # one program, no assignment before it
INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "SSL_CERT_FILE")


NOT_MOUNTED = (
    f"This machine does not let the engine show a job its directory at {config_json.GEAR_HOME} (no mount namespaces): "
    "a program that reads there, as flywheel.GearContext() does, finds nothing. FLYWHEEL says where it is.\n"
)


class StagingError(Exception):
    """A job that cannot be started: the message becomes its failure reason."""


@dataclass
class Run:
    """One job on its way through the engine.

    Attributes
    ----------
    site, job
        The site and the job, which is running.
    python
        The interpreter for commands that begin with ``python``.
    home
        The directory that the gear is staged in.
    mounts
        Whether it can be shown to the gear at /flywheel/v0.
    """

    site: Site
    job: Doc
    python: str
    home: Path
    mounts: bool
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _process: subprocess.Popen[bytes] | None = None
    _stopped: str | None = None  # why, once it is to stop

    def stop(self, reason: str) -> None:
        """Stop the gear: ask first, then insist. Returns when it has ended."""
        with self._lock:
            self._stopped = reason
            if self._process is None:
                return
        self._signal(signal.SIGTERM)
        if not self._ended.wait(PATIENCE):
            self._signal(signal.SIGKILL)

    def __call__(self) -> None:
        """Run the job to its end, whatever that is."""
        log = JobLog(self.site, self.job["_id"])
        state = "failed"
        facts: Doc = {"failure_reason": "The engine could not run the job"}
        try:
            state, facts = self._run(log)
        except StagingError as error:
            log.add(-1, f"{error}\n")
            facts = {"failure_reason": str(error)}
        finally:
            shutil.rmtree(self.home, ignore_errors=True)  # it holds the key
            shutil.rmtree(self._root, ignore_errors=True)
            with contextlib.suppress(BadRequestError):  # the job was cancelled meanwhile, which stands
                jobs.transition(self.site, self.job["_id"], state, **facts)

    @property
    def _root(self) -> Path:
        return self.home.with_name(f"{self.home.name}.root")

    @property
    def _seen(self) -> Path:
        """Where the gear finds its home."""
        return Path(config_json.GEAR_HOME) if self.mounts else self.home

    def _run(self, log: JobLog) -> tuple[str, Doc]:
        """Stage, execute, collect; return the state the job ends in, and what is to be known of it."""
        times = [time.monotonic()]
        command, environment = self._stage()
        times.append(time.monotonic())
        code = self._execute(command, environment, log)
        times.append(time.monotonic())
        if self._stopped:
            return "failed", {"failure_reason": self._stopped}
        facts = Outputs(self.site, self.job, log, self.home / "output", succeeded=code == 0).attach()
        times.append(time.monotonic())
        facts["profile"] = _profile(self.job, facts["outputs"], times)
        if code != 0:
            return "failed", {**facts, "failure_reason": f"The gear exited with code {code}"}
        return "complete", facts

    def _stage(self) -> tuple[str, dict[str, str]]:
        """Lay out the gear's directory; return its command and environment."""
        gear = self.site.store.get("gear", self.job["gear_id"], deleted=True)
        source = manifests.directory_of(gear) if gear else None
        if gear is None or source is None or not source.is_dir():
            raise StagingError(f"Gear {self.job['gear_info']['name']} has no directory on this machine to run from")
        manifest = gear["gear"]
        if not manifest.get("command"):
            raise StagingError(f"The manifest of gear {manifest['name']} has no command")
        self.home.mkdir(parents=True, mode=0o700)
        for entry in source.iterdir():
            if entry.name not in (*STAGED, *KEPT_OUT):
                (self.home / entry.name).symlink_to(entry)
        for name in ("input", "output", "work"):
            (self.home / name).mkdir()
        config = config_json.staged(self.site, self.job, self._seen, jobs.issue_job_key(self.site, self.job))
        for name, entry in config["inputs"].items():
            if entry["base"] == "file":
                self._stage_input(name, entry)
        self._write("manifest.json", manifest)
        self._write("config.json", config)
        return manifest["command"], self._environment(manifest.get("environment") or {})

    def _stage_input(self, name: str, entry: Doc) -> None:
        facts = entry["object"]
        file = self.site.store.get("file", facts["file_id"], deleted=True)
        if file is None:
            raise StagingError(f"Input {name}: the file {entry['location']['name']} is gone")
        blob = self.site.blobs.path(version_of(self.site, file, str(facts["version"]))["blob"])
        target = config_json.input_path(self.home, name, entry)
        target.parent.mkdir()
        shutil.copyfile(blob, target)  # a copy, so that the gear cannot change what the site keeps

    def _write(self, name: str, content: Doc) -> None:
        (self.home / name).write_text(json.dumps(content, indent=2), encoding="utf-8")

    def _environment(self, manifest: dict[str, str]) -> dict[str, str]:
        """Return the environment of the gear: a little of ours, then the manifest's with its paths made local."""
        own = {name: os.environ[name] for name in INHERITED if name in os.environ}
        own["PATH"] = f"{Path(self.python).parent}{os.pathsep}{own.get('PATH', os.defpath)}"
        given = {
            name: str(value).replace(config_json.GEAR_HOME, str(self._seen))
            for name, value in manifest.items()
            if name != "PATH"  # the image's
        }
        own |= certificate.trust(self.site.root, urlsplit(self.site.url).hostname or "")
        return {**own, "NO_PROXY": "127.0.0.1,localhost", "FLYWHEEL": str(self._seen), "PYTHONUNBUFFERED": "1", **given}

    def _execute(self, command: str, environment: dict[str, str], log: JobLog) -> int:
        """Run the gear's command and return its exit code."""
        command = command.replace(config_json.GEAR_HOME, shlex.quote(str(self._seen)))
        command = re.sub(r"^python3?(?=\s)", lambda _: shlex.quote(self.python), command)
        if SIMPLE_COMMAND.fullmatch(command):  # no shell stays between a signal and the gear
            command = f"exec {command}"
        with self._lock:
            if self._stopped:
                return -signal.SIGTERM
            process = subprocess.Popen(  # noqa: S603 - running what administrators registered is the engine's purpose
                [*self._mounting(log), "/bin/sh", "-c", command],
                cwd=self.home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            self._process = process
        readers = [
            threading.Thread(target=_keep_lines, args=(stream, fd, log), daemon=True)
            for fd, stream in ((1, process.stdout), (2, process.stderr))
        ]
        for reader in readers:
            reader.start()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        self._signal(signal.SIGKILL)  # what the gear started and left behind; the group is still ours to name
        with self._lock:
            self._ended.set()
            code = process.wait()
        for reader in readers:
            reader.join(PATIENCE)
        return code

    def _mounting(self, log: JobLog) -> list[str]:
        """Return the beginning of a command that is to see its directory at /flywheel/v0."""
        if not self.mounts:
            log.add(-1, NOT_MOUNTED)
            return []
        self._root.mkdir(mode=0o700)
        return mounting(self.home, self._root)

    def _signal(self, number: signal.Signals) -> None:
        """Signal the gear and all it has started; it leads a process group of its own."""
        with self._lock:
            if self._process is not None and not self._ended.is_set():
                os.killpg(self._process.pid, number)


def mounting(home: Path, root: Path) -> list[str]:
    """Return the beginning of a command that sees `home` at /flywheel/v0; `root` is an empty directory."""
    return [sys.executable, "-I", "-S", mounted.__file__, str(home), str(root)]


def _profile(job: Doc, outputs: list[Doc], times: list[float]) -> Doc:
    sizes = [entry["object"]["size"] for entry in job["config"]["inputs"].values() if entry["base"] == "file"]
    preparing, running, uploading = (round(1000 * (end - begun)) for begun, end in pairwise(times))
    return {
        "total_input_files": len(sizes), "total_input_size_bytes": sum(sizes), "total_output_files": len(outputs),
        "total_output_size_bytes": sum(file["size"] for file in outputs), "preparation_time_ms": preparing,
        "elapsed_time_ms": running, "upload_time_ms": uploading, "total_time_ms": preparing + running + uploading,
    }  # fmt: skip


def _keep_lines(stream: IO[bytes], fd: int, log: JobLog) -> None:
    with stream:
        while line := stream.readline(LONGEST_LINE):
            log.add(fd, line.decode("utf-8", errors="replace"))
