"""Changes as a copy keeps them, made and refused ones: which element and why, without any value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

from export_session.dicom.vocabulary import Attribution, Cause, Change, Outcome
from export_session.support.wording import without_values

TEXTS = ("tag", "keyword", "vr", "path", "cause", "reason")
WHO = tuple(one.name for one in fields(Attribution))
NUMBERS = ("instances", "total")


def remembered(change: Change) -> dict[str, Any]:
    """Return what is kept of a change.

    Values are left out, from the reason, too: who may read the copy need not be who may read the change log.
    """
    values = {leaf for value in (change.old, change.new) for leaf in _leaves(value) if leaf.strip()}
    names = {change.tag, change.keyword, change.vr, change.path}
    kept: dict[str, Any] = {name: str(getattr(change, name)) for name in TEXTS}
    kept |= {name: getattr(change, name) for name in NUMBERS}
    kept["reason"] = without_values(change.reason, values, names)
    if author := change.attribution:
        kept["attribution"] = {**asdict(author), "reason": without_values(author.reason, values, names)}
    return kept


def _leaves(value: Any) -> Iterator[str]:
    """Yield every scalar in a JSON value, items of sequences included, as a sentence may cite it."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        yield from (leaf for part in value for leaf in _leaves(part))
    elif value is not None:
        yield str(value)


def recalled(kept: Mapping[str, Any], outcome: Outcome) -> Change:
    """Return a change of which only its element and reason are known.

    Raises
    ------
    TypeError, ValueError, AttributeError, KeyError
        When it was not written by :func:`remembered`.
    """
    tag, keyword, vr, path, reason = (str(kept.get(name) or "") for name in ("tag", "keyword", "vr", "path", "reason"))
    cause, instances, total = Cause(str(kept.get("cause"))), int(kept["instances"]), int(kept["total"])
    author = kept.get("attribution")
    known = Attribution(**{name: str(author.get(name) or "") for name in WHO}) if author else None
    return Change(tag, keyword, vr, path, None, None, cause, outcome, reason, instances, total, attribution=known)
