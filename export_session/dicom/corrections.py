"""Holds a file back where a correction would be missing in it, and says what was to become of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from export_session.dicom.edits.edit import Decision
from export_session.dicom.vocabulary import Cause, Change, Outcome, Result
from export_session.errors import HeaderError, InvalidEdit

_NAMED = 5  # elements in the message
_NOT_EXPORTED = "the file is not exported"


def assert_no_correction_missing(decision: Decision, unwritten: Sequence[Change]) -> None:
    """Make sure that no edit is refused; a mapped value that does not fit is a remark, and no correction.

    Parameters
    ----------
    decision
        What was found in the metadata.
    unwritten
        What of it turned out not to be writable.

    Raises
    ------
    InvalidEdit
        Something is refused.
    """
    edits = [change for change in unwritten if change.cause is not Cause.MAPPING]
    reasons = {change.path: change.reason for change in (*decision.missing(unwritten), *edits)}
    if not reasons:
        return
    named = "; ".join(f"{path}: {reason}" for path, reason in list(reasons.items())[:_NAMED])
    more = f"; and {len(reasons) - _NAMED:,} more, see the change log" if len(reasons) > _NAMED else ""
    raise InvalidEdit(
        f"some corrections cannot be written: {named}{more}. "
        "Mend them in info.header, or set on_refused_edit to export, to export the file without them."
    )


@contextmanager
def told_in_errors(result: Result) -> Iterator[None]:
    """Let an error that stops the file tell what was refused, and which changes are not made for it."""
    try:
        yield
    except HeaderError as error:
        error.refused, error.changes = result.refused, tuple(map(_not_made, result.changes))
        raise


def _not_made(change: Change) -> Change:
    reason = "; ".join(filter(None, (_NOT_EXPORTED, change.reason)))
    return replace(change, outcome=Outcome.NOT_MADE, reason=reason)
