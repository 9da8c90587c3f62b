"""The corpus: DICOM files as real sites have them, and what real importers made of them.

``../shared/corpus`` beside the repository, or where ``SESSION_EXPORT_CORPUS`` points. Without it, the files that the
pydicom wheel ships and their metadata in ``tests/data`` stand in, so that no clone is left without real input.
"""

from __future__ import annotations

import copy
import csv
import hashlib
import json
import lzma
import os
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pydicom

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("SESSION_EXPORT_CORPUS") or ROOT.parent / "shared" / "corpus")
STAND_IN = ROOT / "tests" / "data" / "pydicom_headers.json.xz"  # {importer: {path in the wheel: info["header"]}}
WHEEL = Path(pydicom.__file__).parent
FMI, P15E, GRP3, MRC = "fmi-1.7.9", "fmi-1.7.9-p15e", "grp3-2.8.4", "mrclassifier-1.4.10"
IMPORTERS = (FMI, P15E, GRP3, MRC)


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

    def instances(self, *, zipped: bool | None = None) -> dict[str, bytes]:
        """The bytes of every zip member, in zip order, or of the one file."""
        if not (self.is_zip if zipped is None else zipped):
            return {self.path.name: self.path.read_bytes()}
        with zipfile.ZipFile(self.path) as archive:
            return {entry.filename: archive.read(entry) for entry in archive.infolist()}


@cache
def samples() -> tuple[Sample, ...]:
    """Every file, in the order of the index; shipped files are proven to be the ones that were indexed."""
    if not CORPUS.is_dir():
        return _shipped()
    found = []
    with (CORPUS / "index.csv").open(newline="") as index:
        for row in csv.DictReader(index):
            importers = tuple(importer for importer in IMPORTERS if row[importer] == "ok")
            inside = row["path"].removeprefix("pydicom:")
            path = (CORPUS if inside == row["path"] else WHEEL) / inside
            if inside != row["path"]:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                assert digest == row["sha256"], f"{path.name} of this pydicom is not the file that was indexed"
            found.append(Sample(row["file"], path, importers))
    return tuple(found)


def sample(name: str) -> Sample:
    """The file of that name."""
    return next(one for one in samples() if one.name == name)


def _shipped() -> tuple[Sample, ...]:
    headers = _shipped_headers()
    inside = sorted({path for importer in IMPORTERS for path in headers[importer]})
    return tuple(
        Sample(_name(path), WHEEL / path, tuple(importer for importer in IMPORTERS if path in headers[importer]))
        for path in inside
    )


def _name(inside: str) -> str:
    return "pydicom/" + inside.removeprefix("data/").removeprefix("test_files/")


@cache
def _shipped_headers() -> dict[str, dict[str, Any]]:
    return dict(json.loads(lzma.decompress(STAND_IN.read_bytes())))


@cache
def _headers(name: str, importer: str) -> dict[str, Any]:
    if CORPUS.is_dir():
        stored = CORPUS / "info" / importer / (name.replace("/", "__") + ".json")
        return dict(json.loads(stored.read_text())["header"])
    inside = sample(name).path.relative_to(WHEEL).as_posix()
    return dict(_shipped_headers()[importer][inside])
