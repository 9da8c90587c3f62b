"""What to look for: the old values that changes replaced, each with the patterns that tell it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from export_session.dicom.remains.identifying import Kind, kind_of
from export_session.dicom.remains.spellings import Spelling, named, orders, spellings
from export_session.dicom.remains.words import folded, phrase, spelled_out, words
from export_session.dicom.vocabulary import Change

_HIGH = r"[\x80-\xff\x1b]"  # bytes of text that is not ASCII


@dataclass(frozen=True, eq=False)
class Trace:
    """One old value of an identifying element."""

    element: str  # the path of the change
    old: str
    kind: Kind
    spellings: tuple[Spelling, ...]
    in_text: re.Pattern[str] | None
    in_names: re.Pattern[str] | None
    renewed: re.Pattern[str] | None = None  # the new value, where the old one is a part of it

    def is_in(self, text: str, *, names: bool = False) -> bool:
        """Tell whether a folded text holds the old value; `names`: whether it is made of names of people."""
        if self.renewed:
            text = self.renewed.sub("\0", text)
        pattern = self.in_names if names else self.in_text
        if pattern and pattern.search(text):
            return True
        return names and self.kind is Kind.NAME and any(map(self._is_all_of, re.split(r"[\\=]", text)))

    def _is_all_of(self, name: str) -> bool:
        """Tell whether a name consists of parts of the old one."""
        found = set(words(name))
        return found <= self._words and any(way.word in found for way in self.spellings)

    @cached_property
    def _words(self) -> set[str]:
        return {word for name in (self.old, spelled_out(self.old)) for component in named(name) for word in component}


def traces_of(changes: Iterable[Change], dates: Container[str] = ()) -> tuple[Trace, ...]:
    """Return what to look for after changes were applied.

    Parameters
    ----------
    changes
        What was applied; only what it replaced in identifying elements counts.
    dates
        When images were made, as DICOM writes dates; a birth date that is one of them could not be told from it.
    """
    found: dict[tuple[str, str, str], Trace] = {}
    for change in changes:
        kind = kind_of(change.keyword, change.vr)
        if kind is None:
            continue
        new = _values(change.new)
        kept = set(map(folded, new))
        for old in _values(change.old):
            place = change.path, folded(old), folded("\\".join(new))
            if not old or place[1] in kept or place in found or (kind is Kind.DATE and old in dates):
                continue
            if trace := _trace(change.path, old, "\\".join(new), kind):
                found[place] = trace
    return tuple(found.values())


def _values(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else [value]
    return ["" if part is None else str(part) for part in parts]


def _trace(element: str, old: str, new: str, kind: Kind) -> Trace | None:
    ways = tuple(spellings(old, kind, new))
    if not ways or folded(old).strip() == folded(new).strip():
        return None
    in_text = _any_of(way.pattern for way in ways if way.in_text)
    in_names = _any_of(way.pattern for way in ways if way.in_names)
    trace = Trace(element, old, kind, ways, in_text, in_names)
    if not trace.is_in(folded(new)) and not trace.is_in(folded(new), names=True):
        return trace
    return None if kind is Kind.DATE else replace(trace, renewed=_whole(new, kind))


def _whole(new: str, kind: Kind) -> re.Pattern[str] | None:
    every = [*orders(new)] if kind is Kind.NAME else [words(new)]
    most = max(map(len, every), default=0)
    return _any_of(phrase(order) for order in every if len(order) == most)


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    found = dict.fromkeys(patterns)
    return re.compile("|".join(found)) if found else None


def prefilter(traces: Iterable[Trace]) -> re.Pattern[bytes]:
    """Return a pattern that matches all bytes, in lower case, that can hold one of the old values."""
    needles = set(_needles(traces))
    return re.compile("|".join(sorted(needles)).encode("latin-1"))


def _needles(traces: Iterable[Trace]) -> Iterator[str]:
    for trace in traces:
        for way in trace.spellings:
            if way.word.isascii():
                yield re.escape(way.word)
        if trace.kind is not Kind.DATE:  # which may hold accents, or be the only script of a name
            yield _HIGH
