"""Rewritten files for other programs to look at: edits of every kind over the corpus, each applied."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export_session.dicom import Result, rewrite
from export_session.errors import HeaderError
from tests.corpus import catalogue
from tests.corpus.catalogue import Edit
from tests.corpus.samples import FMI, Sample, samples

KINDS: tuple[Callable[[Sample, dict[str, Any]], Iterator[Edit]], ...] = (
    catalogue.of_every_vr,
    catalogue.nested,
    catalogue.added,
    catalogue.blanked,
    catalogue.text,
    catalogue.per_slice,
)


@dataclass(frozen=True)
class Rewritten:
    """One file after one edit."""

    sample: Sample
    edit: Edit
    path: Path
    result: Result


def rewritten(folder: Path, per_kind: int = 1) -> Iterator[Rewritten]:
    """For each file and each kind of edit `per_kind` rewritten files, picked by name so that all kinds come up."""
    for sample in samples():
        if FMI not in sample.importers:
            continue
        for kind in KINDS:
            edits = sorted(kind(sample, sample.header()), key=lambda edit: zlib.crc32(f"{sample.name}{edit}".encode()))
            for number, edit in enumerate(edits[:per_kind]):
                suffix = ".dicom.zip" if sample.is_zip else ".dcm"
                target = folder / f"{zlib.crc32(sample.name.encode()):08x}-{kind.__name__}-{number}{suffix}"
                try:
                    result = rewrite(sample.path, target, edit.header, on_refused_edit="export", **edit.options)
                except HeaderError:
                    continue  # judged elsewhere
                if result.modified:
                    yield Rewritten(sample, edit, target, result)


def thorough() -> bool:
    """Whether to take everything rather than a sample."""
    return os.environ.get("SESSION_EXPORT_ACCEPT") == "all"
