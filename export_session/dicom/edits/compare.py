"""Compare the metadata with one instance, and find the values that no importer made of its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.dictionary import (
    BINARY_VRS,
    FRAME_OF_REFERENCE_UID,
    IDENTITIES,
    NUMBER_FORMATS,
    SOP_CLASS_UID,
    SPECIFIC_CHARACTER_SET,
    Key,
    key_of,
    vm_in_dictionary,
    vr_in_dictionary,
    why_unknown,
)
from export_session.dicom.edits.components import kept_components, own_components, value_to_write
from export_session.dicom.edits.difference import Above, Difference, Doubt, Finding, Imported, Remark, Restated
from export_session.dicom.edits.doubt import why_doubtful
from export_session.dicom.edits.equality import as_number, is_empty, is_plain, same
from export_session.dicom.edits.importers import ABSENT, FAITHFUL, PER_FRAME_GROUPS, Marks
from export_session.dicom.edits.items import ItemComparison
from export_session.dicom.edits.new_item import NO_ITEMS, is_list_of_items, new_sequence
from export_session.dicom.edits.protected import why_protected
from export_session.dicom.edits.shown_bytes import shows_bytes
from export_session.dicom.edits.statement import statement
from export_session.dicom.edits.typed import Target, Typed, in_dicom_form, why_undefined
from export_session.dicom.vocabulary import Options, Step, Written, written_by_somebody

_META_LENGTH = 0x00020000
_NULL = "an importer may have stored null for a value that it could not keep"
_KEPT = "or a person may have typed it; that cannot be told, so the file keeps its value"
_NEEDED = IDENTITIES - {FRAME_OF_REFERENCE_UID} | {SOP_CLASS_UID}
_NAMELESS = "an instance needs this UID (PS3.3 §C.12.1, §C.7.2.1, §C.7.3.1), so it cannot be emptied"
_BLANKED = "the items of a sequence are removed by [] alone; {} is not taken as a request to remove them"


@dataclass(frozen=True)
class Comparison:
    """What a comparison depends on besides the two values."""

    marks: Marks
    options: Options
    imported: Imported = lambda _key, _above: ()
    written: Written = written_by_somebody

    def of_data_set(self, metadata: Mapping[str, Any], data_set: DataSet, above: Above = ()) -> Iterator[Finding]:
        """Yield what differs between a dict of the metadata and a data set of the file."""
        for text, value in metadata.items():
            key = key_of(text)
            if key:
                yield from self.of_values(key, value, data_set, above)
            elif not is_empty(value):
                yield Remark(why_unknown(text))

    def of_values(self, key: Key, value: Any, data_set: DataSet, above: Above = ()) -> Iterator[Finding]:
        """Yield what differs between one value of the metadata and its element."""
        in_file = data_set.get(key)
        if key.tag == _META_LENGTH:  # it follows the bytes, whatever the metadata says
            if in_file and not self._explains(key, value, in_file, nested=False):
                yield Remark(f"{key.name} follows the length of the file meta information, so it is not exported")
        elif in_file and in_file.is_sequence:
            yield from self._in_sequence(key, value, data_set, above)
        elif not self._explains(key, value, in_file, nested=bool(above)):
            yield from self._unexplained(key, value, data_set, above)
        elif in_file and self._is_ambiguous(value, in_file):
            yield self._doubt("an importer may have dropped its non-ASCII characters", key, value, data_set, above)

    def _doubt(self, reason: str, key: Key, value: Any, data_set: DataSet, above: Above) -> Doubt:
        difference = self.difference(key, value, data_set, above)
        if_edited = partial(self._as_edited, key, value, data_set, above)
        return Doubt(f"{key.name}: {reason}, {_KEPT}", difference, if_edited)

    def _unexplained(self, key: Key, value: Any, data_set: DataSet, above: Above) -> Iterator[Finding]:
        """Yield an edit, unless the value may have been damaged on the way or leaves nothing to write."""
        in_file = data_set.get(key)
        if value is None and not all(one.faithful for one in self.marks.makers):
            yield self._doubt(_NULL, key, value, data_set, above)
        elif in_file and (reason := why_doubtful(value, in_file)):
            yield self._doubt(reason, key, value, data_set, above)
        else:
            yield from self._as_edited(key, value, data_set, above)

    def _as_edited(self, key: Key, value: Any, data_set: DataSet, above: Above) -> Iterator[Finding]:
        """Yield an edit, unless the value leaves nothing to write."""
        in_file = data_set.get(key)
        typed = self.typed(key, value, data_set)
        if typed.remark:
            yield from self._as_typed(key, typed, data_set, above)
            return
        edit = self.edit(key, value, data_set, above)
        if typed.refusal:
            edit = replace(edit, value=value, unwritable=typed.refusal)
        if edit.refusal or edit.unwritable or edit.value is None or in_file is None or not _is_own(edit.value, in_file):
            yield edit

    def typed(self, key: Key, value: Any, data_set: DataSet) -> Typed:
        """Return a value in the form in which DICOM has it; components that the file holds stay as they are."""
        if _is_blank(value) or not is_plain(value) or key.tag == SPECIFIC_CHARACTER_SET:  # which has names of its own
            return Typed(value)
        in_file = data_set.get(key)
        parts = value.split("\\") if isinstance(value, str) else value
        kept = kept_components(parts, in_file, self.marks) if in_file and isinstance(parts, list) else frozenset()
        tag, vr = (in_file.tag, in_file.vr) if in_file else (key.tag, _vr_to_add(key, value, data_set))
        target = Target(
            vr,
            "" if key.creator else key.name,
            vm_in_dictionary(tag, key.creator),
            in_file.decoded(vr) if in_file and vr == "AS" else "",
        )
        return in_dicom_form(value, target, kept)

    def _as_typed(self, key: Key, typed: Typed, data_set: DataSet, above: Above) -> Iterator[Finding]:
        """Yield what differs between a value in DICOM's form, once it is brought into it, and its element."""
        found = list(self.of_values(key, typed.value, data_set, above))
        if not found:
            yield Restated(self.difference(key, typed.value, data_set, above))
        for one in found:
            yield replace(one.warn(typed.remark), was_typed=True) if isinstance(one, Difference) else one

    def explains(self, key: Key, value: Any, data_set: DataSet) -> bool:
        """Whether some importer makes this value of a data set."""
        return not any(isinstance(one, Difference | Restated) for one in self.of_values(key, value, data_set))

    def _explains(self, key: Key, value: Any, in_file: Value | None, *, nested: bool) -> bool:
        """Whether some importer makes this value of these bytes."""
        if in_file is None or in_file.empty:
            return is_empty(value) or (
                value in ("None", ["None"]) and any(one.spells_none for one in self.marks.makers)
            )
        if nested and is_empty(value) and not _is_readable(in_file):
            return True  # FMI empties numbers that it cannot read; at the top level it drops the key
        if in_file.vr in BINARY_VRS and shows_bytes(value, in_file, nested=nested):
            return True
        return any(
            self._same(value, importer.of_value(in_file), in_file, strictly=importer.faithful)
            for importer in self.marks.importers(in_file, key)
        )

    def _same(self, value: Any, made: Any, in_file: Value, *, strictly: bool) -> bool:
        if made is ABSENT:
            return False
        if value is None:
            return made is None  # NaN, "?"
        if value in ("", [""]):
            return isinstance(made, str) and not made.strip(" \0=")  # person names lose empty groups
        vr = (strictly and in_file.dictionary_vr) or in_file.vr
        any_sign = vr in ("US", "SS") and (
            " or " in vr_in_dictionary(in_file.tag) or in_file.element.vr != in_file.dictionary_vr
        )
        return same(value, made, vr, any_sign=any_sign) or (not strictly and same(_bare(value), _bare(made), vr))

    def _is_ambiguous(self, value: Any, in_file: Value) -> bool:
        return (
            not self.marks.are_clear
            and not same(value, FAITHFUL.of_value(in_file), in_file.vr)
            and any(
                one.loses_text(in_file) and same(value, one.of_value(in_file), in_file.vr)
                for one in self.marks.possible
            )
        )

    def edit(self, key: Key, value: Any, data_set: DataSet, above: Above = ()) -> Difference:
        """Return a value of the metadata as it is to be written, whether or not the file holds another one."""
        in_file = data_set.get(key)
        difference = self.difference(key, value, data_set, above)
        if difference.refusal:
            return difference
        if difference.vr != "SQ" and not is_plain(value):
            return replace(difference, value=value)  # the writer says why the VR cannot hold it
        if _is_blank(value):
            warning = "null in the metadata is taken as a request to blank the value" if value is None else ""
            is_needed = key.tag in _NEEDED and not above
            return replace(difference, value=None, warning=warning, refusal=_NAMELESS if is_needed else "")
        if key.tag == SPECIFIC_CHARACTER_SET:
            declared, refusal, warning = statement(value)
            return replace(difference, value=declared, refusal=refusal, warning=warning)
        difference = difference.warn(why_undefined(value, key.name))
        if in_file is None:
            is_sequence = difference.vr == "SQ"
            return new_sequence(self, difference, data_set, above) if is_sequence else replace(difference, value=value)
        to_write, refusal = value_to_write(value, in_file, self.marks)
        return replace(difference, value=to_write, refusal=refusal).warn(self._warning(value, in_file))

    def to_add(self, key: Key, value: Any, data_set: DataSet, above: Above = ()) -> Difference:
        """Return a value of the metadata, in DICOM's form, as it is to be written where there is none."""
        typed = self.typed(key, value, data_set)
        edit = self.edit(key, typed.value, data_set, above)
        return replace(edit, refusal=edit.refusal or typed.refusal).warn(typed.remark)

    def _warning(self, value: Any, in_file: Value) -> str:
        """Warn where an edit was made on a value whose non-ASCII characters its author never saw."""
        if not any(one.loses_text(in_file) for one in self.marks.makers):
            return ""
        lost = {char for char in in_file.decoded(in_file.vr) if not char.isascii()} - set(str(value))
        return (
            "the old value holds non-ASCII characters that the importer may have dropped before the edit; "
            "compare old and new"
            if lost
            else ""
        )

    def difference(self, key: Key, value: Any, data_set: DataSet, above: Above = ()) -> Difference:
        """Return a value of the metadata beside what the file holds, without asking whether they differ."""
        in_file = data_set.get(key)
        key = data_set.spelled(key)
        vr = in_file.vr if in_file else _vr_to_add(key, value, data_set)
        tag = in_file.tag if in_file else key.tag | 0x1000 if key.creator else key.tag
        refusal = why_protected(tag, vr, self.options)
        if in_file is None and key.tag >> 16 & 1 and not key.creator:
            refusal = 'a new private element needs its creator: "Creator, ggggxxee"'
        return Difference(
            path=(*(Step(k.tag, item, k.creator) for k, item in above), Step(key.tag, None, key.creator)),
            keys=(*(k for k, _ in above), key),
            vr=vr,
            in_file=in_file,
            wanted=value,
            refusal=refusal,
        )

    def _in_sequence(self, key: Key, value: Any, data_set: DataSet, above: Above) -> Iterator[Finding]:
        in_file = data_set.get(key)
        assert in_file is not None
        try:
            if isinstance(value, Mapping) and key.tag == PER_FRAME_GROUPS:
                yield from self._in_first_frame(key, value, in_file, above)
            elif isinstance(value, Mapping):
                if not self._merged(value, list(in_file.items())):
                    reason = "the metadata shows the items of this sequence merged into one; which is meant is unclear"
                    yield replace(self.difference(key, value, data_set, above), refusal=reason)
            else:
                yield from self._in_items(key, value, data_set, above, in_file)
        except Malformed:
            yield Remark(f"{key.name} is no readable sequence in the file; its metadata is not exported")

    def _in_first_frame(self, key: Key, value: Mapping[str, Any], in_file: Value, above: Above) -> Iterator[Finding]:
        """Compare the first item only: FMI shows no other."""
        first = in_file.item(0)
        findings = list(self.of_data_set(value, first, (*above, (key, 0)))) if first else []
        if len(self.marks.makers) == 1 or not (findings and self._merged(value, list(in_file.items()))):
            yield from findings

    def _merged(self, value: Mapping[str, Any], items: list[DataSet]) -> bool:
        """Whether a dict is what MRC makes of the items: each of its values is found in one of them."""
        for text, part in value.items():
            key = key_of(text)
            if key is None or is_empty(part):
                continue
            if isinstance(part, Mapping):
                sequences = [in_file for item in items if (in_file := item.get(key)) and in_file.is_sequence]
                if not self._merged(part, [inner for in_file in sequences for inner in in_file.items()]):
                    return False
            elif not any(item.get(key) and not any(self.of_values(key, part, item)) for item in reversed(items)):
                return False  # the last item wins, so most values are found there at once
        return True

    def _in_items(self, key: Key, value: Any, data_set: DataSet, above: Above, in_file: Value) -> Iterator[Finding]:
        items = list(in_file.items())
        if is_empty(value) and not items:
            return
        if value == []:
            blanked = self.edit(key, value, data_set, above)
            what = "the only item" if len(items) == 1 else f"all {len(items)} items"
            yield replace(blanked, warning=f"{what} of the sequence removed")
            return
        if is_empty(value) and isinstance(value, str | None):
            blanked = self.difference(key, value, data_set, above)
            yield replace(blanked, refusal=blanked.refusal or _BLANKED.format(json.dumps(value)))
            return
        if is_list_of_items(value):
            whole = self.difference(key, value, data_set, above)
            empty = data_set.nested({}, in_file.items_syntax)
            yield from ItemComparison(self, whole, value, items, empty, above).findings()
            return
        yield replace(self.difference(key, value, data_set, above), refusal=NO_ITEMS)


def _is_blank(value: Any) -> bool:
    """Whether a value asks for an element without a value; a list of empty components is a value."""
    return is_empty(value) and not (isinstance(value, list) and len(value) > 1)


def _is_own(value: Any, in_file: Value) -> bool:
    """Whether nothing is left to write: all components are the file's own text."""
    return isinstance(value, list) and value == own_components(in_file)


def _is_readable(in_file: Value) -> bool:
    """Whether a number can be read by the VR of the dictionary."""
    vr = in_file.dictionary_vr or in_file.vr
    if vr in ("DS", "IS"):
        return all(is_empty(text) or as_number(text) is not None for text in in_file.decoded(vr).split("\\"))
    try:
        return vr not in NUMBER_FORMATS or in_file.numbers(vr) is not None
    except ValueError:
        return False


def _bare(value: Any) -> Any:
    """Return text without the spaces and unprintable characters that some versions of old importers dropped."""
    if isinstance(value, list):
        return [_bare(part) for part in value]
    if not isinstance(value, str):
        return value
    return re.sub(r" *\\ *", r"\\", "".join(filter(str.isprintable, value)).lstrip(" "))


def _vr_to_add(key: Key, value: Any, data_set: DataSet) -> str:
    """Return the VR an absent element is to be written with; an unknown private one gets it by its JSON type."""
    vr = vr_in_dictionary(key.tag, key.creator)
    if vr == "US or SS":
        return "SS" if data_set.signed else "US"
    if " or " in vr:
        return "OW"
    if vr or not key.creator:
        return vr or "UN"
    parts = value if isinstance(value, list) else [value]
    if any(isinstance(part, Mapping) for part in parts):
        return "SQ"
    if all(isinstance(part, (int, float)) for part in parts):
        return "DS"
    return "LO" if all(isinstance(part, str) and len(part) <= 64 and part.isprintable() for part in parts) else "UT"
