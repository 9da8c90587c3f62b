"""Values of elements as cells and as text: by their characters in the file, and as numbers where they are numbers."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from export_session.dicom.dictionary import NUMBER_STRINGS
from export_session.report.cells import Numeral, text_of

if TYPE_CHECKING:
    from export_session.report.cells import Cell

JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)  # a decimal string (PS3.5 §6.2)
PLAIN = re.compile(r"(?!-[0.]+$)-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)  # a cell does not show the sign of a zero
DIGITS = 15  # that a spreadsheet keeps of a number


def shown_text(value: Any, vr: str) -> str:
    """Give a value as a person reads it; several numbers are a JSON list of the characters in the file."""
    if vr in NUMBER_STRINGS and isinstance(value, list):
        parts = [part if isinstance(part, str) else json.dumps(part, default=str) for part in value]
        return f"[{', '.join(part if JSON_NUMBER.fullmatch(part) else json.dumps(part) for part in parts)}]"
    return text_of(value)


def shown_cell(value: Any, vr: str) -> Cell:
    """Give a value as a cell: a number if it is one and a spreadsheet can show its very characters, else text.

    An identifier of digits, a date or a time is text, whatever it looks like.
    """
    if isinstance(value, float) and isfinite(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 10**DIGITS else Numeral(value)
    text = shown_text(value, vr)
    if vr not in NUMBER_STRINGS or not NUMBER.fullmatch(text):
        return text
    return Decimal(text) if PLAIN.fullmatch(text) and sum(map(str.isdigit, text)) <= DIGITS else Numeral(text)
