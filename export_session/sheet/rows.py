"""Which rows of a sheet are for what: each file and container is looked up by its labels, whatever rows there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import product

from export_session.dicom.edits.asked import Asked
from export_session.session.headers import Element
from export_session.sheet.fields import Field
from export_session.sheet.model import Correction, Selector
from export_session.site.model import Acquisition, Container, File, Level, Session, Subject

INTERIM = " (being relabelled)"  # behind the new label of a subject, while another one still bears it
LEVELS: tuple[Level, ...] = ("subject", "session", "acquisition")


@dataclass(frozen=True)
class Row:
    """A correction and what it is of."""

    correction: Correction
    aim: Element | Field
    asked: Asked | None = None  # of an element, unless its value is exact

    @property
    def wants(self) -> object:
        """What is the same for rows that ask for the same."""
        return (self.asked.value if self.asked else self.correction.new), self.correction.exact


@dataclass(frozen=True)
class Spot:
    """A container as it is listed, with those above it."""

    subject: Subject
    session: Session | None = None
    acquisition: Acquisition | None = None

    @property
    def containers(self) -> tuple[Container, ...]:
        """All of them, the subject first."""
        return tuple(filter(None, (self.subject, self.session, self.acquisition)))

    @property
    def container(self) -> Container:
        """The one at this spot."""
        return self.containers[-1]

    @property
    def labels(self) -> tuple[str, ...]:
        """How a person finds it."""
        return tuple(container.label for container in self.containers)

    def up_to(self, level: Level) -> Spot | None:
        """Return the spot of the container of a level, None where there is none."""
        kept = self.containers[: LEVELS.index(level) + 1]
        if kept[-1].level != level:
            return None
        names = {container.level: container for container in kept}
        return Spot(**names)  # type: ignore[arg-type]  # each is of the type of its level


class Rows:
    """The rows of a sheet by whom they are for."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)
        self._of: dict[Selector, list[Row]] = defaultdict(list)
        for row in self.rows:
            self._of[row.correction.selector].append(row)
        names = [field.name for field in fields(Selector)]
        self._shapes = {tuple(name for name in names if getattr(one, name)) for one in self._of}
        self._below_sessions = {
            (one.subject, one.session) for one, rows in self._of.items() if one.id or any(map(_goes_below, rows))
        }
        self.relabelled = _relabelled(self.rows)

    def of(self, spot: Spot, file: File | None = None) -> Iterator[Row]:
        """Give the rows for a container, or for a file in it."""
        names: dict[str, Sequence[str]] = {one.level: self.known_as(one) for one in spot.containers}
        ids = [container.id for container in spot.containers]
        found: dict[str, Sequence[str]] = {**names, "id": ids}
        if file:
            found |= {"file": (file.name.strip(),), "id": [*ids, file.file_id]}
        for shape in self._shapes:
            if all(name in found for name in shape):
                for values in product(*(found[name] for name in shape)):
                    yield from self._of.get(Selector(**dict(zip(shape, values, strict=True))), ())

    def are_for(self, spot: Spot) -> bool:
        """Tell whether any row is for a container or a file in it."""
        files = (None, *spot.container.files)
        return any(next(self.of(spot, file), None) is not None for file in files)

    def go_below(self, spot: Spot) -> bool:
        """Tell whether any row may be for something below a session."""
        assert spot.session is not None
        names = product(*(("", *self.known_as(container)) for container in (spot.subject, spot.session)))
        return any(pair in self._below_sessions for pair in names)

    def known_as(self, container: Container) -> tuple[str, ...]:
        """Return the labels by which the sheet may call a container, which may have been relabelled by it already.

        They are without blanks around them, as a cell is read.
        """
        label = container.label.removesuffix(INTERIM).strip()
        earlier = self.relabelled[container.level].get(label, ())
        return tuple(dict.fromkeys((container.label.strip(), label, *earlier)))

    def ambiguous(self, level: Level) -> set[str]:
        """Return the labels of a level that the sheet both takes away and gives."""
        taken = {old for olds in self.relabelled[level].values() for old in olds}
        return taken & self.relabelled[level].keys()


def _goes_below(row: Row) -> bool:
    """Whether a row is for something below a session: also for a container above of what is named there."""
    named = row.correction.selector
    return not isinstance(row.aim, Field) or row.aim.level == "acquisition" or bool(named.acquisition or named.file)


def _relabelled(rows: Iterable[Row]) -> dict[Level, dict[str, set[str]]]:
    """Return the old labels by the new ones, of each level."""
    found: dict[Level, dict[str, set[str]]] = {level: defaultdict(set) for level in LEVELS}
    for row in rows:
        if not isinstance(row.aim, Field) or not row.aim.is_label or not isinstance(row.correction.new, str):
            continue
        new = row.correction.new.strip()
        current = row.correction.current
        old = getattr(row.correction.selector, row.aim.level) or (current if isinstance(current, str) else "")
        if old and old != new:
            found[row.aim.level][new].add(old)
    return found
