"""Old values that remain, arranged for the page: for each element where its old value still stands, and in what."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from export_session.report.view import places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from export_session.dicom.vocabulary import Remaining
    from export_session.report.view import Place, SessionView


@dataclass(frozen=True)
class Spot:
    """One place, such as an element, and the files and containers that have the old value there."""

    where: str
    owners: tuple[Place | str, ...]  # files, or the origin paths of containers


@dataclass(frozen=True)
class OldValue:
    """The old value of an element, and all places where it still stands."""

    element: str
    old: str
    spots: tuple[Spot, ...]


def old_values(views: tuple[SessionView, ...]) -> list[OldValue]:
    """Gather what remains over a run, equal values of one element together; the most frequent place comes first."""
    found: dict[tuple[str, str], dict[str, dict[str, Place | str]]] = defaultdict(lambda: defaultdict(dict))
    for owner, one in _remaining(views):
        found[one.element, str(one.old)][one.where][owner if isinstance(owner, str) else owner.anchor] = owner
    return [OldValue(element, old, _spots(where)) for (element, old), where in found.items()]


def _spots(found: dict[str, dict[str, Place | str]]) -> tuple[Spot, ...]:
    spots = (Spot(where, tuple(owners.values())) for where, owners in found.items())
    return tuple(sorted(spots, key=lambda spot: -len(spot.owners)))


def _remaining(views: tuple[SessionView, ...]) -> Iterator[tuple[Place | str, Remaining]]:
    for place in places(views):
        yield from ((place, one) for one in place.file.remains)
    for view in views:
        for branch in view.branches:
            yield from ((branch.container.origin_path, one) for one in branch.container.remains)
