"""What follows in the files of a session when UIDs are edited in some of them: one plan before anything is written.

An edit says what one file is. References to it follow wherever they are; what other files say of themselves, their
own study and series, stays, since nobody edited them. A frame of reference is what instances share to be spatially
related (PS3.3 §C.7.4.1), so that each instance of it refers to it, and follows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from export_session.dicom.vocabulary import Follow
from export_session.errors import UidCollision


class InstanceUids(NamedTuple):
    """The UIDs that say what an instance is and belongs to; "" where it has none."""

    study: str = ""
    series: str = ""
    frame: str = ""
    instance: str = ""


_NAMES = InstanceUids("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID")
_STUDY, _SERIES, _FRAME, _INSTANCE = range(4)


@dataclass(frozen=True)
class FileUids:
    """The UIDs of one file."""

    before: tuple[InstanceUids, ...] = ()  # of each instance
    after: tuple[InstanceUids, ...] = ()  # the edits of the file's own metadata applied
    mentioned: frozenset[str] = frozenset()  # what it refers to, edited references apart
    redirected: frozenset[tuple[str, str]] = frozenset()  # edited references: old and new UID

    @property
    def changes(self) -> Mapping[str, str]:
        """The new UIDs by the old ones, of those that got one new UID in all instances that bore them."""
        new: dict[str, set[str]] = defaultdict(set)
        for one in _bearings({"": self}):
            new[one.old].add(one.new)
        return {old: uid for old, uids in new.items() if old and len(uids) == 1 and (uid := next(iter(uids))) != old}


class _Bearing(NamedTuple):
    """That instances of a file bear a UID in one role, and which one they will bear."""

    role: int
    old: str
    new: str
    file: str

    @property
    def changes(self) -> bool:
        """Whether an edit of the file changes it."""
        return self.old != self.new

    def stored(self, follow: Follow) -> str:
        """Return the UID that they will bear once frames of reference have followed."""
        target = follow.get(self.old) if self.role == _FRAME and not self.changes else None
        return target if isinstance(target, str) else self.new


def _bearings(files: Mapping[str, FileUids]) -> set[_Bearing]:
    return {
        _Bearing(role, old, new, name)
        for name, file in files.items()
        for before, after in zip(file.before, file.after, strict=True)
        for role, (old, new) in enumerate(zip(before, after, strict=True))
        if old or new
    }


@dataclass(frozen=True)
class UidPlan:
    """What follows from the edited UIDs of a session."""

    follow: Follow = field(default_factory=dict)
    held: frozenset[str] = frozenset()  # all UIDs that the session's instances bore
    holds: frozenset[str] = frozenset()  # all that they will bear
    keeping: Mapping[str, Mapping[int, int]] = field(default_factory=dict)  # by file

    def of(self, file: FileUids) -> Follow:
        """Return what of it concerns one file."""
        found = {uid: self.follow[uid] for uid in sorted(file.mentioned & self.follow.keys())}
        return {
            uid: new if isinstance(new, str) else {part: new[part] for part in sorted(new.keys() & file.mentioned)}
            for uid, new in found.items()
        }

    def notes(self, name: str, file: FileUids) -> tuple[str, ...]:
        """Say what a person should know of a file: references to nowhere, and what other files still bear."""
        return (*self._dangling(file), *self._left_behind(name))

    def _dangling(self, file: FileUids) -> Iterator[str]:
        gone = {uid for uid in file.mentioned if uid in self.held - self.holds and uid not in self.follow}
        gone |= {old for old, new in file.redirected if old in self.held and new not in self.holds}
        if gone:
            yield (
                f"dangling references: {len(gone):,} UIDs that this file referred to are borne by no file of the "
                "session any more, and what became of them cannot be told. Correct the references in info.header.dicom"
            )

    def _left_behind(self, name: str) -> Iterator[str]:
        for role, others in self.keeping.get(name, {}).items():
            yield (
                f"{_NAMES[role]} was edited here, and other files of the session still bear the old one: {others:,}. "
                "Edit it there, too, if they are to stay together"
            )


def plan_uids(files: Mapping[str, FileUids]) -> UidPlan:
    """Find what follows from the edited UIDs in the files of a session.

    Parameters
    ----------
    files
        By name, as messages are to call them.

    Raises
    ------
    UidCollision
        Edits give one UID two new ones, or two UIDs the same.
    """
    bearings = _bearings(files)
    changes: dict[str, list[_Bearing]] = defaultdict(list)
    kept: dict[str, list[_Bearing]] = defaultdict(list)
    for one in sorted(bearings):
        if one.old:
            (changes if one.changes else kept)[one.old].append(one)
    _refuse_collisions(changes, kept)
    renamed = {old: group for old, group in changes.items() if any(one.new for one in group)}
    follow = {old: _target(old, group, kept.get(old, []), files) for old, group in renamed.items()}
    return UidPlan(
        follow,
        frozenset(one.old for one in bearings),
        frozenset(one.stored(follow) for one in bearings),
        _keeping(changes, kept),
    )


def _refuse_collisions(changes: Mapping[str, list[_Bearing]], kept: Mapping[str, list[_Bearing]]) -> None:
    """Refuse what would make two of one, or one of two.

    To give a file the study, series or frame of reference of others is no collision: so it joins them.
    """
    of_new: dict[str, list[_Bearing]] = defaultdict(list)
    for group in changes.values():
        for role in range(len(_NAMES)):
            ours = [one for one in group if one.role == role and one.new]
            of_several = len({one.file for one in ours}) > 1 or role == _INSTANCE
            if of_several and len({one.new for one in ours}) > 1:
                raise _collision(ours, "two new UIDs are given in place of one and the same")
        for one in group:
            if one.new:
                of_new[one.new].append(one)
    for new, group in of_new.items():
        there = kept.get(new, [])
        joined = {one.role for one in there} == {one.role for one in group} != {_INSTANCE}
        if there and not joined:
            raise _collision([*group, *there], "a new UID is that of something else in the session")
        if len({one.old for one in group}) > 1 and not joined:
            raise _collision(group, "one new UID is given in place of two different ones")


def _collision(group: Iterable[_Bearing], what: str) -> UidCollision:
    bearings = list(group)
    names = sorted({_NAMES[one.role] for one in bearings})
    files = sorted({one.file for one in bearings})
    more = f" and {len(files) - 3} more files" if len(files) > 3 else ""
    return UidCollision(
        f"{' and '.join(names)}: {what}, in {', '.join(files[:3])}{more}. References could not follow, so nothing of "
        "the session was written. Correct these UIDs in info.header of the files, then run again."
    )


def _target(
    old: str, group: list[_Bearing], kept: list[_Bearing], files: Mapping[str, FileUids]
) -> str | Mapping[str, str]:
    """Return what mentions of a UID become: the new one, or, where only a part of it changes, what each part has."""
    roles, new = {one.role for one in group}, {one.new for one in group}
    editing = {one.file for one in group if one.role == _FRAME}
    keeping = [one for one in kept if _FRAME not in roles or one.role != _FRAME or one.file in editing]
    if len(new) == 1 and not keeping:
        return next(iter(new))
    if len(roles) > 1 or {one.role for one in keeping} - roles or not roles <= {_STUDY, _SERIES}:
        return {}
    return _parts(old, next(iter(roles)), files)


def _parts(old: str, role: int, files: Mapping[str, FileUids]) -> Mapping[str, str]:
    """Return which UID a study or series has for each series and instance in it."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in files.values():
        for before, after in zip(file.before, file.after, strict=True):
            if before[role] == old:
                found[before.instance].add(after[role])
                found[before.series if role == _STUDY else ""].add(after[role])
    return {part: next(iter(uids)) for part, uids in found.items() if part and len(uids) == 1}


def _keeping(
    changes: Mapping[str, list[_Bearing]], kept: Mapping[str, list[_Bearing]]
) -> Mapping[str, Mapping[int, int]]:
    """Count for each file whose study or series was edited the other files that still bear the old one."""
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    for old, group in changes.items():
        for one in group:
            others = {other.file for other in kept.get(old, []) if other.role == one.role and other.file != one.file}
            if others and one.role in (_STUDY, _SERIES):
                counts[one.file][one.role] = len(others)
    return counts
