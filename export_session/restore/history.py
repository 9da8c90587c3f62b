"""The versions of a file, and which of them the gear has made.

A file's ``info.export`` describes the version that the gear has written. On Flywheel a new version starts from what its
upload gives, so versions that came later bear no such mark, or, brought back, one that describes an earlier version.
The history is therefore read from the newest version to the oldest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from export_session.errors import NotFound, NotRestorable
from export_session.session.checks import hash_agrees
from export_session.session.provenance import KEY, metadata_digest, object_at
from export_session.site import ReadSite
from export_session.site.model import File


def mark_of(file: File) -> Mapping[str, Any]:
    """Return what the gear has noted of a version; empty where it has not, or of something else."""
    mark = object_at(file.info, KEY)
    return mark if "origin_id" in mark else {}


def describes(file: File) -> bool:
    """Tell whether a version bears its own mark; one that a run could not finish may have got another number."""
    mark = mark_of(file)
    sent = bool(mark.get("pending")) and mark.get("size") == file.size
    right = sent and hash_agrees(file.hash, str(mark.get("sha384"))) is True
    return mark.get("version") == file.version or right


def made_and_later(site: ReadSite, file: File) -> tuple[File | None, list[File]]:
    """Return the newest version that the gear has made, and those that came later, the newest first."""
    later: list[File] = []
    for version in history(site, file):
        if describes(version):
            return version, later
        later.append(version)
    return None, later


def history(site: ReadSite, file: File) -> Iterator[File]:
    """Give the versions of a file, the newest first; those that are gone are left out."""
    yield file
    for number in range(file.version - 1, 0, -1):
        try:
            yield site.read_file(file, number)
        except NotFound:
            continue


def number_before(site: ReadSite, made: File) -> int:
    """Return the number of the version before one that the gear has made; 0 where it was the first.

    Raises
    ------
    NotRestorable
        What is noted of it is not about this file, or it cannot be told which one that is.
    """
    noted = object_at(made.info, KEY, "before")
    number = noted.get("version")
    if isinstance(number, int) and not isinstance(number, bool):
        if noted.get("file_id", made.file_id) != made.file_id:
            raise NotRestorable(
                f"{made.name}: its info.export tells of another file, as it came along with a copy of that one. Bring "
                "that one back, and copy it again."
            )
        return number
    # Copies note none.
    for version in islice(history(site, made), 1, None):
        if mark_of(version) or not _may_be_an_attempt(version, made):
            return version.version
        if (version.size, version.hash) != (made.size, made.hash):  # else it was sent twice
            raise NotRestorable(
                f"{made.name}: version {version.version}, which was there before version {made.version}, bears no "
                "record. It may have arrived damaged, or be somebody's. If it is to come back, restore it in Flywheel."
            )
    return 0


def _may_be_an_attempt(version: File, made: File) -> bool:
    """Tell whether a version may be one that was sent and not verified: its metadata are those of the one made next."""
    alike = (version.size, version.hash) == (made.size, made.hash)
    return alike or metadata_digest(version) == mark_of(made).get("bears")


def assert_not_overtaken(site: ReadSite, made: File, before: File) -> None:
    """Refuse where a run that was interrupted has put its version over one that somebody had put there meanwhile.

    Raises
    ------
    NotRestorable
        With the number of that version.
    """
    if not mark_of(made).get("pending"):
        return
    for version in islice(history(site, made), 1, None):
        if version.version > before.version and not describes(version):
            raise NotRestorable(
                f"{made.name}: version {version.version} was put there while version {made.version} was made, by a run "
                "that was interrupted. Run the gear with mode in_place again, which starts from that one."
            )
