"""Files that are rewritten with a new patient's name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from export_session.dicom import Result, rewrite

HEADER: dict[str, Any] = {"dicom": {"PatientName": "New^Name"}}
NAME = (0x00100010,)
LARGE = b"\1\2\3\4\5\6\7\10" * 600_000  # pixels; more than is handled in memory


def run(source: Path, header: dict[str, Any] = HEADER) -> tuple[Result, Path]:
    target = source.with_name("target")
    return rewrite(source, target, header), target


def untouched(folder: Path, *names: str) -> bool:
    return {path.name for path in folder.iterdir()} == set(names)
