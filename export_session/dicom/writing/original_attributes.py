"""Keeps the previous values of changed elements in the file itself: Original Attributes Sequence.

See PS3.3 §C.12.1.1.9. Corrections and values coerced from Flywheel's own fields get an item each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from export_session.dicom.binary.elements import Syntax, write_item
from export_session.dicom.binary.instance import Instance
from export_session.dicom.binary.refusal import Unwritable
from export_session.dicom.binary.splice import with_value
from export_session.dicom.dictionary import SPECIFIC_CHARACTER_SET
from export_session.dicom.vocabulary import Assignment, Cause
from export_session.dicom.writing.apply import Effect
from export_session.dicom.writing.elements import write_element

ORIGINAL_ATTRIBUTES = 0x04000561
MODIFYING_SYSTEM = "session-export"

_MODIFIED_ATTRIBUTES = 0x04000550
_MODIFICATION_TIME = 0x04000562
_MODIFYING_SYSTEM = 0x04000563
_SOURCE_OF_PREVIOUS_VALUES = 0x04000564
_REASON = 0x04000565
# of the newest to the oldest event in the life of an instance
_DATES_AND_TIMES = (
    (0x00080012, 0x00080013),  # Instance Creation
    (0x00080023, 0x00080033),  # Content
    (0x00080022, 0x00080032),  # Acquisition
    (0x00080021, 0x00080031),  # Series
    (0x00080020, 0x00080030),  # Study
)


def original_attributes(
    instance: Instance,
    elements: Mapping[int, bytes],
    effects: Mapping[int, Effect],
    assignments: Iterable[Assignment],
    moment: str,
) -> bytes:
    """Return the Original Attributes Sequence of an instance with the values that are about to change.

    Parameters
    ----------
    instance
        As it is now, its text already in the character set that it will have.
    elements
        New elements by tag.
    effects, assignments
        What becomes of each assignment in this instance.
    moment
        When the change was made, as DT; "" for the date of the instance itself. The clock is not asked,
        since the same input has to give the same bytes whenever it is run.
    """
    sets: dict[str, set[int]] = {"CORRECT": set(), "COERCE": set()}
    for number, assignment in enumerate(assignments):
        effect = effects.get(number)
        if effect and effect.written and effect.top >> 16 != 2:  # file meta is no part of the data set
            sets["COERCE" if assignment.cause is Cause.MAPPING else "CORRECT"].add(effect.top)
    items = b"".join(
        _item(instance, elements, tags, reason, moment or moment_of(instance))
        for reason, changed in sets.items()
        # A character set in the same item would be taken for that of the old text, which reads by the new one
        for tags in (changed - {SPECIFIC_CHARACTER_SET}, changed & {SPECIFIC_CHARACTER_SET})
        if tags
    )
    present = instance.elements.get(ORIGINAL_ATTRIBUTES)
    if present is None:
        return write_element(ORIGINAL_ATTRIBUTES, "SQ", items, instance.syntax)
    if present.vr == "UN" or not present.held:
        raise Unwritable("the file's Original Attributes Sequence is in a form that takes no further item")
    return with_value(present, present.value + items, instance.syntax)


def moment_of(instance: Instance) -> str:
    """Return the newest date and time that the instance gives itself, as DT."""
    for date, time in _DATES_AND_TIMES:
        day, clock = instance.text(date), instance.text(time).partition(".")[0]
        if len(day) == 8 and day.isdigit():
            return day + (clock if len(clock) == 6 and clock.isdigit() else "")
    return "19000101"


def _item(instance: Instance, elements: Mapping[int, bytes], tags: set[int], reason: str, moment: str) -> bytes:
    syntax = instance.syntax
    creators = {tag & 0xFFFF0000 | tag >> 8 & 0xFF for tag in tags if tag >> 16 & 1}
    previous = b"".join(_previous(instance, elements, tag) for tag in sorted(tags | creators))
    content = b"".join(
        (
            write_element(_MODIFIED_ATTRIBUTES, "SQ", write_item(previous, syntax), syntax),
            _text(_MODIFICATION_TIME, "DT", moment, syntax),
            _text(_MODIFYING_SYSTEM, "LO", MODIFYING_SYSTEM, syntax),
            _text(_SOURCE_OF_PREVIOUS_VALUES, "LO", "", syntax),
            _text(_REASON, "CS", reason, syntax),
        )
    )
    return write_item(content, syntax)


def _previous(instance: Instance, elements: Mapping[int, bytes], tag: int) -> bytes:
    """Return an element as it was; an absent one as empty, a private creator as it will be."""
    present = instance.elements.get(tag)
    if present is not None:
        return present.raw
    if tag >> 16 & 1 and tag & 0xFFFF <= 0xFF:
        return elements[tag]
    return write_element(tag, _vr_of(elements[tag], instance.syntax), b"", instance.syntax)


def _vr_of(raw: bytes, syntax: Syntax) -> str:
    return "" if syntax.implicit else raw[4:6].decode("ascii")


def _text(tag: int, vr: str, text: str, syntax: Syntax) -> bytes:
    data = text.encode("ascii")
    return write_element(tag, vr, data + b" " * (len(data) % 2), syntax)
