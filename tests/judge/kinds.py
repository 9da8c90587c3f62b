"""Findings by kind, so that thousands of them read as a few."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pydicom.datadict import dictionary_VR

from tests.judge.archives import archive_of
from tests.judge.campaign import Report
from tests.judge.files import file_of
from tests.judge.verdict import Finding

_NOT_OF_DATA_SETS = frozenset({"0000", "0002", "0004", "FFFE"})
_TRAITS = 5  # of a sort are told


@dataclass(frozen=True, order=True)
class Kind:
    """What findings of one kind have in common."""

    what: str  # edit, error or crash
    vr: str  # as the dictionary has it
    change: str  # from what the bytes hold to what the importer shows; the name of an error
    reason: str = ""

    def __str__(self) -> str:
        return " | ".join(part for part in (self.what, self.vr, self.change, self.reason) if part)


@dataclass
class Group:
    """The findings of one kind."""

    kind: Kind
    reports: list[Report] = field(default_factory=list)

    @property
    def counts(self) -> Iterator[str]:
        """How often it was found by importer, by encoding, and by what the engine did."""
        for trait in (_importer, _encoding, _deed):
            counted = Counter(trait(report) for report in self.reports)
            yield ", ".join(f"{name} {count}" for name, count in counted.most_common(_TRAITS) if name)

    def examples(self, count: int) -> list[Report]:
        """Some of them, of different importers first, the smallest seeds first."""
        chosen: dict[str, Report] = {}
        for report in self.reports:
            chosen.setdefault(report.importer.replace("mixed", "fmi"), report)
        rest = [report for report in self.reports if report not in chosen.values()]
        return [*chosen.values(), *rest][:count]


def _importer(report: Report) -> str:
    return report.importer


def _encoding(report: Report) -> str:
    if report.kind == "file":
        return str(file_of(report.seed).form)
    forms = (str(member.instance.form) for member in archive_of(report.seed).members if member.instance)
    return next(forms, "") + ", zip"


def _deed(report: Report) -> str:
    finding = report.finding
    if finding.what in ("error", "crash"):
        return ""
    nested = "nested " if "[" in finding.path else ""
    written = finding.vr if "(" in _vrs(finding) else ""
    why = re.sub(r"'[^']*'|\d+", "…", finding.reason)[:70]
    return " ".join(part for part in (nested + written, finding.what, f"({why})" if why else "") if part)


def kind_of(finding: Finding) -> Kind:
    """The kind of a finding."""
    if finding.what in ("error", "crash"):
        return Kind(finding.what, "", finding.path, _plain(finding.reason))
    if finding.old is None:
        group = finding.tag[1:5]
        place = f"group {group}" if group in _NOT_OF_DATA_SETS else "any VR"
        return Kind("edit", place, "no such element -> something")
    vr = _vrs(finding).split(" (dictionary ")[-1].rstrip(")")
    return Kind("edit", vr, f"{_shape(finding.old)} -> {_shape(finding.shown)}")


def groups(reports: Iterable[Report]) -> list[Group]:
    """All kinds, the most frequent first."""
    found: dict[Kind, Group] = {}
    for report in reports:
        kind = kind_of(report.finding)
        found.setdefault(kind, Group(kind)).reports.append(report)
    return sorted(found.values(), key=lambda group: (-len(group.reports), group.kind))


def _vrs(finding: Finding) -> str:
    """The VR the engine goes by; the dictionary's, if that is another."""
    if not re.fullmatch(r"\([0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\)", finding.tag):
        return finding.vr
    tag = int(finding.tag[1:5] + finding.tag[6:10], 16)
    try:
        named = str(dictionary_VR(tag))
    except KeyError:
        named = "private" if tag >> 16 & 1 else "unknown"
    return finding.vr if named == finding.vr else f"{finding.vr} (dictionary {named})"


def _shape(value: Any) -> str:
    parts = value if isinstance(value, list) else [value]
    kinds = {_kind_of_value(part) for part in parts} or {"nothing"}
    return "/".join(sorted(kinds - {"nothing"} or kinds))


def _kind_of_value(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, list | dict):
        return "items"
    if not isinstance(value, str):
        return "number"
    return "text with ?" if "?" in value else "truncated bytes" if value.endswith("byte value.") else "text"


def _plain(reason: str) -> str:
    """A reason without what is peculiar to one file."""
    reason = re.sub(r"\([0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\)|\b[0-9A-F]{8}\b", "(tag)", reason)
    reason = re.sub(r"^\S+( ü/\S+)?(:| cannot| has)", r"FILE\2", reason)
    reason = re.sub(r"'[^']*'|\"[^\"]*\"", "…", reason)
    reason = re.sub(r"\b\d+\b", "n", reason)
    reason = re.sub(r"\([A-Z]\w+(, \w+)*\)", "(keywords)", reason)
    return reason[:220]
