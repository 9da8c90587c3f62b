"""A sheet against the site: every row is looked at before the first write, and all that is wrong is told at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from export_session.dicom.vocabulary import Options
from export_session.session.headers import Element
from export_session.session.provenance import object_at
from export_session.sheet.fields import Field
from export_session.sheet.labels import refuse_collisions
from export_session.sheet.listing import Listing
from export_session.sheet.model import Place
from export_session.sheet.plan import Deed, Plan
from export_session.sheet.problems import Problems
from export_session.sheet.rows import LEVELS, Row, Rows, Spot
from export_session.sheet.values import Exchange, Refusal, in_container, in_file
from export_session.site.model import Container, File, Level
from export_session.support.parallel import Workers

DICOM = "dicom"  # the type of a file


@dataclass
class _Check:
    """What is known of a sheet so far."""

    rows: Rows
    options: Options
    problems: Problems
    deeds: list[Deed] = field(default_factory=list)
    met: set[Place] = field(default_factory=set)  # whose selector finds a container
    used: set[Place] = field(default_factory=set)  # that are for something
    labels: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))  # of siblings, by id of parent
    of_containers: dict[str, tuple[Spot, dict[tuple[object, ...], dict[Place, Row]]]] = field(default_factory=dict)


def check(listing: Listing, rows: Rows, options: Options, problems: Problems, workers: Workers) -> Plan:
    """Find out what a sheet changes.

    Parameters
    ----------
    listing
        What there is.
    rows
        The rows that can be carried out anywhere.
    options
        How edits are treated.
    problems
        Gets what is wrong; where there is anything, the plan is not to be carried out.
    """
    state = _Check(rows, options, problems)
    for spot in listing.spots(rows.go_below, workers, rows.are_for):
        if spot.acquisition and spot.session:
            state.labels[spot.session.id][spot.acquisition.id] = spot.acquisition.label
        _look_at(state, spot)
    _check_fields(state, listing, workers)
    _say_what_is_not_found(state, listing)
    refuse_collisions(state.deeds, state.labels, listing, problems)
    return Plan(tuple(state.deeds))


def _look_at(state: _Check, spot: Spot) -> None:
    """Find the rows for a container and for the files in it."""
    for row in state.rows.of(spot):
        state.met.add(row.correction.place)
        _keep_for_container(state, row, spot)
    for file in spot.container.files:
        aimed: dict[tuple[object, ...], list[Row]] = defaultdict(list)
        for row in state.rows.of(spot, file):
            state.met.add(row.correction.place)
            if isinstance(row.aim, Field):
                _keep_for_container(state, row, spot)
            elif is_dicom(file):
                aimed[row.aim.place].append(row)
            elif row.correction.selector.file or row.correction.selector.id == file.file_id:
                state.used.add(row.correction.place)
                state.problems.add(
                    row.correction, "the file is not DICOM, so it has no such element", _path(spot, file)
                )
        _refuse_overlaps(state, aimed, _path(spot, file))
        for rows in aimed.values():
            state.used.update(row.correction.place for row in rows)
            _settle(state, rows, spot, partial(in_file, file=file, options=state.options), file)


def _keep_for_container(state: _Check, row: Row, spot: Spot) -> None:
    if isinstance(row.aim, Field) and (above := spot.up_to(row.aim.level)):
        state.used.add(row.correction.place)
        _, aimed = state.of_containers.setdefault(above.container.id, (above, defaultdict(dict)))
        aimed[row.aim.place][row.correction.place] = row


def is_dicom(file: File) -> bool:
    """Whether a file has DICOM metadata to correct: the type decides, of one without type its header."""
    if file.type == DICOM:
        return bool(file.size)
    return file.type in (None, "", "archive") and bool(object_at(file.info, "header", "dicom"))


def _path(spot: Spot, file: File | None = None) -> str:
    return "/".join((*spot.labels, *([file.name] if file else [])))


def _agreed(state: _Check, rows: Iterable[Row], met: str) -> Row | None:
    """Return the first of several rows for one place, None where they disagree."""
    first, *others = sorted(rows, key=lambda row: row.correction.place)
    for other in others:
        if other.wants != first.wants:
            text = f"{first.aim.path}: {first.correction.place} has another value for it"
            state.problems.add(other.correction, text, met)
            return None
    return first


def _refuse_overlaps(state: _Check, aimed: Mapping[tuple[object, ...], list[Row]], met: str) -> None:
    """Refuse rows for what lies in a sequence, or an object of info, that another row replaces."""
    for place, rows in aimed.items():
        for whole in (aimed[place[:end]][0] for end in range(1, len(place)) if place[:end] in aimed):
            for row in rows:
                text = f"{row.aim.path}: {whole.correction.place} is for {whole.aim.path}, in which it lies"
                state.problems.add(row.correction, text, met)


def _check_fields(state: _Check, listing: Listing, workers: Workers) -> None:
    """Find out what the rows for fields change; containers of which a listing does not tell them are read."""
    kept = list(state.of_containers.values())

    def in_full(entry: tuple[Spot, Mapping[tuple[object, ...], Mapping[Place, Row]]]) -> Container:
        spot, aimed = entry
        fields = [row.aim for rows in aimed.values() for row in rows.values() if isinstance(row.aim, Field)]
        container = spot.container
        known = all(aim.is_listed for aim in fields) and not container.info_is_hidden
        return container if known else listing.site.read(type(container), container.id)

    for (spot, aimed), container in zip(kept, workers.map(in_full, kept), strict=True):
        by_way = {place: list(rows.values()) for place, rows in aimed.items()}
        _refuse_overlaps(state, by_way, _path(spot))
        for rows in aimed.values():
            _settle(state, rows.values(), spot, partial(in_container, container=container, rows=state.rows))


def _settle(
    state: _Check, rows: Iterable[Row], spot: Spot, exchanged: Callable[[Row], Exchange], file: File | None = None
) -> None:
    """Add to the plan what the rows for one place change there, or to the problems why they cannot."""
    met, container = "/".join((*spot.labels, *([file.name] if file else []))), spot.container
    row = _agreed(state, rows, met)
    if row is None:
        return
    try:
        found = exchanged(row)
    except Refusal as refusal:
        state.problems.add(row.correction, str(refusal), met, also=[refusal.cited])
        return
    ids = (file.file_id, file.name) if file else ("", "")
    place = (container.level, container.id, spot.labels)
    state.deeds.append(Deed(row.correction, row.aim, *place, found.old, found.new, found.done, *ids))


# Rows that are for nothing


def _say_what_is_not_found(state: _Check, listing: Listing) -> None:
    known = {
        "subject": {name for spot in listing.subjects for name in state.rows.known_as(spot.subject)},
        "session": {name for spot in listing.sessions for name in state.rows.known_as(spot.container)},
    }
    for row in state.rows.rows:
        torn = [level for level in LEVELS if _is_torn(state.rows, row, level)]
        for level in torn:
            label = getattr(row.correction.selector, level)
            text = f'the sheet takes the label "{label}" away and gives it, too: say which one is meant by its id'
            state.problems.add(row.correction, text, also=[label])
        if not torn and row.correction.place not in state.used:
            labels = vars(row.correction.selector).values()
            state.problems.add(row.correction, _why_nothing(state, row, known, listing.destination.level), also=labels)


def _is_torn(rows: Rows, row: Row, level: Level) -> bool:
    """Whether the label that a row names means one container before, and another one after the sheet is applied."""
    named = row.correction.selector
    return not named.id and getattr(named, level) in rows.ambiguous(level)


def _why_nothing(state: _Check, row: Row, known: Mapping[str, set[str]], here: Level) -> str:
    named = row.correction.selector
    for level, labels in known.items():
        label = getattr(named, level)
        if label and label not in labels:
            return f'there is no {level} "{label}" in this {here}'
    if row.correction.place in state.met:
        return f"there is no {'DICOM file' if isinstance(row.aim, Element) else row.aim.level} there"
    parts = [f'{name} "{value}"' for name, value in vars(named).items() if value]
    return f"nothing has {', '.join(parts)}" if parts else f"there is nothing to correct in this {here}"
