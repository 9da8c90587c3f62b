"""Code strings as people write them (PS3.5 §6.2, CS: capitals, digits, space and underscore)."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from export_session.dicom.binary.refusal import Unwritable, named
from export_session.dicom.dictionary import MAX_CHARACTERS
from export_session.dicom.edits.typed.enumerated import defined_value
from export_session.dicom.edits.typed.spelling import either, plain

_LONGEST = MAX_CHARACTERS["CS"]


def code(part: Any, keyword: str) -> Any:
    """Return the value of a CS: the code that the standard defines for a word, else capitals.

    Raises
    ------
    Unwritable
        Capitals alone do not make it one.
    """
    if defined := defined_value(part, keyword):
        return part if str(part).rstrip(" \0") == defined else defined
    if not isinstance(part, str) or re.fullmatch(f"[A-Z0-9_ ]{{0,{_LONGEST}}} *", part):
        return part
    text = plain(part)
    capitals = text.upper()
    if not re.fullmatch("[A-Z0-9_ ]*", capitals):
        problem = "holds other characters than those of a code: capitals, digits, space and underscore"
    elif len(capitals) > _LONGEST:
        problem = f"has {len(capitals)} characters, a code holds {_LONGEST}"
    else:
        return capitals
    near = _nearest(text)
    raise Unwritable(f"{named(text)} {problem}" + (f"; {either([near])} would do" if near else ""))


def _nearest(text: str) -> str:
    bare = "".join(char for char in unicodedata.normalize("NFKD", text).upper() if not unicodedata.combining(char))
    return re.sub("[^A-Z0-9_ ]+", "_", bare).strip("_ ")[:_LONGEST].rstrip("_ ")
