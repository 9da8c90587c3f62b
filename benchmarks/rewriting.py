"""What it costs to write corrections into files, beside the floor and a straightforward program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pydicom

from benchmarks.figures import Figure, Ratio, best
from benchmarks.inputs import EDITS, Input, enhanced, large_multiframe, packed_series
from export_session.dicom import read_instances, rewrite
from export_session.dicom.binary.deflate import compress, decompress
from export_session.dicom.remains.search import find_remaining

GIGABYTE = 1024**3
LOCAL_HEADER = 30  # bytes before the name (APPNOTE.TXT §4.3.7)


def series(folder: Path) -> Iterator[Figure]:
    """Rewrite 200 slices of 512 x 512, deflated."""
    yield _rewritten("rewrite 200 x 512²", packed_series(folder, 200, 512), folder)


def small_slices(folder: Path) -> Iterator[Figure]:
    """Rewrite 1,000 slices of 256 x 256, deflated."""
    yield _rewritten("rewrite 1,000 x 256²", packed_series(folder, 1000, 256), folder)


def multiframe(folder: Path) -> Iterator[Figure]:
    """Rewrite an enhanced object of 2,000 frames, deflated: 10,000 items."""
    yield _rewritten("rewrite enhanced, 2,000 frames", enhanced(folder, 2000, 128), folder)


def stored(folder: Path) -> Iterator[Figure]:
    """Rewrite 200 slices of 512 x 512 in a zip that does not compress; the floor is a copy."""
    given = packed_series(folder, 200, 512, zipfile.ZIP_STORED)
    yield _rewritten("rewrite 200 x 512², stored", given, folder, limit=6.0)  # the system copies; nobody else reads


def untouched(folder: Path) -> Iterator[Figure]:
    """Find that the first series needs nothing: read the headers, write nothing."""
    series = packed_series(folder, 200, 512)
    before = {key: value for key, value in series.header["dicom"].items() if key not in EDITS}
    target = folder / "untouched"
    seconds, reference = best(
        lambda: rewrite(series.source, target, {"dicom": before}),
        lambda: _floor(series.source, folder / "floor"),
    )
    if target.exists():
        raise SystemExit("a file without corrections was rewritten")
    yield Figure(
        "nothing to change, 200 x 512²", (Ratio(seconds / reference, "x floor", 0.5, 1.0),), seconds, reference
    )


def remains(folder: Path) -> Iterator[Figure]:
    """Look in 200 small slices for old values, which is to cost a tenth of rewriting them at most."""
    given, target = packed_series(folder, 200, 64), folder / "rewritten"
    changes = rewrite(given.source, target, given.header).changes
    instances = read_instances(target)
    whole, search = best(
        lambda: rewrite(given.source, target, given.header), lambda: find_remaining(instances, {}, changes)
    )
    share = 100 * search / whole
    yield Figure("old values, 200 x 64²", (Ratio(share, "% of the rewrite", 10.0, 20.0),), search)


def memory_of_slices(folder: Path) -> Iterator[Figure]:
    """Rewrite a zip of 1 GB of slices."""
    slices = packed_series(folder, 2048, 512, zipfile.ZIP_STORED)
    yield _bounded("memory: zip of 1 GB", slices, folder)


def memory_of_frames(folder: Path) -> Iterator[Figure]:
    """Rewrite a single multi-frame file of 2 GB."""
    yield _bounded("memory: multi-frame of 2 GB", large_multiframe(folder, 2 * GIGABYTE - 2**21), folder)


def _rewritten(name: str, given: Input, folder: Path, limit: float = 3.0) -> Figure:
    target = folder / "rewritten"
    seconds, reference = best(
        lambda: rewrite(given.source, target, given.header),
        lambda: _floor(given.source, folder / "floor"),
    )
    _check(target)
    (yardstick,) = best(lambda: _straightforward(given.source, folder / "yardstick"), rounds=1)
    ratios = [Ratio(seconds / reference, "x floor", 1.5, limit)]
    with zipfile.ZipFile(given.source) as archive:
        if archive.infolist()[0].compress_type == zipfile.ZIP_DEFLATED:
            ratios.append(Ratio(yardstick / seconds, "x faster than yardstick", 8, 4, higher_is_better=True))
    return Figure(name, tuple(ratios), seconds, reference, yardstick, _peak(given, folder))


def _bounded(name: str, given: Input, folder: Path) -> Figure:
    peak = _peak(given, folder)
    return Figure(name, (Ratio(peak, "MB", 150, 300),), peak=peak)


def _check(target: Path) -> None:
    """See that what was timed is the work that was asked for."""
    with zipfile.ZipFile(target) as archive:
        for name in (archive.namelist()[0], archive.namelist()[-1]):
            image = pydicom.dcmread(archive.open(name), stop_before_pixels=True)
            if any(str(image[keyword].value) != value for keyword, value in EDITS.items()):
                raise SystemExit(f"{name} was not corrected")


def _floor(source: Path, target: Path) -> None:
    """Inflate and deflate every member with the gear's codec on all processors; copy what is not deflated."""
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_DEFLATED for member in members):
        shutil.copyfile(source, target)
        return
    processors = os.cpu_count() or 1
    with source.open("rb") as packed, target.open("wb") as output, ThreadPoolExecutor(processors) as pool:

        def raw(member: zipfile.ZipInfo) -> bytes:
            packed.seek(member.header_offset)
            header = packed.read(LOCAL_HEADER)
            packed.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), os.SEEK_CUR)
            return packed.read(member.compress_size)

        def again(member: zipfile.ZipInfo, data: bytes) -> bytes:
            return compress(decompress(data, member.file_size))

        for start in range(0, len(members), 2 * processors):
            batch = members[start : start + 2 * processors]
            for result in pool.map(again, batch, map(raw, batch)):
                output.write(result)


def _straightforward(source: Path, target: Path) -> None:
    """Extract, read, set, save and pack with pydicom and zipfile."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        with zipfile.ZipFile(source) as archive:
            archive.extractall(folder)
            members = archive.infolist()
        with zipfile.ZipFile(target, "w", members[0].compress_type, compresslevel=6) as archive:
            for member in members:
                path = Path(folder) / member.filename
                image = pydicom.dcmread(path)
                for keyword, value in EDITS.items():
                    setattr(image, keyword, value)
                image.save_as(path)
                archive.write(path, member.filename)


def _peak(given: Input, folder: Path) -> float:
    """Return by how many MB a process of its own grows at most when it rewrites the file."""
    header = folder / "header.json"
    header.write_text(json.dumps(given.header))
    command = [sys.executable, "-m", "benchmarks.peak", str(given.source), str(header), str(folder / "peak")]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
