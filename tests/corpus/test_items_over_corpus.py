"""In every file of the corpus items and sequences can be added and removed, or it is said why not."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword

from export_session.dicom import rewrite
from export_session.errors import HeaderError
from tests.corpus.catalogue import DESCRIBES_BYTES, NEW
from tests.corpus.samples import CORPUS, FMI, GRP3, Sample, samples
from tests.corpus.test_edits_over_corpus import UNREADABLE
from tests.corpus.third_parties import dump
from tests.support import dicom_bytes
from tests.support.dicom_bytes import Path as Place
from tests.support.dicom_bytes import Piece

FRAMES = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")  # as a whole they are protected
NEW_ITEM = {"CodeValue": "4711", "CodingSchemeDesignator": "99NEW", "CodeMeaning": "added by hand"}
ADDED = "AdmittingDiagnosesCodeSequence"  # (0008,1084), which no file of the corpus has


@dataclass(frozen=True)
class Change:
    """What a person did to the items of one sequence."""

    kind: str
    header: dict[str, Any]
    sequence: Place  # with its tag last
    removed: int | None = None  # the item as the file counts
    added: int | None = None  # the item as it counts afterwards

    def __str__(self) -> str:
        return f"{self.kind} {self.sequence}"


def changes(sample: Sample, importer: str) -> Iterator[Change]:
    header = sample.header(importer)
    for steps, place, items in _sequences(header.get("dicom", {}), (), ()):
        if steps[-1] in FRAMES:
            continue
        number = zlib.crc32(f"{sample.name} {place}".encode()) % len(items)
        if len(items) > 1:
            yield Change("remove", _with(header, steps, [*items[:number], *items[number + 1 :]]), place, removed=number)
        if (copied := _altered(items[number])) is not None:
            yield Change("copy", _with(header, steps, [*items, copied]), place, added=len(items))
        yield Change("add", _with(header, steps, [*items[:number], NEW_ITEM, *items[number:]]), place, added=number)
        if ADDED not in items[number]:
            inside, below = (*steps, number, ADDED), (*place, number, 0x00081084)
            yield Change("new within", _with(header, inside, [NEW_ITEM]), below)
    yield Change("new", _with(header, (ADDED,), [NEW_ITEM, {**NEW_ITEM, "CodeValue": "4712"}]), (0x00081084,))


def _sequences(
    node: dict[str, Any], steps: tuple[Any, ...], place: Place
) -> Iterator[tuple[tuple[Any, ...], Place, list[dict[str, Any]]]]:
    for keyword, items in node.items():
        tag = tag_for_keyword(keyword)
        if tag is None or dictionary_VR(tag) != "SQ" or not isinstance(items, list) or not items:
            continue
        yield (*steps, keyword), (*place, tag), items
        for number, item in enumerate(items[:2]):
            yield from _sequences(item, (*steps, keyword, number), (*place, tag, number))


def _altered(item: dict[str, Any]) -> dict[str, Any] | None:
    """A copy with another value."""
    for keyword, value in item.items():
        tag = tag_for_keyword(keyword)
        vr = dictionary_VR(tag) if tag else ""
        if vr in NEW and keyword not in DESCRIBES_BYTES and not isinstance(value, list) and value != NEW[vr]:
            return {**deepcopy(item), keyword: NEW[vr]}
    return None


def _with(header: dict[str, Any], steps: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = deepcopy(header)
    node: Any = changed["dicom"]
    for step in steps[:-1]:
        node = node[step]
    node[steps[-1]] = value
    return changed


def wrong(sample: Sample, change: Change, target: Path) -> tuple[str, list[str]]:
    """What became of a change, and what is wrong with it."""
    target.unlink(missing_ok=True)
    try:
        result = rewrite(sample.path, target, change.header, on_invalid_edit="skip", edit_uids=True)
    except HeaderError as error:
        return "failed", [f"not exported: {type(error).__name__}: {error}"]
    if not result.changes:
        if target.exists() or not all(one.reason for one in result.refused) or not (result.refused or result.notes):
            return "lost", ["neither written nor refused"]
        return "refused", []
    problems = [f"also refused: {one.path}: {one.reason}" for one in result.refused]
    before, after = sample.instances(), replace(sample, path=target).instances(zipped=sample.is_zip)
    for (name, old), new in zip(before.items(), after.values(), strict=True):
        if old != new:
            problems += [f"{name}: {problem}" for problem in wrong_bytes(old, new, change)]
    again = rewrite(target, target.with_name("again"), dict(result.header), on_invalid_edit="skip")
    problems += [f"found again: {one.path}: {one.reason}" for one in (*again.changes, *again.refused)]
    return "applied", problems


def wrong_bytes(old: bytes, new: bytes, change: Change) -> Iterator[str]:
    before, after = dicom_bytes.pieces(old), dicom_bytes.pieces(new)
    concerned = frozenset({(*change.sequence, 1 << 20, 0)})
    yield from dicom_bytes._wrong_lengths(before, after, frozenset())
    if change.removed is None and change.added is None:
        concerned = frozenset({change.sequence})
    left = list(_without(before, change.sequence, change.removed))
    right = list(_without(after, change.sequence, change.added))
    yield from dicom_bytes.piece_differences(left, right, concerned)
    read = pydicom.dcmread(io.BytesIO(new), force=True)
    node: Any = read
    for tag, item in zip(change.sequence[:-1:2], change.sequence[1::2], strict=True):
        node = node[tag].value[item]
    if change.kind != "remove":
        item = node[change.sequence[-1]].value[change.added or 0]
        if change.kind != "copy" and any(item[keyword].value != value for keyword, value in NEW_ITEM.items()):
            yield "the new item does not hold what it should"


def _without(cut: list[Piece], sequence: Place, number: int | None) -> Iterator[Piece]:
    """The pieces without those of an item, the items behind it counted anew."""
    depth = len(sequence)
    for piece in cut:
        item = piece.path[depth] if len(piece.path) > depth and piece.path[:depth] == sequence else None
        if number is None or item is None or item < number:
            yield piece
        elif item > number:
            yield replace(piece, path=(*sequence, item - 1, *piece.path[depth + 1 :]))


def _cases(importer: str, every: int) -> Iterator[tuple[Sample, Change]]:
    for sample in samples():
        if importer not in sample.importers or sample.name in UNREADABLE or sample.path.name.startswith("DICOMDIR"):
            continue
        for change in changes(sample, importer):
            if zlib.crc32(f"{sample.name} {change}".encode()) % every == 0:
                yield sample, change


@pytest.mark.parametrize("importer", [FMI, GRP3])
@pytest.mark.parametrize("every", [12, pytest.param(1, marks=pytest.mark.slow)])
def test_items_come_and_go_exactly_or_it_is_said_why_not(importer: str, every: int, tmp_path: Path) -> None:
    problems, outcomes = [], dict.fromkeys(("applied", "refused", "failed", "lost"), 0)
    for sample, change in _cases(importer, every):
        outcome, found = wrong(sample, change, tmp_path / "target")
        outcomes[outcome] += 1
        problems += [f"{sample.name}: {change}: {problem}" for problem in found]
    assert outcomes["applied"] > 2 * outcomes["refused"] or not CORPUS.is_dir(), outcomes
    assert not problems, f"{len(problems)} problems, {outcomes}:\n" + "\n".join(problems[:60])


def test_dcmdump_reads_the_new_items(tmp_path: Path) -> None:
    target, shown = tmp_path / "target", 0
    for sample, change in _cases(FMI, 40):
        if change.kind in ("remove", "copy") or sample.is_zip or wrong(sample, change, target)[0] != "applied":
            continue
        found = dump(target, 0x00080104)
        if found is None and dump(sample.path, 0x00080104) is None:
            continue
        shown += 1
        assert found is not None, f"{sample.name}: {change}"
        assert "added by hand" in found, f"{sample.name}: {change}"
    assert shown
