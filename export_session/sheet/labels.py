"""New labels: those that would collide are refused, and subjects get theirs in an order in which none is taken."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from export_session.sheet.fields import Field
from export_session.sheet.listing import Listing
from export_session.sheet.plan import Deed
from export_session.sheet.problems import Problems
from export_session.sheet.rows import INTERIM


def is_relabelling(deed: Deed) -> bool:
    """Tell whether a deed gives a container another label."""
    return isinstance(deed.aim, Field) and deed.aim.is_label


def refuse_collisions(
    deeds: Iterable[Deed],
    acquisitions: Mapping[str, Mapping[str, str]],
    listing: Listing,
    problems: Problems,
) -> None:
    """Refuse new labels that another container beside it has, or gets.

    Flywheel itself refuses only those of subjects; two sessions of one label cannot be told apart by people.

    Parameters
    ----------
    acquisitions
        Their labels by id, for each session.
    """
    renamed = [deed for deed in deeds if is_relabelling(deed) and not deed.done]
    if not renamed:
        return
    known = {**acquisitions, **listing.labels(sorted({deed.level for deed in renamed}))}
    new = {deed.container_id: deed for deed in renamed}
    for siblings in known.values():
        if not new.keys() & siblings.keys():
            continue
        by_label: dict[str, list[str]] = defaultdict(list)
        for container_id, label in siblings.items():
            by_label[new[container_id].new if container_id in new else label].append(container_id)
        for label, ids in by_label.items():
            for container_id in ids if len(ids) > 1 else ():
                if deed := new.get(container_id):
                    text = f'{deed.aim.path}: another {deed.level} beside it has the label "{label}", or gets it'
                    problems.add(deed.correction, text, "/".join(deed.labels), also=[label])


def in_order(deeds: Iterable[Deed], labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give ids of subjects with the labels to set, one after the other, so that no label is ever there twice.

    Where labels go round in a circle, one subject has an interim label for a moment.

    Parameters
    ----------
    labels
        All those of the project, by id.
    """
    left = {deed.container_id: str(deed.new) for deed in deeds}
    held = dict(labels)
    while left:
        taken = Counter(held.values())
        free = [one for one, label in left.items() if not taken[label]]
        if free:
            for one in free:
                held[one] = left.pop(one)
                yield one, held[one]
            continue
        one = next(iter(left))
        held[one] = left[one] + INTERIM
        yield one, held[one]
