"""What the changes of a file break of the rules for its kind of object, as notes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from export_session.dicom.binary.dataset import main_data_set
from export_session.dicom.binary.instance import Instance
from export_session.dicom.conformance import SOP_CLASS, added_findings
from export_session.dicom.edits.typed import without_undefined
from export_session.dicom.vocabulary import Change, Result

_CHECKED = 20  # instances of a file; more differ in their edits only where each slice has values of its own
_NAMED = 20  # findings


def one_of_each(instances: Sequence[Instance], elements: Mapping[int, Mapping[int, bytes]]) -> list[int]:
    """Return instances by their number, one for all of a kind that change alike.

    Parameters
    ----------
    instances
        The members of the file.
    elements
        New elements of those that change.
    """
    alike: dict[Hashable, int] = {}
    for index, new in sorted(elements.items()):
        old = instances[index].elements
        changes = tuple((old.get(tag), element) for tag, element in new.items())
        alike.setdefault((old.get(SOP_CLASS), changes), index)
    return list(alike.values())[:_CHECKED]


def with_findings(result: Result, pairs: Iterable[tuple[Instance, Instance]]) -> Result:
    """Return the result with notes on what the changes break.

    Parameters
    ----------
    result
        What was done.
    pairs
        Instances as they were and as they are written.
    """
    found = chain.from_iterable(added_findings(main_data_set(before), main_data_set(after)) for before, after in pairs)
    findings = list(dict.fromkeys(found))
    paths = {finding.path for finding in findings}
    changes = tuple(_told_once(change) if change.path in paths else change for change in result.changes)
    named = [str(finding) for finding in findings[:_NAMED]]
    more = [f"the changes broke {len(findings) - _NAMED:,} rules more of PS3.3"] if len(findings) > _NAMED else []
    return replace(result, changes=changes, notes=(*result.notes, *named, *more))


def _told_once(change: Change) -> Change:
    """Take back what was said of a value without knowing its object: the finding says it for this kind of it."""
    return replace(change, reason=without_undefined(change.reason, change.keyword))
