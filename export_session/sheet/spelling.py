"""How a value is spelled in a cell, and read back.

It stands there as a person would type it; where that might be taken for something else, as ``<json> …``, which is the
value itself.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from export_session.dicom.dictionary import BINARY_VRS, CHARSET_VRS, NUMBER_VRS
from export_session.sheet.damage import LOGICAL, MONTHS, why_destroyed, why_doubtful
from export_session.sheet.model import UNSAID, Unsaid

BLANK = "<blank>"  # empties the element
ABSENT = "<absent>"  # takes it out of the metadata, as if nobody had ever said anything of it
JSON = "<json>"

_MARKER = re.compile(r"<\s*(\w+)\s*>")
ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # begins what is one character to a workbook (ECMA-376 §22.9.2.19)
_CODE = re.compile(r"[0-9A-Z._]*")
# What a spreadsheet that opens a CSV file may make a number, date, time or logical value of, and show in another form
_FRAGILE = re.compile(
    rf"[-+\d.,:/% $€£APMapm]*\d[-+\d.,:/% $€£APMapm]*(?:[Ee][-+]?\d+)?|.*\b(?:{MONTHS}).*", re.IGNORECASE | re.DOTALL
)
_STURDY = re.compile(r"0|[1-9]\d{0,10}|\d+(?:\.\d+){3,}")  # as these it shows them as they are


class NoMeaning(ValueError):
    """A cell begins like a marker, but is none; the message says what to write."""


def shown(value: Any) -> str:
    r"""Give a value of the metadata as a person would type it: ``A\B`` for a list, nothing for what is empty."""
    if value is None or value is UNSAID:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and not any(isinstance(one, (dict, list, bool)) for one in value):
        return "\\".join(map(shown, value))
    return _as_json(value)


def spelled(value: Any, vr: str = "", *, exact: bool = False, beside: Any = UNSAID) -> str:
    """Give the text of a cell that reads as this value.

    Parameters
    ----------
    vr
        Of the element, "" where there is none.
    exact
        Whether the cell must give back the very value, such as the text 75.5 where a person would mean the number.
    beside
        The condition in its row: what might be a damaged form of that is spelled as JSON, too.
    """
    if value is UNSAID:
        return ABSENT
    if value is None:
        return f"{JSON} null" if exact else BLANK
    text = shown(value)
    if text.startswith(JSON):
        return text
    doubtful = not text or not _is_plain(text, vr) or bool(why_destroyed(text, shown(beside), vr))
    if doubtful or (exact and not _is_certain(value, vr)):
        return _as_json(value)
    return text


def meant(text: str) -> tuple[Any, bool]:
    """Read the text of a cell that is not empty.

    Returns
    -------
    tuple
        The value, and whether it is exact rather than what a person typed.

    Raises
    ------
    NoMeaning
        It begins like a marker, but is none.
    """
    found = _MARKER.match(text)
    if not found or (found.end() < len(text) and found[1].casefold() != "json"):
        return text, False
    marker, rest = f"<{found[1].casefold()}>", text[found.end() :]
    if marker == BLANK:
        return None, False
    if marker == ABSENT:
        return UNSAID, True
    if marker == JSON:
        try:
            return json.loads(rest), True
        except (ValueError, RecursionError):
            raise NoMeaning(
                f'what follows {JSON} is not JSON; text needs quotation marks, as in {JSON} "1.5"'
            ) from None
    raise NoMeaning(
        f"it is no marker; write {BLANK} to empty the element, or the text behind {JSON}, in quotation marks"
    )


def condition(text: str) -> Any:
    """Read the text of a cell that says what the site must hold now; None: nothing."""
    value, _ = meant(text)
    return None if isinstance(value, Unsaid) else value


def _as_json(value: Any) -> str:
    """Spell the value itself; characters that a spreadsheet cannot keep are escaped, as JSON has it."""
    text = json.dumps(value, ensure_ascii=False)
    escaped = "".join(one if is_kept(one) else json.dumps(one)[1:-1] for one in text)
    return f"{JSON} " + ESCAPE.sub(r"\\u005f", escaped)


def _is_plain(text: str, vr: str) -> bool:
    """Whether a person, a spreadsheet and :func:`meant` take the text for what it is."""
    return (
        text == text.strip()
        and all(is_kept(one) for one in text)
        and not _MARKER.match(text)
        and not ESCAPE.search(text)
        and not why_doubtful(text, vr)
    )


def is_kept(character: str) -> bool:
    """Whether spreadsheets and their files keep it: all but control characters, half pairs and no characters."""
    return character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs", "Cn", "Zl", "Zp")


def _is_certain(value: Any, vr: str) -> bool:
    """Whether the text as typed can mean this value only, whatever opens the sheet."""
    if not isinstance(value, str) or "\\" in value or vr in NUMBER_VRS or vr in BINARY_VRS or vr in ("AT", "SQ"):
        return False
    sturdy = bool(_STURDY.fullmatch(value)) or not (_FRAGILE.fullmatch(value) or value.upper() in LOGICAL)
    return sturdy and (vr in CHARSET_VRS or (bool(vr) and bool(_CODE.fullmatch(value))))
