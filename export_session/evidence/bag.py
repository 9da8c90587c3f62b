"""A BagIt bag (RFC 8493), as a folder or as a zip that depends on its content alone."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
PAYLOAD = "data/"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can say: a member has none of its own

Content = Path | bytes


def bagged(payload: Mapping[str, Content], info: Sequence[tuple[str, str]]) -> dict[str, Content]:
    """Return all files of a bag by their names in it.

    Parameters
    ----------
    payload
        What is to be kept, by name.
    info
        Labels and values of ``bag-info.txt``.
    """
    data = {f"{PAYLOAD}{name}": payload[name] for name in sorted(payload)}
    octets = sum(len(one) if isinstance(one, bytes) else one.stat().st_size for one in data.values())
    return {**tag_files({name: sha256(content) for name, content in data.items()}, octets, info), **data}


def tag_files(payload: Mapping[str, str], octets: int, info: Sequence[tuple[str, str]]) -> dict[str, bytes]:
    """Return the files of a bag that tell of its payload, whose hashes are given by the names in the bag."""
    told = [*info, ("Payload-Oxum", f"{octets}.{len(payload)}")]
    tags = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": "".join(f"{label}: {value}\n" for label, value in told).encode(),
        MANIFEST: manifest(payload),
    }
    return {**tags, TAG_MANIFEST: manifest({name: sha256(content) for name, content in sorted(tags.items())})}


def manifest(hashes: Mapping[str, str]) -> bytes:
    """Return the lines of a manifest; line breaks and percent signs in names are encoded (RFC 8493 §2.1.3)."""
    return "".join(f"{digest}  {_encoded(name)}\n" for name, digest in hashes.items()).encode()


def hashes_in(lines: bytes) -> dict[str, str]:
    """Return the hashes of a manifest by name; lines of another form say nothing."""
    pairs = (line.split(maxsplit=1) for line in lines.decode(errors="replace").split("\n"))
    return {_decoded(pair[1]): pair[0].lower() for pair in pairs if len(pair) == 2}


def sha256(content: Content) -> str:
    """Return the SHA-256 hex digest of a content."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def pack(target: BinaryIO, folder: str, files: Mapping[str, Content]) -> None:
    """Write a bag as a zip: not compressed, without times, so that equal files give equal bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(f"{folder}/{name}", EPOCH)
            member.create_system, member.external_attr = 3, 0o100644 << 16
            with archive.open(member, "w", force_zip64=True) as sink:
                if isinstance(content, bytes):
                    sink.write(content)
                else:
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, sink, 1 << 20)


class Bag(Protocol):
    """A bag that is there."""

    def names(self) -> list[str]:
        """Give the names of its files, in the order in which they lie there."""

    def read(self, name: str) -> bytes:
        """Return a file as it is."""


class FolderBag:
    """A bag in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Give the names of its files, and of what else does not belong there: links, empty folders."""
        there = (path for path in self._folder.rglob("*") if path.is_symlink() or not path.is_dir() or _is_empty(path))
        return sorted(path.relative_to(self._folder).as_posix() for path in there)

    def read(self, name: str) -> bytes:
        """Return a file."""
        return (self._folder / name).read_bytes()


class ZipBag:
    """A bag in a zip, below a folder of any name."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = [member.filename for member in archive.infolist() if not member.is_dir()]
        self._members = {name: archive.getinfo(name) for name in self._names}
        for member in self._members.values():
            del member.CRC  # the manifests judge what is in it, and of a damaged one cells can be named
        tops = {name.partition("/")[0] for name in self._members}
        self.folder = tops.pop() if len(tops) == 1 else ""

    def names(self) -> list[str]:
        """Give the names of its files."""
        return [name.removeprefix(f"{self.folder}/") for name in self._names]

    def read(self, name: str) -> bytes:
        """Return a file."""
        with self._archive.open(self._members[f"{self.folder}/{name}" if self.folder else name]) as source:
            return source.read()


@contextmanager
def opened(path: Path) -> Iterator[FolderBag | ZipBag]:
    """Open a bag.

    Raises
    ------
    zipfile.BadZipFile
        It is neither a folder nor a zip that can be read.
    """
    if path.is_dir():
        yield FolderBag(path)
        return
    with zipfile.ZipFile(path) as archive:
        yield ZipBag(archive)


def _is_empty(folder: Path) -> bool:
    return next(folder.iterdir(), None) is None


def _encoded(name: str) -> str:
    return name.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _decoded(name: str) -> str:
    return name.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
