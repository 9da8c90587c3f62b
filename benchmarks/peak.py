"""Rewrite one file and print by how many MB the process grew at most: ``peak SOURCE HEADER TARGET``."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from export_session.dicom import rewrite


def high_water() -> float:
    """Return the largest resident size of this process so far, in MB (Linux)."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if match is None:
        raise SystemExit("this system does not tell how much memory a process used at most")
    return int(match[1]) / 1024


if __name__ == "__main__":
    source, header, target = map(Path, sys.argv[1:])
    metadata = json.loads(header.read_text())
    idle = high_water()
    if not rewrite(source, target, metadata).modified:
        raise SystemExit(f"{source} was not rewritten")
    print(high_water() - idle)
    target.unlink()
