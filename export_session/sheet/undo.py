"""The inverse of a sheet: what its corrections take the place of, as a sheet of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from export_session.session.headers import ABSENT
from export_session.sheet.model import UNSAID, Correction, Place, Selector
from export_session.sheet.plan import Deed, Plan

_LEVELS = ("subject", "session", "acquisition")


def inverse(plan: Plan, renamed: Mapping[str, str]) -> Iterator[Correction]:
    """Give the corrections that restore what a plan changes.

    Each names its file or container by id, since labels may be among what was changed, and has the new value as its
    condition: what somebody has changed since is not restored.

    Parameters
    ----------
    renamed
        Labels of subjects, sessions and acquisitions as they are afterwards, by their path as it was before.
    """
    for number, deed in enumerate(plan.open, 2):
        yield Correction(
            _selector(deed, renamed),
            deed.aim.path,
            UNSAID if deed.old is ABSENT else deed.old,
            Place(number, 1),
            None if deed.new is ABSENT else deed.new,
            f"undo of {deed.correction.place}",
            exact=True,
        )


def _selector(deed: Deed, renamed: Mapping[str, str]) -> Selector:
    paths = ("/".join(deed.labels[: depth + 1]) for depth, _ in enumerate(deed.labels))
    labels = (renamed.get(path, label) for path, label in zip(paths, deed.labels, strict=True))
    return Selector(**dict(zip(_LEVELS, labels, strict=False)), file=deed.file, id=deed.file_id or deed.container_id)


def labels_afterwards(plan: Plan) -> dict[str, str]:
    """Return the new labels of a plan by the path of the container as it was."""
    return {"/".join(deed.labels): plan.new_labels[deed.container_id] for deed in plan.open if deed.container_id in plan.new_labels}
