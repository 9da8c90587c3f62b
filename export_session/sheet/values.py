"""What a row changes in one file or container, or why it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
from export_session.sheet.model import UNSAID, Correction
from export_session.sheet.rows import Row, Rows
from export_session.sheet.spelling import shown
from export_session.sheet.targets import target_of
from export_session.site.model import Container, File
from export_session.support.wording import shortened

_LONGEST = 80  # characters of a value in a message


class Refusal(Exception):
    """A row cannot be carried out in a place; `cited` is a value that the message may quote."""

    def __init__(self, message: str, cited: Any = "") -> None:
        super().__init__(message)
        self.cited = cited


@dataclass(frozen=True)
class Exchange:
    """A value and what it takes the place of."""

    old: Any  # ABSENT where nothing stands there
    new: Any  # ABSENT takes the key away
    done: bool  # nothing is to be done


def in_file(row: Row, file: File, options: Options) -> Exchange:
    """Return what a row changes in the metadata of a file.

    Raises
    ------
    Refusal
        It cannot be carried out there.
    """
    assert isinstance(row.aim, Element)
    header = file.info.get("header")
    for path, part in (("info.header", header), ("info.header.dicom", object_at(header).get("dicom"))):
        if not isinstance(part, Mapping | None):
            raise Refusal(f"{path} is not built as importers build it; run the importer on the file again")
    try:
        old = value_in(object_at(header, "dicom"), row.aim)
    except NoElement as problem:
        raise Refusal(str(problem)) from None
    if row.asked is None:
        new = value_of(row.correction)
        done = _is_very(new, old)
    else:
        new = row.asked.shaped_as(old)
        done = old is not ABSENT and (row.asked.is_shown(old) or _is_typed(row.correction, old))
    if done:
        return Exchange(old, old, done=True)
    if why := _why_not_in_file(row, row.aim, old, object_at(header), options):
        raise Refusal(f"{row.aim.path}: {why}", old)
    return Exchange(old, new, done=False)


def in_container(row: Row, container: Container, rows: Rows) -> Exchange:
    """Return what a row changes in a field of a container.

    Raises
    ------
    Refusal
        It cannot be carried out there.
    """
    correction, aim = row.correction, row.aim
    assert isinstance(aim, Field)
    old = aim.value_in(container)
    if old is not ABSENT and _is_typed(correction, old):
        return Exchange(old, old, done=True)
    if aim.in_info and value_of(correction) is not ABSENT and (why := aim.why_not_in(container)):
        raise Refusal(f"{aim.path}: {why}")
    try:
        new = value_of(correction) if correction.exact else aim.typed(correction.new, old)
    except NoValue as problem:
        raise Refusal(f"{aim.path}: {problem}", old) from None
    if _is_very(new, old) if aim.in_info and correction.exact else aim.same(new, old):
        return Exchange(old, old, done=True)
    if correction.current is not UNSAID and not _is_current_field(row, aim, old, rows.known_as(container)):
        raise Refusal(f"{aim.path}: {_otherwise(old)}", old)
    if why := _why_destroyed(correction, old):
        raise Refusal(f"{aim.path}: {why}", old)
    return Exchange(old, new, done=False)


def _is_very(new: Any, old: Any) -> bool:
    """Tell whether the very value is there that is to be stored."""
    return new is old or (new is not ABSENT and old is not ABSENT and bool(new == old))


def _is_typed(correction: Correction, old: Any) -> bool:
    """Tell whether a cell has the very characters of what is there, valid or not: nobody changed it."""
    new = correction.new
    return not correction.exact and isinstance(new, str) and _lines(new) == _lines(shown(old))


def _lines(text: str) -> str:
    return text.strip().replace("\r\n", "\n")


def _why_not_in_file(row: Row, aim: Element, old: Any, header: Mapping[str, Any], options: Options) -> str:
    if row.asked and row.asked.refusal:
        return row.asked.refusal
    current = row.correction.current
    if current is not UNSAID and not _is_current(aim, current, old, options):
        return _otherwise(old)
    if why := _why_destroyed(row.correction, old):
        return why
    one_of_many = not aim.items and row.asked is not None and varies(header, aim.key)
    if not one_of_many or options.edit_varying == "all":
        return ""
    if options.edit_varying == "auto" and entity_of((Step(aim.key.tag, None, aim.key.creator),)):
        return ""
    return (
        "the instances of the file differ in it; correct single ones in info.header.dicom_array, or set edit_varying "
        "to all"
    )


def _is_current(aim: Element, current: Any, old: Any, options: Options) -> bool:
    """Tell whether the metadata say what a sheet says they do."""
    if current is None:
        return is_empty(old)
    if old is ABSENT:
        return False
    if current == old or (isinstance(current, str) and _lines(current) == _lines(shown(old))):
        return True
    answer = asked(aim.key, current, options, nested=True)
    return not answer.refusal and answer.is_shown(old)


def _is_current_field(row: Row, aim: Field, old: Any, labels: tuple[str, ...]) -> bool:
    """Tell the same of a container, whose label the sheet may have changed already."""
    current = row.correction.current
    if current is None:
        return old is ABSENT or is_empty(old)
    if aim.is_label:
        return str(current).strip() in labels
    if isinstance(current, str) and old is not ABSENT and _lines(current) == _lines(shown(old)):
        return True
    try:
        return aim.same(current if row.correction.exact else aim.typed(current, old), old)
    except NoValue:
        return False


def _why_destroyed(correction: Correction, old: Any) -> str:
    """Say what a spreadsheet seems to have done to the value that the site has."""
    target = target_of(correction.target)
    if correction.exact or not isinstance(correction.new, str) or old is ABSENT or isinstance(target, str):
        return ""
    return why_destroyed(correction.new, shown(old), target.vr)


def _otherwise(old: Any) -> str:
    said = "nothing" if is_empty(old) else f'"{shortened(shown(old), _LONGEST)}"'
    return f"the site says {said} by now, and not what the column current says"
