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
def serving(root: Path, *arguments: str) -> Iterator[Any]:
    """Serve `root` from the command line; yields what the process printed, and the process."""
    command = [sys.executable, "-m", "local_site", "serve", str(root), *arguments]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            yield SimpleNamespace(process=process, **json.loads(line))
        finally:
            process.kill()
