"""Who made each value of a file's metadata what it is now, found by playing its recorded changes once more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from export_session.dicom.vocabulary import Attribution, HeaderPath, Writing
from export_session.site import Recorded

NOTHING: frozenset[str] = frozenset()
SOURCE = "audit trail"
PEOPLE = frozenset({"user", "user_workspace"})  # kinds of origin
MACHINES = {"job": "job", "gear_rule": "gear rule", "device": "device", "system": "the site"}


@dataclass(frozen=True)
class _Act:
    """A change and what it found."""

    number: int  # in the order of time
    change: Recorded
    found: frozenset[str]  # the parts of the header that were there: dicom, dicom_array, …

    @property
    def is_known(self) -> bool:
        """Whether it can be told that a person made it, or that none did."""
        return self.change.kind in PEOPLE or self.change.kind in MACHINES


@dataclass(frozen=True)
class _Part:
    """A part of the metadata and who last changed it itself: its value, its keys, or the number of its items."""

    value: Any
    by: _Act
    parts: Mapping[str | int, _Part] = field(default_factory=dict)

    def acts(self) -> Iterator[_Act]:
        """Yield who changed it or anything in it, as it is now."""
        yield self.by
        for part in self.parts.values():
            yield from part.acts()


class History:
    """What the audit trail tells of ``info.header``.

    Parameters
    ----------
    header
        As it is now.
    changes
        All that is recorded of the file, in the order of time.
    """

    def __init__(self, header: Any, changes: Sequence[Recorded]) -> None:
        self._header = header
        self._root: _Part | None = None
        ends: dict[int, _Part] = {}  # what the header was at the end of each version of the file
        for number, change in enumerate(changes):
            for patch in _header_in(change.patch):
                before: Any = self._root.value if self._root else None
                found = frozenset(key for key, value in before.items() if value) if _is_object(before) else NOTHING
                after = _changed(self._root, _patched(before, patch), _Act(number, change, found))
                self._root = _came_back((after.value, patch), change, ends) or after
            if self._root:
                ends[change.version] = self._root

    def at(self, place: HeaderPath) -> Writing | None:
        """Tell who made the value at a place what it is; None where the trail does not say.

        Of an object or a list that is the last person who changed anything in it that still stands.
        """
        part, value = self._root, self._header
        for step in place:
            part = part.parts.get(step) if part else None
            value = _below(value, step)
        if part is None or part.value != value:
            return None  # it was made before the trail begins
        acts = sorted(part.acts(), key=lambda act: act.number)
        people = [act for act in acts if act.change.kind in PEOPLE]
        if people:
            return Writing(_attribution(people[-1].change), by_person=True, corrects=place[0] in people[-1].found)
        return Writing(_attribution(acts[-1].change), by_person=False) if all(act.is_known for act in acts) else None


def _attribution(change: Recorded) -> Attribution:
    what = MACHINES.get(change.kind, "")
    author = change.author if not what or change.kind == "system" else f"{what} {change.author}".rstrip()
    at = datetime.fromisoformat(change.at)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Attribution(author or what, at.astimezone(UTC).isoformat(timespec="seconds"), change.reason, SOURCE)


def _header_in(patch: Any) -> Iterator[Any]:
    """Yield what a patch makes of ``info.header``; its fields are nested, or named by dotted paths."""
    for name, value in patch.items() if _is_object(patch) else ():
        first, *way = name.split(".")
        if first != "info":
            continue
        for step in reversed(way):
            value = {step: value}  # noqa: PLW2901 - nested as the path says
        if not _is_object(value):
            yield None
        elif "header" in value:
            yield value["header"]


def _came_back(made: Iterable[Any], change: Recorded, ends: Mapping[int, _Part]) -> _Part | None:
    """Return the header of an earlier version, if a change brings that back as a whole: it is whose it was then.

    So it is when a version of a file is restored. A person who types in a version what an earlier one said corrects it.

    Parameters
    ----------
    made
        What the header may be after it: a patch may hold what differs, or all there is.
    """
    begins = change.version > max(ends, default=0)
    if change.kind in PEOPLE and not begins:
        return None
    earlier = (ends[version] for version in sorted(ends, reverse=True) if 0 < version < change.version)
    headers = [_present(value) for value in made]
    return next((end for end in earlier if _present(end.value) in headers), None)


def _present(value: Any) -> Any:
    """Return a value without those keys of objects that a patch says are gone."""
    if isinstance(value, list):
        return [_present(item) for item in value]
    return {key: _present(one) for key, one in value.items() if one is not None} if _is_object(value) else value


def _patched(value: Any, patch: Any) -> Any:
    if not (_is_object(value) and _is_object(patch)):
        return patch
    return {**value, **{key: _patched(value.get(key), part) for key, part in patch.items()}}


def _changed(before: _Part | None, value: Any, act: _Act) -> _Part:
    """Return a part with its new value; what is in it and stays the same stays whose it was."""
    if before and before.value == value:
        return before
    if _is_object(value):
        was = before.parts if before and _is_object(before.value) else None
        parts = {key: _changed(was.get(key) if was else None, one, act) for key, one in value.items()}
        stays = was is not None and was.keys() == parts.keys() and _is_left(parts, act)
        return _Part(value, before.by if before and stays else act, parts)
    if isinstance(value, list):
        items = list(before.parts.values()) if before and isinstance(before.value, list) else []
        moved = len(items) != len(value) or (act.change.kind in MACHINES and _are_in_another_order(items, value))
        parts = {index: _changed(_before(items, index, one, moved=moved), one, act) for index, one in enumerate(value)}
        stays = bool(items) and len(items) == len(parts) and _is_left(parts, act)
        return _Part(value, before.by if before and stays else act, parts)
    return _Part(value, act)


def _is_left(parts: Mapping[str | int, _Part], act: _Act) -> bool:
    """Whether anything is left of what was there before a change: who replaced all of it has made the whole of it."""
    return any(each.number != act.number for part in parts.values() for each in part.acts())


def _are_in_another_order(items: Sequence[_Part], value: Sequence[Any]) -> bool:
    """Whether a list has the items of a sequence that it had; a person who swaps two has corrected both."""
    left = [item.value for item in items]
    for one in value:
        if not _is_object(one) or one not in left:
            return False
        left.remove(one)
    return True


def _before(items: Sequence[_Part], index: int, item: Any, *, moved: bool) -> _Part | None:
    """Return what an item of a list was before: the one in its place, or wherever it was if items have come or gone."""
    there = items[index] if index < len(items) else None
    if moved and _is_object(item) and not (there and there.value == item):
        return next((one for one in items if one.value == item), there)
    return there


def _below(value: Any, step: str | int) -> Any:
    if _is_object(value):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)
