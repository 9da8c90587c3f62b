"""The checksum file for ``sha256sum -c``: the exported files, as a download from Flywheel lays them out.

Flywheel packs a download below ``scitran/`` by group, project, subject, session, acquisition and name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from export_session.record import FileRecord, Held

NAME = "SHA256SUMS"
TOP = "scitran"


def listed(files: Iterable[FileRecord]) -> tuple[list[Held], list[str]]:
    """Return the copies that can be listed, and the origin paths of the files that cannot.

    Not listed is what has no copy or none whose SHA-256 is known, and what lies in a download under the same name as
    another file.
    """
    return sorted_out([(file.origin_path, file.custody.export if file.custody else None) for file in files])


def sorted_out(copies: Sequence[tuple[str, Held | None]]) -> tuple[list[Held], list[str]]:
    """Do the same for copies, each behind the path of its origin."""
    times = Counter(_path(copy) for _, copy in copies if copy)
    fit = [copy for _, copy in copies if copy and copy.sha256 and times[_path(copy)] == 1]
    left = [path for path, copy in copies if not (copy and copy.sha256 and times[_path(copy)] == 1)]
    return sorted(fit, key=_path), sorted(left)


def checksums(copies: Iterable[Held]) -> bytes:
    """Return the content of the file, of which each line is as ``sha256sum`` writes it."""
    return "".join(_line(copy.sha256, _path(copy)) for copy in copies).encode("utf-8", "surrogateescape")


def _path(copy: Held) -> str:
    return "/".join(_safe(label) for label in (TOP, *copy.labels))


def _safe(label: str) -> str:
    """Return a label as a download names its folder, which cannot lead out of it."""
    cleaned = label.replace("/", "_").replace("\\", "_").replace("\0", "_")
    return "_" if cleaned in ("", ".", "..") else cleaned


def _line(digest: str, path: str) -> str:
    """Return a line; a name with a line break is escaped, and the line says so by a backslash before it."""
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == path else chr(92)}{digest}  {escaped}\n"
