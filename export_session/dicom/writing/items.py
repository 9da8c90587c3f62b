"""The items that a sequence is to have: those of the file that stay, edited ones, and new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.instance import codecs_of
from export_session.dicom.binary.refusal import Unwritable
from export_session.dicom.binary.splice import rebuilt
from export_session.dicom.binary.text import NotInRepertoire
from export_session.dicom.dictionary import SPECIFIC_CHARACTER_SET
from export_session.dicom.vocabulary import Items, ItemValue, KeptItem, NewItem, Step, path_text
from export_session.dicom.writing.elements import as_asked, as_written, encode_value, new_sequence, shown_item
from export_session.dicom.writing.requests import Edited, Effect, Request, Row
from export_session.dicom.writing.sequences import ExactSequence

ADDED, REMOVED, SEQUENCE_ADDED = "item added", "item removed", "sequence added"
_OWN_CHARACTER_SET = "the character set that the new item declares for itself does not hold it"

Edit = Callable[[DataSet, Sequence[Request]], Edited]  # applies requests to a data set


class ItemEdits:
    """The items of one sequence on their way to bytes.

    Parameters
    ----------
    step
        The sequence.
    items
        What it is to have.
    edit
        Applies requests to an item.
    """

    def __init__(self, step: Step, items: Items, edit: Edit) -> None:
        self._step = step
        self._items = items
        self._edit = edit
        self.rows: list[Row] = []  # what changes, for the log

    def changed(self, value: Value) -> bytes:
        """Return a sequence of the file with these items.

        Raises
        ------
        Unwritable, NotInRepertoire
            Something in an item cannot be written.
        Malformed
            The sequence of the file is damaged.
        """
        sequence = ExactSequence(value)
        if len(sequence) != self._items.count:
            raise Unwritable(f"the sequence has {len(sequence)} items, not {self._items.count}")
        empty = value.data_set.nested({}, value.items_syntax)
        stay = {item.number for item in self._items.items if isinstance(item, KeptItem)}
        for number, old in enumerate(value.items()):
            if number not in stay:
                self._log((self._at(number),), "SQ", shown_item(old), None, REMOVED)
        parts, near = [], 0
        for number, item in enumerate(self._items.items):
            if isinstance(item, KeptItem):
                near = item.number
                parts.append(sequence.kept(near, self._within(sequence, item) if item.values else {}))
            else:
                parts.append(sequence.added(self._content(empty, item, number), near))
                self._log((self._at(number),), "SQ", None, self._items.asked[number], _noted(ADDED, item))
        return sequence.with_items(parts)

    def added(self, data_set: DataSet, tag: int) -> bytes:
        """Return a sequence that the data set does not have, with these items; it raises the same."""
        if self._items.count:
            raise Unwritable("the sequence is not in the file")
        empty = data_set.nested({}, data_set.syntax)
        new = [item for item in self._items.items if isinstance(item, NewItem)]
        contents = [self._content(empty, item, number) for number, item in enumerate(new)]
        self._log((self._step,), "SQ", None, self._items.asked, _noted(SEQUENCE_ADDED, *new))
        return new_sequence(data_set, tag, contents, self._step.creator)

    def _within(self, sequence: ExactSequence, item: KeptItem) -> Mapping[int, bytes]:
        at = self._at(item.number)
        edited = self._edited(sequence.item(item.number), item.values, at, in_new=False)
        for number, effect in edited.effects.items():
            one = item.values[number]
            for n, row in enumerate(effect.rows):
                note = "; ".join(filter(None, (row.note, "" if n else one.warning)))
                self.rows.append(replace(row, path=(at, *one.path[:-1], *row.path), note=note))
            if effect.written and not effect.rows:
                self._log(
                    (at, *one.path),
                    effect.vr,
                    effect.old,
                    as_written(as_asked(one.value), effect.vr, effect.old),
                    one.warning,
                )
        return edited.elements

    def _content(self, empty: DataSet, item: NewItem, number: int) -> bytes:
        declared = next((one.value for one in item.values if one.path == (Step(SPECIFIC_CHARACTER_SET),)), None)
        if declared is not None:
            own = encode_value(declared, "CS", "1-n", empty.codecs, empty.syntax.order)
            empty = replace(empty, codecs=tuple(codecs_of(own)))
        try:
            edited = self._edited(empty, item.values, self._at(number), in_new=True)
        except NotInRepertoire as lacking:
            if declared is None:
                raise
            raise Unwritable(f"{lacking}; {_OWN_CHARACTER_SET}") from None
        return rebuilt(b"", {}, edited.elements, empty.syntax)

    def _edited(self, item: DataSet, values: Sequence[ItemValue], at: Step, *, in_new: bool) -> Edited:
        requests = [Request(n, one.path, one.vr, one.value, in_new=in_new) for n, one in enumerate(values)]
        edited = self._edit(item, requests)
        for number, effect in edited.effects.items():
            if effect.reason:
                raise _refusal((at, *values[number].path), effect)
        return edited

    def _at(self, number: int) -> Step:
        return replace(self._step, item=number)

    def _log(self, path: tuple[Step, ...], vr: str, old: Any, new: Any, note: str) -> None:
        self.rows.append(Row(path, vr, old, new, note))


def _refusal(path: Sequence[Step], effect: Effect) -> Exception:
    text = f"{path_text(path, [step.key for step in path])}: {effect.reason}"
    return NotInRepertoire(text) if effect.repertoire else Unwritable(text)


def _noted(note: str, *items: NewItem) -> str:
    return "; ".join((note, *(one.warning for item in items for one in item.values if one.warning)))
