"""Elements by their VR in the data dictionaries (PS3.6, and pydicom's collection of private ones)."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._private_dict import private_dictionaries

# Such a change of these is no matter of their value: they say how all the rest is read.
_SPECIAL = frozenset({0x00080005, 0x7FE00010, 0x7FE00008, 0x7FE00009, 0x00020010})
_MAKERS_SHOWN = frozenset(
    {
        *(f"Philips Imaging DD {number}" for number in ("001", "002", "097", "129")),
        *(
            "ELSCINT1",
            "SIEMENS MR HEADER",
            "GEMS_ACQU_01",
            "GEMS_PARM_01",
            "GEIIS PACS",
            "GEMS_HELIOS_01",
            "GEMS_SERS_01",
        ),
        *("Philips PET Private Group", "Philips MR Imaging DD 001", "NQHeader", "NQLeft", "NQRight"),
    }
)


@cache
def by_vr() -> dict[str, tuple[int, ...]]:
    """Tags of public elements of the data set proper by the VR that the dictionary names."""
    found: dict[str, list[int]] = defaultdict(list)
    for tag, entry in sorted(DicomDictionary.items()):
        if tag >> 16 not in (0, 2, 0xFFFE) and tag not in _SPECIAL and entry[4]:
            found[str(entry[0])].append(tag)
    return {vr: tuple(tags) for vr, tags in found.items()}


@cache
def vrs() -> tuple[str, ...]:
    """All VRs of the dictionary, ambiguous ones as it spells them."""
    return tuple(sorted(by_vr()))


def dictionary_vr(tag: int) -> str:
    """The VR of a public element, UN where it is not known."""
    return str(DicomDictionary[tag][0]) if tag in DicomDictionary else "UN"


def is_single_valued(tag: int) -> bool:
    """Whether the dictionary gives the element a value multiplicity of one."""
    return tag in DicomDictionary and DicomDictionary[tag][1] == "1"


@cache
def group_of(number: int) -> tuple[int, ...]:
    """The tags of one group."""
    return tuple(sorted(tag for tag in DicomDictionary if tag >> 16 == number))


@cache
def repeating() -> tuple[tuple[int, str], ...]:
    """Elements of repeating groups with their VR, in the first, second and last group."""
    found = []
    for mask, entry in sorted(RepeatersDictionary.items()):
        if mask.startswith(("50xx", "60xx")):
            found += [(int(mask.replace("xx", group), 16), str(entry[0])) for group in ("00", "02", "1E")]
    return tuple(found)


@cache
def private_known() -> tuple[tuple[str, int, int, str], ...]:
    """Creator, group, low byte of the element and VR of private elements that have a dictionary."""
    found = []
    for creator, entries in sorted(private_dictionaries.items()):
        for mask, entry in sorted(entries.items()):
            if mask[4:6] == "xx" and mask[:4].isalnum() and "x" not in mask[:4] + mask[6:]:
                found.append((creator, int(mask[:4], 16), int(mask[6:], 16), str(entry[0])))
    return tuple(found)


@cache
def private_shown() -> tuple[tuple[str, int, int, str], ...]:
    """The private elements of makers of whose elements some are in table E.3.10-1 of PS3.15, which importers may show."""
    return tuple(entry for entry in private_known() if entry[0] in _MAKERS_SHOWN)
