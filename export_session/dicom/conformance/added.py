"""Findings on an object that has changed, which it did not have before: what its change broke.

Most real files break some rule or other, which is nobody's concern here. So the same rules are asked of the object as
it was, and only what is new is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from export_session.dicom.binary.dataset import PADDING, DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.conformance.rules import Attribute, Table, table_of
from export_session.dicom.dictionary import NUMBER_FORMATS, STRING_VRS

SOP_CLASS = 0x00080016
_NAMED = 12  # values of an enumeration


@dataclass(frozen=True)
class Finding:
    """A rule that an attribute breaks."""

    path: str  # "RequestAttributesSequence[0].ScheduledProcedureStepID"
    problem: str

    def __str__(self) -> str:
        return f"{self.path}{self.problem}, which the change brought in"


def added_findings(before: DataSet, after: DataSet) -> list[Finding]:
    """Find what an instance breaks of PS3.3 that it did not break before.

    These rules are asked: what is required is there and has a value where it must (types, PS3.5 §7.4), under a
    condition where that is a plain one on attributes beside it; and of enumerated values it is one. Attributes that the
    standard does not have at a place may be there (Standard Extended SOP Classes, PS3.2 §7.3).

    Parameters
    ----------
    before, after
        The main data set of the instance, as it was and as it is written.

    Returns
    -------
    list
        Nothing where the standard has no rules for its SOP class.
    """
    sop_class = after.at(SOP_CLASS)
    table = table_of(sop_class.decoded("UI")) if sop_class else None
    return list(_added(table, (before,), after, "")) if table else []


def _added(table: Table, before: Sequence[DataSet], after: DataSet, place: str) -> Iterator[Finding]:
    """Yield what an item breaks and none of those did that it may have been."""
    for tag, attribute in table.attributes.items():
        olds, new = [one.at(tag) for one in before], after.at(tag)
        same = any(_is_same(old, new) for old in olds)
        if same and not attribute.condition:
            continue
        known = {problem for one in before for problem in _problems(tag, attribute, one)}
        path = place + after.name_of(tag)
        yield from (Finding(path, each) for each in _problems(tag, attribute, after) if each not in known)
        if attribute.items and not same:
            yield from _added_in_items(attribute.items, olds, new, path)


def _added_in_items(table: Table, olds: Sequence[Value | None], new: Value | None, path: str) -> Iterator[Finding]:
    """Compare each new or changed item with the one in its place; with all of them where their number is another."""
    afters, befores = _items(new), [item for old in olds for item in _items(old)]
    in_place = len(olds) == 1 and len(befores) == len(afters)
    stay = {tuple(item.elements.values()) for item in befores}
    for number, item in enumerate(afters):
        if tuple(item.elements.values()) not in stay:
            before = befores[number : number + 1] if in_place else befores
            yield from _added(table, before, item, f"{path}[{number}].")


def _is_same(old: Value | None, new: Value | None) -> bool:
    return (old and old.element) == (new and new.element)


def _items(value: Value | None) -> list[DataSet]:
    try:
        return list(value.items()) if value and value.is_sequence else []
    except Malformed:
        return []


def _problems(tag: int, attribute: Attribute, data_set: DataSet) -> Iterator[str]:
    """Yield what an attribute breaks, in words that follow its name."""
    value, condition = data_set.at(tag), attribute.condition
    applies = _holds(condition, data_set) if condition else not attribute.type.endswith("C")
    where = f" where {_worded(condition, data_set)}" if condition else ""
    rule = f"(type {attribute.type}, {attribute.source})"
    if value is None:
        if applies and attribute.binding and attribute.type != "3":
            yield f" is absent, but required{where} {rule}"
    elif value.empty and value.element.held:
        if attribute.type.startswith("1") and (applies or not condition):
            yield f" is empty, but must have a value{where} {rule}"
    elif enumerated := attribute.enumerated:
        for position, component in enumerate(_components(value)):
            allowed = enumerated.at(position)
            if allowed and component and component not in allowed:
                yield f": {component} is not one of {_listed(allowed)} ({enumerated.source})"


def _holds(condition: Sequence[Any], data_set: DataSet) -> bool:
    word, rest = str(condition[0]), condition[1:]
    if word in ("and", "or"):
        parts = (_holds(part, data_set) for part in rest)
        return all(parts) if word == "and" else any(parts)
    value = data_set.at(int(rest[0], 16))
    if word in ("+", "-"):
        return (value is None) == (word == "-")
    if value is None or value.empty:
        return False
    return word == "++" or (word == "=") is (_components(value)[0] in rest[1:])


def _worded(condition: Sequence[Any], data_set: DataSet) -> str:
    word, *rest = condition
    if word in ("and", "or"):
        return f" {word} ".join(_worded(part, data_set) for part in rest)
    tag, *values = rest
    said = {"+": "is there", "-": "is absent", "++": "has a value", "=": "is", "!=": "is not"}[word]
    return " ".join((data_set.name_of(int(tag, 16)), said, _listed(values, " or "))).rstrip()


def _components(value: Value) -> list[str]:
    """Return the components of a value as text; of one that has none, one that is empty."""
    if value.vr in STRING_VRS:
        return [part.strip(PADDING) for part in value.texts(value.vr)]
    try:
        return [str(number) for number in value.numbers(value.vr)] if value.vr in NUMBER_FORMATS else [""]
    except ValueError:
        return [""]


def _listed(values: Sequence[str], separator: str = ", ") -> str:
    more = f" … ({len(values)} in all)" if len(values) > _NAMED else ""
    return separator.join(values[:_NAMED]) + more
