"""Are these the right bytes? Of a download, of what was stored, and of the file that metadata was read from."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from export_session.errors import HeaderError, NotFound, StaleMetadata, TransferError
from export_session.record import Verification
from export_session.session.provenance import Provenance, extractions, object_at
from export_session.site import ReadSite
from export_session.site.model import File
from export_session.site.port import Stored
from export_session.support.digests import digest

FORMS: Mapping[type, str] = {list: "a list", str: "a text"}
ATTEMPTS = 3  # at moving the bytes of one file intact


def assert_current(site: ReadSite, file: File) -> None:
    """Refuse metadata that its importer made from another version of the file (info.qc says so).

    A version that this gear made in place came with metadata that agree with it, whichever they had been read from; one
    that was brought back has the bytes of that which they were read from.
    """
    read = extractions(file.info)
    made = Provenance.read(file)
    if made and made.before and made.still_describes(file) and made.read_by == digest(read):
        return
    for gear, checks in read.items():
        for given in map(object_at, object_at(checks, "job_info", "inputs").values()):
            seen = given.get("version") if given.get("file_id") == file.file_id else None
            if seen is not None and str(seen) != str(file.version) and not _brings_back(site, file, str(seen)):
                raise StaleMetadata(
                    f"{file.name}: its metadata was read by {gear} from version {seen} of the file, which is now at "
                    f"version {file.version}. Run {gear} on it again, repeat the corrections, then export."
                )


def _brings_back(site: ReadSite, file: File, number: str) -> bool:
    """Tell whether a file has the bytes of an earlier version again, after one that this gear made in place."""
    if not (number.isascii() and number.isdigit() and 0 < int(number) < file.version):
        return False
    before = _version(site, file, int(number))
    if before is None or not file.hash or (before.size, before.hash) != (file.size, file.hash):
        return False
    between = (_version(site, file, each) for each in range(file.version - 1, int(number), -1))
    return any(made.before for one in between if one and (made := Provenance.read(one)))


def _version(site: ReadSite, file: File, number: int) -> File | None:
    try:
        return site.read_file(file, number)
    except NotFound:
        return None


def assert_header(file: File) -> None:
    """Refuse a header in which nobody can tell what was corrected, as it is not built like one."""
    header = file.info.get("header")
    parts = {"info.header": header}
    parts |= {f"info.header.{key}": object_at(header).get(key) for key in ("dicom", "dicom_array")}
    for path, value in parts.items():
        if value is not None and not isinstance(value, Mapping):
            raise HeaderError(
                f"{file.name}: {path} is {FORMS.get(type(value), 'a single value')}, where importers write an object "
                "(names with their values). Run the importer on the file again or remove it, then export."
            )


def fetch(site: ReadSite, file: File, target: Path) -> Stored:
    """Download a file intact and return size and hashes of its bytes.

    Where the site states no hash that can be recomputed, the bytes must arrive alike twice.

    Raises
    ------
    TransferError
        What arrives is not what the site states, or is never the same.
    """
    for _ in range(ATTEMPTS):
        stored = site.fetch(file, target)
        agrees = hash_agrees(file.hash, stored.sha384)
        if stored.size != file.size or agrees is False:
            continue
        if agrees or (_crc_holds(target) and _arrives_alike(site, file, target, stored)):
            return stored
    raise TransferError(
        f"{file.name}: the download does not match the size and hash that the site states, or is another each time, "
        f"after {ATTEMPTS} attempts. The file on the site may be damaged; compare it with its source."
    )


def _arrives_alike(site: ReadSite, file: File, target: Path, stored: Stored) -> bool:
    with TemporaryDirectory(dir=target.parent) as folder:
        return site.fetch(file, Path(folder, "again")) == stored


def _crc_holds(path: Path) -> bool:
    """Check a zip's own checksums."""
    if not zipfile.is_zipfile(path):
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except zlib.error:
        return False
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return True  # encrypted, or of a kind Python cannot read: not for this check to judge


def verify(site: ReadSite, stored: File, size: int, sha384: str, scratch: Path, *, readback: bool) -> Verification:
    """Prove that the site holds bytes of this size and hash; NONE where it does not.

    Parameters
    ----------
    readback
        True to read them back even where the site gives a hash that can be recomputed.
    """
    if stored.size != size:
        return Verification.NONE
    agrees = hash_agrees(stored.hash, sha384)
    if agrees is False:
        return Verification.NONE
    if agrees and not readback:
        return Verification.HASH
    with TemporaryDirectory(dir=scratch) as folder:
        back = site.fetch(stored, Path(folder, "back"))
    same = (back.size, back.sha384) == (size, sha384)
    return Verification.READBACK if same else Verification.NONE


def hash_agrees(stated: str, sha384: str) -> bool | None:
    """Compare a hash as Flywheel states it (``v0-sha384-<hex>``) with ours; None where it is opaque or absent."""
    known = stated_sha384(stated)
    return known == sha384 if known else None


def stated_sha384(stated: str) -> str:
    """Return the hex digest that a site states in this form, "" where it is opaque or absent."""
    kind, _, value = stated.rpartition("-")
    return value if kind == "v0-sha384" else ""
