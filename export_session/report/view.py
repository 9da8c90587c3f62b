"""The record of a run, arranged for the page: what needs attention, what changed, where it lies."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar, get_args

from export_session.record import Status, Verification
from export_session.report.cells import text_of
from export_session.report.export_log import containers_of, files_by_parent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from export_session.dicom.vocabulary import Change
    from export_session.record import ContainerRecord, FileRecord, RunRecord, SessionRecord

P = TypeVar("P", "Place", "Place | str")
STAGES = ("fetch", "rewrite", "store", "verify")


Kind = Literal["failed", "refused", "note"]
Fate = Literal["", "Refused", "Not made"]  # of a change; "": it was written


class Place(NamedTuple):
    """A file and its address on the page."""

    anchor: str
    file: FileRecord


@dataclass(frozen=True)
class Concern:
    """One thing a person should look at, with every place where it came up."""

    kind: Kind
    subject: str  # the element or the level of the container it is about; empty for a whole file
    text: str
    places: tuple[Place | str, ...]  # files, or the origin paths of containers


@dataclass(frozen=True)
class Pair:
    """An old and a new value of an element, and the files in which the one gave way to the other, or should have."""

    change: Change
    fate: Fate
    files: tuple[Place, ...]


@dataclass(frozen=True)
class ElementChange:
    """What became of one element over the run."""

    path: str
    tag: str
    pairs: tuple[Pair, ...]  # the most frequent first


@dataclass(frozen=True)
class Branch:
    """A container of the hierarchy with its files."""

    container: ContainerRecord
    files: tuple[Place, ...]
    quiet: tuple[Place, ...]  # files of which there is nothing to tell but their name

    @property
    def quiet_statuses(self) -> Counter[Status]:
        """How many of the quiet files have which status."""
        return Counter(place.file.status for place in self.quiet)


@dataclass(frozen=True)
class SessionView:
    """A session as the page shows it."""

    anchor: str
    session: SessionRecord
    branches: tuple[Branch, ...]

    @property
    def files(self) -> Counter[Status]:
        """How many files have which status."""
        return Counter(file.status for file in self.session.files)

    @property
    def changes(self) -> int:
        """How many changes its files have."""
        return sum(len(file.changes) for file in self.session.files)

    @property
    def refused(self) -> int:
        """How many edits were refused in its files."""
        return sum(len(file.refused) for file in self.session.files)


def sessions(record: RunRecord) -> tuple[SessionView, ...]:
    """Arrange the hierarchy, each file once."""
    anchors = (f"f{number}" for number in range(1, 10**9))
    return tuple(_session(number, session, anchors) for number, session in enumerate(record.sessions, 1))


def _session(number: int, session: SessionRecord, anchors: Iterator[str]) -> SessionView:
    by_parent = files_by_parent(session)
    branches = []
    for container in containers_of(session):
        places = [Place(next(anchors), file) for file in by_parent.pop(container.origin_path, ())]
        branches.append(_branch(container, places))
    if by_parent:  # files whose container has no row are shown under the session
        own = next(i for i, branch in enumerate(branches) if branch.container.level == "session")
        strays = [Place(next(anchors), file) for files in by_parent.values() for file in files]
        known = [*branches[own].files, *branches[own].quiet]
        branches[own] = _branch(branches[own].container, [*known, *strays])
    return SessionView(f"s{number}", session, tuple(branches))


def _branch(container: ContainerRecord, places: list[Place]) -> Branch:
    quiet = tuple(place for place in places if _is_quiet(place.file))
    return Branch(container, tuple(place for place in places if not _is_quiet(place.file)), quiet)


def _is_quiet(file: FileRecord) -> bool:
    left = file.status in {Status.UNCHANGED, Status.SKIPPED, Status.NOT_REACHED}
    return left and not (file.all_changes or file.notes or file.error)


def places(views: tuple[SessionView, ...]) -> Iterator[Place]:
    """Give every file with its address."""
    for view in views:
        for branch in view.branches:
            yield from branch.files
            yield from branch.quiet


def concerns(views: tuple[SessionView, ...]) -> list[Concern]:
    """Gather failures, refusals and notes, equal ones together, the gravest first."""
    found: dict[tuple[Kind, str, str], list[Place | str]] = defaultdict(list)
    containers = [branch.container for view in views for branch in view.branches]
    for container in containers:
        for kind, text in _told(container):
            found[kind, container.level, text].append(container.origin_path)
    for place in places(views):
        for kind, text in _told(place.file):
            found[kind, "", text].append(place)
        for change in place.file.refused:
            found["refused", change.path, change.reason].append(place)
        for change in filter(_is_remarkable, place.file.changes):
            found["note", change.path, change.reason].append(place)
    gathered = [Concern(*about, tuple(_distinct(where))) for about, where in found.items()]
    return sorted(gathered, key=lambda concern: get_args(Kind).index(concern.kind))


def _told(record: ContainerRecord | FileRecord) -> list[tuple[Kind, str]]:
    kind: Kind = "note" if record.status is Status.SKIPPED else "failed"
    failure = [(kind, record.error)] if record.error else []
    notes: list[tuple[Kind, str]] = [("note", note) for note in record.notes]
    return failure + notes


def _is_remarkable(change: Change) -> bool:
    return bool(change.reason)


def elements(views: tuple[SessionView, ...]) -> list[ElementChange]:
    """Gather the changes by element, in the order of the standard."""
    found: dict[tuple[str, str], dict[tuple[Fate, str, str], list[tuple[Change, Place]]]] = {}
    for place in places(views):
        for fate, changes in _by_fate(place.file):
            for change in changes:
                pairs = found.setdefault((change.tag, change.path), defaultdict(list))
                pairs[fate, text_of(change.old), text_of(change.new)].append((change, place))
    return [ElementChange(path, tag, _pairs(pairs)) for (tag, path), pairs in sorted(found.items())]


def _by_fate(file: FileRecord) -> Iterator[tuple[Fate, tuple[Change, ...]]]:
    yield "", file.changes
    yield "Refused", file.refused
    yield "Not made", file.not_made


def _pairs(found: Mapping[tuple[Fate, str, str], list[tuple[Change, Place]]]) -> tuple[Pair, ...]:
    pairs = [
        Pair(rows[0][0], fate, tuple(_distinct(place for _, place in rows))) for (fate, _, _), rows in found.items()
    ]
    return tuple(sorted(pairs, key=lambda pair: -len(pair.files)))


def _distinct(found: Iterable[P]) -> Iterable[P]:
    return {each if isinstance(each, str) else each.anchor: each for each in found}.values()


@dataclass(frozen=True)
class Stage:
    """One stage over all files."""

    name: str
    seconds: float
    share: float  # of the seconds of all stages
    rate: float  # bytes a second


def stages(record: RunRecord) -> list[Stage]:
    """Sum up the time of each stage."""
    files = list(record.files())
    seconds = {stage: sum(getattr(file.timing, stage) for file in files) for stage in STAGES}
    total = sum(seconds.values())
    return [
        Stage(
            stage,
            spent,
            spent / total if total else 0,
            sum(file.size for file in files if getattr(file.timing, stage)) / spent if spent else 0,
        )
        for stage, spent in seconds.items()
    ]


def verification(record: RunRecord) -> list[tuple[Verification, int]]:
    """Count the files by how their stored bytes were proven."""
    counts = Counter(file.verification for file in record.files())
    return [(kind, counts[kind]) for kind in Verification if counts[kind]]
