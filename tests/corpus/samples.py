"""The corpus: DICOM files as real sites have them, and what real importers made of them.

``../shared/corpus`` beside the repository, or where ``SESSION_EXPORT_CORPUS`` points. Without it, the files that the
pydicom wheel ships and their metadata in ``tests/data`` stand in, so that no clone is left without real input.
"""

from __future__ import annotations

import copy
import csv
import gzip
import hashlib
import json
import os
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pydicom

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("SESSION_EXPORT_CORPUS") or ROOT.parent / "shared" / "corpus")
STAND_IN = ROOT / "tests" / "data" / "pydicom_metadata.json.gz"
WHEEL = Path(pydicom.__file__).parent
FMI, P15E, GRP3, MRC = "fmi-1.7.9", "fmi-1.7.9-p15e", "grp3-2.8.4", "mrclassifier-1.4.10"


@dataclass(frozen=True)
class Sample:
    """One file of the corpus."""

    name: str
    path: Path
    importers: tuple[str, ...]  # those that could read it

    @property
    def is_zip(self) -> bool:
        return self.path.suffix == ".zip"

    def header(self, importer: str = FMI) -> dict[str, Any]:
        """What `importer` stored as ``file.info["header"]``; a copy to do with as one likes."""
        return copy.deepcopy(_headers(self.name, importer))

    def instances(self) -> dict[str, bytes]:
        """The bytes of every zip member, in zip order, or of the one file."""
        if not self.is_zip:
            return {self.path.name: self.path.read_bytes()}
        with zipfile.ZipFile(self.path) as archive:
            return {entry.filename: archive.read(entry) for entry in archive.infolist()}


@cache
def samples() -> tuple[Sample, ...]:
    """Every file, in the order of the index; shipped files are proven to be the ones that were indexed."""
    rows = _indexed() if CORPUS.is_dir() else _stand_in_rows()
    found = []
    for name, place, digest, importers in rows:
        shipped = place.startswith("pydicom:")
        path = WHEEL / place.removeprefix("pydicom:") if shipped else CORPUS / place
        if shipped:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, f"{place} is not the indexed file"
        found.append(Sample(name, path, importers))
    return tuple(found)


def sample(name: str) -> Sample:
    """The file of that name."""
    return next(one for one in samples() if one.name == name)


def _indexed() -> list[tuple[str, str, str, tuple[str, ...]]]:
    with (CORPUS / "index.csv").open(newline="") as index:
        return [
            (
                row["file"],
                row["path"],
                row["sha256"],
                tuple(i for i in (FMI, P15E, GRP3, MRC) if row[i] == "ok"),
            )
            for row in csv.DictReader(index)
        ]


@cache
def _stand_in() -> dict[str, Any]:
    return dict(json.loads(gzip.decompress(STAND_IN.read_bytes())))


def _stand_in_rows() -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(name, row["path"], row["sha256"], tuple(row["headers"])) for name, row in _stand_in().items()]


@cache
def _headers(name: str, importer: str) -> dict[str, Any]:
    if not CORPUS.is_dir():
        return dict(_stand_in()[name]["headers"][importer])
    stored = CORPUS / "info" / importer / (name.replace("/", "__") + ".json")
    return dict(json.loads(stored.read_text())["header"])
