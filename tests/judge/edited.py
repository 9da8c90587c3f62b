"""The counter-judge: somebody edited each of these headers, and no edit may be lost: ``python -m tests.judge.edited``.

A judge that only counts phantoms would praise an engine that finds nothing at all. Here values that an importer shows
are changed to others, and each has to be applied, refused aloud, or be named by a note. Notes are doubts, and rare.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

from export_session.dicom import rewrite
from export_session.errors import HeaderError
from tests.judge.campaign import NOBODY, headers_of, written
from tests.judge.importers import Running, older, real
from tests.judge.verdict import short

APPLIED, REFUSED, STOPPED, NOTED, LOST = "applied", "refused", "stopped", "noted", "lost"
_EDITS = 3  # in one header
_FRESH: dict[str, Any] = {
    "AS": "077Y", "DA": "20310203", "DT": "20310203040506", "TM": "101112", "PN": "Edited^Name", "UI": "1.2.3.4.5.6.7",
    "DS": 7.25, "FD": 7.25, "FL": 7.25, "IS": 4711, "AT": 0x00100030, "UR": "https://edited.example",
}  # fmt: skip
_IDENTITY = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "MediaStorageSOPInstanceUID")
_PICTURES = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")  # of which no more than the start is looked at
_WHOLE_NUMBERS = ("SL", "SS", "SV", "UL", "US", "UV")

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one edit."""

    kind: str
    seed: int
    importer: str
    place: Place
    old: Any
    new: Any
    outcome: str
    reason: str = ""


def outcomes(kind: str, seed: int, path: Path, running: Sequence[Running]) -> Iterator[Outcome]:
    """What becomes of a few edits in the header of each importer."""
    for importer, header in headers_of(seed, path, running):
        if importer == NOBODY:
            continue
        rng = random.Random(f"edits {kind} {seed} {importer}")
        edited, edits = deepcopy(header), dict[Place, tuple[Any, Any]]()
        for place in _chosen(header, rng):
            node: Any = edited
            for step in place[:-1]:
                node = node[step]
            old = node[place[-1]]
            new = _changed(old, _vr(place), rng)
            if _visible(new) != _visible(old):
                node[place[-1]] = new
                edits[place] = old, new
        options = {"edit_varying": rng.choice(["auto", "refuse", "all"]), "edit_uids": rng.random() < 0.5}
        for place, (old, new), (outcome, reason) in _judged(path, edited, edits, options):
            yield Outcome(kind, seed, importer, place, old, new, outcome, reason)


def _judged(
    path: Path, header: dict[str, Any], edits: dict[Place, tuple[Any, Any]], options: dict[str, Any]
) -> Iterator[tuple[Place, tuple[Any, Any], tuple[str, str]]]:
    target = path.with_name("rewritten-" + path.name)
    try:
        result = rewrite(path, target, header, on_refused_edit="export", **options)
    except HeaderError as error:
        yield from ((place, values, (STOPPED, str(error))) for place, values in edits.items())
        return
    finally:
        target.unlink(missing_ok=True)
    for place, values in edits.items():
        keyword = str(place[1])
        by_reason = {change.reason: change for change in result.refused if _is_of(change.path, keyword)}
        if any(_is_of(change.path, keyword) for change in result.changes):
            yield place, values, (APPLIED, "")
        elif by_reason:
            yield place, values, (REFUSED, next(iter(by_reason)))
        else:
            note = next((note for note in result.notes if any(str(step) in note for step in place[1:])), "")
            yield place, values, (NOTED if note else LOST, note)


def _is_of(path: str, keyword: str) -> bool:
    return path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0] == keyword


def _visible(value: Any) -> Any:
    """A value without what some importers drop, and nobody sees: blanks at the ends and control characters."""
    if isinstance(value, list):
        return [_visible(part) for part in value]
    return "".join(filter(str.isprintable, value)).strip() if isinstance(value, str) else value


def _chosen(header: dict[str, Any], rng: random.Random) -> list[Place]:
    """A few values of the header, each of another top-level element, nested ones among them."""
    by_key: dict[str, list[Place]] = {}
    for place in (*_leaves(header.get("dicom", {}), ("dicom",)), *_entries(header.get("dicom_array", {}))):
        by_key.setdefault(str(place[1]), []).append(place)
    if rng.random() < 0.95:  # another UID makes it the header of another file, which stops the file at once
        by_key = {key: places for key, places in by_key.items() if key not in _IDENTITY}
    keys = rng.sample(sorted(by_key), min(_EDITS, len(by_key)))
    return [rng.choice(by_key[key]) for key in keys]


def _leaves(node: dict[str, Any], above: Place) -> Iterator[Place]:
    for keyword, value in node.items():
        place = (*above, keyword)
        if tag_for_keyword(keyword) is None:
            continue
        if isinstance(value, dict):
            yield from _leaves(value, place)
        elif isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
            for number, part in enumerate(value):
                yield from _leaves(part, (*place, number))
        elif value not in (None, "", []) and _vr(place)[:2] not in _PICTURES:
            yield place


def _entries(arrays: dict[str, Any]) -> Iterator[Place]:
    for keyword, entries in arrays.items():
        for number, entry in enumerate(entries):
            if entry not in (None, "", []) and tag_for_keyword(keyword) is not None:
                yield ("dicom_array", keyword, number)


def _vr(place: Place) -> str:
    keyword = [step for step in place if isinstance(step, str)][-1]
    return dictionary_VR(tag_for_keyword(keyword) or 0)


def _changed(old: Any, vr: str, rng: random.Random) -> Any:
    """Another value: one that has nothing to do with the old one, or one that a slip of the pen would make."""
    if isinstance(old, list):
        at = rng.randrange(len(old))
        return [*old[:at], _changed(old[at], vr, rng), *old[at + 1 :]]
    if isinstance(old, (int, float)) and not isinstance(old, bool):
        return rng.choice([41, old + 1, old * 2 + 3])
    fresh = _FRESH.get(vr.split(" or ", maxsplit=1)[0], 41 if vr[:2] in _WHOLE_NUMBERS else "EDITED 7")
    if vr in _FRESH or vr[:2] in _WHOLE_NUMBERS or not isinstance(old, str) or not old.strip():
        return fresh
    return rng.choice([fresh, old + "X", "X" + old, old.swapcase(), old[:-1], old + " " + old])


def main() -> int:
    """Judge as the command line asks; 1 if any edit is lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.judge.edited", description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--archives", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    found = list(judged(chosen.seed, chosen.files, chosen.archives))
    for one in found:
        if one.outcome == LOST:
            place = ".".join(map(str, one.place))
            print(f"{one.kind} {one.seed}, {one.importer}: {place}: {short(one.old)} -> {short(one.new)} is lost")
    for line in summary(found):
        print(line)
    return 1 if any(one.outcome == LOST for one in found) else 0


def judged(seed: int, files: int, archives: int) -> Iterator[Outcome]:
    """All outcomes of so many inputs."""
    running = [Running(one) for one in (real(), *older())]
    try:
        with tempfile.TemporaryDirectory(prefix="edited-") as folder:
            for kind, count in (("file", files), ("archive", archives)):
                for number in range(seed, seed + count):
                    path = written(kind, number, Path(folder))
                    yield from outcomes(kind, number, path, running)
                    path.unlink()
    finally:
        for one in running:
            one.stop()


def summary(found: Sequence[Outcome]) -> Iterator[str]:
    """How many edits came to what, and why some were only noted."""
    counts = Counter(one.outcome for one in found)
    shares = ", ".join(f"{name} {counts[name]} ({counts[name] / max(1, len(found)):.1%})" for name in _ALL)
    yield f"{len(found)} edits: {shares}"
    for outcome in (NOTED, STOPPED):
        reasons = Counter(_plain(one.reason) for one in found if one.outcome == outcome)
        yield from (f"  {outcome}: {count} × {reason[:150]}" for reason, count in reasons.most_common(8))


def _plain(reason: str) -> str:
    """A reason without the names of files and elements."""
    return re.sub(r"^\S+ ?\S*: |\b[0-9]+\b|\([0-9A-F,]{9}\)|\S+\.dcm|\b(?:[A-Z][a-z0-9]+){2,}\b", "…", reason)


_ALL = (APPLIED, REFUSED, STOPPED, NOTED, LOST)

if __name__ == "__main__":
    sys.exit(main())
