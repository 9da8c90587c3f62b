"""The record of a run, arranged for the page: what needs attention, what changed, where it lies."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from export_session.record import Status, Verification
from export_session.report.export_log import containers_of, files_by_parent
from export_session.report.values import shown_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from export_session.dicom.vocabulary import Cause, Change
    from export_session.record import ContainerRecord, FileRecord, RunRecord, SessionRecord

STAGES = ("fetch", "rewrite", "store", "verify")


Fate = Literal["", "Refused", "Not made"]  # of a change; "": it was written


class Place(NamedTuple):
    """A file and its address on the page."""

    anchor: str
    file: FileRecord


@dataclass(frozen=True)
class Pair:
    """An old and a new value of an element, and the files in which the one gave way to the other, or should have."""

    change: Change
    fate: Fate
    files: tuple[Place, ...]


@dataclass(frozen=True)
class ElementChange:
    """What became of one element over the run, for one cause."""

    path: str
    tag: str
    cause: Cause
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
    def home(self) -> ContainerRecord | None:
        """The session's own container, where its copy is to be said for all that is in it."""
        told = any(file.status in {Status.CREATED, Status.UPDATED} for file in self.session.files)
        own = (branch.container for branch in self.branches if branch.container.level == "session")
        return next((each for each in own if told and is_in_place(each)), None)

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


def is_in_place(container: ContainerRecord) -> bool:
    """Whether there is a copy of a container to speak of."""
    return bool(container.export_path) and container.status not in {Status.FAILED, Status.NOT_REACHED}


def lies_as(container: ContainerRecord, home: ContainerRecord) -> bool:
    """Whether copy and original of a container lie to those of its session as it lies to the session itself."""
    places = ((each.origin_path, each.export_path, each.archive_path) for each in (container, home))
    return all(
        not one or one == other or other.startswith(f"{one}/") or one == f"{other}/{container.label}"
        for one, other in zip(*places, strict=True)
    )


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
    return left and not (file.all_changes or file.done or file.notes or file.error)


def places(views: Sequence[SessionView]) -> Iterator[Place]:
    """Give every file with its address."""
    for view in views:
        for branch in view.branches:
            yield from branch.files
            yield from branch.quiet


def elements(views: Sequence[SessionView]) -> list[ElementChange]:
    """Gather the changes by element and cause, in the order of the standard."""
    found: dict[tuple[str, str, Cause], dict[tuple[Fate, str, str], list[tuple[Change, Place]]]] = {}
    for place in places(views):
        for fate, changes in _by_fate(place.file):
            for change in changes:
                pairs = found.setdefault((change.tag, change.path, change.cause), defaultdict(list))
                old, new = (shown_text(value, change.vr) for value in (change.old, change.new))
                pairs[fate, old, new].append((change, place))
    return [ElementChange(path, tag, cause, _pairs(pairs)) for (tag, path, cause), pairs in sorted(found.items())]


def _by_fate(file: FileRecord) -> Iterator[tuple[Fate, tuple[Change, ...]]]:
    yield "", file.changes
    yield "Refused", file.refused
    yield "Not made", file.not_made


def _pairs(found: Mapping[tuple[Fate, str, str], list[tuple[Change, Place]]]) -> tuple[Pair, ...]:
    pairs = [
        Pair(rows[0][0], fate, tuple(_distinct(place for _, place in rows))) for (fate, _, _), rows in found.items()
    ]
    return tuple(sorted(pairs, key=lambda pair: -len(pair.files)))


def _distinct(found: Iterable[Place]) -> Iterable[Place]:
    return {place.anchor: place for place in found}.values()


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
