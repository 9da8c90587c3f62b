"""Where an instance mentions UIDs: at any depth, under any public or private element of VR UI."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from os.path import commonprefix

from export_session.dicom.binary.dataset import DataSet, Value
from export_session.dicom.binary.elements import Incomplete, Malformed
from export_session.dicom.dictionary import FRAME_OF_REFERENCE_UID, IDENTITIES
from export_session.dicom.vocabulary import Step

# In the main data set they say what the instance is; its frame of reference it shares, and so refers to it
_OWN = IDENTITIES - {FRAME_OF_REFERENCE_UID}
_HISTORY = 0x04000561  # Original Attributes Sequence: what once was (PS3.3 §C.12.1.1.9), no reference
_STANDARD = "1.2.840.10008."  # UIDs of DICOM itself: classes and the like, which are no one's identity


@dataclass(frozen=True)
class Mention:
    """One element that holds UIDs in a referring role."""

    path: tuple[Step, ...]
    uids: tuple[str, ...]  # its components
    item: DataSet  # the data set or item it is in


def mentions(data_set: DataSet, of: Collection[str] | None = None) -> Iterator[Mention]:
    """Yield where a main data set refers to UIDs.

    Parameters
    ----------
    of
        Only these are sought; what holds none of them may be passed over.
    """
    prefix = commonprefix(list(of)).encode("ascii", "replace") if of else b""  # noqa: RUF071 - UIDs, no paths
    for mention in _within(data_set, prefix):
        if len(mention.path) > 1 or not _is_own(mention.path[0].tag):
            yield mention


def uids_in(item: DataSet) -> set[str]:
    """Return all UIDs that an item, or one in it, mentions."""
    return {uid for mention in _within(item, b"") for uid in mention.uids}


def is_standard(uid: str) -> bool:
    """Whether a UID is one of DICOM itself."""
    return uid.startswith(_STANDARD)


def _is_own(tag: int) -> bool:
    return tag in _OWN or tag >> 16 == 2


def _within(data_set: DataSet, prefix: bytes) -> Iterator[Mention]:
    for tag, element in data_set.elements.items():
        if prefix and prefix not in element.raw:
            continue
        value = Value(element, data_set)
        step = Step(tag & 0xFFFF00FF, None, value.creator) if value.creator else Step(tag)
        if value.vr == "UI":
            uids = tuple(uid.strip(" \0") for uid in value.raw.decode("ascii", "replace").split("\\"))
            if not all(map(is_standard, uids)):
                yield Mention((step,), uids, data_set)
        elif value.is_sequence and tag != _HISTORY:
            yield from _in_items(value, step, prefix)


def _in_items(value: Value, step: Step, prefix: bytes) -> Iterator[Mention]:
    try:
        for number, item in enumerate(value.items()):
            for one in _within(item, prefix):
                yield Mention((Step(step.tag, number, step.creator), *one.path), one.uids, one.item)
    except (Malformed, Incomplete):
        return  # a damaged sequence is copied as it is
