"""What curators do to metadata: edits of every kind, made on the metadata of a real file.

An :class:`Edit` says what the bytes must hold afterwards; nothing here asks the code under test.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pydicom
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from tests.corpus.samples import P15E, Sample
from tests.support.dicom_bytes import Path

NEW: dict[str, Any] = {
    "AE": "CORRECTED",
    "AS": "042Y",
    "AT": 0x00181063,
    "CS": "CORRECTED",
    "DA": "20010203",
    "DS": 1.25,
    "DT": "20010203040506.25+0100",
    "FD": 0.1,
    "FL": 0.5,
    "IS": 4711,
    "LO": "Corrected by hand",
    "LT": "Line one\r\nline \\ two",
    "PN": "Corrected^Name^^Dr.",
    "SH": "CORRECTED 7",
    "SL": -70000,
    "SS": -7,
    "ST": "Corrected text",
    "TM": "010203.5",
    "UC": "Corrected",
    "UL": 70000,
    "UR": "https://example.org/a?b=c",
    "US": 7,
    "UT": "Corrected unlimited text",
}
TEXTS = {
    "cyrillic": "Городская больница",
    "latin-1": "Müller^Jörg",
    "greek": "Γενικό Νοσοκομείο",
    "japanese": "山田^太郎",
    "korean": "서울대병원",
    "chinese": "北京协和医院",
    "emoji": "ward 🏥 7",
    "arabic": "مستشفى",
}
# Elements that say how the pixels, or the bytes as a whole, are to be read (PS3.3 §C.7.6.3, PS3.10 §7.1).
DESCRIBES_BYTES = frozenset(
    {
        "BitsAllocated",
        "BitsStored",
        "Columns",
        "HighBit",
        "NumberOfFrames",
        "PhotometricInterpretation",
        *(f"{colour}PaletteColorLookupTableDescriptor" for colour in ("Red", "Green", "Blue")),
        "PixelRepresentation",
        "PlanarConfiguration",
        "Rows",
        "SamplesPerPixel",
        "SpecificCharacterSet",
    }
)
RECORD = frozenset({(0x04000561,)})
TEXT_VRS = frozenset({"PN", "LO", "SH", "LT", "ST", "UC", "UT"})


@dataclass(frozen=True)
class Edit:
    """One thing a curator did."""

    kind: str  # a VR, or what is special about the edit
    header: dict[str, Any]  # the edited info.header
    path: Path  # of the element, as the byte judge names it
    vr: str
    value: Any  # what the element is to hold; None: nothing
    members: frozenset[str] | None = None  # of a zip; None: all that are DICOM
    refusal_due: str = ""  # why it must be refused; empty: it is to be applied
    refusal_allowed: str = ""  # why it may be refused as well
    options: dict[str, Any] = field(default_factory=dict)
    recodes: bool = False  # the text of the instance may be encoded anew
    beside: frozenset[Path] = frozenset()  # what may change along with it
    follow: str = ""  # the old UID: elements that refer to it get the new one

    def __str__(self) -> str:
        return f"{self.kind} {self.path[-1]:08X} := {self.value!r}"


@cache
def datasets(sample: Sample) -> dict[str, Dataset]:
    """The instances as pydicom reads them, without bulk; what it cannot read is left out."""
    return {name: read for name, data in sample.instances().items() if (read := parse(data)) is not None}


def parse(data: bytes) -> Dataset | None:
    """A data set, or None where these bytes hold none."""
    force = data[128:132] == b"DICM" or data[:2] in {b"\x08\x00", b"\x00\x08", b"\x02\x00"}
    try:
        return pydicom.dcmread(io.BytesIO(data), force=force)
    except (InvalidDicomError, EOFError, OSError):
        return None


def of_every_vr(sample: Sample, header: dict[str, Any]) -> Iterator[Edit]:
    """One changed value for each VR that the metadata shows, of an element common to all instances."""
    seen: dict[str, list[str]] = {}
    for keyword, element in _common(sample).items():
        if keyword in header["dicom"] and element.VR in NEW and keyword not in DESCRIBES_BYTES:
            seen.setdefault(element.VR, []).append(keyword)
    for vr, keywords in sorted(seen.items()):
        keyword = keywords[zlib.crc32(f"{sample.name} {vr}".encode()) % len(keywords)]
        yield _set_top(header, keyword, _common(sample)[keyword], vr)


def _set_top(header: dict[str, Any], keyword: str, element: DataElement, kind: str) -> Edit:
    new = different(element)
    old = header["dicom"][keyword]
    if isinstance(old, list) and len(old) > 1:
        gappy = len(old) != element.VM or any(part in ("", None) for part in old)
        value = [new, *old[1:]]
        reason = "components are not all in the metadata" if gappy else ""
    else:
        value, reason = new, ""
    return Edit(kind, _with(header, keyword, value), (int(element.tag),), element.VR, value, refusal_allowed=reason)


def different(element: DataElement) -> Any:
    """A valid value for this element that it does not hold."""
    new = NEW[element.VR]
    held = element.value if element.VM < 2 else element.value[0]
    if str(held) != str(new) and (not isinstance(new, int | float) or held != new):
        return new
    return new + 1 if isinstance(new, int | float) else new[:-1] + ("W" if element.VR == "AS" else "2")


def nested(sample: Sample, header: dict[str, Any]) -> Iterator[Edit]:
    """A leaf in the first item of a sequence, one of each VR found on any depth."""
    seen: set[str] = set()
    for keyword, element in _common(sample).items():
        if element.VR != "SQ" or not isinstance(header["dicom"].get(keyword), list):
            continue
        for steps, path, leaf in _leaves(element, header["dicom"][keyword], (int(element.tag),), ()):
            if leaf.VR in NEW and leaf.VR not in seen and leaf.VM == 1 and leaf.keyword not in DESCRIBES_BYTES:
                seen.add(leaf.VR)
                changed = _copy(header)
                target: Any = changed["dicom"][keyword]
                for step in steps:
                    target = target[step]
                new = different(leaf)
                target[leaf.keyword] = new
                yield Edit(f"nested {leaf.VR}", changed, path, leaf.VR, new)


def _leaves(
    sequence: DataElement, shown: Any, path: Path, steps: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], Path, DataElement]]:
    if not isinstance(shown, list) or len(shown) != len(sequence.value):
        return
    for number, (item, part) in enumerate(zip(sequence.value, shown, strict=True)):
        for leaf in item:
            if not isinstance(part, dict) or leaf.keyword not in part:
                continue
            here = (*path, number, int(leaf.tag))
            if leaf.VR == "SQ":
                yield from _leaves(leaf, part[leaf.keyword], here, (*steps, number, leaf.keyword))
            elif leaf.value not in (None, ""):
                yield (*steps, number), here, leaf


def private(sample: Sample) -> Iterator[Edit]:
    """A private element that the importer was told to show."""
    if P15E not in sample.importers:
        return
    header = sample.header(P15E)
    for key, old in header.get("dicom", {}).items():
        match = re.fullmatch(r"(.+),([0-9A-Fa-f]{4})xx([0-9A-Fa-f]{2})", key)
        if not match or isinstance(old, list | dict):
            continue
        creator, group, low = match[1], int(match[2], 16), int(match[3], 16)
        for read in list(datasets(sample).values())[:1]:
            try:
                element = read[read.private_block(group, creator, create=False).get_tag(low)]
            except KeyError:
                continue
            varying = any(
                element.tag not in other or other[element.tag].value != element.value
                for other in datasets(sample).values()
            )
            if element.VR in NEW and not varying:
                new = different(element)
                yield Edit("private", _with(header, key, new), (int(element.tag),), element.VR, new)
                return


def added(sample: Sample, header: dict[str, Any]) -> Iterator[Edit]:
    """An element the file does not have."""
    for keyword, value in {
        "AdditionalPatientHistory": "Fell off a horse",
        "DistanceSourceToPatient": 1.5,
        "ClinicalTrialSubjectID": "S-7",
        "PatientSpeciesDescription": "Felis silvestris",
        "PreMedication": "none",
        "InterventionStatus": "PRE",
    }.items():
        tag = tag_for_keyword(keyword)
        assert tag is not None
        if all(tag not in read for read in datasets(sample).values()):
            yield Edit("added", _with(header, keyword, value), (tag,), dictionary_VR(tag), value)


def blanked(sample: Sample, header: dict[str, Any]) -> Iterator[Edit]:
    """A value taken away, in either way that JSON knows."""
    for keyword, element in _common(sample).items():
        if element.VR in {"LO", "SH", "PN", "DA", "DS"} and header["dicom"].get(keyword) not in (
            "",
            None,
            [],
            "?",
        ):
            yield Edit("blanked", _with(header, keyword, ""), (int(element.tag),), element.VR, None)
            null = "null may be what an importer made of the value"
            yield Edit(
                "null",
                _with(header, keyword, None),
                (int(element.tag),),
                element.VR,
                None,
                refusal_allowed=null,
            )
            return


def text(sample: Sample, header: dict[str, Any]) -> Iterator[Edit]:
    """Text of the world's scripts in an element that is there, or is added."""
    common = _common(sample)
    unreadable = "" if _readable(sample) else "text of the file cannot be read, so it cannot be encoded anew"
    for script, value in TEXTS.items():
        keyword = "PatientName" if "^" in value else "InstitutionName"
        hidden = keyword in common and keyword not in header["dicom"] and common[keyword].value
        varying = keyword not in common and any(keyword in read for read in datasets(sample).values())
        tag = tag_for_keyword(keyword)
        if hidden or varying or tag is None:
            continue
        new = value + "2" if keyword in common and str(common[keyword].value) == value else value
        changed = _with(header, keyword, new)
        vr = dictionary_VR(tag)
        yield Edit(f"text {script}", changed, (tag,), vr, new, refusal_allowed=unreadable, recodes=True)


def per_slice(sample: Sample, header: dict[str, Any]) -> Iterator[Edit]:
    """One entry of one per-slice list."""
    lists = header.get("dicom_array", {})
    members = in_importer_order(sample)
    for keyword in ("SliceLocation", "AcquisitionTime", "EchoTime", "ImagePositionPatient"):
        entries = lists.get(keyword)
        if not entries or len(members) < 2:
            continue
        number = zlib.crc32(sample.name.encode()) % len(entries)
        read = datasets(sample).get(members[number])
        if read is None or keyword not in read or entries[number] in (None, ""):
            continue
        element = read[keyword]
        new = different(element)
        old = entries[number]
        entries = [
            *entries[:number],
            [new, *old[1:]] if isinstance(old, list) else new,
            *entries[number + 1 :],
        ]
        changed = _copy(header)
        changed["dicom_array"][keyword] = entries
        if number == 0:  # both places show the same instance
            changed["dicom"][keyword] = entries[0]
        only = frozenset({members[number]})
        yield Edit("per slice", changed, (int(element.tag),), element.VR, entries[number], members=only)


def to_refuse(sample: Sample, header: dict[str, Any]) -> Iterator[Edit]:
    """What must not be written, whoever asks."""
    shown = header["dicom"]
    for keyword in sorted(DESCRIBES_BYTES & shown.keys()):
        if keyword in _common(sample):
            element = _common(sample)[keyword]
            value: Any = shown[keyword] + 1 if isinstance(shown[keyword], int) else "OTHER"
            yield Edit(
                "refuse",
                _with(header, keyword, value),
                (int(element.tag),),
                element.VR,
                value,
                refusal_due="describes the bytes",
            )
    if "TransferSyntaxUID" in shown:
        other = "1.2.840.10008.1.2.4.201"
        yield Edit(
            "refuse",
            _with(header, "TransferSyntaxUID", other),
            (0x00020010,),
            "UI",
            other,
            refusal_due="file meta information",
        )
    if "DeviceUID" in shown or "SeriesInstanceUID" in shown:
        keyword = "DeviceUID" if "DeviceUID" in shown else "FrameOfReferenceUID"
        if keyword in _common(sample) and keyword in shown:
            tag = int(_common(sample)[keyword].tag)
            yield Edit(
                "refuse",
                _with(header, keyword, "1.2.3.4"),
                (tag,),
                "UI",
                "1.2.3.4",
                refusal_due="edit_uids is off",
            )
    for keyword in ("SliceLocation", "ImagePositionPatient", "WindowCenter"):
        values = {str(read.get(keyword)) for read in datasets(sample).values()}
        if (
            len(values) > 1
            and isinstance(shown.get(keyword), float | int)
            and keyword not in header.get("dicom_array", {})
        ):
            found = tag_for_keyword(keyword)
            assert found is not None
            yield Edit(
                "refuse",
                _with(header, keyword, 4711.5),
                (found,),
                "DS",
                4711.5,
                refusal_due="varies over the series",
            )
            break


def in_importer_order(sample: Sample) -> list[str]:
    """Zip members as file-metadata-importer sorts them: by path, then by InstanceNumber, those without one first."""

    def number(name: str) -> int:
        read = datasets(sample).get(name)
        found = read.get("InstanceNumber") if read is not None else None
        return int(found) if found not in (None, "") else -(10**9)

    return sorted(sorted(name for name, data in sample.instances().items() if data), key=number)


@cache
def _common(sample: Sample) -> dict[str, DataElement]:
    """Public elements that all instances have with one value."""
    first, *others = datasets(sample).values() or [Dataset()]
    found = {}
    for tag in list(first.keys()):
        try:
            element = first[tag]
            held = all(tag in other and other[tag] == element for other in others)
        except (ValueError, NotImplementedError, TypeError):
            continue  # not readable as its VR
        if element.keyword and not element.tag.is_private and held:
            found[element.keyword] = element
    return found


def _readable(sample: Sample) -> bool:
    """Whether all text decodes by the declared character sets, without a guess."""
    for read in datasets(sample).values():
        declared = read.get("SpecificCharacterSet")
        for element in read.iterall():
            text = str(element.value) if element.VR in TEXT_VRS else ""
            if "\ufffd" in text or not (declared or text.isascii()):
                return False
    return True


def _with(header: dict[str, Any], keyword: str, value: Any) -> dict[str, Any]:
    changed: dict[str, Any] = _copy(header)
    changed["dicom"][keyword] = value
    return changed


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list) else value


def uids(sample: Sample, header: dict[str, Any]) -> Iterator[Edit]:
    """UIDs of the series or study, with leave to change them."""
    for keyword in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        element = _common(sample).get(keyword)
        if element is not None and element.value and header["dicom"].get(keyword) == element.value:
            new = f"{element.value[:50].rstrip('.')}.7"
            changed = _with(header, keyword, new)
            options = {"edit_uids": True}
            yield Edit("uid", changed, (int(element.tag),), "UI", new, options=options, follow=element.value)


def recorded(sample: Sample, header: dict[str, Any]) -> Iterator[Edit]:
    """Edits that leave a record of the old value in the instance (PS3.3 §C.12.1.1.9)."""
    for edit in of_every_vr(sample, header):
        yield replace(edit, kind=f"recorded {edit.kind}", options={"record_original_attributes": True}, beside=RECORD)
