"""Flywheel fields that are written to DICOM elements."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from pydicom.datadict import dictionary_VR, tag_for_keyword

from export_session.errors import ConfigError

BUILT_IN: Mapping[str, str] = {
    "PatientID": "subject.label",
    "PatientSex": "subject.sex",
    "PatientAge": "session.age",
    "PatientWeight": "session.weight",
    "StudyID": "session.label",
    "SeriesDescription": "acquisition.label",
}
SOURCES = ("project", "subject", "session", "acquisition", "file")
SEX = {"male": "M", "female": "F", "other": "O"}  # "unknown" says nothing, so it writes nothing


@dataclass(frozen=True)
class FieldMapping:
    """Rows of DICOM keyword and the Flywheel field that is written to it."""

    rows: Mapping[str, str]

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


def built_in(enabled: bool) -> FieldMapping:
    """Return the mapping of a run without a ``dicom-map`` input."""
    return FieldMapping(dict(BUILT_IN) if enabled else {})


def with_file(mapping: FieldMapping, path: Path) -> FieldMapping:
    """Return `mapping` with the rows of a ``dicom-map`` input added, replaced or (null) disabled.

    Raises
    ------
    ConfigError
        With every row that cannot be used.
    """
    try:
        document = path.read_text("utf-8-sig")
        given = json.loads(document) if path.suffix == ".json" else yaml.safe_load(document)
    except (OSError, UnicodeError, ValueError, yaml.YAMLError) as error:
        raise ConfigError([f"dicom-map: {path.name} is not readable YAML or JSON ({type(error).__name__})"]) from None
    if not isinstance(given, dict):
        raise ConfigError([f"dicom-map: {path.name} must hold rows like  PatientID: subject.label"])
    problems = [problem for keyword, source in given.items() if (problem := _problem(keyword, source))]
    if problems:
        raise ConfigError(problems)
    rows = {**mapping.rows, **given}
    return FieldMapping({keyword: source for keyword, source in rows.items() if source is not None})


def _problem(keyword: object, source: object) -> str:
    if not isinstance(keyword, str) or tag_for_keyword(keyword) is None:
        return f"dicom-map: {keyword!r} is not a DICOM keyword (write it like PatientID)"
    if source is None:
        return ""
    if not isinstance(source, str) or source.partition(".")[0] not in SOURCES or "." not in source:
        return f"dicom-map: {keyword}: {source!r} is not a Flywheel field (write it like subject.label)"
    return ""


def _value(keyword: str, source: str, sources: Mapping[str, Mapping[str, Any]]) -> Any:
    level, *way = source.split(".")
    value: Any = sources.get(level, {})
    for key in way:
        value = value.get(key) if isinstance(value, Mapping) else None
    if source == "subject.sex":
        return SEX.get(value) if isinstance(value, str) else None
    if isinstance(value, str) and value.strip().lower() == "unknown":
        return None
    if isinstance(value, str):
        return _date_or_time(keyword, value.strip(), sources.get(level, {}).get("timezone"))
    return value


def _date_or_time(keyword: str, value: str, timezone: Any) -> str:
    """Return an ISO 8601 time as DICOM writes it where the element is a date or time (PS3.5 §6.2)."""
    tag = tag_for_keyword(keyword)
    form = {"DA": "%Y%m%d", "TM": "%H%M%S", "DT": "%Y%m%d%H%M%S%z"}.get(dictionary_VR(tag) if tag else "")
    if form is None:
        return value
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo and isinstance(timezone, str):
            moment = moment.astimezone(ZoneInfo(timezone))
    except (ValueError, OSError):
        return value  # not a time, or an unknown time zone: the element's own rules decide
    return moment.strftime(form)
