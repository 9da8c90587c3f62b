"""A sheet against the site: every row is looked at before the first write, and all that is wrong is told at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from export_session.dicom.edits.asked import asked, varies
from export_session.dicom.edits.equality import is_empty
from export_session.dicom.entities import entity_of
from export_session.dicom.vocabulary import Options, Step
from export_session.session.headers import ABSENT, Element, NoElement, value_in
from export_session.session.provenance import object_at
from export_session.sheet.aims import value_of
from export_session.sheet.damage import why_destroyed
from export_session.sheet.fields import Field, NoValue
from export_session.sheet.labels import refuse_collisions
from export_session.sheet.listing import Listing
from export_session.sheet.model import UNSAID, Correction, Place
from export_session.sheet.plan import Deed, Plan
from export_session.sheet.problems import Problems
from export_session.sheet.rows import LEVELS, Row, Rows, Spot
from export_session.sheet.spelling import shown as as_typed
from export_session.sheet.targets import target_of
from export_session.site.model import Container, File, Level
from export_session.support.parallel import Workers
from export_session.support.wording import shortened

DICOM = "dicom"  # the type of a file
_LONGEST = 80  # characters of a value in a message


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
    of_containers: dict[str, tuple[Spot, dict[object, dict[Place, Row]]]] = field(default_factory=dict)


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
    for spot in listing.spots(rows.go_below, workers):
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
            agreed = _agreed(state, rows, _path(spot, file))
            if agreed and (deed := _of_file(state, agreed, spot, file)):
                state.deeds.append(deed)


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
    """Refuse rows for elements in the items of a sequence that another row empties."""
    for place, rows in aimed.items():
        for whole in (aimed[place[:end]][0] for end in range(1, len(place), 2) if place[:end] in aimed):
            for row in rows:
                text = f"{row.aim.path}: {whole.correction.place} is for the sequence that it lies in"
                state.problems.add(row.correction, text, met)


# Files


def _of_file(state: _Check, row: Row, spot: Spot, file: File) -> Deed | None:
    """Return what a row changes in a file, None where it cannot."""
    assert isinstance(row.aim, Element)
    met, header = _path(spot, file), file.info.get("header")
    odd = [path for path, value in (("info.header", header), *_parts(header)) if not isinstance(value, Mapping | None)]
    if odd:
        problem = f"{odd[0]} is not built as importers build it; run the importer on the file again"
        state.problems.add(row.correction, problem, met)
        return None
    try:
        old = value_in(object_at(header, "dicom"), row.aim)
    except NoElement as problem:
        state.problems.add(row.correction, str(problem), met)
        return None
    if row.asked:
        said = old is not ABSENT and (row.asked.is_shown(old) or _is_typed(row.correction, old))
        new, done = row.asked.shaped_as(old), said
    else:
        new = value_of(row.correction)
        done = new is old or (new is not ABSENT and old is not ABSENT and bool(new == old))
    if done:
        new = old
    elif why := _why_not(state.options, row, old, object_at(header)):
        state.problems.add(row.correction, why, met, also=[old])
        return None
    where = spot.container
    return Deed(row.correction, row.aim, where.level, where.id, spot.labels, old, new, done, file.file_id, file.name)


def _parts(header: Any) -> Iterator[tuple[str, Any]]:
    yield from (("info.header.dicom", object_at(header).get("dicom")),)


def _why_not(options: Options, row: Row, old: Any, header: Mapping[str, Any]) -> str:
    """Say why a value cannot be set in a file."""
    assert isinstance(row.aim, Element)
    if row.asked and row.asked.refusal:
        return f"{row.aim.path}: {row.asked.refusal}"
    current = row.correction.current
    if current is not UNSAID and not _is_current(row, current, old, options):
        return f"{row.aim.path}: {_otherwise(old)}"
    if why := _why_destroyed(row.correction, old):
        return f"{row.aim.path}: {why}"
    if row.aim.items or not row.asked or options.edit_varying == "all" or not varies(header, row.aim.key):
        return ""
    whole = entity_of((Step(row.aim.key.tag, None, row.aim.key.creator),)) if options.edit_varying == "auto" else None
    if whole:
        return ""
    return (
        f"{row.aim.path}: the instances of the file differ in it; correct single ones in info.header.dicom_array, or "
        "set edit_varying to all"
    )


def _is_current(row: Row, current: Any, old: Any, options: Options) -> bool:
    """Tell whether the metadata say what a sheet says they do."""
    assert isinstance(row.aim, Element)
    if current is None:
        return is_empty(old)
    if old is ABSENT:
        return False
    if current == old or (isinstance(current, str) and current.strip() == as_typed(old).strip()):
        return True
    answer = asked(row.aim.key, current, options, nested=True)
    return not answer.refusal and answer.is_shown(old)


def _is_typed(correction: Correction, old: Any) -> bool:
    """Tell whether a cell has the very characters of what is there, valid or not: nobody changed it."""
    new = correction.new
    return not correction.exact and isinstance(new, str) and _lines(new) == _lines(as_typed(old))


def _lines(text: str) -> str:
    return text.strip().replace("\r\n", "\n")


def _why_destroyed(correction: Correction, old: Any) -> str:
    """Say what a spreadsheet seems to have done to the value that the site has."""
    target = target_of(correction.target)
    if correction.exact or not isinstance(correction.new, str) or old is ABSENT or isinstance(target, str):
        return ""
    return why_destroyed(correction.new, as_typed(old), target.vr)


def _otherwise(old: Any) -> str:
    said = "nothing" if is_empty(old) else f'"{shortened(as_typed(old), _LONGEST)}"'
    return f"the site says {said} by now, and not what the column current says"


# Containers


def _check_fields(state: _Check, listing: Listing, workers: Workers) -> None:
    """Find out what the rows for fields change; containers of which a listing does not tell them are read."""
    kept = list(state.of_containers.values())

    def in_full(entry: tuple[Spot, Mapping[object, Mapping[Place, Row]]]) -> Container:
        spot, aimed = entry
        fields = [row.aim for rows in aimed.values() for row in rows.values() if isinstance(row.aim, Field)]
        container = spot.container
        known = all(aim.is_listed for aim in fields) and not container.info_is_hidden
        return container if known else listing.site.read(type(container), container.id)

    for (spot, aimed), container in zip(kept, workers.map(in_full, kept), strict=True):
        for rows in aimed.values():
            row = _agreed(state, rows.values(), _path(spot))
            if row and (deed := _of_container(state, row, spot, container)):
                state.deeds.append(deed)


def _of_container(state: _Check, row: Row, spot: Spot, container: Container) -> Deed | None:
    assert isinstance(row.aim, Field)
    correction, aim = row.correction, row.aim
    old = aim.value_in(container)
    if old is not ABSENT and _is_typed(correction, old):
        return Deed(correction, aim, container.level, container.id, spot.labels, old, old, done=True)
    try:
        new = value_of(correction) if correction.exact else aim.typed(correction.new, old)
    except NoValue as problem:
        state.problems.add(correction, f"{aim.path}: {problem}", _path(spot))
        return None
    done = aim.same(new, old) if not (aim.in_info and correction.exact) else new is old or bool(new == old)
    if not done and correction.current is not UNSAID and not _field_is_current(state.rows, row, old, container):
        state.problems.add(correction, f"{aim.path}: {_otherwise(old)}", _path(spot), also=[old])
        return None
    if not done and (why := _why_destroyed(correction, old)):
        state.problems.add(correction, f"{aim.path}: {why}", _path(spot))
        return None
    return Deed(correction, aim, container.level, container.id, spot.labels, old, new, done)


def _field_is_current(rows: Rows, row: Row, old: Any, container: Container) -> bool:
    assert isinstance(row.aim, Field)
    current = row.correction.current
    if current is None:
        return old is ABSENT or is_empty(old)
    if row.aim.is_label:
        return str(current).strip() in rows.known_as(container)
    if isinstance(current, str) and old is not ABSENT and current.strip() == as_typed(old).strip():
        return True
    try:
        return row.aim.same(current if row.correction.exact else row.aim.typed(current, old), old)
    except NoValue:
        return False


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
