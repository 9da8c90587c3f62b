"""What DICOM says of its elements and VRs, and which element each key of ``info.header.dicom`` names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from pydicom._dicom_dict import RepeatersDictionary
from pydicom.datadict import (
    dictionary_VM,
    dictionary_VR,
    keyword_for_tag,
    private_dictionary_VM,
    private_dictionary_VR,
    tag_for_keyword,
)

TRANSFER_SYNTAX_UID = 0x00020010
SPECIFIC_CHARACTER_SET = 0x00080005
SOP_CLASS_UID, SOP_INSTANCE_UID = 0x00080016, 0x00080018
PIXEL_REPRESENTATION = 0x00280103
LUT_DESCRIPTORS = frozenset([0x00281101, 0x00281102, 0x00281103, 0x00283002])
PIXEL_DATA = frozenset([0x7FE00008, 0x7FE00009, 0x7FE00010])  # Float, Double Float and plain Pixel Data
# An instance's own identities: its study, series, frame of reference and itself
STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, FRAME_OF_REFERENCE_UID = 0x0020000D, 0x0020000E, 0x00200052
IDENTITIES = frozenset([SOP_INSTANCE_UID, STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, FRAME_OF_REFERENCE_UID])
# Where file-metadata-importer looks for the value of a frame, besides the frame's own item
FRAME_SEQUENCES = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")


def _vrs(names: str) -> frozenset[str]:
    return frozenset(names.split())


# The VRs by how their values are encoded (PS3.5 Table 6.2-1)
NUMBER_FORMATS = {"SS": "h", "US": "H", "SL": "l", "UL": "L", "SV": "q", "UV": "Q", "FL": "f", "FD": "d"}  # struct's
NUMBER_STRINGS = _vrs("DS IS")
NUMBER_VRS = NUMBER_STRINGS.union(NUMBER_FORMATS)
CHARSET_VRS = _vrs("LO LT PN SH ST UC UT")  # Specific Character Set applies to them (§6.1.2.2)
TEXT_VRS = CHARSET_VRS | _vrs("AE AS CS DA DT TM UI UR")
STRING_VRS = TEXT_VRS | NUMBER_STRINGS
BINARY_VRS = _vrs("OB OD OF OL OV OW UN")  # bytes without a form that a person could type

MULTI_LINE_VRS = _vrs("LT ST UT")  # TAB, LF, FF and CR are characters of theirs (§6.1.3)
UNSPLIT_VRS = MULTI_LINE_VRS | {"UR"}  # a backslash is a character of theirs, so they hold one value (§6.2)
# Of one value; of one component group of a person name
MAX_CHARACTERS = {"AE": 16, "CS": 16, "DS": 16, "IS": 12, "LO": 64, "LT": 10240, "PN": 64, "SH": 16, "ST": 1024}
INTEGER_RANGES = {
    "SS": (-(2**15), 2**15 - 1),
    "US": (0, 2**16 - 1),
    "SL": (-(2**31), 2**31 - 1),
    "UL": (0, 2**32 - 1),
    "SV": (-(2**63), 2**63 - 1),
    "UV": (0, 2**64 - 1),
}

# The VRs by the size of their length field in explicit VR: 2 or 4 bytes (§7.1.2)
SHORT_VRS = _vrs("AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US")
LONG_VRS = _vrs("OB OD OF OL OV OW SQ SV UC UN UR UT UV")
FRAGMENT_VRS = _vrs("OB OW")  # of undefined length they hold fragments, all others hold items (§7.5, §A.4)

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
        """Tell whether ``creator``, as the file spells it, is meant.

        Flywheel stores ``.`` in a key as ``_``.
        """
        return _folded(self.creator) == _folded(creator)

    def is_like(self, other: Key) -> bool:
        """Tell whether two keys name the same element."""
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


def why_unknown(text: str) -> str:
    """Say why a key names no element, and which key would if it names one of a repeating group (PS3.5 §7.6)."""
    masks = [mask for mask, entry in RepeatersDictionary.items() if entry[4] == text] if text else []
    if not masks:
        return f"{text} is no DICOM keyword or private element, so it is not exported"
    mask = masks[0]
    what = "group" if "x" in mask[:4] else "element"
    return (
        f"{text} names an element of a repeating {what} ({mask[:4]},{mask[4:]}), so it is not exported; "
        f"write it as eight digits, such as {mask[:4].replace('x', '0')}{mask[4:].replace('x', '1')}"
    )


@lru_cache(maxsize=4096)
def vr_in_dictionary(tag: int, creator: str = "") -> str:
    """Return the VR of PS3.6 or of pydicom's private dictionary, "" when neither knows the element."""
    try:
        return private_dictionary_VR(tag, creator) if creator else dictionary_VR(tag)
    except KeyError:
        return ""


@lru_cache(maxsize=4096)
def resolved_vr(tag: int, creator: str, vr_in_file: str, *, signed: bool) -> str:
    """Return the dictionary's VR of an element as it is in a file; an ambiguous one is resolved by the file.

    Parameters
    ----------
    tag, creator
        With the private block and who reserved it.
    vr_in_file
        "" where the file gives none.
    signed
        What PixelRepresentation makes of "US or SS" (PS3.6 §6, PS3.3 §C.7.6.3.1).
    """
    if tag >> 16 & 1 and not creator:
        return ""
    vr = vr_in_dictionary(tag & 0xFFFF00FF if creator else tag, creator)
    if " or " not in vr:
        return vr
    if vr_in_file in vr.split(" or "):
        return vr_in_file
    if vr == "US or SS":
        return "SS" if signed else "US"
    return "OW"


@lru_cache(maxsize=4096)
def vm_in_dictionary(tag: int, creator: str = "") -> str:
    """Return the VM of PS3.6 or of pydicom's private dictionary, "1-n" when neither knows the element."""
    try:
        return private_dictionary_VM(tag, creator) if creator else dictionary_VM(tag)
    except KeyError:
        return "1-n"


def single_valued(tag: int) -> bool:
    """Tell whether PS3.6 gives the element VM 1."""
    return vm_in_dictionary(tag) == "1"


def tag_text(tag: int, creator: str = "") -> str:
    """Return a tag as ``(0010,0020)``; with the creator of its private block as ``(0019,xx0C)``."""
    group, element = tag >> 16, tag & 0xFFFF
    return f"({group:04X},xx{element & 0xFF:02X})" if creator else f"({group:04X},{element:04X})"
