"""Lets references follow when UIDs are edited: file meta, and whatever in the file refers to them.

What is edited in other files of a session comes as a mapping, see :mod:`export_session.dicom.following`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from export_session.dicom.binary.dataset import main_data_set
from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.binary.values import is_blank
from export_session.dicom.dictionary import IDENTITIES, SOP_CLASS_UID, SOP_INSTANCE_UID
from export_session.dicom.vocabulary import Assignment, Cause, Follow, Items, KeptItem, Step
from export_session.dicom.writing.mentions import Mention, is_standard, mentions, uids_in

# what file meta repeats (PS3.10 §7.1)
_FILE_META = {SOP_CLASS_UID: 0x00020002, SOP_INSTANCE_UID: 0x00020003}
_TWICE = "two instances of the file would get the same SOPInstanceUID"
_HERE = "follows the UID it refers to"
_ELSEWHERE = "follows the UID it refers to, which was edited in another file of the session"


@dataclass(frozen=True)
class Following:
    """What changes along with edited UIDs."""

    assignments: tuple[Assignment, ...] = ()
    notes: tuple[str, ...] = ()


def duplicate_uids(instances: Sequence[Instance], assignments: Sequence[Assignment]) -> dict[int, str]:
    """Return the assignments, by number, that would give two instances the same SOP Instance UID."""
    before = {i: one.text(SOP_INSTANCE_UID) for i, one in enumerate(instances) if one.kind is Kind.INSTANCE}
    after = dict(before)
    for _, assignment, members in _uid_edits(instances, assignments):
        if assignment.path[0].tag == SOP_INSTANCE_UID:
            after.update(dict.fromkeys(members, str(assignment.value)))
    old, new = Counter(before.values()), Counter(after.values())
    return {
        number: _TWICE
        for number, one, _ in _uid_edits(instances, assignments)
        if one.path[0].tag == SOP_INSTANCE_UID and new[str(one.value)] > max(1, old[str(one.value)])
    }


def following_uids(
    instances: Sequence[Instance], assignments: Sequence[Assignment], follow: Follow | None = None
) -> Following:
    """Return what has to change along with the UIDs that assignments, and other files of the session, change.

    File meta follows its instance. A reference follows when no instance keeps the old UID.
    """
    meta = tuple(_file_meta(instances, assignments))
    targets = _Targets(instances, follow or {}, _renamed(instances, assignments))
    if not targets.sought:
        return Following(meta)
    taken = Taken(assignments)
    places: dict[tuple[tuple[Step, ...], tuple[str, ...], bool], list[int]] = defaultdict(list)
    doubts = 0
    for index, instance in enumerate(instances):
        if instance.kind is not Kind.INSTANCE:
            continue
        for mention in mentions(main_data_set(instance), targets.sought):
            if taken.by(mention.path, index):
                continue
            new = tuple(targets.of(uid, mention, index) for uid in mention.uids)
            doubts += None in new
            uids = tuple(uid or old for uid, old in zip(new, mention.uids, strict=True))
            if uids != mention.uids:
                places[mention.path, uids, targets.are_of_file(mention.uids)].append(index)
    references = (
        Assignment(
            path,
            "UI",
            list(uids) if len(uids) > 1 else uids[0],
            Cause.REFERENCE,
            frozenset(indices),
            _HERE if here else _ELSEWHERE,
        )
        for (path, uids, here), indices in places.items()
    )
    return Following((*meta, *references), (_doubtful(doubts),) if doubts else ())


def _doubtful(count: int) -> str:
    return (
        f"references that keep a UID of which not everything that bore it got the same new one: {count:,}; they do not "
        "say which part they mean. Edit them in info.header.dicom, if needed"
    )


class Taken:
    """The places of a file that assignments write to."""

    def __init__(self, assignments: Sequence[Assignment]) -> None:
        self._of_path: dict[tuple[Step, ...], list[Assignment]] = defaultdict(list)
        for one in assignments:
            self._of_path[one.path].append(one)

    def by(self, path: tuple[Step, ...], index: int) -> Assignment | None:
        """Return the one that writes to an element of an instance, or to a sequence that it is in."""
        ways = (path, *((*path[:depth], replace(step, item=None)) for depth, step in enumerate(path[:-1])))
        found = (one for way in ways for one in self._of_path.get(way, ()))
        there = (one for one in found if one.instances is None or index in one.instances)
        return next((one for one in there if _is_written(path, one.path, one.value)), None)


def _is_written(path: tuple[Step, ...], way: tuple[Step, ...], value: Any) -> bool:
    """Whether a value that is written on the way to an element leaves nothing of it; items that stay do."""
    if not isinstance(value, Items) or len(path) == len(way):
        return True
    kept = next(
        (one for one in value.items if isinstance(one, KeptItem) and one.number == path[len(way) - 1].item), None
    )
    within = path[len(way) :]
    return kept is None or any(
        one.path[:-1] == within[: len(one.path) - 1]
        and one.path[-1].key == within[len(one.path) - 1].key
        and _is_written(within, one.path, one.value)
        for one in kept.values
        if len(one.path) <= len(within)
    )


@dataclass(frozen=True)
class _Targets:
    """The new UIDs by the old ones."""

    instances: Sequence[Instance]
    follow: Follow
    renamed: Mapping[str, Assignment]  # by edits in this file

    @property
    def sought(self) -> frozenset[str]:
        """The UIDs whose mentions may have to follow."""
        return frozenset({*self.follow, *self.renamed})

    def are_of_file(self, uids: Sequence[str]) -> bool:
        """Whether it is edits in this very file that change them."""
        return any(uid in self.renamed for uid in uids)

    def of(self, uid: str, mention: Mention, index: int) -> str | None:
        """Return what a UID is to become where it is mentioned; None where that is in doubt.

        Where only a part of a study or series has a new UID, a mention goes with what it names of it, as references
        do by items (PS3.3 Table 10-4), and without any name means the file's own.
        """
        target = self.follow.get(uid)
        if isinstance(target, str):
            return target
        if target is not None:
            named = {target[name] for name in uids_in(mention.item) if name in target}
            if len(named) == 1:
                return named.pop()
            if named or (uid not in self.renamed and not self._is_own(uid, index)):
                return None
        leader = self.renamed.get(uid)
        return str(leader.value) if leader else uid

    def _is_own(self, uid: str, index: int) -> bool:
        return any(self.instances[index].text(tag) == uid for tag in IDENTITIES)


def _uid_edits(
    instances: Sequence[Instance], assignments: Sequence[Assignment]
) -> Iterator[tuple[int, Assignment, list[int]]]:
    """Yield the assignments that give a new UID in the main data set, with number and instances."""
    everyone = [i for i, one in enumerate(instances) if one.kind is Kind.INSTANCE]
    for number, one in enumerate(assignments):
        if one.vr == "UI" and len(one.path) == 1 and not is_blank(one.value):
            yield number, one, everyone if one.instances is None else sorted(one.instances)


def _file_meta(instances: Sequence[Instance], assignments: Sequence[Assignment]) -> Iterator[Assignment]:
    for _, one, members in _uid_edits(instances, assignments):
        meta = _FILE_META.get(one.path[0].tag)
        holding = frozenset(i for i in members if meta in instances[i].elements)
        if meta and holding:
            yield Assignment((Step(meta),), "UI", one.value, one.cause, holding, _HERE)


def _renamed(instances: Sequence[Instance], assignments: Sequence[Assignment]) -> Mapping[str, Assignment]:
    """Return the UIDs that no instance keeps, each with the one assignment that replaces it."""
    replacing: dict[str, dict[str, Assignment]] = defaultdict(dict)
    covered: dict[tuple[int, str], set[int]] = defaultdict(set)
    for _, one, members in _uid_edits(instances, assignments):
        tag = one.path[0].tag
        for index in members:
            old = instances[index].text(tag)
            if old and not is_standard(old) and tag != SOP_CLASS_UID:
                replacing[old][str(one.value)] = one
                covered[tag, old].add(index)
    tags = IDENTITIES.union(tag for tag, _ in covered)
    kept = {
        held
        for index, instance in enumerate(instances)
        for tag in tags
        if (held := instance.text(tag)) in replacing and index not in covered[tag, held]
    }
    return {old: next(iter(new.values())) for old, new in replacing.items() if len(new) == 1 and old not in kept}
