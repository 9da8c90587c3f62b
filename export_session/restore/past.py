"""Which version of a file was there before the gear wrote its own, and whether that can come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from export_session.errors import NotFound, NotRestorable
from export_session.restore.edited import edited_since
from export_session.restore.history import assert_not_overtaken, describes, made_and_later, mark_of, number_before
from export_session.session.checks import fetch, hash_agrees
from export_session.session.provenance import KEY, object_at
from export_session.site import ReadSite
from export_session.site.model import File

RESTORED = "restored"  # key of info.export: which version this one has brought back
FIRST = "it is the first version, so there is none to go back to: it stays as it is"
UNKNOWN = "what is noted of it is not about any version that is there: it stays as it is"


@dataclass(frozen=True)
class Past:
    """The version of a file that is to come back."""

    file: File  # as it is now
    made: File  # the version that the gear has made
    before: File  # the one that comes back, with its metadata
    sha384: str  # hex digest of its bytes
    is_back: bool = False  # its bytes are there again; what is noted is still to follow


@dataclass(frozen=True)
class Left:
    """A file that stays as it is, and why: empty where there is nothing to say."""

    file: File
    why: str = ""


def past_of(
    site: ReadSite, file: File, scratch: Path, ruled: Callable[[], bool], *, force: bool = False
) -> Past | Left:
    """Tell which version of a file is to come back.

    Parameters
    ----------
    file
        As it is now, read in full.
    ruled
        Whether gear rules run on new versions of it.
    force
        Whether metadata that were edited since may stay behind, with the version that they were made on.

    Raises
    ------
    NotRestorable
        The version before cannot come back, or somebody's work would be hidden by it.
    """
    made, later = made_and_later(site, file)
    if made is None:
        return Left(file, _of_no_version(file))
    if RESTORED in mark_of(made):
        return Left(file)
    number = number_before(site, made)
    if not number:
        return Left(file, FIRST)
    before = _read(site, made, number)
    assert_not_overtaken(site, made, before)
    sha384 = _digest_of(site, made, before, scratch)
    if not later:
        if not force and edited_since(site, file, scratch, ruled):
            raise NotRestorable(
                f"{file.name}: its metadata were edited after version {file.version} was written. Take the edits back, "
                f"or set force_export: version {number} comes back all the same, and the edits stay with version "
                f"{file.version}."
            )
        return Past(file, made, before, sha384)
    if not any(_holds(site, version, before.size, sha384, scratch) for version in later):
        raise NotRestorable(
            f"{file.name}: version {later[-1].version} was put there after version {made.version}, which this gear has "
            f"written, so version {number} was not brought back. If it is to come back, restore it in Flywheel."
        )
    # One that was brought back says so, or bears no mark at all: any other mark came along with its metadata.
    unfinished = bool(mark_of(file))
    return Past(file, made, before, sha384, is_back=True) if unfinished else Left(file)


def _of_no_version(file: File) -> str:
    """Say of a file that bears no mark, or one that is about another version, why it stays."""
    if not mark_of(file):
        return ""
    return UNKNOWN if file.version > 1 else FIRST


def _read(site: ReadSite, made: File, number: int) -> File:
    try:
        return site.read_file(made, number)
    except NotFound:
        raise NotRestorable(
            f"{made.name}: version {number}, which was there before version {made.version}, is gone. Nothing was "
            "changed; ask the administrator of the site whether it can be recovered."
        ) from None


def _digest_of(site: ReadSite, made: File, before: File, scratch: Path) -> str:
    """Return the SHA-384 hex digest of the version before, known to be what it was when the next one was made.

    Raises
    ------
    NotRestorable
        It is not what was noted.
    """
    noted = object_at(made.info, KEY, "before")
    own = mark_of(before) if describes(before) else {}
    recorded = str(noted.get("sha384") or own.get("sha384") or "")
    if recorded and _holds(site, before, noted.get("size", before.size), recorded, scratch):
        return recorded
    if recorded:
        raise NotRestorable(
            f"{made.name}: version {before.version} does not hold the bytes any more that were there before version "
            f"{made.version} was written. Nothing was changed; compare it with its source."
        )
    kind, _, stated = before.hash.rpartition("-")
    return stated if kind == "v0-sha384" else _fetched(site, before, scratch)


def _holds(site: ReadSite, version: File, size: object, sha384: str, scratch: Path) -> bool:
    """Tell whether a version has these bytes; where the site does not say, it is downloaded."""
    if version.size != size:
        return False
    agrees = hash_agrees(version.hash, sha384)
    return _fetched(site, version, scratch) == sha384 if agrees is None else agrees


def _fetched(site: ReadSite, version: File, scratch: Path) -> str:
    with TemporaryDirectory(dir=scratch) as folder:
        return fetch(site, version, Path(folder, "version")).sha384
