"""File contents on disk.

A blob's name is a UUID of the site's own, so nothing a client sends becomes part of a path. Content is
written beside its place, hashed on the way, synced and renamed; the document that refers to it is written
after that. A blob without a document is what a killed process leaves: it is swept at the next start.
"""

from __future__ import annotations

import hashlib
import os
import uuid
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

NOT_A_ZIP = (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError)  # what opening anything else raises


@dataclass(frozen=True)
class Blob:
    """Stored content: its name, how many bytes it has and their SHA-384; of a zip also how many files it holds."""

    name: str
    size: int
    sha384: str
    zip_members: int | None = None


class BlobWriter:
    """Content being received; a context manager that leaves nothing behind unless it is kept.

    Its file is open only while a chunk is written: thousands of uploads may be under way, and each has a connection
    open already.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = str(uuid.uuid4())
        self._partial = folder / "incoming" / self._name
        self._partial.touch()
        self._hash = hashlib.sha384()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._partial.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Append `chunk`."""
        with self._partial.open("ab") as stream:
            stream.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def keep(self) -> Blob:
        """Make the content durable and give it its name."""
        members = _members(self._partial)
        with self._partial.open("rb") as stream:
            os.fsync(stream.fileno())
        target = blob_path(self._folder, self._name)
        target.parent.mkdir(exist_ok=True)
        self._partial.rename(target)
        return Blob(self._name, self.size, self._hash.hexdigest(), members)


class BlobFolder:
    """The contents of one site's files.

    Parameters
    ----------
    folder
        Where they lie; made when absent.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "incoming").mkdir(parents=True, exist_ok=True)

    def writer(self) -> BlobWriter:
        """Return a writer for new content."""
        return BlobWriter(self._folder)

    def path(self, name: str) -> Path:
        """Return where the content called `name` lies."""
        return blob_path(self._folder, name)

    def remove(self, name: str) -> None:
        """Remove a blob."""
        self.path(name).unlink(missing_ok=True)

    def sweep(self, wanted: Collection[str]) -> None:
        """Remove what a killed process left: half-received content, and blobs that are not `wanted`."""
        for path in self._folder.glob("*/*"):
            if path.parent.name == "incoming" or path.name not in wanted:
                path.unlink()


def blob_path(folder: Path, name: str) -> Path:
    """Return the path of a blob, refusing any name that is not a UUID."""
    canonical = str(uuid.UUID(name))
    return folder / canonical[:2] / canonical


def _members(path: Path) -> int | None:
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(not member.is_dir() for member in archive.infolist())
    except NOT_A_ZIP:
        return None
