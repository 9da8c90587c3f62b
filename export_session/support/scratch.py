"""The gear's disk: a private directory for a run, and clear words when it is full."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export_session.errors import ExportError, TransferError


@contextmanager
def disk_full_is_clear(name: str) -> Iterator[None]:
    """Turn a full disk into an error that says what to do; let everything else pass."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise TransferError(
            f"{name}: the gear's disk is full. Run with fewer transfers at once, or on an engine with more disk."
        ) from None


def make_scratch(work: Path) -> Path:
    """Return an empty owner-only directory for this run, and clear away those of runs that were killed."""
    work.mkdir(parents=True, exist_ok=True)
    for left in work.glob("session-export-*"):
        shutil.rmtree(left, ignore_errors=True)
    scratch = work / f"session-export-{os.getpid()}"
    scratch.mkdir(mode=0o700)
    return scratch


def assert_room(name: str, size: int, scratch: Path) -> None:
    """Refuse a file that the disk cannot hold beside its rewritten copy.

    Raises
    ------
    ExportError
        When there is less room than twice the file's size.
    """
    free = shutil.disk_usage(scratch).free
    if 2 * size > free:
        raise ExportError(
            f"{name}: {size / 1e6:,.0f} MB do not fit twice on the gear's disk ({free / 1e6:,.0f} MB free). "
            "Run it on an engine with more disk."
        )
