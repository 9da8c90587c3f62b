"""The ``dicom-map`` input: a YAML or JSON file that adds to, replaces or disables rows of the mapping."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

import yaml
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import tag_for_keyword

from export_session.errors import ConfigError
from export_session.field_mapping import CONSTANT, FIELDS, FieldMapping, vr_of

_NULL = "tag:yaml.org,2002:null"
_NESTED = "a list or an object"
_FORM = "PatientID: subject.label"
_KEYWORDS = {entry[4].lower(): entry[4] for entry in DicomDictionary.values() if entry[4]}


def with_dicom_map(mapping: FieldMapping, path: Path) -> FieldMapping:
    """Return `mapping` with the rows of a ``dicom-map`` input added, replaced or (null) disabled.

    Raises
    ------
    ConfigError
        With every row that cannot be used, and the line it is in.
    """
    document = _document(path)
    if not isinstance(document, yaml.MappingNode):
        raise ConfigError([f"dicom-map: {path.name} must hold rows like  {_FORM}"])
    given: dict[str, str | None] = {}
    problems = []
    for node, source_node in document.value:
        keyword, source = _text(node), _text(source_node)
        found = [*_problems(keyword, source), *([f"{keyword} has two rows; keep one"] if keyword in given else ())]
        where = f"{path.name}, line {node.start_mark.line + 1}, column {node.start_mark.column + 1}"
        problems += [f"dicom-map: {where}: {problem}" for problem in found]
        given[keyword or ""] = source
    if problems:
        raise ConfigError(problems)
    rows = {keyword: source for keyword, source in {**mapping.rows, **given}.items() if source is not None}
    return FieldMapping(rows, mapping.given | (given.keys() & rows.keys()))


def _document(path: Path) -> yaml.Node | None:
    """Read the file as nodes, which know their lines; JSON is YAML."""
    try:
        text = path.read_text("utf-8-sig")
        # Tabs are white space in JSON; in its strings they are forbidden
        return yaml.compose(text.replace("\t", " ") if text.lstrip().startswith("{") else text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError([f"dicom-map: {path.name}{where}: {error.problem}"]) from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError([f"dicom-map: {path.name} is not readable ({type(error).__name__})"]) from None


def _text(node: yaml.Node) -> str | None:
    """Return what stands there, None for null; a list or an object is spelled so that no row can take it."""
    if not isinstance(node, yaml.ScalarNode):
        return _NESTED
    return None if node.tag == _NULL else node.value


def _problems(keyword: str | None, source: str | None) -> Iterator[str]:
    if tag_for_keyword(keyword or "") is None:
        yield f"{keyword} is not a DICOM keyword{nearest_keyword(keyword or '')}"
    elif source is not None and vr_of(keyword or "") == "SQ":
        yield f"{keyword} is a sequence, which cannot be mapped"
    if source is not None and (problem := _problem_of_source(source)):
        yield f"{keyword}: {problem}"


def _problem_of_source(source: str) -> str:
    if source == _NESTED:
        return "a row takes one Flywheel field, or a constant"
    if source.startswith(CONSTANT):
        constant = source.removeprefix(CONSTANT).strip()
        return "" if constant and constant.lower() != "unknown" else f"{source} says nothing; null disables the row"
    level, _, field = source.partition(".")
    if level in FIELDS and (field in FIELDS[level] or (field.startswith("info.") and all(field.split(".")))):
        return ""
    return f"{source} is not a Flywheel field{_nearest_field(source)}"


def nearest_keyword(keyword: str) -> str:
    """Say which keyword may be meant by what is none, as the end of a sentence."""
    near = get_close_matches(keyword.lower().replace(" ", ""), _KEYWORDS, 1)
    return f"; did you mean {_KEYWORDS[near[0]]}?" if near else " (write it like PatientID)"


def _nearest_field(source: str) -> str:
    level, _, field = source.partition(".")
    if field in ("info", "info."):
        return f"; name a key of it, such as {level}.info.title"
    known = [f"{level}.{field}" for level, fields in FIELDS.items() for field in fields]
    if field.startswith("info."):
        known = [f"{level}.{field}" for level in FIELDS]
    near = get_close_matches(source.lower(), known, 1)
    return f"; did you mean {near[0]}?" if near else f'; write it like subject.label, or a constant as "={source}"'
