"""The inverse of a sheet: what its corrections take the place of, as a sheet of its own."""

from __future__ import annotations

from collections.abc import Iterator

from export_session.session.headers import ABSENT
from export_session.sheet.labels import is_relabelling
from export_session.sheet.model import UNSAID, Correction, Place, Selector
from export_session.sheet.plan import Plan

_LEVELS = ("subject", "session", "acquisition")


def inverse(plan: Plan) -> Iterator[Correction]:
    """Give the corrections that restore what a plan changes.

    Each names its file or container by id and by its labels as they are afterwards, and has the new value as its
    condition: what somebody has changed since is not restored.
    """
    labels = {deed.labels: str(deed.new) for deed in plan.open if is_relabelling(deed)}
    for number, deed in enumerate(plan.open, 2):
        paths = (deed.labels[: depth + 1] for depth, _ in enumerate(deed.labels))
        afterwards = (labels.get(path, path[-1]) for path in paths)
        names = dict(zip(_LEVELS, afterwards, strict=False))
        yield Correction(
            Selector(**names, file=deed.file, id=deed.file_id or deed.container_id),
            deed.aim.path,
            UNSAID if deed.old is ABSENT else deed.old,
            Place(number, 1),
            None if deed.new is ABSENT else deed.new,
            f"undo of {deed.correction.place}",
            exact=True,
        )
