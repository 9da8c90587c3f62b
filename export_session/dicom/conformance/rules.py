"""The rules of PS3.3 for the attributes of an object and of the items in it, from ``standard.json``.

The attributes of a mandatory module bind. Which of the others an object has cannot be told for certain, so theirs count
where no mandatory module has the attribute, and in their mildest form.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

_TYPES = ("1", "1C", "2", "2C", "3")  # the strictest first (PS3.5 §7.4)
_ANY_GROUP = "FuncGroup"  # in place of the functional group macros of the IOD
_INCLUDING = ("include", "perhaps")  # other tables; "perhaps" where a condition holds
_JOINED = ("and", "or")
_STANDARD = Path(__file__).with_name("standard.json")


class Enumeration(NamedTuple):
    """The values that are allowed for an attribute, and no others."""

    values: Mapping[str, tuple[str, ...]]  # by the position of the component, from "1" on; "" for any
    source: str

    def at(self, position: int) -> tuple[str, ...]:
        """Return those of a component, from 0 on; none where all are allowed."""
        return self.values.get("") or self.values.get(str(position + 1), ())


@dataclass(frozen=True)
class Attribute:
    """What is asked of an attribute at its place."""

    type: str
    source: str  # where PS3.3 says so
    binding: bool  # whether its module is mandatory, or the item that it lies in is there
    condition: Sequence[Any] = ()  # when it is required; empty where there is none, or none that can be judged
    enumerated: Enumeration | None = None
    items: Table | None = None


class _Listed(NamedTuple):
    """What one table of the standard says of an attribute, or of the attributes of a module or item."""

    rule: Mapping[str, Any]
    table: str
    binding: bool

    @property
    def source(self) -> str:
        return f"PS3.3 {'table ' if '-' in self.table else '§'}{self.table}"

    @property
    def strictness(self) -> int:
        return _TYPES.index(self.rule["type"])


@dataclass(frozen=True, eq=False)
class Table:
    """The attributes of an object, or of an item."""

    listed: tuple[_Listed, ...]
    groups: tuple[str, ...]  # functional group macros of the IOD

    @cached_property
    def attributes(self) -> Mapping[int, Attribute]:
        """All of them by tag."""
        found: dict[int, list[_Listed]] = defaultdict(list)
        for table in self.listed:
            for tag, listed in self._expanded(table):
                found[tag].append(listed)
        merged = {tag: self._merged(listed) for tag, listed in found.items()}
        return {
            tag: one if _tags(one.condition) <= merged.keys() else replace(one, condition=())
            for tag, one in merged.items()
        }

    def _expanded(self, table: _Listed) -> Iterator[tuple[int, _Listed]]:
        for key, rule in table.rule.items():
            if key not in _INCLUDING:
                yield int(key, 16), table._replace(rule=rule)
                continue
            for name in rule:
                binding = table.binding and key == "include" and name != _ANY_GROUP
                for other in self.groups if name == _ANY_GROUP else (name,):
                    yield from self._expanded(_Listed(_standard()["modules"][other], other, binding))

    def _merged(self, listed: Sequence[_Listed]) -> Attribute:
        binding = [one for one in listed if one.binding]
        counted = binding or listed
        decisive = (min if binding else max)(counted, key=lambda one: one.strictness)
        nested = [
            _Listed(one.rule["items"], one.table, bool(binding) or len(counted) == 1)
            for one in counted
            if "items" in one.rule
        ]
        return Attribute(
            decisive.rule["type"],
            decisive.source,
            bool(binding),
            decisive.rule.get("if", ()),
            _enumerated(counted, by_all=not binding),
            Table(tuple(nested), self.groups) if nested else None,
        )


def _enumerated(listed: Sequence[_Listed], *, by_all: bool) -> Enumeration | None:
    enumerating = [one for one in listed if "values" in one.rule]
    if not enumerating or (by_all and len(enumerating) < len(listed)):
        return None
    values: dict[str, tuple[str, ...]] = {}
    for one in enumerating:
        for position, allowed in one.rule["values"].items():
            values[position] = tuple(dict.fromkeys((*values.get(position, ()), *allowed)))
    return Enumeration(values, enumerating[0].source)


def _tags(condition: Sequence[Any]) -> set[int]:
    """Return the attributes that a condition asks for."""
    if not condition:
        return set()
    word, *rest = condition
    return {tag for part in rest for tag in _tags(part)} if word in _JOINED else {int(rest[0], 16)}


@cache
def table_of(sop_class: str) -> Table | None:
    """Return the attributes of the objects of a SOP class, None where the standard has none of it."""
    iod = _standard()["iods"].get(sop_class)
    if iod is None:
        return None
    modules = _standard()["modules"]
    usages = [(name, kind == "mandatory") for kind in ("mandatory", "others") for name in iod[kind]]
    return Table(tuple(_Listed(modules[name], name, binding) for name, binding in usages), tuple(iod["groups"]))


@cache
def _standard() -> Mapping[str, Any]:
    standard: Mapping[str, Any] = json.loads(_STANDARD.read_bytes())
    return standard
