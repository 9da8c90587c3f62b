"""Where instances come from: a single file, a gzipped one, or a zip archive of a series."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Sequence
from pathlib import Path

from .instance import Instance
from .parse import Parser


def read_instances(source: Path) -> Sequence[Instance]:
    """Read the header of every file in ``source``; members that are not DICOM come as ``Kind.OTHER``."""
    parser = Parser()
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            found = []
            for info in archive.infolist():
                if not info.is_dir():
                    with archive.open(info) as member:
                        found.append(parser.parse(member.read, info.filename, info.file_size))
            return found
    with source.open("rb") as stream:
        if stream.read(2) == b"\x1f\x8b":
            with gzip.open(source) as inflated:
                return [parser.parse(inflated.read, source.name)]
        stream.seek(0)
        return [parser.parse(stream.read, source.name, source.stat().st_size)]
