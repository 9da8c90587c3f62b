"""Flywheel fields that say what the header says already.

The platform builds session and acquisition labels, and ages, from the header itself. Mapped back, such
values would change files that nobody edited.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

from export_session.dicom.binary.dataset import DataSet
from export_session.dicom.dictionary import key_of
from export_session.dicom.edits.importers import IMPORTERS

_DAYS_PER_UNIT = {"D": (1.0,), "W": (7.0,), "M": (30.4375, 30.0), "Y": (365.25, 365.0)}
_SECONDS_PER_DAY = 86400
_AS = re.compile(r"(\d{1,3})([DWMY])")

_STAMP = re.compile(
    r"(\d{4})[-_.]?(\d\d)[-_.]?(\d\d)"
    r"(?:[T _-]{0,3}(\d\d)[-:_]?(\d\d)(?:[-:_]?(\d\d)(?:\.\d+)?)?)?"
    r" ?(Z|UTC|[+-]\d\d:?\d\d)?"
)
_LABEL_MAX = 64

_DESCRIPTIONS = {
    "SeriesDescription": ("SeriesDescription", "ProtocolName"),
    "ProtocolName": ("ProtocolName", "SeriesDescription"),
    "StudyDescription": ("StudyDescription",),
    "StudyID": ("StudyDescription",),
}
_UIDS = {
    "SeriesDescription": "SeriesInstanceUID",
    "ProtocolName": "SeriesInstanceUID",
    "StudyDescription": "StudyInstanceUID",
    "StudyID": "StudyInstanceUID",
}
_STAMPS = (
    ("StudyDate", "StudyTime"),
    ("SeriesDate", "SeriesTime"),
    ("AcquisitionDate", "AcquisitionTime"),
    ("ContentDate", "ContentTime"),
    ("AcquisitionDateTime", ""),
)


def is_derived_label(keyword: str, label: str, data_set: DataSet, edited: str = "") -> bool:
    """Whether the platform can have made a label from this very header.

    Acquisitions are called ``<SeriesNumber> - <SeriesDescription>``, sessions by StudyDescription; both fall
    back to a timestamp and then to a UID. Characters that are not allowed in a label are replaced.

    Parameters
    ----------
    keyword
        What the label is mapped to; only session and acquisition labels are ever derived.
    label
        The Flywheel label.
    data_set
        The main data set.
    edited
        What a person made of the element that the label is mapped to, if anybody edited it.
    """
    if keyword not in _DESCRIPTIONS:
        return False
    number = _text(data_set, "SeriesNumber")
    bare = label
    if number and keyword in ("SeriesDescription", "ProtocolName"):
        bare = re.sub(rf"^0*{re.escape(number)}\s*[-_]\s*", "", label)
    if edited:
        return bool(_folded(edited) & (_folded(label) | _folded(bare)))
    return (
        any(_folded(text) & (_folded(label) | _folded(bare)) for text in _descriptions(keyword, data_set))
        or any(text in (label, bare) for text in _uid_forms(keyword, data_set))
        or _is_timestamp(bare, data_set)
    )


def _descriptions(keyword: str, data_set: DataSet) -> Iterator[str]:
    for name in _DESCRIPTIONS[keyword]:
        text = _text(data_set, name)
        if text:
            yield text


def _uid_forms(keyword: str, data_set: DataSet) -> Iterator[str]:
    uid = _text(data_set, _UIDS[keyword])
    if uid:
        yield uid
        yield uid.replace(".", "_")


def _text(data_set: DataSet, keyword: str) -> str:
    key = key_of(keyword)
    in_file = data_set.get(key) if key else None
    value = IMPORTERS[0].of_value(in_file) if in_file and not in_file.empty else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None or isinstance(value, list) else str(value)


def _folded(text: str) -> set[str]:
    """Return the spellings of a text as a label, all white space and unprintable characters alike."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    ascii_only = " ".join("".join(char for char in plain if char.isascii()).split())
    spelled = set()
    for base, star, other in product((plain, ascii_only), ("star", "_", "*"), ("_", "-")):
        full = re.sub(r'[\\/:?"<>|]', other, base.replace("*", star))
        spelled |= {full, full[:_LABEL_MAX].strip(), full.replace("^", "_")}
    return spelled - {""}


def _is_timestamp(label: str, data_set: DataSet) -> bool:
    """Whether a label is a date, or date and time, of the header.

    A label with a time zone may be in another zone than the header: hours are not compared then.
    """
    match = _STAMP.fullmatch(label.strip())
    if not match:
        return False
    year, month, day, hour, minute, second, zone = match.groups()
    for date_name, time_name in _STAMPS:
        date = re.sub(r"\D", "", _text(data_set, date_name))
        time = re.sub(r"[:]", "", _text(data_set, time_name)) if time_name else date[8:]
        if date[:8] == year + month + day and (hour is None or time.startswith(hour + minute + (second or ""))):
            return True
        if zone and time[2:].startswith(minute + (second or "")) and date:
            return True
    stamp = "".join(part for part in (year, month, day, hour, minute, second) if part)
    uids = (_text(data_set, name) for name in ("StudyInstanceUID", "SeriesInstanceUID"))
    return len(stamp) == 14 and any(stamp in uid for uid in uids)


def same_age(file_as: str, age: str | float) -> bool:
    """Whether an age says the same as an Age String of the file, in the coarser unit of the two.

    Parameters
    ----------
    file_as
        PS3.5 AS: ``nnnD``, ``nnnW``, ``nnnM`` or ``nnnY``.
    age
        Another Age String, or seconds.
    """
    in_file = _AS.fullmatch(file_as.strip().upper())
    if not in_file:
        return False
    count, unit = int(in_file[1]), in_file[2]
    if isinstance(age, str):
        given = _AS.fullmatch(age.strip().upper())
        if not given:
            return False
        if given[2] == unit:
            return int(given[1]) == count
        if _DAYS_PER_UNIT[given[2]][0] > _DAYS_PER_UNIT[unit][0]:  # the given one is the coarser
            return _counts(count * _DAYS_PER_UNIT[unit][0], given[2], int(given[1]))
        return _counts(int(given[1]) * _DAYS_PER_UNIT[given[2]][0], unit, count)
    return _counts(age / _SECONDS_PER_DAY, unit, count)


def _counts(days: float, unit: str, count: int) -> bool:
    """Whether so many days are ``count`` completed units, or round to them (calendars differ)."""
    return any(count in (int(days / length), round(days / length)) for length in _DAYS_PER_UNIT[unit])


def age_string(seconds: float, unit: str = "") -> str:
    """Return seconds as a PS3.5 Age String, in ``unit`` where three digits suffice, else in the best one.

    An age that none can say gives "".
    """
    if not 0 <= seconds < math.inf:
        return ""
    days = seconds / _SECONDS_PER_DAY
    fitting = (u for u in _best_units(days, unit) if days / _DAYS_PER_UNIT[u][0] < 1000)
    best = next(fitting, "")
    return f"{int(days / _DAYS_PER_UNIT[best][0]):03d}{best}" if best else ""


def _best_units(days: float, preferred: str) -> Iterator[str]:
    """Yield the units from the wanted one on: years from two years, months from two months, else days."""
    if preferred in _DAYS_PER_UNIT:
        yield preferred
    if days >= 2 * 365.25:
        yield "Y"
    if days >= 2 * 30.4375:
        yield "M"
    yield "D"
    yield "W"
    yield "M"
    yield "Y"


def unit_of(value: Any) -> str:
    """Return the unit of an Age String, "" when it is none."""
    match = _AS.fullmatch(str(value).strip().upper())
    return match[2] if match else ""
