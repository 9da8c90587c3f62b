"""What was forgotten: where the DICOM files of a session, as they are stored, do not agree with one another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from export_session.dicom import Change, Identity
from export_session.dicom.entities import Entity, entity_named
from export_session.dicom.identity import PATIENT, STUDY
from export_session.dicom.remains.words import folded, words
from export_session.support.wording import counted

_NAMED = 5  # files in a remark
_OF_ONE_SERIES = frozenset({"ProtocolName", "SeriesDate", "SeriesDescription", "SeriesNumber", "SeriesTime"})
_OF_ALL_SERIES = frozenset({Entity.PATIENT, Entity.STUDY})


@dataclass(frozen=True)
class DicomFile:
    """A DICOM file of the session."""

    name: str  # acquisition/file
    identity: Identity
    changes: Sequence[Change] = ()


Held = Sequence[tuple[DicomFile, Sequence[str]]]  # the values of one element that each file holds


def forgotten(files: Sequence[DicomFile], subject: str, *, all_known: bool = True) -> Iterator[str]:
    """Yield remarks on a session; values are in quotation marks, so that reports can leave them out.

    Parameters
    ----------
    files
        The DICOM files of which something is known.
    subject
        The label of the subject.
    all_known
        Whether that is all of them.
    """
    for keyword in PATIENT:
        yield from _differences(keyword, [(file, file.identity.values[keyword]) for file in files])
    for uid in dict.fromkeys(uid for file in files for uid in file.identity.studies):
        members = [file for file in files if uid in file.identity.studies]
        for keyword in STUDY:
            held = [(file, file.identity.studies[uid][keyword]) for file in members]
            yield from _differences(keyword, held, " of one study")
    yield from _half_done(files)
    yield from _twice(files)
    if all_known:
        yield from _nowhere(files)
    yield from _subject(files, subject)


def _differences(keyword: str, held: Held, scope: str = "") -> Iterator[str]:
    """Say which files lack the value that the others got, or that most of them have.

    Where nobody wrote the element, one that is empty, or the same but for case, is no difference.
    """
    written = [change for file, _ in held for change in file.changes if change.path == keyword]
    groups = _grouped(held, _exact if written else folded)
    if not written:
        groups.pop("", None)
    if len(groups) < 2:
        return
    right = _right(groups, written)
    replaced = {_exact(text) for change in written for text in _texts(change.old)}
    lacking = (_lacking(names, value, replaced) for value, names in groups.items() if value != right)
    in_some = f"{len(groups[right]):,} of {counted(len(held), 'DICOM file')}{scope}"
    yield f"{keyword} is {_quoted(right)} in {in_some}; {'; '.join(lacking)}"


def _half_done(files: Sequence[DicomFile]) -> Iterator[str]:
    """Say which files still hold what a correction replaced in more of them.

    That is asked of all else that describes a patient, study, series or equipment; what a series has of its own may
    be the same in others by chance.
    """
    edited = dict.fromkeys(change.path for file in files for change in file.changes)
    for keyword in (path for path in edited if path not in {*PATIENT, *STUDY, *_OF_ONE_SERIES}):
        written = [change for file in files for change in file.changes if change.path == keyword]
        new = {_exact(text) for change in written for text in _texts(change.new)}
        replaced = {_exact(text) for change in written for text in _texts(change.old)} - new
        held: dict[str, list[str]] = defaultdict(list)
        for file in files:
            for value in _described(keyword, file, files):
                held[_exact(value)].append(file.name)
        lacking = {value: names for value, names in held.items() if value in replaced}
        right, *others = new
        if not others and 0 < sum(map(len, lacking.values())) < len(held[right]):
            in_some = f"{len(held[right]):,} of {counted(len(files), 'DICOM file')}"
            still = "; ".join(_lacking(names, value, replaced) for value, names in lacking.items())
            yield f"{keyword} is {_quoted(right)} in {in_some}; {still}"


def _described(keyword: str, file: DicomFile, files: Sequence[DicomFile]) -> Sequence[str]:
    """Return what a file holds; none is a value where others of its study have one that describes them all."""
    held = file.identity.described.get(keyword)
    if held is not None or not file.identity.complete or entity_named(keyword) not in _OF_ALL_SERIES:
        return held or ()
    studies = [one.identity.studies.keys() for one in files if keyword in one.identity.described]
    return ("",) if any(study & file.identity.studies.keys() for study in studies) else ()


def _grouped(held: Held, plain: Callable[[str], str]) -> dict[str, list[str]]:
    """Return the names of the files by the value they hold, equal ones under the first spelling of them.

    What an importer shows of a file may have lost all that is not ASCII, and what it does not show may be there.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for file, values in sorted(held, key=lambda one: not one[0].identity.complete):
        for value in values if file.identity.complete else filter(None, values):
            left = (one for one in groups if not file.identity.complete and plain(_ascii(one)) == plain(_ascii(value)))
            same = (one for one in groups if plain(one) == plain(value))
            groups[next(left, next(same, value))].append(file.name)
    return groups


def _right(groups: Mapping[str, Sequence[str]], written: Sequence[Change]) -> str:
    """Return the value that was written, if any was, else the most frequent one."""
    new = {_exact(text) for change in written for text in _texts(change.new)}
    return max(groups, key=lambda value: (_exact(value) in new, len(groups[value])))


def _lacking(names: Sequence[str], value: str, replaced: set[str]) -> str:
    has = "has" if len(names) == 1 else "have"
    still = "still " if _exact(value) in replaced else ""
    return f"{_listed(names)} {still}{has} {_quoted(value) if value else 'no value'}"


def _exact(value: str) -> str:
    return value.rstrip("^ ").strip()


def _ascii(text: str) -> str:
    return "".join(character for character in text if character.isascii() and character.isprintable())


def _texts(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else [value]
    return ["\\".join("" if part is None else str(part) for part in parts)]


def _quoted(value: str) -> str:
    return f'"{value}"' if value else "empty"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _twice(files: Sequence[DicomFile]) -> Iterator[str]:
    """Tell of instances that are there twice: a SOPInstanceUID belongs to one (PS3.5 §9)."""
    owners: dict[int, list[str]] = defaultdict(list)
    for file in files:
        own = Counter(file.identity.instances)
        for uid in own:
            owners[uid].append(file.name)
        if double := sum(own.values()) - len(own):
            yield f"{file.name} holds {counted(double, 'instance')} with the SOPInstanceUID of another one of its own"
    pairs = Counter(pair for names in owners.values() for pair in combinations(names, 2))
    for (one, other), number in pairs.items():
        yield f"{one} and {other} share {counted(number, 'SOPInstanceUID')}"


def _nowhere(files: Sequence[DicomFile]) -> Iterator[str]:
    """Tell of references to instances that are not in the session, though their series is."""
    there = {uid for file in files for uid in file.identity.instances}
    partly = {series for file in files if not file.identity.complete for series in file.identity.series}
    known = {series for file in files for series in file.identity.series} - partly
    for file in files:
        lost = {uid for series, uid in file.identity.references if series in known and uid not in there}
        if lost:
            are = "is" if len(lost) == 1 else "are"
            missing = f"{counted(len(lost), 'instance')} that {are} not in the session"
            yield f"{file.name} refers to {missing}, though the series is"


def _subject(files: Sequence[DicomFile], subject: str) -> Iterator[str]:
    """Compare PatientID with the label of the subject, in which the site may have replaced characters."""
    held: Held = [(file, file.identity.values["PatientID"]) for file in files]
    groups = _grouped(held, folded)
    groups.pop("", None)
    if groups and not any(words(value) == words(subject) for value in groups):
        value = _right(groups, ())
        in_some = f"{len(groups[value]):,} of {counted(len(held), 'DICOM file')}"
        yield f"PatientID is {_quoted(value)} in {in_some}, but the label of the subject is {_quoted(subject)}"
