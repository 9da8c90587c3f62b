"""Whether an evidence package is as it was written: every byte of it, and where a CSV file was changed, which cell."""

from __future__ import annotations

import json
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from export_session.evidence import bag, cells, document, merkle
from export_session.evidence.coherence import incoherent

NAMED = 50  # cells of one file
DATA = bag.PAYLOAD
# What reading a zip may raise of which any byte may be another one
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(ValueError, LookupError, ArithmeticError, RuntimeError, EOFError, OSError, MemoryError),
)
TAGS = ("bagit.txt", "bag-info.txt", bag.MANIFEST, bag.TAG_MANIFEST)


@dataclass(frozen=True)
class Verdict:
    """What was found, and what the package says of the site where it can be relied on."""

    differences: tuple[str, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict)  # content of evidence.json

    @property
    def root(self) -> str:
        """The Merkle root that the package states."""
        tree = self.evidence.get("merkle")
        return str(tree.get("root") or "") if isinstance(tree, Mapping) else ""


def verify(path: Path) -> Verdict:
    """Look at a package, a zip or a folder, and name all that is not as it was written."""
    try:
        with bag.opened(path) as package:
            differences = list(_of_bag(package))
            evidence, more = _evidence(package)
            differences += [one for one in more if one not in differences]
            if not differences:
                differences += incoherent(package, evidence)
            if not differences and isinstance(package, bag.ZipBag):
                differences += _of_zip(path, package)
    except DAMAGED as error:
        kind = "a bag" if path.is_dir() else "a zip"
        return Verdict((f"{path.name}: damaged, it cannot be read as {kind} ({error})",))
    return Verdict(tuple(differences), evidence)


def _of_bag(package: bag.Bag) -> Iterator[str]:
    """Compare all files of a bag with its manifests."""
    there = package.names()
    for name in {name for name in there if there.count(name) > 1}:
        yield f"{name}: there more than once"
    for name in TAGS:
        if name not in there:
            yield f"{name}: missing"
    if "bagit.txt" in there and package.read("bagit.txt") != bag.DECLARATION:
        yield "bagit.txt: changed"
    for listing, prefix in ((bag.TAG_MANIFEST, ""), (bag.MANIFEST, DATA)):
        if listing in there:
            yield from _of_listing(package, listing, prefix, there)


def _of_listing(package: bag.Bag, listing: str, prefix: str, there: list[str]) -> Iterator[str]:
    lines = package.read(listing)
    stated = bag.hashes_in(lines)
    expected = {name for name in there if name.startswith(prefix)} if prefix else {*TAGS} - {bag.TAG_MANIFEST}
    if not prefix:
        expected |= {name for name in there if not name.startswith(DATA)} - {bag.TAG_MANIFEST}
    for name in sorted(stated.keys() - {*there}):
        yield f"{name}: missing"
    for name in sorted((expected & {*there}) - stated.keys()):
        yield f"{name}: not in {listing}"
    for name in sorted(stated.keys() & {*there}):
        if bag.sha256(content := package.read(name)) != stated[name]:
            yield from _changed(package, name, content, there)
    if bag.manifest(stated) != lines:
        yield f"{listing}: changed"


def _changed(package: bag.Bag, name: str, content: bytes, there: list[str]) -> Iterator[str]:
    """Name the cells in which a CSV file was changed; of any other file, that it was."""
    marks = f"{name}{cells.ENDING}"
    found = list(cells.changed(content, package.read(marks))) if marks in there else []
    for one in found[:NAMED]:
        yield f"{name}: changed in {one}"
    if len(found) > NAMED:
        yield f"{name}: changed in {len(found) - NAMED:,} more places"
    if not found:
        yield f"{name}: changed"


def _evidence(package: bag.Bag) -> tuple[Mapping[str, Any], list[str]]:
    """Read ``evidence.json``, and compare it with its own root and with the outputs of which it tells."""
    name = DATA + document.NAME
    if name not in package.names():
        return {}, [f"{name}: missing"]
    try:
        evidence = json.loads(package.read(name))
        entries = [evidence["run"], *evidence["files"], *evidence["outputs"]]
        outputs = {f"{DATA}{one['name']}": str(one["sha256"]) for one in evidence["outputs"]}
        stated, form = str(evidence["merkle"]["root"]), evidence["format"]
    except (ValueError, KeyError, TypeError):
        return {}, [f"{name}: not of the form that this gear writes"]
    if form != document.FORMAT:
        return {}, [f"{name}: of the form {form!r}, which this version of the gear does not know"]
    found = [] if merkle.root_of(entries) == stated else [f"{name}: its entries do not have the Merkle root it states"]
    for output, digest in outputs.items():
        if output not in package.names():
            found.append(f"{output}: missing")
        elif bag.sha256(content := package.read(output)) != digest:
            found += _changed(package, output, content, package.names())
    told = {name, *outputs}
    found += [f"{one}: {document.NAME} does not tell of it" for one in package.names() if _strange(one, told)]
    return evidence, found


def _strange(name: str, told: set[str]) -> bool:
    return name.startswith(DATA) and name not in told


def _of_zip(path: Path, package: bag.ZipBag) -> Iterator[str]:
    """Compare the zip with the one that this gear writes of these files: no byte of it is left to chance."""
    with tempfile.TemporaryFile() as again:
        bag.pack(again, package.folder, {name: package.read(name) for name in package.names()})
        again.seek(0)
        with path.open("rb") as source:
            place = 0
            while (one := source.read(1 << 20)) == (other := again.read(1 << 20)):
                if not one:
                    return
                place += len(one)
    same = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    place += min(len(one), len(other)) if same is None else same
    yield (
        f"{path.name}: its files are as they were, but byte {place:,} of the zip itself is not. If it was packed anew, "
        "unpack it and verify the folder"
    )
