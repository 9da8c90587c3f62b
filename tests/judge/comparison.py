"""The same inputs through two importers: what one shows and the other does not, or shows otherwise."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

from tests.judge.campaign import Task, written
from tests.judge.importers import Importer, Running
from tests.judge.verdict import short

_EXAMPLES = 3


def main(old: Importer, new: Importer, tasks: Sequence[Task]) -> int:
    """Print the differences by kind; 1 if there are any."""
    for one in (old, new):
        if one.missing:
            raise SystemExit(one.missing)
    found: dict[str, list[str]] = defaultdict(list)
    with Running(old) as first, Running(new) as second, tempfile.TemporaryDirectory(prefix="judge-") as folder:
        for task in tasks:
            for seed in task.seeds:
                path = written(task.kind, seed, Path(folder))
                for kind, place, before, after in differences(first.header(path), second.header(path)):
                    found[kind].append(f"{task.kind} {seed}: {place}: {short(before)} -> {short(after)}")
                path.unlink()
    for kind, places in sorted(found.items(), key=lambda pair: -len(pair[1])):
        print(f"\n{kind}\n   {len(places)} times")
        for place in places[:_EXAMPLES]:
            print(f"   {place}")
    total = sum(len(task.seeds) for task in tasks)
    print(f"{total} inputs: {sum(map(len, found.values()))} differences of {len(found)} kinds")
    return 1 if found else 0


Difference = tuple[str, str, Any, Any]  # kind, place, before, after


def differences(before: Any, after: Any, place: str = "") -> Iterator[Difference]:
    """What differs between two headers, leaf by leaf."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            here = f"{place}.{key}" if place else key
            if key not in before or key not in after:
                kind = "only the second shows" if key not in before else "only the first shows"
                yield f"{kind}: {_vr(here)}", here, before.get(key), after.get(key)
            else:
                yield from differences(before[key], after[key], here)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{place}[{number}]")
    elif before is None and after is not None and not place:
        yield "only the first fails", "the file", before, after
    elif after is None and before is not None and not place:
        yield "only the second fails", "the file", before, after
    elif before != after or type(before) is not type(after):
        yield f"{_vr(place)}: {_type(before)} -> {_type(after)}", place, before, after


def _vr(place: str) -> str:
    keyword = place.rsplit(".", 1)[-1].split("[", maxsplit=1)[0]
    tag = tag_for_keyword(keyword)
    section = place.split(".", 1)[0]
    return f"{section}, {dictionary_VR(tag) if tag else 'no keyword'}"


def _type(value: Any) -> str:
    return "null" if value is None else type(value).__name__
