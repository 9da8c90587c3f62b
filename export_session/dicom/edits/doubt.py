"""Values that a known lossy step of some importer could have made of the file's: they are never written.

Whether a person or the step made such a value cannot be told from it. The importers model what they do today;
this is the net below them, for other versions and for what a site did on the way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from export_session.dicom.binary.dataset import PADDING, Value
from export_session.dicom.dictionary import MAX_CHARACTERS, NUMBER_FORMATS, TEXT_VRS, vr_in_dictionary
from export_session.dicom.edits.equality import same
from export_session.dicom.edits.importers import FAITHFUL

_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")  # PS3.5 §9.1
_UID_ROOT = "2.16.840.1.114570."  # of the UIDs that file-metadata-importer makes in place of invalid ones


def why_doubtful(value: Any, in_file: Value) -> str:
    """Say which lossy step could have made a value of what the file holds; "" means that none could."""
    return next((reason for step, reason in _STEPS if step(value, in_file)), "")


def _lost_characters(value: Any, in_file: Value) -> bool:
    """Whether question marks stand where the file has other characters than ASCII."""
    text = _text(in_file)
    if not isinstance(value, str) or "?" not in value or text.isascii():
        return False
    parts = re.split(r"\?+", unicodedata.normalize("NFC", value))
    pattern = r"[^\x00-\x7f]+".join(map(re.escape, parts))
    return re.fullmatch(pattern, text) is not None


def _lost_backslashes(value: Any, in_file: Value) -> bool:
    """Whether bytes 5C are read as 5F, of text or of a number."""
    replaced = in_file.with_value(in_file.raw.replace(b"\\", b"_"))
    return replaced.raw != in_file.raw and same(value, FAITHFUL.of_value(replaced), in_file.vr)


def _other_vr(value: Any, in_file: Value) -> bool:
    """Whether the bytes are read by another VR that the file or the dictionary gives the element."""
    stated = {in_file.element.vr, *vr_in_dictionary(in_file.tag).split(" or ")}
    return any(same(value, _numbers(in_file, vr), vr) for vr in stated & NUMBER_FORMATS.keys()) or (
        not stated <= TEXT_VRS and bool(TEXT_VRS & stated) and same(value, _text(in_file), "LO")
    )


def _cropped(value: Any, in_file: Value) -> bool:
    """Whether a text is cut off where its VR ends (PS3.5 Table 6.2-1)."""
    longest = MAX_CHARACTERS.get(in_file.vr, 0)
    text = _text(in_file)
    return (
        isinstance(value, str) and 0 < longest < len(text) and value.rstrip(PADDING) == text[:longest].rstrip(PADDING)
    )


def _remade_uid(value: Any, in_file: Value) -> bool:
    """Whether a UID stands in place of one that is not valid."""
    return in_file.vr == "UI" and isinstance(value, str) and value.startswith(_UID_ROOT)


def _text(in_file: Value) -> str:
    if in_file.vr not in TEXT_VRS:
        return ""
    return unicodedata.normalize("NFC", in_file.decoded(in_file.vr))


def _numbers(in_file: Value, vr: str) -> Any:
    try:
        numbers = in_file.numbers(vr)
    except ValueError:
        return None
    return numbers[0] if len(numbers) == 1 else numbers


def is_rebuilt_uid(value: Any, in_file: Value) -> bool:
    """Whether the file's UID is invalid and the metadata's is not: some versions of FMI make one in its place."""
    if in_file.vr != "UI" or not isinstance(value, str) or not _is_uid(value):
        return False
    return not in_file.empty and not all(_is_uid(text.strip(" ")) for text in in_file.texts("UI"))


def _is_uid(text: str) -> bool:
    return len(text) <= 64 and _UID.fullmatch(text) is not None


_STEPS: tuple[tuple[Callable[[Any, Value], bool], str], ...] = (
    (_lost_characters, "an importer may have put ? for characters that it could not decode"),
    (_lost_backslashes, "an importer may have read byte 5C as 5F"),
    (_other_vr, "an importer may have read the bytes by another VR"),
    (_cropped, "an importer may have cut the text off"),
    (_remade_uid, "an importer may have made a new UID in place of one that is not valid"),
)
