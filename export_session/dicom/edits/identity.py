"""Whether the metadata describe this file, and which of its instances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from export_session.dicom.binary.dataset import DataSet
from export_session.dicom.dictionary import NUMBER_VRS, SOP_INSTANCE_UID, Key, key_of, vr_in_dictionary
from export_session.dicom.edits.compare import Comparison
from export_session.dicom.edits.doubt import is_rebuilt_uid
from export_session.dicom.edits.edit import Edit
from export_session.dicom.edits.equality import components, is_empty, same
from export_session.dicom.edits.explain import Explanations
from export_session.dicom.edits.series import Reference, Series
from export_session.dicom.edits.typed import Target, in_dicom_form
from export_session.errors import StaleMetadata

_UID = Key("SOPInstanceUID", SOP_INSTANCE_UID)
_META = "MediaStorageSOPInstanceUID"  # which repeats it (PS3.10 §7.1)
_IDENTITY = (_UID.text, "SeriesInstanceUID", "StudyInstanceUID", _META)
_MOMENT_VRS = frozenset(["DA", "TM", "DT"])
_TELLING_VRS = _MOMENT_VRS | NUMBER_VRS | {"SH", "LO"}
_PATIENT_GROUP = 0x0010  # a birth date says who, not when
_DIGITS = 4  # that a value must have, zeros at its ends apart, to be hardly ever met twice by chance
_TELLING = 3  # different values of that kind that must agree
_MOST = 2  # of what differs between instances, as much more must agree with one as is edited
_FEW = 4  # at least so many values must agree for each that is edited
_UNCLEAR = (
    "a SOPInstanceUID belongs to one instance, and which one of the file is meant cannot be told: give each its own in "
    "info.header.dicom_array"
)


def reference_of(dicom: Mapping[str, Any], series: Series, comparison: Comparison) -> Reference:
    """Find the instance that ``header.dicom`` describes.

    Its SOPInstanceUID tells. Where that was edited, what else differs between the instances does: the one that
    agrees in most of it, if there is but one. Else it is the one that file-metadata-importer would have described.
    """
    reference = series.reference(dicom)
    edited = comparison.options.edit_uids and not is_empty(dicom.get(_UID.text))
    if reference.is_named or not edited or _is_known(_UID, dicom[_UID.text], series, comparison):
        return reference
    agreeing: Counter[int] = Counter()
    shown = 0
    for key, value in _shown(dicom):
        groups = series.distinct(key) if key.tag != SOP_INSTANCE_UID else []
        shown += len(groups) > 1
        for group in groups if len(groups) > 1 else ():
            if comparison.explains(key, value, series.data_sets[group[0]]):
                agreeing.update(group)
    (best, most), (_, next_most) = (*agreeing.most_common(2), (0, 0), (0, 0))[:2]
    is_alone = most > next_most and most >= _MOST * (shown - most)
    return Reference(best, is_named=True) if is_alone else reference


def check_identity(dicom: Mapping[str, Any], series: Series, reference: Reference, comparison: Comparison) -> None:
    """Make sure that the metadata describe one of the instances.

    With ``edit_uids`` a UID that is in none of them may be an edit, as long as another one is known, or all else
    in the metadata agrees with the reference instance, but for a few edits.

    Raises
    ------
    StaleMetadata
        They describe another file, or it cannot be told.
    """
    uids = {text: in_dicom_form(dicom.get(text), Target("UI")).value for text in _IDENTITY}
    named = [(key, uids[key.text]) for text in _IDENTITY if (key := key_of(text)) and not is_empty(dicom.get(text))]
    known = {key.text: _is_known(key, value, series, comparison) for key, value in named}
    unknown = [text for text, found in known.items() if found is False and not text.startswith("Media")]
    explanations = Explanations(dicom, series, reference, comparison)
    unknown = [text for text in unknown if not explanations.of_value((text,), dicom[text])]
    if not unknown:
        return
    if comparison.options.edit_uids and (
        True in known.values() or _agrees(dicom, series.data_sets[reference.index], comparison)
    ):
        return
    raise StaleMetadata(
        f"info.header describes another file: its {', '.join(unknown)} is in none of the instances of this one. "
        "Run the importer again on this file and repeat the edits, or, if a UID was edited on purpose, "
        "set edit_uids and leave at least one of the other UIDs as it is. All of them can be edited at once where the "
        "rest of info.header (dates, times, numbers) agrees with the file, so that there is no doubt."
    )


def of_one_instance(
    edit: Edit, dicom: Mapping[str, Any], series: Series, reference: Reference, comparison: Comparison
) -> Edit:
    """Return an edited SOPInstanceUID meant for the reference instance alone; other edits as they are."""
    if [step.tag for step in edit.path] != [SOP_INSTANCE_UID] or edit.refused:
        return edit
    if is_repeated(_META, dicom, series, reference, comparison):
        edit = replace(edit, places=(*edit.places, ("dicom", _META)))
    if len(series.indices) == 1:
        return edit
    return replace(edit, instances=frozenset([reference.index])) if reference.is_named else edit.refuse(_UNCLEAR)


def is_repeated(
    text: str, dicom: Mapping[str, Any], series: Series, reference: Reference, comparison: Comparison
) -> bool:
    """Whether a key of the metadata is that of the file meta, and says the same as an edited SOPInstanceUID.

    It follows then, so that there is nothing to refuse.
    """
    uid = dicom.get(_UID.text)
    return (
        comparison.options.edit_uids
        and text == _META
        and same(dicom.get(_META), uid, "UI")
        and not comparison.explains(_UID, uid, series.data_sets[reference.index])
    )


def _is_known(key: Key, value: Any, series: Series, comparison: Comparison) -> bool | None:
    """Whether some instance has this UID; None where none has any."""
    data_sets = [series.data_sets[group[0]] for group in series.distinct(key)]
    filled = [(data_set, in_file) for data_set in data_sets if (in_file := data_set.get(key)) and not in_file.empty]
    if not filled:
        return None
    return any(
        is_rebuilt_uid(value, in_file) or comparison.explains(key, value, data_set) for data_set, in_file in filled
    )


def _shown(dicom: Mapping[str, Any]) -> Iterator[tuple[Key, Any]]:
    for text, value in dicom.items():
        key = key_of(text)
        if key and not is_empty(value):
            yield key, value


@dataclass
class _Tally:
    """How many values agree with the file, and which of them hardly do so by chance."""

    agreeing: int = 0
    differing: int = 0
    telling: set[str] = field(default_factory=set)

    def add(self, value: Any, *, agrees: bool) -> None:
        self.agreeing += agrees
        self.differing += not agrees
        if agrees and _is_telling(value):
            self.telling.add(str(value))

    def holds(self, telling: int) -> bool:
        return len(self.telling) >= telling and self.differing * _FEW <= self.agreeing


def _agrees(dicom: Mapping[str, Any], data_set: DataSet, comparison: Comparison) -> bool:
    """Whether the metadata describe an instance, to judge by all in them but its UIDs.

    Another one of the same protocol has the same numbers, but never its dates and times; another one of the same
    day other times and numbers. So both must agree, in some values that are hardly ever met twice.
    """
    all_values, moments = _Tally(), _Tally()
    for key, value in _shown(dicom):
        vr = vr_in_dictionary(key.tag, key.creator)
        if vr == "UI" or key.tag >> 16 == 2:
            continue
        agrees = comparison.explains(key, value, data_set)
        all_values.add(value if vr in _TELLING_VRS else None, agrees=agrees)
        if vr in _MOMENT_VRS and key.tag >> 16 != _PATIENT_GROUP:
            moments.add(value, agrees=agrees)
    return all_values.holds(_TELLING) and moments.holds(1)


def _is_telling(value: Any) -> bool:
    """Whether two files hardly ever hold the same value by chance: it has digits enough."""
    return any(len("".join(filter(str.isdigit, str(part))).strip("0")) >= _DIGITS for part in components(value))
