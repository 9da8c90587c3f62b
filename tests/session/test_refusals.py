"""What a copy keeps of a change: its element, its author and why, and no value."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from export_session.dicom.vocabulary import Attribution, Cause, Change, Outcome
from export_session.session.refusals import recalled, remembered

AUTHOR = Attribution("ada@example.org", "2024-01-01T12:00:00+00:00", "misspelt", "audit trail")
CHANGE = Change(
    "(0010,0010)", "PatientName", "PN", "PatientName", "Doe", "Roe", Cause.EDIT, Outcome.APPLIED, attribution=AUTHOR
)


@pytest.mark.parametrize("change", [CHANGE, replace(CHANGE, attribution=None)], ids=["known", "unknown"])
def test_who_made_it_is_known_to_later_runs(change: Change) -> None:
    kept = json.loads(json.dumps(remembered(change)))
    assert recalled(kept, Outcome.EARLIER).attribution == change.attribution


def test_no_value_is_kept_that_the_author_gave_as_reason() -> None:
    told = replace(CHANGE, attribution=replace(AUTHOR, reason="Doe is her maiden name, see Roe"))
    assert "Doe" not in json.dumps(remembered(told))
    assert "Roe" not in json.dumps(remembered(told))
