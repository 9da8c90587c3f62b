"""Finds items of a sequence that stand in another order in the metadata than in the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations, pairwise
from typing import Any

Distance = Callable[[int, int], int]  # number of values that differ, of an item of the metadata and one of the file
_COMPARED_MAX = 64  # items; with more that differ only neighbours are compared


def are_reordered(own: Mapping[int, int], distance: Distance) -> bool:
    """Tell whether items of the metadata are other items of the file, or are far more like them than like their own.

    Values of an item would be written to another one then, whose hidden contents (contours, pixel data, private
    elements) stay where they are.

    Parameters
    ----------
    own
        For each number of an item, how many values differ from the item of the file at that place.
    distance
        Counts what differs between an item of the metadata and any one of the file, by their numbers.
    """
    differing = [number for number, count in own.items() if count]
    pairs = combinations(differing, 2) if len(differing) <= _COMPARED_MAX else pairwise(differing)
    for i, j in pairs:
        crossed = distance(i, j), distance(j, i)
        if not all(crossed) or 2 * sum(crossed) < own[i] + own[j]:
            return True
    return False


def size(value: Any) -> int:
    """Count the values in a JSON value: a sequence that differs as a whole counts as all that it holds."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return max(1, sum(map(size, parts)))
