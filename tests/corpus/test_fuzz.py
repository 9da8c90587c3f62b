"""Damaged files are refused, or rewritten exactly; nothing else ever happens."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.dicom import rewrite
from export_session.errors import HeaderError
from tests.corpus.samples import samples
from tests.support import build, zip_bytes
from tests.support.dicom_bytes import UnparsableError, piece_differences, pieces

Mutation = Callable[[bytes], bytes]
NAME = b"Fuzzed^Name"
HEADER = {"dicom": {"PatientName": NAME.decode()}}
PATH = (0x00100010,)
BASES = [
    data
    for sample in samples()
    if not sample.is_zip
    and sample.path.stat().st_size < 6000
    # Damage within a deflated stream is different data, not a damaged data set.
    and b"1.2.840.10008.1.2.1.99" not in (data := sample.path.read_bytes())
]
LENGTHS = (
    0,
    1,
    2,
    3,
    7,
    8,
    0x7F,
    0xFF,
    0xFFFE,
    0xFFFF,
    0x7FFFFFFE,
    0x80000000,
    0xFFFFFFF0,
    0xFFFFFFFE,
    0xFFFFFFFF,
)
WORDS = (
    0xFFFEE000,
    0xFFFEE00D,
    0xFFFEE0DD,
    0x00020010,
    0x00080005,
    0x00100010,
    0x7FE00010,
    0x00091001,
    0xFFFCFFFC,
)


def _put(at: int, new: bytes) -> Mutation:
    return lambda data: data[: at % (len(data) or 1)] + new + data[at % (len(data) or 1) + len(new) :]


def _insert(at: int, new: bytes) -> Mutation:
    return lambda data: data[: at % (len(data) or 1)] + new + data[at % (len(data) or 1) :]


def _cut(at: int) -> Mutation:
    return lambda data: data[: at % (len(data) or 1)]


def _repeat(at: int, size: int, times: int) -> Mutation:
    return lambda data: data[:at] + data[at : at + size] * times + data[at + size :]


def _nest(at: int, depth: int, *, undefined: bool) -> Mutation:
    """Sequences within sequences, deeper than any reader's stack."""
    length = 0xFFFFFFFF if undefined else 0x7FFF
    step = struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, length) + struct.pack("<HHI", 0xFFFE, 0xE000, length)
    return _insert(at, step * depth)


PLACE = st.integers(0, 1500)
MUTATIONS = st.one_of(
    st.builds(_put, PLACE, st.binary(min_size=1, max_size=2)),
    st.builds(_put, PLACE, st.sampled_from(LENGTHS).map(lambda length: struct.pack("<I", length))),
    st.builds(_put, PLACE, st.sampled_from(LENGTHS).map(lambda length: struct.pack("<H", length & 0xFFFF))),
    st.builds(_put, PLACE, st.sampled_from(WORDS).map(lambda tag: struct.pack("<HH", tag >> 16, tag & 0xFFFF))),
    st.builds(_put, PLACE, st.sampled_from([b"SQ", b"UN", b"OB", b"PN", b"UI", b"??", b"\0\0"])),
    st.builds(_insert, PLACE, st.binary(min_size=1, max_size=12)),
    st.builds(_cut, st.integers(0, 5000)),
    st.builds(_repeat, PLACE, st.integers(1, 60), st.integers(0, 40)),
    st.builds(_nest, PLACE, st.sampled_from([3, 2000]), undefined=st.booleans()),
)


def damage(data: bytes, mutations: list[Mutation]) -> bytes:
    for mutation in mutations:
        data = mutation(data)
    return data


def exact(source: Path, target: Path) -> list[str]:
    """What is wrong with the outcome for this source."""
    target.unlink(missing_ok=True)
    began = time.monotonic()
    try:
        result = rewrite(source, target, HEADER, on_invalid_edit="skip")
    except HeaderError as error:
        return ["a target is left behind"] if target.exists() or not str(error) else []
    if time.monotonic() - began > 5:
        return ["takes too long"]
    if not result.modified:
        return ["a target although nothing changed"] if target.exists() else []
    return _inexact(source.read_bytes(), target.read_bytes())


def _inexact(before: bytes, after: bytes) -> list[str]:
    try:
        old, new = pieces(before), pieces(after)
    except UnparsableError:
        return _wider_than_one_element(before, after)
    if not any(piece.path == PATH and piece.body.rstrip() == NAME for piece in new):
        return ["the new value is not in the file"]
    return piece_differences(old, new, frozenset({PATH}))


def _wider_than_one_element(before: bytes, after: bytes) -> list[str]:
    """As :func:`_inexact`, where the judge is stricter than readers are: one short run of bytes may differ."""
    start = next((at for at, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), 0)
    left, right = before[start:][::-1], after[start:][::-1]
    same = next(
        (at for at, (old, new) in enumerate(zip(left, right, strict=False)) if old != new), min(len(left), len(right))
    )
    if len(left) - same > 80 or NAME not in after[start - 20 : len(after) - same + 20]:
        return [f"{len(left) - same} bytes from {start} on became {len(right) - same}"]
    return []


def _check(base: bytes, mutations: list[Mutation], folder: Path) -> None:
    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(damage(base, mutations))
    assert exact(source, target) == []
    assert [path.name for path in folder.iterdir() if path.name not in {"source.dcm", "target.dcm"}] == []


QUICK = settings(max_examples=250)
LONG = settings(QUICK, max_examples=10_000, derandomize=False)


@given(st.sampled_from(BASES), st.lists(MUTATIONS, min_size=1, max_size=3))
@QUICK
def test_a_damaged_file_is_refused_or_rewritten_exactly(tmp_path: Path, base: bytes, mutations: list[Mutation]) -> None:
    _check(base, mutations, tmp_path)


@pytest.mark.slow
@given(st.sampled_from(BASES), st.lists(MUTATIONS, min_size=1, max_size=4))
@LONG
def test_ten_thousand_damaged_files_are_refused_or_rewritten_exactly(
    tmp_path: Path, base: bytes, mutations: list[Mutation]
) -> None:
    _check(base, mutations, tmp_path)


def _check_archive(mutations: list[Mutation], folder: Path, method: int) -> None:
    source, target = folder / "source.zip", folder / "target.zip"
    members = {f"{number}.dcm": build.plain(number=number) for number in (1, 2, 3)} | {"notes.txt": b"plain text"}
    build.archive(source, members, method)
    source.write_bytes(damage(source.read_bytes(), mutations))
    target.unlink(missing_ok=True)
    try:
        result = rewrite(source, target, HEADER, on_invalid_edit="skip")
    except HeaderError:
        assert not target.exists()
        return
    assert result.modified == target.exists()
    if result.modified and source.read_bytes()[:2] != b"PK":  # cut so that it starts as an instance does
        assert _inexact(source.read_bytes(), target.read_bytes()) == []
    elif result.modified:
        assert zip_bytes.differences(source, target, set(members) - {"notes.txt"}) == []


FAR = st.integers(0, 3000)
ZIP_MUTATIONS = st.one_of(
    st.builds(_put, FAR, st.binary(min_size=1, max_size=4)),
    st.builds(_put, FAR, st.sampled_from(LENGTHS).map(lambda length: struct.pack("<I", length))),
    st.builds(_insert, FAR, st.binary(min_size=1, max_size=12)),
    st.builds(_cut, FAR),
    st.builds(_repeat, FAR, st.integers(1, 200), st.integers(0, 3)),
)


@given(st.lists(ZIP_MUTATIONS, min_size=1, max_size=3), st.sampled_from([0, 8]))
@QUICK
def test_a_damaged_archive_is_refused_or_rewritten_exactly(
    tmp_path: Path, mutations: list[Mutation], method: int
) -> None:
    _check_archive(mutations, tmp_path, method)


@pytest.mark.slow
@given(st.lists(ZIP_MUTATIONS, min_size=1, max_size=3), st.sampled_from([0, 8]))
@LONG
def test_ten_thousand_damaged_archives_are_refused_or_rewritten_exactly(
    tmp_path: Path, mutations: list[Mutation], method: int
) -> None:
    _check_archive(mutations, tmp_path, method)
