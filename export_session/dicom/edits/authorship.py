"""What it settles who wrote a value: what a gear or the site wrote last is no edit, what a person corrected is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from export_session.dicom.edits.difference import Doubt, Finding, Remark
from export_session.dicom.edits.edit import Edit, Shown, place_text
from export_session.dicom.vocabulary import Attribution, HeaderPath, Written

_NOBODYS = "last written by {author}, so it is no person's correction; the file keeps its value"


def attributed(edit: Edit, written: Written) -> Iterator[Edit | Shown]:
    """Yield an edit with its author; in place of one that no person wrote, what the metadata is to show.

    An edit that stands at several places is a person's if any of them is.
    """
    known = [written(place) for place in edit.places]
    people = [one.attribution for one in known if one and one.by_person]
    if people:
        yield replace(edit, attribution=max(people, key=lambda one: one.at))
        return
    others = [one.attribution for one in known if one]
    if not known or len(others) < len(known):
        yield edit  # somebody's, whose name nobody has recorded
        return
    for place, author in zip(edit.places, others, strict=True):
        yield Shown(place, edit.before, _nobodys(author))


def settled(findings: Iterable[Finding], place_of: Callable[[Doubt], HeaderPath], written: Written) -> list[Finding]:
    """Return findings without the doubts of which it is known who wrote the value."""
    return [found for one in findings for found in _settled(one, place_of, written)]


def _settled(finding: Finding, place_of: Callable[[Doubt], HeaderPath], written: Written) -> Iterable[Finding]:
    if not isinstance(finding, Doubt):
        return [finding]
    place = place_of(finding)
    if is_corrected(place, written):
        return finding.if_edited()
    note = nobodys_note(place, written)
    return [Remark(note) if note else finding]


def is_corrected(place: HeaderPath, written: Written) -> bool:
    """Whether a person is known to have changed the value that was at a place before."""
    writing = written(place)
    return writing is not None and writing.by_person and writing.corrects


def nobodys_note(place: HeaderPath, written: Written) -> str:
    """Say why a value is no edit that a gear or the site wrote; "" where that is not known."""
    writing = written(place)
    if writing is None or writing.by_person:
        return ""
    return f"{place_text(place)}: {_nobodys(writing.attribution)}"


def _nobodys(author: Attribution) -> str:
    return _NOBODYS.format(author=author.author)
