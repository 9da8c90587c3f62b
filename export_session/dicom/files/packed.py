"""Members of archives that are compressed by a method which is not read here: what is known of them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from export_session.dicom.binary.deflate import BZIP2, DEFLATED, STORED
from export_session.dicom.binary.instance import Instance, Kind
from export_session.errors import UnsafeArchive

_READABLE = frozenset([STORED, DEFLATED, BZIP2, zipfile.ZIP_LZMA])
# APPNOTE.TXT §4.4.5
_NAMES = {1: "Shrink", 6: "Implode", 9: "Deflate64", 93: "Zstandard", 95: "XZ", 97: "WavPack", 98: "PPMd"}
# Endings of names that no one gives to an instance
_OTHER_FILES = frozenset(
    """avi bat bmp bval bvec css csv db doc docx exe gif htm html inf ini jpeg jpg js json log md mp4 nii nrrd pdf png
    ppt pptx py rtf sh sqlite svg tsv txt xls xlsx xml yaml yml""".split()  # noqa: SIM905 - reads as a list of names
)


def is_readable(info: zipfile.ZipInfo) -> bool:
    """Tell whether the content of a member can be read."""
    return info.compress_type in _READABLE


def packed_instance(info: zipfile.ZipInfo) -> Instance:
    """Return what stands for a member that cannot be read; its problem is "" if by its name it is no DICOM."""
    method = _NAMES.get(info.compress_type, f"method {info.compress_type}")
    return Instance(info.filename, Kind.PACKED, problem="" if _is_clutter(info.filename) else method)


def _is_clutter(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return hidden or path.name.lower().removesuffix(".gz").rpartition(".")[2] in _OTHER_FILES


def packed_note(members: Sequence[Instance]) -> Iterator[str]:
    """Say which members may be instances and cannot be read, if there are any."""
    for which in _which(members):
        yield f"{which}; the archive goes out as it is"


def refuse_packed(members: Sequence[Instance]) -> None:
    """Refuse to compare or change an archive of which members that may be instances cannot be read.

    Raises
    ------
    UnsafeArchive
        There are such members.
    """
    for which in _which(members):
        raise UnsafeArchive(
            f"{which}, though metadata or edits may be meant for it. Pack the archive again with deflate."
        )


def _which(members: Sequence[Instance]) -> Iterator[str]:
    packed = [one for one in members if one.kind is Kind.PACKED and one.problem]
    if packed:
        more = f" and {len(packed) - 1} more" if len(packed) > 1 else ""
        yield f"{packed[0].name}{more}: compressed with {packed[0].problem}, which is not read here"
