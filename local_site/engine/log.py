"""What a job's process says, line by line."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from local_site.site.state import Site
from local_site.storage.store import Doc


class JobLog:
    """The lines that a job's process writes, kept in a file of their own.

    Parameters
    ----------
    site
        The site.
    job_id
        The job.
    """

    def __init__(self, site: Site, job_id: str) -> None:
        self._path: Path = site.root / "job_logs" / f"{job_id}.jsonl"
        self._lock = threading.Lock()

    def add(self, fd: int, line: str) -> None:
        """Append a line: 1 is standard output, 2 standard error, -1 the engine."""
        self._path.parent.mkdir(exist_ok=True)
        with self._lock, self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"fd": fd, "msg": line}) + "\n")

    def lines(self) -> list[Doc]:
        """Return all lines; a line that a killed engine wrote in part is left out."""
        if not self._path.exists():
            return []
        texts = self._path.read_text(encoding="utf-8").split("\n")
        return [json.loads(text) for text in texts if text.endswith("}")]
