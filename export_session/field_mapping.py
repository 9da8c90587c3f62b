"""Flywheel fields, and constants, that are written to DICOM elements."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydicom.datadict import dictionary_VR, tag_for_keyword

BUILT_IN: Mapping[str, str] = {
    "PatientID": "subject.label",
    "PatientSex": "subject.sex",
    "PatientAge": "session.age",
    "PatientWeight": "session.weight",
    "StudyID": "session.label",
    "SeriesDescription": "acquisition.label",
}
# What a row may name of each level, besides ``info.KEY``; as the SDK's own model has it.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "project": ("label", "description", "group", "tags"),
    "subject": (
        *("label", "code", "master_code", "firstname", "lastname", "sex", "age", "date_of_birth", "cohort", "mlset"),
        *("type", "race", "ethnicity", "species", "strain", "state", "tags"),
    ),
    "session": ("label", "uid", "timestamp", "timezone", "age", "weight", "operator", "tags"),
    "acquisition": ("label", "uid", "timestamp", "timezone", "tags"),
    "file": ("name", "type", "modality"),
}
CONSTANT = "="  # begins a row's text that stands for itself
IN_SECONDS = ("session.age", "subject.age")
SEX = {"male": "M", "female": "F", "other": "O"}  # "unknown" says nothing, so it writes nothing
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?P<time>[T ]\d\d:\d\d.*)?")
_AGE = re.compile(r"(\d{1,3})\s*([dwmy]|(?:day|week|month|year)s?|yrs?)", re.IGNORECASE)


@dataclass(frozen=True)
class FieldMapping:
    """Rows of DICOM keyword and what is written to it: the Flywheel field, or a constant with "=" before it."""

    rows: Mapping[str, str]
    given: frozenset[str] = frozenset()  # keywords of rows that a dicom-map asks for

    def overrides(self, sources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Return the values to write for one file.

        Parameters
        ----------
        sources
            The documents of the file and of the containers above it, by level.

        Returns
        -------
        dict
            DICOM keyword and value. A field that is absent, empty or unknown has no entry, so that an absent
            Flywheel value never blanks an element.
        """
        values = {keyword: _value(keyword, source, sources) for keyword, source in self.rows.items()}
        return {keyword: value for keyword, value in values.items() if value not in (None, "", [], {})}

    def unused(self, overrides: Iterable[Collection[str]]) -> list[str]:
        """Say which rows of a dicom-map had no value for any file, given the keywords that had one for each."""
        used = {keyword for keywords in overrides for keyword in keywords}
        return [
            f"dicom-map: {self.rows[keyword]} has no value for any file of this run, so {keyword} was not written"
            for keyword in sorted(self.given - used)
        ]


def built_in(enabled: bool) -> FieldMapping:
    """Return the mapping of a run without a ``dicom-map`` input."""
    return FieldMapping(dict(BUILT_IN) if enabled else {})


def _value(keyword: str, source: str, sources: Mapping[str, Mapping[str, Any]]) -> Any:
    if source.startswith(CONSTANT):
        return _in_dicom_form(keyword, source.removeprefix(CONSTANT).strip(), None)
    level, *way = source.split(".")
    value: Any = sources.get(level, {})
    for key in way:
        value = value.get(key) if isinstance(value, Mapping) else None
    if source == "subject.sex":
        return SEX.get(value) if isinstance(value, str) else None
    if isinstance(value, str) and value.strip().lower() == "unknown":
        return None
    if (
        vr_of(keyword) == "AS"
        and source not in IN_SECONDS
        and isinstance(value, (int, float))
        and not isinstance(value, bool)
    ):
        return f"{value:g}"  # a bare number says no unit: text, since a number is taken as seconds
    if isinstance(value, str):
        return _in_dicom_form(keyword, value.strip(), sources.get(level, {}).get("timezone"))
    return value


def vr_of(keyword: str) -> str:
    """Return the VR that the dictionary gives a keyword, "" for what is none."""
    tag = tag_for_keyword(keyword)
    return dictionary_VR(tag) if tag else ""


def _in_dicom_form(keyword: str, text: str, timezone: Any) -> str:
    """Return an age, or an ISO 8601 time, as DICOM writes it where the element is one (PS3.5 §6.2)."""
    vr = vr_of(keyword)
    if vr == "AS":
        return _age(text)
    found = _ISO.fullmatch(text)
    if vr not in ("DA", "TM", "DT") or not found or (vr == "TM" and not found["time"]):
        return text
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo and isinstance(timezone, str):
            moment = moment.astimezone(ZoneInfo(timezone))
    except (ValueError, OSError):
        return text  # not a time, or an unknown time zone: the element's own rules decide
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    time = f"%H%M%S{fraction}" if found["time"] else ""
    return moment.strftime({"DA": "%Y%m%d", "TM": time, "DT": f"%Y%m%d{time}%z"}[vr])


def _age(text: str) -> str:
    """Return an age with its unit as an Age String: ``34 years``, ``34y`` and ``034Y`` are the same."""
    found = _AGE.fullmatch(text)
    return f"{int(found[1]):03d}{found[2][0].upper()}" if found else text
