"""Compare the metadata with one instance, and find the values that no importer made of its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.dictionary import (
    BINARY_VRS,
    NUMBER_FORMATS,
    NUMBER_STRINGS,
    Key,
    key_of,
    vr_in_dictionary,
    why_unknown,
)
from export_session.dicom.edits.components import own_components, value_to_write
from export_session.dicom.edits.doubt import why_doubtful
from export_session.dicom.edits.equality import as_number, is_empty, same
from export_session.dicom.edits.importers import ABSENT, FAITHFUL, PER_FRAME_GROUPS, Marks
from export_session.dicom.edits.projection import as_json
from export_session.dicom.edits.protected import why_protected
from export_session.dicom.edits.reordering import are_reordered, size
from export_session.dicom.edits.shown_bytes import shows_bytes
from export_session.dicom.vocabulary import Options, Step

Above = tuple[tuple[Key, int], ...]  # the sequences passed through, with the number of the item

_META_LENGTH = 0x00020000
_NULL = "an importer may have stored null for a value that it could not keep"
_KEPT = "or a person may have typed it; that cannot be told, so the file keeps its value"
_BLANKED = "the items of a sequence are removed by [] alone; {} is not taken as a request to remove them"
_REORDERED = (
    "the items of this sequence stand in another order in the metadata than in the file; what the metadata do not "
    "show would change owner. Put them back in the file's order and edit their values"
)


@dataclass(frozen=True)
class Difference:
    """One value of the metadata that no importer explains."""

    path: tuple[Step, ...]
    keys: tuple[Key, ...]  # one for each step
    vr: str  # to write with
    in_file: Value | None  # what the file holds, None when the element is absent
    wanted: Any  # as the metadata has it
    value: Any = None  # to write: unchanged components are the file's own text
    refusal: str = ""  # why it cannot be written
    warning: str = ""  # to read with the change

    @property
    def old(self) -> Any:
        """The JSON value of the bytes, numbers of DS and IS as they are spelled; None when the element is absent."""
        if self.in_file and self.in_file.vr in NUMBER_STRINGS:
            return self.in_file.spelled() or None
        return as_json(self.in_file) if self.in_file else None


@dataclass(frozen=True)
class Remark:
    """Something a person should know about a value that is no edit."""

    text: str


Finding = Difference | Remark


@dataclass(frozen=True)
class Comparison:
    """What a comparison depends on besides the two values."""

    marks: Marks
    options: Options

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
            yield Remark(f"{key.name}: an importer may have dropped its non-ASCII characters, {_KEPT}")

    def _unexplained(self, key: Key, value: Any, data_set: DataSet, above: Above) -> Iterator[Finding]:
        """Yield an edit, unless the value may have been damaged on the way or leaves nothing to write."""
        in_file = data_set.get(key)
        if value is None and not all(one.faithful for one in self.marks.makers):
            yield Remark(f"{key.name}: {_NULL}, {_KEPT}")
            return
        if in_file and (reason := why_doubtful(value, in_file)):
            yield Remark(f"{key.name}: {reason}, {_KEPT}")
            return
        edit = self._edit(key, value, data_set, above)
        if edit.refusal or edit.value is None or in_file is None or not _is_own(edit.value, in_file):
            yield edit

    def explains(self, key: Key, value: Any, data_set: DataSet) -> bool:
        """Whether some importer makes this value of a data set."""
        return not any(isinstance(one, Difference) for one in self.of_values(key, value, data_set))

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

    def _edit(self, key: Key, value: Any, data_set: DataSet, above: Above) -> Difference:
        in_file = data_set.get(key)
        difference = self.difference(key, value, data_set, above)
        if difference.refusal:
            return difference
        if difference.vr != "SQ" and not _is_plain(value):
            return replace(difference, value=value)  # the writer says why the VR cannot hold it
        if _is_blank(value):
            warning = "null in the metadata is taken as a request to blank the value" if value is None else ""
            return replace(difference, value=None, warning=warning)
        if in_file is None:
            return replace(difference, value=value, refusal=_cannot_add(difference.vr))
        to_write, refusal = value_to_write(value, in_file, self.marks)
        warning = self._warning(value, in_file)
        return replace(difference, value=to_write, refusal=refusal, warning=warning)

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
                yield from self._in_items(key, value, data_set, above, list(in_file.items()))
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

    def _in_items(
        self, key: Key, value: Any, data_set: DataSet, above: Above, items: list[DataSet]
    ) -> Iterator[Finding]:
        if is_empty(value) and not items:
            return
        if value == []:
            blanked = self._edit(key, value, data_set, above)
            yield replace(blanked, warning=f"all items of the sequence are removed, {len(items)} in number")
            return
        if is_empty(value) and isinstance(value, str | None):
            blanked = self.difference(key, value, data_set, above)
            yield replace(blanked, refusal=blanked.refusal or _BLANKED.format(json.dumps(value)))
            return
        if isinstance(value, list) and all(isinstance(part, Mapping) for part in value):
            if len(value) == len(items):
                found = [
                    list(self.of_data_set(part, item, (*above, (key, number))))
                    for number, (part, item) in enumerate(zip(value, items, strict=True))
                ]
                if are_reordered(value, items, list(map(_distance, found)), self._distance):
                    yield replace(self.difference(key, value, data_set, above), refusal=_REORDERED)
                else:
                    yield from (finding for findings in found for finding in findings)
                return
            reason = (
                f"the sequence has {len(items)} item{'s' * (len(items) != 1)} in the file "
                f"and {len(value)} in the metadata; "
                "items cannot be added or removed"
            )
        else:
            reason = "the value of a sequence is a list of objects"
        yield replace(self.difference(key, value, data_set, above), refusal=reason)

    def _distance(self, shown: Mapping[str, Any], item: DataSet) -> int:
        return _distance(self.of_data_set(shown, item))


def _distance(findings: Iterable[Finding]) -> int:
    return sum(size(finding.wanted) for finding in findings if isinstance(finding, Difference))


def _is_plain(value: Any) -> bool:
    return not any(isinstance(part, (list, Mapping)) for part in (value if isinstance(value, list) else [value]))


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


def _cannot_add(vr: str) -> str:
    if vr == "SQ":
        return "the file has no such sequence, and sequences cannot be added"
    return ""
