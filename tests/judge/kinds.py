"""Findings by kind, so that thousands of them read as a few."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydicom.datadict import dictionary_VR

from tests.judge.campaign import Report
from tests.judge.verdict import Finding

_SHAPES = 3  # of the components of a list are told; more of them say nothing new


@dataclass(frozen=True, order=True)
class Kind:
    """What findings of one kind have in common."""

    what: str
    vr: str
    change: str
    reason: str

    def __str__(self) -> str:
        return " | ".join(part for part in (self.what, self.vr, self.change, self.reason) if part)


@dataclass
class Group:
    """The findings of one kind."""

    kind: Kind
    reports: list[Report] = field(default_factory=list)

    @property
    def importers(self) -> str:
        """The importers concerned, with how often."""
        counted = Counter(report.importer for report in self.reports)
        return ", ".join(f"{name} {count}" for name, count in counted.most_common())

    def examples(self, count: int) -> list[Report]:
        """Some of them, of different importers first, the smallest seeds first."""
        chosen: dict[str, Report] = {}
        for report in self.reports:
            chosen.setdefault(report.importer.replace("mixed", "fmi"), report)
        rest = [report for report in self.reports if report not in chosen.values()]
        return [*chosen.values(), *rest][:count]


def kind_of(finding: Finding) -> Kind:
    """The kind of a finding."""
    if finding.what in ("error", "crash"):
        return Kind(finding.what, "", finding.path, _plain(finding.reason))
    nested = " nested" if "[" in finding.path else ""
    return Kind(
        finding.what,
        _vrs(finding) + nested,
        f"{_shape(finding.old)} -> {_shape(finding.shown)}",
        _plain(finding.reason),
    )


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
    if isinstance(value, list):
        return "[" + ", ".join(sorted({_shape(part) for part in value})[:_SHAPES]) + "]"
    if isinstance(value, dict):
        return "object"
    if value is None or value == "":
        return "nothing"
    if isinstance(value, str):
        return "text with ?" if "?" in value else "truncated bytes" if value.endswith("byte value.") else "text"
    return type(value).__name__


def _plain(reason: str) -> str:
    """A reason without what is peculiar to one file."""
    reason = re.sub(r"\([0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\)|\b[0-9A-F]{8}\b", "(tag)", reason)
    reason = re.sub(r"\S+\.(dcm|zip)\b", "FILE", reason)
    reason = re.sub(r"'[^']*'|\"[^\"]*\"", "…", reason)
    reason = re.sub(r"\b\d+\b", "n", reason)
    reason = re.sub(r"\([A-Z]\w+(, \w+)*\)", "(keywords)", reason)
    return reason[:220]
