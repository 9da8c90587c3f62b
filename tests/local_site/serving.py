"""A site in a process of its own, which can be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def serving(root: Path, *arguments: str, open_files: int | None = None) -> Iterator[Any]:
    """Serve `root` from the command line, with so many open files at most; yields what the process printed, and it."""
    command = [sys.executable, "-m", "local_site", "serve", str(root), *arguments]
    if open_files:
        command = ["sh", "-c", f'ulimit -n {open_files}; exec "$@"', "sh", *command]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            yield SimpleNamespace(process=process, **json.loads(line))
        finally:
            process.kill()
