"""Stage a gear directory as Flywheel's engine does, and run the gear in it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """A finished run: its exit code, what it printed, and its directory."""

    code: int
    printed: str
    folder: Path

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def table(self, ending: str) -> list[dict[str, str]]:
        """Read the one output CSV whose name has this ending."""
        (path,) = self.output.glob(f"*{ending}")
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def log(self) -> list[dict[str, str]]:
        """The rows of the export log."""
        return self.table("_export_log.csv")

    @property
    def changes(self) -> list[dict[str, str]]:
        """The rows of the DICOM change log."""
        return self.table("_dicom_changes.csv")


def stage(
    folder: Path,
    api_key: str,
    destination: tuple[str, str],
    config: dict[str, Any],
    job: str = "",
    corrections: Path | None = None,
) -> Path:
    """Make a gear directory; a sheet of corrections is put where the engine puts inputs."""
    for name in ("input", "output", "work"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(HOME / "manifest.json", folder)
    document: dict[str, Any] = {
        "config": config,
        "inputs": {"api-key": {"base": "api-key", "key": api_key}},
        "destination": {"type": destination[0], "id": destination[1]},
        "job": {"id": job},
    }
    if corrections:
        target = folder / "input" / "corrections" / corrections.name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(corrections, target)
        location = {"path": str(target), "name": target.name}
        document["inputs"]["corrections"] = {"base": "file", "location": location}
    (folder / "config.json").write_text(json.dumps(document))
    return folder


def run(folder: Path, timeout: float = 120.0, **environment: str) -> Run:
    """Run ``run.py`` in a staged directory as a process of its own."""
    finished = subprocess.run(
        [sys.executable, str(HOME / "run.py")],
        cwd=folder,
        env={**os.environ, "NO_PROXY": "127.0.0.1,localhost", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Run(finished.returncode, finished.stdout, folder)
