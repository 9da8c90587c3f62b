"""What file-metadata-importer leaves out of a header."""

from __future__ import annotations

from pydicom.datadict import dictionary_VR, tag_for_keyword

_DENIED = frozenset(
    [
        "PixelData",
        "ContourData",
        "EncryptedAttributesSequence",
        "OriginalAttributesSequence",
        "SpectroscopyData",
        "EncapsulatedDocument",
        "FileMetaInformationVersion",
    ]
)
_DENIED_VRS = frozenset(["OB", "OW", "UN", "UT"])


def is_shown(keyword: str) -> bool:
    """Tell whether the importer shows elements of that keyword."""
    tag = tag_for_keyword(keyword)
    return bool(tag) and keyword not in _DENIED and dictionary_VR(tag or 0) not in _DENIED_VRS
