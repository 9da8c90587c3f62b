"""Lets the rest of a file follow when a UID is edited: file meta, and references from within the file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from export_session.dicom.binary.dataset import DataSet, Value, main_data_set
from export_session.dicom.binary.elements import Incomplete, Malformed
from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.binary.values import is_blank
from export_session.dicom.dictionary import IDENTITIES, SOP_CLASS_UID, SOP_INSTANCE_UID
from export_session.dicom.vocabulary import Assignment, Step

# what file meta repeats (PS3.10 §7.1)
_FILE_META = {SOP_CLASS_UID: 0x00020002, SOP_INSTANCE_UID: 0x00020003}
_STANDARD = "1.2.840.10008."  # UIDs of DICOM itself: classes and the like, which are no one's identity
_TWICE = "two instances of the file would get the same SOPInstanceUID"


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


def following_uids(instances: Sequence[Instance], assignments: Sequence[Assignment]) -> list[Assignment]:
    """Return what has to change along with the UIDs that assignments change.

    File meta follows its instance. A reference follows when no instance keeps the old UID.
    """
    followers = list(_file_meta(instances, assignments))
    renamed = _renamed(instances, assignments)
    if renamed:
        places: dict[tuple[tuple[Step, ...], str], list[int]] = defaultdict(list)
        for index, path, old in _references(instances, set(renamed)):
            places[path, old].append(index)
        taken = {one.path for one in assignments}
        for (path, old), indices in places.items():
            one = renamed[old]
            if path not in taken:
                followers.append(_follower(path, one, frozenset(indices)))
    return followers


def _uid_edits(
    instances: Sequence[Instance], assignments: Sequence[Assignment]
) -> Iterator[tuple[int, Assignment, list[int]]]:
    """Yield the assignments that give a new UID in the main data set, with number and instances."""
    everyone = [i for i, one in enumerate(instances) if one.kind is Kind.INSTANCE]
    for number, one in enumerate(assignments):
        if one.vr == "UI" and len(one.path) == 1 and not is_blank(one.value):
            yield number, one, everyone if one.instances is None else sorted(one.instances)


def _follower(path: tuple[Step, ...], leader: Assignment, instances: frozenset[int]) -> Assignment:
    return Assignment(path, "UI", leader.value, leader.cause, instances, "follows the UID it refers to")


def _file_meta(instances: Sequence[Instance], assignments: Sequence[Assignment]) -> Iterator[Assignment]:
    for _, one, members in _uid_edits(instances, assignments):
        meta = _FILE_META.get(one.path[0].tag)
        holding = frozenset(i for i in members if meta in instances[i].elements)
        if meta and holding:
            yield _follower((Step(meta),), one, holding)


def _renamed(instances: Sequence[Instance], assignments: Sequence[Assignment]) -> Mapping[str, Assignment]:
    """Return the UIDs that no instance keeps, each with the one assignment that replaces it."""
    replacing: dict[str, dict[str, Assignment]] = defaultdict(dict)
    covered: dict[tuple[int, str], set[int]] = defaultdict(set)
    for _, one, members in _uid_edits(instances, assignments):
        tag = one.path[0].tag
        for index in members:
            old = instances[index].text(tag)
            if old and not old.startswith(_STANDARD) and tag != SOP_CLASS_UID:
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


def _references(instances: Sequence[Instance], uids: set[str]) -> Iterator[tuple[int, tuple[Step, ...], str]]:
    """Yield where instances mention one of the UIDs: instance, path, UID."""
    encoded = [uid.encode("ascii", "replace") for uid in uids]
    for index, instance in enumerate(instances):
        if instance.kind is Kind.INSTANCE:
            for path, uid in _mentions(main_data_set(instance), uids, encoded):
                yield index, path, uid


def _mentions(data_set: DataSet, uids: set[str], encoded: Sequence[bytes]) -> Iterator[tuple[tuple[Step, ...], str]]:
    for tag, element in data_set.elements.items():
        if tag >> 16 == 2 or not any(uid in element.raw for uid in encoded):
            continue
        value = Value(element, data_set)
        step = Step(tag & 0xFFFF00FF, None, value.creator) if value.creator else Step(tag)
        if value.vr == "UI":
            uid = value.raw.decode("ascii", "replace").rstrip(" \0")
            if uid in uids:
                yield (step,), uid
        elif value.is_sequence:
            try:
                for number, item in enumerate(value.items()):
                    for path, uid in _mentions(item, uids, encoded):
                        yield (Step(step.tag, number, step.creator), *path), uid
            except (Malformed, Incomplete):
                continue  # a damaged sequence is copied as it is
