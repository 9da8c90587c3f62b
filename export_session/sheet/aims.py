"""What each row of a sheet is of, and whether any file or container at all could hold its value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from export_session.dicom.edits.asked import asked
from export_session.dicom.vocabulary import Options
from export_session.session.headers import ABSENT, Element, NoElement, element_of
from export_session.sheet.fields import Field, NoValue
from export_session.sheet.model import UNSAID, Correction
from export_session.sheet.problems import Problems
from export_session.sheet.rows import Row
from export_session.sheet.targets import target_of


def aimed(corrections: Iterable[Correction], options: Options, problems: Problems) -> list[Row]:
    """Return the rows of a sheet that can be carried out anywhere; `problems` gets what is wrong with the others."""
    rows = []
    for correction in corrections:
        try:
            rows.append(_row(correction, options))
        except (NoElement, NoValue) as problem:
            problems.add(correction, str(problem))
    return rows


def _row(correction: Correction, options: Options) -> Row:
    aim = aim_of(correction.target)
    if isinstance(aim, Field):
        if correction.exact and aim.is_label and not isinstance(correction.new, str):
            raise NoValue("a label cannot be empty")
        return Row(correction, aim)
    if not correction.exact:  # what no VR can hold may be what is there all the same: that is seen later
        return Row(correction, aim, asked(aim.key, value_of(correction), options, nested=bool(aim.items)))
    # The very value, perhaps one that the file holds though its VR does not allow it
    if refusal := asked(aim.key, None, options, nested=True).refusal:
        raise NoValue(f"{aim.path}: {refusal}")
    return Row(correction, aim)


def aim_of(text: str) -> Element | Field:
    """Return what a row is of.

    Raises
    ------
    NoElement
        It names nothing that can be corrected.
    """
    target = target_of(text)
    if isinstance(target, str):
        raise NoElement(f"{text} {target}")
    if target.level == "file":
        return element_of(text)
    if target.path[:2] in (("info", "export"), ("info", "qc")):
        raise NoElement(f"{text}: gears keep notes of their own there, so it cannot be corrected")
    return Field(target.level, tuple(map(str, target.path)))


def value_of(correction: Correction) -> Any:
    """Return the value that a row asks for; ABSENT takes its key away."""
    return ABSENT if correction.new is UNSAID else correction.new
