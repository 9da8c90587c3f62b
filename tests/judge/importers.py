"""Importers as processes that read one path after another: Flywheel's own, and models of its two predecessors."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.corpus.samples import ROOT

PATIENCE = 60.0  # seconds for one file


@dataclass(frozen=True)
class Importer:
    """How an importer is started; it answers each path on standard input with one line of JSON."""

    name: str
    python: Path
    program: tuple[str, ...]

    @property
    def missing(self) -> str:
        """Why it cannot be run; empty if it can."""
        return "" if self.python.exists() else f"{self.python} is missing: run make environments"


def real(python: Path = ROOT / ".venvs" / "importer" / "bin" / "python") -> Importer:
    """file-metadata-importer, of the version that its environment holds."""
    return Importer("fmi", python, (str(ROOT / "tools" / "importer" / "run_importer.py"),))


def showing_private(importer: Importer) -> Importer:
    """The same, told to show the private elements of PS3.15 annex E."""
    return Importer("p15e", importer.python, (*importer.program, "--p15e"))


def older() -> tuple[Importer, ...]:
    """metadata-import-dicom 2.8.4 and dicom-mr-classifier 1.4.10, on the pydicom that each had."""
    environments = ROOT / ".venvs"
    return (
        Importer("grp3", environments / "pydicom-2.0.0" / "bin" / "python", ("-m", "tests.judge.old.grp3")),
        Importer("mrc", environments / "pydicom-2.1.2" / "bin" / "python", ("-m", "tests.judge.old.mrc")),
    )


class Running:
    """An importer at work; it is started again when a file ends or stalls it."""

    def __init__(self, importer: Importer) -> None:
        self.importer = importer
        self._process: subprocess.Popen[bytes] | None = None
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def header(self, path: Path) -> dict[str, Any] | None:
        """``info.header`` as the importer makes it of a file; None where it fails."""
        answer = self._ask(path)
        found = answer.get("header")
        return None if found is None else dict(found)

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, path: Path) -> dict[str, Any]:
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(f"{path}\n".encode())
            process.stdin.flush()
            line = self._line(process)
        except (BrokenPipeError, TimeoutError, EOFError) as error:
            self.stop()
            return {"error": f"{type(error).__name__} {error}"}
        return dict(json.loads(line))

    def _line(self, process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout is not None
        end = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._received:
                if not selector.select(max(0.0, end - time.monotonic())):
                    raise TimeoutError(f"no answer in {PATIENCE:.0f} s")
                chunk = os.read(process.stdout.fileno(), 1 << 16)
                if not chunk:
                    raise EOFError("the importer ended")
                self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _start(self) -> subprocess.Popen[bytes]:
        self._received = b""
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg"}
        self._process = subprocess.Popen(
            [self.importer.python, *self.importer.program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=environment,
        )
        return self._process
