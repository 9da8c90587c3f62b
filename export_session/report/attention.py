"""What a person should look at, gathered by its cause: one concern for each, with what became of the other edits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from export_session.dicom.vocabulary import MAPPING_WINS, Change
from export_session.record import FileRecord, Status, Verification
from export_session.report import view
from export_session.support.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from export_session.record import ContainerRecord

Kind = Literal["failed", "refused", "note"]
LOST = frozenset({Status.FAILED, Status.NOT_REACHED})
Where = view.Place | str  # a file, or the origin path of a container


class Cause(NamedTuple):
    """What concerns have in common that are one."""

    kind: Kind
    subject: str  # the element or the level of the container it is about; empty for a whole file
    text: str


@dataclass(frozen=True)
class Concern:
    """One cause, with every place where it came up."""

    cause: Cause
    remedy: str  # what to do, where the text does not say it
    fate: str  # what became of the element, and of the other edits of the files
    places: tuple[Where, ...]


def concerns(views: Sequence[view.SessionView], *, preview: bool) -> list[Concern]:
    """Gather failures, refusals and notes, equal ones together, the gravest and most frequent first."""
    found: dict[Cause, dict[str, Where]] = defaultdict(dict)
    remedies: dict[Cause, str] = {}
    for container in (branch.container for each in views for branch in each.branches):
        for cause in _of_container(container):
            found[cause][container.origin_path] = container.origin_path
    for place in view.places(views):
        for cause, remedy in _of_file(place.file):
            found[cause][place.anchor] = place
            remedies[cause] = remedies.get(cause) or remedy
    gathered = [
        Concern(cause, remedies.get(cause, ""), _fate(cause, tuple(where.values()), preview), tuple(where.values()))
        for cause, where in found.items()
    ]
    return sorted(gathered, key=lambda each: (get_args(Kind).index(each.cause.kind), -len(each.places)))


def _of_container(container: ContainerRecord) -> Iterator[Cause]:
    if container.error:
        yield Cause("note" if container.status is Status.SKIPPED else "failed", container.level, container.error)
    for note in container.notes:
        yield Cause("note", container.level, note)


def _of_file(file: FileRecord) -> Iterator[tuple[Cause, str]]:
    """Give the causes for concern in a file, each once however often its record says it, and their remedies."""
    listed = [each for each in file.refused if each.reason and f"{each.path}: {each.reason}" in file.error]
    advice = file.error.rpartition(listed[-1].reason)[2].lstrip(".; ") if listed else ""
    if file.error and not listed:
        yield Cause("note" if file.status is Status.SKIPPED else "failed", "", file.error), ""
    for change in file.refused:
        remedy = _remap(change) if _is_overruled(change) else advice if change in listed else ""
        yield Cause("refused", change.path, change.reason), remedy
    for note in file.remarks:
        yield Cause("note", "", note), ""
    overruled = [change.path for change in file.refused if _is_overruled(change)]
    for change in file.changes:
        if change.reason and not any(path.startswith(change.path) for path in overruled):
            yield Cause("note", change.path, change.reason), ""


def _is_overruled(change: Change) -> bool:
    """Whether an edit was refused because a Flywheel field that is mapped to its element says otherwise."""
    return MAPPING_WINS in change.reason


def _remap(change: Change) -> str:
    element = change.path.split("[")[0]
    return f"Correct that Flywheel field, or leave the element out of the mapping: {element}: null in a dicom-map."


def _fate(cause: Cause, places: Sequence[Where], preview: bool) -> str:
    """Say what became of the element, and of the other edits of the files."""
    files = [place.file for place in places if not isinstance(place, str)]
    out = [file for file in files if file.status not in LOST]
    told = (_of_exported(cause, out, preview) if out else "", _of_lost(len(files) - len(out), bool(out), preview))
    return "; ".join(filter(None, told))


def _of_exported(cause: Cause, files: Sequence[FileRecord], preview: bool) -> str:
    others = sum(change.path != cause.subject for file in files for change in file.changes)
    were = "would be" if preview else "was" if others == 1 else "were"
    if cause.kind == "note":
        return f"{counted(others, 'change')} {were} written" if others else ""
    has = (
        "keeps its value"
        if MAPPING_WINS not in cause.text
        else f"{'would have' if preview else 'has'} the mapped value"
    )
    if others:
        rest = f"{counted(others, 'other change')} {were} written"
    elif all(file.verification is Verification.RECORDED for file in files):
        rest = "all other edits are in place since an earlier run"
    else:
        rest = f"nothing else {'would be' if preview else 'was'} changed"
    return f"the element {has}; {rest}"


def _of_lost(number: int, some: bool, preview: bool) -> str:
    if not number:
        return ""
    scope, their = f"{counted(number, 'file')} " if some else "", "its" if number == 1 else "their"
    not_, was = ("would not be", "would be") if preview else ("not", "was")
    return f"{scope}{not_} exported, so none of {their} edits {was} written"
