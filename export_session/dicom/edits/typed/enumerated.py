"""Attributes whose values the standard enumerates wherever they appear: no others are allowed (PS3.5 §6.3, PS3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class _Enumerated:
    section: str  # of PS3.3
    values: tuple[str, ...]
    words: Mapping[str, str] = field(default_factory=dict)  # what people write for them, in lower case


_YES_NO = {"yes": "YES", "y": "YES", "true": "YES", "no": "NO", "n": "NO", "false": "NO"}
_SIDES = {"right": "R", "left": "L"}
_MORE_SIDES = {**_SIDES, "unpaired": "U", "both": "B", "bilateral": "B"}
_SIDE_OF = ("R", "L", "U", "B")

_ATTRIBUTES = {
    "PatientSex": _Enumerated("C.7.1.1", ("M", "F", "O"), {"male": "M", "female": "F", "other": "O"}),
    "PatientSexNeutered": _Enumerated("C.7.2.2", ("ALTERED", "UNALTERED"), {"neutered": "ALTERED"}),
    "PatientIdentityRemoved": _Enumerated("C.7.1.1", ("YES", "NO"), _YES_NO),
    "SmokingStatus": _Enumerated("C.2.4", ("YES", "NO", "UNKNOWN"), _YES_NO),
    "Laterality": _Enumerated("C.7.3.1", ("R", "L"), _SIDES),
    "ImageLaterality": _Enumerated("C.8.11.7", _SIDE_OF, _MORE_SIDES),
    "FrameLaterality": _Enumerated("C.7.6.16.2.8", _SIDE_OF, _MORE_SIDES),
    "QualityControlImage": _Enumerated("C.7.6.1", ("YES", "NO", "BOTH"), _YES_NO),
    "BurnedInAnnotation": _Enumerated("C.7.6.1", ("YES", "NO"), _YES_NO),
    "RecognizableVisualFeatures": _Enumerated("C.7.6.1", ("YES", "NO"), _YES_NO),
    "LossyImageCompression": _Enumerated(
        "C.7.6.1", ("00", "01"), {"yes": "01", "no": "00", "true": "01", "false": "00"}
    ),
    "AngioFlag": _Enumerated("C.8.3.1", ("Y", "N"), {"yes": "Y", "no": "N", "true": "Y", "false": "N"}),
    "PixelPresentation": _Enumerated(
        "C.8.16.2", ("COLOR", "MONOCHROME", "MIXED", "TRUE_COLOR", "COLOR_RANGE", "COLOR_REF"), {"colour": "COLOR"}
    ),
    "ContentQualification": _Enumerated("C.8.13.2", ("PRODUCT", "RESEARCH", "SERVICE")),
    "CompletionFlag": _Enumerated("C.17.2", ("PARTIAL", "COMPLETE")),
    "VerificationFlag": _Enumerated("C.17.2", ("UNVERIFIED", "VERIFIED")),
}


def defined_value(part: Any, keyword: str) -> str:
    """Return the value that the standard defines for what was typed, "" if none."""
    attribute = _ATTRIBUTES.get(keyword)
    if attribute is None or not isinstance(part, str | bool):
        return ""
    word = str(part).strip(" \0").casefold()
    return {**{value.casefold(): value for value in attribute.values}, **attribute.words}.get(word, "")


def why_undefined(value: Any, keyword: str) -> str:
    """Say what the standard defines where a value is none of that; "" where it is, or nothing is enumerated."""
    attribute = _ATTRIBUTES.get(keyword)
    parts = value if isinstance(value, list) else str(value).split("\\")
    if attribute is None or all(str(part).strip(" \0") in attribute.values for part in parts):
        return ""
    return _said(keyword)


def without_undefined(warning: str, keyword: str) -> str:
    """Take what :func:`why_undefined` says out of the warnings on a change."""
    return "; ".join(part for part in warning.split("; ") if keyword not in _ATTRIBUTES or part != _said(keyword))


def _said(keyword: str) -> str:
    attribute = _ATTRIBUTES[keyword]
    *others, last = attribute.values
    return f"PS3.3 §{attribute.section} defines {', '.join(others)} and {last} for {keyword}, and no other value"
