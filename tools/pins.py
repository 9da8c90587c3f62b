"""Write requirements.txt and requirements-dev.txt: every package pinned, with the hashes of its files.

Usage: ``python tools/pins.py`` (needs ``uv``; ``--upgrade`` takes the newest versions). What is pinned
follows from the short lists of direct dependencies, requirements.in and requirements-dev.in.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def compile_pins(name: str, *options: str) -> None:
    """Pin ``<name>.in`` into ``<name>.txt``, for the oldest Python that is supported."""
    subprocess.run(
        [
            *("uv", "pip", "compile", "--quiet", "--generate-hashes", "--python-version", "3.11"),
            *("--custom-compile-command", "python tools/pins.py"),
            *options,
            *(f"{name}.in", "--output-file", f"{name}.txt"),
        ],
        cwd=ROOT,
        check=True,
    )


if __name__ == "__main__":
    for each in ("requirements", "requirements-dev"):
        compile_pins(each, *sys.argv[1:])
