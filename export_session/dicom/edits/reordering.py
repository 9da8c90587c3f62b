"""Finds items of a sequence that stand in another order in the metadata than in the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from export_session.dicom.binary.dataset import DataSet

Distance = Callable[[Mapping[str, Any], DataSet], int]  # number of values that differ
_COMPARED_MAX = 64  # items; with more that differ only neighbours are compared


def are_reordered(
    shown: Sequence[Mapping[str, Any]], items: Sequence[DataSet], own: Sequence[int], distance: Distance
) -> bool:
    """Tell whether items of the metadata are other items of the file, or are far more like them than like their own.

    Values of an item would be written to another one then, whose hidden contents (contours, pixel data, private
    elements) stay where they are.

    Parameters
    ----------
    shown, items
        As many of one as of the other.
    own
        For each item, how many values differ from its own.
    distance
        Counts what differs between an item of the metadata and any one of the file.
    """
    differing = [number for number, count in enumerate(own) if count]
    pairs = combinations(differing, 2) if len(differing) <= _COMPARED_MAX else pairwise(differing)
    for i, j in pairs:
        crossed = distance(shown[i], items[j]), distance(shown[j], items[i])
        if not all(crossed) or 2 * sum(crossed) < own[i] + own[j]:
            return True
    return False


def size(value: Any) -> int:
    """Count the values in a JSON value: a sequence that differs as a whole counts as all that it holds."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return max(1, sum(map(size, parts)))
