"""The keys of ``info.header.dicom``: which DICOM element each of them names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from pydicom.datadict import (
    dictionary_VM,
    dictionary_VR,
    keyword_for_tag,
    private_dictionary_VR,
    tag_for_keyword,
)

SOP_CLASS_UID, SOP_INSTANCE_UID = 0x00080016, 0x00080018
# An instance's own identities: its study, series, frame of reference and itself
IDENTITIES = frozenset([SOP_INSTANCE_UID, 0x0020000D, 0x0020000E, 0x00200052])

_PRIVATE = re.compile(r"(?P<creator>[^,].*?),\s*(?P<group>[0-9A-Fa-f]{4})[xX]{2}(?P<element>[0-9A-Fa-f]{2})")
_HEX = re.compile(r"[0-9A-Fa-f]{8}")


@dataclass(frozen=True)
class Key:
    """One key of the metadata.

    ``tag`` is 0xggggeeee; for ``Creator, ggggxxee`` it is 0xgggg00ee, the block being up to each file
    (PS3.5 §7.8.1).
    """

    text: str
    tag: int
    creator: str = ""

    @property
    def name(self) -> str:
        """The key in its canonical spelling."""
        if self.creator:
            return f"{self.creator}, {self.tag >> 16:04X}xx{self.tag & 0xFF:02X}"
        return keyword_for_tag(self.tag) or self.text

    def names_creator(self, creator: str) -> bool:
        """Whether ``creator``, as the file spells it, is meant.

        Flywheel stores ``.`` in a key as ``_``.
        """
        return _folded(self.creator) == _folded(creator)

    def is_like(self, other: Key) -> bool:
        """Whether two keys name the same element."""
        return self.tag == other.tag and self.names_creator(other.creator)


def _folded(creator: str) -> str:
    return creator.strip(" \0").replace(".", "_").casefold()


@lru_cache(maxsize=4096)
def key_of(text: str) -> Key | None:
    """Return the element a key names: a keyword, ``Creator, ggggxxee`` or eight hexadecimal digits.

    None for everything else (``CSAHeader``, keywords of no or another dictionary).
    """
    tag = tag_for_keyword(text) if text else None  # some retired elements have the keyword ""
    if tag is not None:
        return Key(text, tag)
    private = _PRIVATE.fullmatch(text)
    if private:
        group, element = int(private["group"], 16), int(private["element"], 16)
        if group & 1:
            return Key(text, group << 16 | element, private["creator"].strip())
        return None
    if _HEX.fullmatch(text):
        return Key(text, int(text, 16))
    return None


@lru_cache(maxsize=4096)
def vr_in_dictionary(tag: int, creator: str = "") -> str:
    """Return the VR of PS3.6 or of pydicom's private dictionary, "" when neither knows the element."""
    try:
        return private_dictionary_VR(tag, creator) if creator else dictionary_VR(tag)
    except KeyError:
        return ""


@lru_cache(maxsize=4096)
def single_valued(tag: int) -> bool:
    """Whether PS3.6 gives the element VM 1."""
    try:
        return dictionary_VM(tag) == "1"
    except KeyError:
        return False
